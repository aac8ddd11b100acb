"""multipart/related, as DICOMweb uses it: read and written. Pure."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable, Sequence

_BOUNDARY = re.compile(r'boundary="?([0-9A-Za-z\'()+_,\-./:=? ]{1,70}?)"?\s*(?:;|$)')
_MOST_PARTS = 1_000


class MultipartError(ValueError):
    """A body that does not fall into parts."""


def boundary_of(content_type: str) -> str:
    """The boundary that a Content-Type names. Raises MultipartError."""
    found = _BOUNDARY.search(content_type)
    if found is None:
        raise MultipartError("no boundary")
    return found[1]


def read_parts(body: bytes, boundary: str) -> list[tuple[str, bytes]]:
    """The parts as (content type, content). Raises MultipartError."""
    mark = b"--" + boundary.encode()
    pieces = body.split(mark)
    if len(pieces) < 3 or not pieces[-1].startswith(b"--") or len(pieces) - 2 > _MOST_PARTS:
        raise MultipartError("no parts, or no end")
    return [_part(piece) for piece in pieces[1:-1]]


def write_parts(parts: Iterable[tuple[str, bytes]], boundary: str) -> Sequence[bytes]:
    """A body in pieces, to be written one after another."""
    pieces: list[bytes] = []
    for content_type, content in parts:
        pieces += [_head(content_type, boundary), content, b"\r\n"]
    return [*pieces, _end(boundary)]


async def stream_parts(
    parts: AsyncIterator[tuple[str, AsyncIterator[bytes]]], boundary: str
) -> AsyncIterator[bytes]:
    """The same of parts that come in pieces; without its end, a body has been cut off."""
    async for content_type, pieces in parts:
        # With the first piece: a part that cannot be read is not announced.
        head = _head(content_type, boundary)
        async for piece in pieces:
            yield head + piece
            head = b""
        yield b"\r\n"
    yield _end(boundary)


def _head(content_type: str, boundary: str) -> bytes:
    return f"--{boundary}\r\nContent-Type: {content_type}\r\n\r\n".encode()


def _end(boundary: str) -> bytes:
    return f"--{boundary}--\r\n".encode()


def _part(piece: bytes) -> tuple[str, bytes]:
    head, blank, content = piece.partition(b"\r\n\r\n")
    if not blank:
        raise MultipartError("a part without headers")
    kind = ""
    for line in head.decode("latin-1").split("\r\n"):
        name, _, value = line.partition(":")
        if name.strip().lower() == "content-type":
            kind = value.partition(";")[0].strip().lower()
    # The line end before the next boundary belongs to the boundary.
    return kind, content.removesuffix(b"\r\n")
