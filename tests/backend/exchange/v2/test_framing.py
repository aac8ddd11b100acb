"""Blocks on a byte stream: noise, torn ones, tabs inside, several at once, the limit."""

from __future__ import annotations

import asyncio

import pytest

from backend.exchange.v2.framing import BlockTooLargeError, framed, read_block

HEAD = b"MSH|^~\\&|LIS|QY"


async def blocks(stream: bytes, limit: int = 1 << 20, at_once: int = 64) -> list[bytes]:
    reader = asyncio.StreamReader(limit=at_once)
    reader.feed_data(stream)
    reader.feed_eof()
    found = []
    while (block := await read_block(reader, limit)) is not None:
        found.append(block)
    return found


@pytest.mark.parametrize(
    ("stream", "wanted"),
    [
        (framed(HEAD), [HEAD]),
        (framed(HEAD) * 3, [HEAD] * 3),
        (b"noise\r\n" + framed(HEAD), [HEAD]),
        (HEAD + b"\x1c\r", [HEAD]),
        # Begun, torn, and sent anew on the same line.
        (b"\x0b" + HEAD[:9] + framed(HEAD), [HEAD]),
        (framed(HEAD + b"\rNTE|1||a\x0bb"), [HEAD + b"\rNTE|1||a\x0bb"]),
        (framed(b"\xef\xbb\xbf" + HEAD), [b"\xef\xbb\xbf" + HEAD]),
        (framed(HEAD + b"x" * 500), [HEAD + b"x" * 500]),
        (b"\x0b" + HEAD, []),
        (framed(b""), [b""]),
    ],
)
async def test_a_block_is_what_stands_between_its_marks(stream: bytes, wanted: list[bytes]) -> None:
    assert await blocks(stream) == wanted


async def test_what_follows_a_block_that_is_too_large_is_read() -> None:
    reader = asyncio.StreamReader(limit=64)
    reader.feed_data(framed(HEAD + b"x" * 5_000) + framed(HEAD))
    reader.feed_eof()
    with pytest.raises(BlockTooLargeError) as refused:
        await read_block(reader, 1_000)
    assert refused.value.head.startswith(HEAD)
    assert await read_block(reader, 1_000) == HEAD
