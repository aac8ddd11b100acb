"""PDFs as hospitals' systems write them: with words, of pictures only, locked."""

from __future__ import annotations

import base64
import functools
import io
from typing import Any

from fpdf import FPDF
from PIL import Image
from pypdf import PdfWriter

from backend.settings import Settings


@functools.cache
def a_pdf(words: str, pages: int = 1) -> bytes:
    """A report in words, wrapped where the column ends."""
    made = FPDF()
    made.add_font("text", fname=Settings(environment="test").pdf_font)
    for _ in range(pages):
        made.add_page()
        made.set_font("text", size=12)
        made.multi_cell(60, 8, words)
    return bytes(made.output())


def a_scan() -> bytes:
    """A page that is a picture."""
    made = FPDF()
    made.add_page()
    made.image(Image.new("L", (200, 300), 200), 0, 0, 100)
    return bytes(made.output())


def locked(content: bytes) -> bytes:
    """The same, opened by a password that nobody here has."""
    return _rewritten(content, lambda writer: writer.encrypt("secret"))


def carrying(content: bytes, name: str, file: bytes) -> bytes:
    """The same, with a file in it."""
    return _rewritten(content, lambda writer: writer.add_attachment(name, file))


def titled(content: bytes, title: str) -> bytes:
    """The same, called something."""
    return _rewritten(content, lambda writer: writer.add_metadata({"/Title": title}))


def in_base64(content: bytes) -> str:
    """As it stands in a resource."""
    return base64.b64encode(content).decode()


def _rewritten(content: bytes, change: Any) -> bytes:
    writer = PdfWriter()
    writer.append(io.BytesIO(content))
    change(writer)
    made = io.BytesIO()
    writer.write(made)
    return made.getvalue()
