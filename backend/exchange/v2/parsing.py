"""From a block's text to messages: line ends, batches, headers. python-hl7 takes each message apart."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import hl7
from hl7.exceptions import HL7Exception

_LINE_ENDS = re.compile(r"\r\n|\n|\r")
_SEGMENT = re.compile(r"[A-Za-z][A-Za-z0-9]{2}(?=[^A-Za-z0-9]|$)")
_EDGES = "\ufeff\x0b\x1c\r\n\t \x00"
_HEADERS = ("MSH", "FHS", "BHS")
_ENVELOPE = ("FHS", "BHS", "BTS", "FTS")


# Fields, repetitions, components and their parts in one message; a segment costs as much as some of them.
MOST_PARTS = 200_000
_OF_A_SEGMENT = 4


class UnreadableError(Exception):
    """This is no HL7 message."""


@dataclass(frozen=True)
class Header:
    """What MSH says; texts as they stand there, so that an answer can repeat them."""

    separator: str = "|"
    encoding: str = "^~\\&"
    sending_app: str = ""
    sending_facility: str = ""
    receiving_app: str = ""
    receiving_facility: str = ""
    at: str = ""
    type: str = ""
    event: str = ""
    structure: str = ""
    control_id: str = ""
    processing_id: str = ""
    version: str = ""
    accept_ack: str = ""
    application_ack: str = ""
    charset: str = ""

    @property
    def kind(self) -> str:
        """The message's type and event, as in the tables: ADT^A01."""
        return f"{self.type}^{self.event}"

    @property
    def component(self) -> str:
        """The component separator."""
        return self.encoding[:1] or "^"


@dataclass(frozen=True)
class Envelope:
    """What a block held: its messages, one text each, and what the batch around them said of their number."""

    messages: list[str] = field(default_factory=list)
    batches: int = 0
    # Of a batch whose trailer counts other messages than came: 'BTS' or 'FTS'.
    miscounted: str = ""


def lines_of(text: str) -> list[str]:
    """One line for each segment; a line that begins with no name belongs to the one before.

    In a text broken into lines, MRI: or PSA 4.2 is no name: the field separator stands behind one.
    """
    # Of each segment its lines; put together at the end, for a picture may come in a hundred thousand.
    lines: list[list[str]] = []
    mark = ""
    for line in _LINE_ENDS.split(text.strip(_EDGES)):
        line = line.strip(_EDGES) if len(line) < 8 else line.lstrip("\ufeff\x0b")
        if not line:
            continue
        if line.startswith(_HEADERS):
            mark = line[3:4]
        if lines and not _begins_segment(line, mark):
            lines[-1].append(line)
        else:
            lines.append([line[:3].upper() + line[3:] if lines and mark else line])
    return ["\\.br\\".join(parts) for parts in lines]


def _begins_segment(line: str, mark: str) -> bool:
    """Whether a segment's name stands there; some systems write it in small letters."""
    if not _SEGMENT.match(line):
        return False
    return line[3:4] == mark if mark and len(line) > 3 else line[:3].isupper()


def open_envelope(text: str) -> Envelope:
    """The messages of a block, alone or in batches, each with carriage returns as segment ends."""
    messages: list[list[str]] = []
    batches, in_batch, miscounted = 0, 0, ""
    for line in lines_of(text):
        name = line[:3]
        if name == "MSH":
            messages.append([line])
            in_batch += 1
        elif name == "BHS":
            batches, in_batch = batches + 1, 0
        elif name in ("BTS", "FTS"):
            counted = _count(line)
            if counted is not None and counted != (in_batch if name == "BTS" else batches):
                miscounted = miscounted or name
        elif name != "FHS" and messages:
            messages[-1].append(line)
        elif name not in _ENVELOPE:
            messages.append([line])
    return Envelope(["\r".join(lines) + "\r" for lines in messages], batches, miscounted)


def _count(line: str) -> int | None:
    said = line[4:].split(line[3:4] or "|")[0].strip()
    return int(said) if said.isascii() and said.isdigit() else None


def read_header(text: str) -> Header:
    """The header of a message, as far as it can be read at all."""
    line = text.partition("\r")[0]
    if not line.startswith("MSH") or len(line) < 8:
        return Header()
    separator = line[3]
    fields = [separator, *line[4:].split(separator)]
    said = dict(enumerate(fields, start=1))
    encoding = said.get(2, "")
    kind = [*said.get(9, "").split(encoding[:1] or "^"), "", "", ""]
    return Header(
        separator=separator,
        encoding=encoding,
        sending_app=said.get(3, ""),
        sending_facility=said.get(4, ""),
        receiving_app=said.get(5, ""),
        receiving_facility=said.get(6, ""),
        at=said.get(7, ""),
        type=kind[0].strip(),
        event=kind[1].strip(),
        structure=kind[2].strip(),
        control_id=said.get(10, "").strip(),
        processing_id=said.get(11, "").split(encoding[:1] or "^")[0].strip(),
        version=said.get(12, "").split(encoding[:1] or "^")[0].strip(),
        accept_ack=said.get(15, "").strip().upper(),
        application_ack=said.get(16, "").strip().upper(),
        charset=said.get(18, ""),
    )


def take_apart(text: str) -> hl7.Message:
    """The message as python-hl7's tree. Raises UnreadableError."""
    header = read_header(text)
    if not header.type and not header.control_id:
        raise UnreadableError("no message header")
    if not usable_delimiters(header):
        raise UnreadableError("delimiters")
    try:
        return hl7.parse(text)
    except (HL7Exception, ValueError, IndexError, KeyError, AttributeError, TypeError) as error:
        raise UnreadableError(type(error).__name__) from error


def too_intricate(text: str, header: Header) -> bool:
    """Whether a message has more parts than any has: taking it apart would cost many times its size."""
    parts = _OF_A_SEGMENT * text.count("\r")
    parts += sum(text.count(mark) for mark in header.separator + header.encoding.replace("\\", ""))
    return parts > MOST_PARTS


def usable_delimiters(header: Header) -> bool:
    """Whether MSH-1 and MSH-2 are marks that can part anything: different, printable, no letters."""
    marks = header.separator + header.encoding
    return (
        4 <= len(marks) <= 6
        and len(set(marks)) == len(marks)
        and all(
            mark.isprintable() and mark.isascii() and not mark.isalnum() and mark != " " for mark in marks
        )
    )
