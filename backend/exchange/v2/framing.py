"""MLLP blocks on a byte stream: what stands between 0x0B and 0x1C 0x0D, and nothing else."""

from __future__ import annotations

import asyncio

START, END, CR = b"\x0b", b"\x1c", b"\x0d"
# The largest block taken: a report with its pictures as PDF, in base64.
LIMIT = 32 << 20


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
            at = piece.rfind(START) if ends else piece.find(START)
            piece, begun = piece[at + 1 :], True
        size += len(piece)
        if size > limit:
            await _skip(reader, ends)
            raise BlockTooLargeError(b"".join(parts)[:4096] or piece[:4096])
        parts.append(piece)
        if ends:
            return b"".join(parts).removesuffix(END).strip(b"\r\n")


async def _skip(reader: asyncio.StreamReader, ended: bool) -> None:
    while not ended:
        piece = await reader.read(65_536)
        ended = not piece or END in piece
