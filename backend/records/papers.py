"""The words of a PDF. Runs in a process of its own (worker/confined.py): nothing here knows the city."""

from __future__ import annotations

import io
import logging
import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any

from pypdf import PdfReader

from backend.records.narratives import decoded, words_of_markup

# As far as words are looked for (sensitivity.py).
FAR_ENOUGH = 1_000_000
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f\u200b-\u200f\ufeff]")
_SPACE = re.compile(r"\s+")
_BETWEEN = re.compile(r"(?<=[\u3400-\u9fff]) (?=[\u3400-\u9fff])")


def words_of_pdf(content: bytes) -> str | None:
    """What can be read of it: nothing of what is only pictures. None where we cannot say what it says.

    That is what is locked, broken, or carries files that are no text.
    """
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    try:
        found, far = [], 0
        for text in _texts(PdfReader(io.BytesIO(content))):
            found.append(text)
            far += len(text)
            if far > FAR_ENOUGH:
                break
    except Exception:
        # Whatever a stranger's file does to the library: it has not been read.
        return None
    return plain("\n".join(found))


def plain(text: str) -> str:
    """As words are written in the table: one form of each letter, no breaks within a Chinese word."""
    text = _CONTROL.sub("", unicodedata.normalize("NFKC", text))
    return _BETWEEN.sub("", _SPACE.sub(" ", text)).strip()


def _texts(reader: PdfReader) -> Iterator[str]:
    said: Mapping[str, Any] = reader.metadata or {}
    yield " ".join(str(said.get(name, "")) for name in ("/Title", "/Subject", "/Keywords"))
    fields: dict[str, Any] = reader.get_fields() or {}
    yield "\n".join(str(field.get("/V", "")) for field in fields.values())
    for contents in reader.attachments.values():
        for content in contents:
            yield _of_file(content)
    for page in reader.pages:
        yield page.extract_text()
        for note in page.annotations or ():
            yield str(note.get_object().get("/Contents", ""))


def _of_file(content: bytes) -> str:
    """A file within the file. Raises ValueError for what is no text."""
    if b"\0" in content:
        raise ValueError("no text")
    return words_of_markup(decoded(content))
