"""MLLP blocks on a byte stream: what stands between 0x0B and 0x1C 0x0D, and nothing else."""

from __future__ import annotations

import asyncio
import re

START, END, CR = b"\x0b", b"\x1c", b"\x0d"
# The largest block taken: a report with its pictures as PDF, in base64.
LIMIT = 32 << 20

# A vertical tab inside of a text begins nothing.
_BEGINNING = re.compile(rb"\x0b(?=(?:\xef\xbb\xbf)?(?:MSH|FHS|BHS))")


class BlockTooLargeError(Exception):
    """A block is longer than the limit; what followed its beginning was not kept."""

    def __init__(self, head: bytes) -> None:
        super().__init__("block too large")
        self.head = head


def framed(block: bytes) -> bytes:
    """A block as it goes over the wire."""
    return START + block + END + CR


async def read_block(reader: asyncio.StreamReader, limit: int = LIMIT) -> bytes | None:
    """The next block's content, or None at the end of the stream.

    Framing bytes never occur inside a GB18030 or UTF-8 character, so bytes may be looked at one by one. What
    stands before 0x0B is noise; a sender that begins with MSH without it is understood too.
    """
    parts: list[bytes] = []
    size, begun = 0, False
    while True:
        try:
            piece = await reader.readuntil(END)
        except asyncio.LimitOverrunError as overrun:
            piece = await reader.read(max(overrun.consumed, 1))
            ends = False
        except asyncio.IncompleteReadError:
            return None
        else:
            ends = True
        if not begun:
            piece, begun = _from_its_beginning(piece), True
        size += len(piece)
        if size > limit:
            await _skip(reader, ends)
            raise BlockTooLargeError(b"".join(parts)[:4096] or piece[:4096])
        parts.append(piece)
        if ends:
            return b"".join(parts).removesuffix(END).strip(b"\r\n")


def _from_its_beginning(piece: bytes) -> bytes:
    """Without the noise before 0x0B, and without a block that was begun and never ended."""
    begun = [found.end() for found in _BEGINNING.finditer(piece)]
    return piece[begun[-1] if begun else piece.find(START) + 1 :]


async def _skip(reader: asyncio.StreamReader, ended: bool) -> None:
    """Read up to the block's end and not a byte further."""
    while not ended:
        try:
            await reader.readuntil(END)
            ended = True
        except asyncio.LimitOverrunError as overrun:
            await reader.read(max(overrun.consumed, 1))
        except asyncio.IncompleteReadError:
            ended = True
