"""Answers: ACK with MSA and ERR, RRI to a referral; in the sender's delimiters, version and characters."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from backend import clock
from backend.exchange.v2.charsets import Charset
from backend.exchange.v2.parsing import Header, usable_delimiters
from backend.exchange.v2.rules import ERRORS, Problem
from backend.ids import new_id

OUR_APP, OUR_FACILITY = "HEALTHYCITY", "CITY"
_STANDARD = ("|", "^~\\&")
_COMMIT = {"AA": "CA", "AE": "CE", "AR": "CR"}


def verdict_of(problems: Sequence[Problem]) -> str:
    """AR wins over AE: what cannot be taken at all need not be corrected first."""
    verdicts = {problem.verdict for problem in problems}
    return "AR" if "AR" in verdicts else "AE" if verdicts else "AA"


def answer_code(header: Header, verdict: str) -> str:
    """The code for MSA-1: of the original mode, or of the commit level where the sender asked for that.

    Every message is answered once, even one that asks for nothing: over MLLP its sender waits for something.
    """
    good = verdict == "AA"
    asked = header.accept_ack
    if asked == "AL" or (asked == "SU" and good) or (asked == "ER" and not good):
        return _COMMIT[verdict]
    return verdict


def make_answer(
    header: Header,
    code: str,
    charset: Charset,
    problems: Sequence[Problem] = (),
    *,
    echoed: Sequence[str] = (),
    at: datetime | None = None,
) -> bytes:
    """The answer's bytes. `echoed` are segments of a referral that its answer repeats as they came."""
    writer = _Writer(header)
    referral = header.type == "REF" and code in ("AA", "AE", "AR") and bool(echoed)
    said = charset.name if charset.declared or charset.codec != "utf-8" else ""
    lines = [_msh(writer, header, said, at or clock.now(), referral=referral)]
    lines.append(writer.line("MSA", [code, writer.copied(header.control_id)]))
    lines += [_err(writer, header, problem, charset) for problem in problems]
    if referral:
        lines += echoed
    text = "\r".join(lines) + "\r"
    return charset.encode(text)


class _Writer:
    def __init__(self, header: Header) -> None:
        self.own = usable_delimiters(header) and header.type != ""
        self.separator, self.encoding = (header.separator, header.encoding) if self.own else _STANDARD
        self.component = self.encoding[0]
        self.part = self.encoding[3] if len(self.encoding) > 3 else "&"

    def line(self, name: str, fields: list[str]) -> str:
        return f"{name}{self.separator}" + self.separator.join(fields).rstrip(self.separator)

    def copied(self, text: str) -> str:
        """A field of the sender's header, in his own delimiters; made harmless when those are no good."""
        return text if self.own else "".join(c for c in text if c.isalnum() or c in " .-_")[:200]

    def text(self, text: str) -> str:
        marks = self.separator + self.encoding
        return "".join(" " if c in marks or c in "\r\n" else c for c in text)


def _msh(writer: _Writer, header: Header, charset: str, at: datetime, *, referral: bool) -> str:
    version = header.version or "2.5.1"
    short = version.startswith("2.3") and version != "2.3.1"
    kind = ["RRI" if referral else "ACK", header.event]
    if not short:
        kind.append(f"RRI_{header.event}" if referral else "ACK")
    fields = [
        writer.encoding,
        writer.copied(header.receiving_app) or OUR_APP,
        writer.copied(header.receiving_facility) or OUR_FACILITY,
        writer.copied(header.sending_app),
        writer.copied(header.sending_facility),
        at.astimezone(clock.CITY_ZONE).strftime("%Y%m%d%H%M%S%z"),
        "",
        writer.component.join(part for part in kind if part) if header.event else "ACK",
        new_id(),
        writer.copied(header.processing_id) or "P",
        writer.copied(version),
    ]
    fields += ["", "", "", "", "", writer.text(charset)] if charset else []
    return writer.line("MSH", fields)


def _err(writer: _Writer, header: Header, problem: Problem, charset: Charset) -> str:
    where = problem.where
    place = [where.segment, str(where.at)] if where else []
    if where and where.field is not None:
        place.append(str(where.field))
        # From 2.5 on a repetition stands before the component.
        place += ["1", str(where.component)] if where.component is not None else []
    coded = [problem.code, ERRORS.get(problem.code, "Application error"), "HL70357"]
    if header.version[:3] in ("2.3", "2.4"):
        place = [*place, "", "", ""][:3]
        return writer.line("ERR", [writer.component.join([*place, writer.part.join(coded)])])
    told = problem.text if _can_say(charset, problem.text) else ""
    fields = [
        "",
        writer.component.join(place),
        writer.component.join(coded),
        "E",
        "",
        "",
        "",
        writer.text(told),
    ]
    return writer.line("ERR", fields)


def _can_say(charset: Charset, text: str) -> bool:
    try:
        text.encode(charset.codec)
    except UnicodeEncodeError:
        return False
    return True
