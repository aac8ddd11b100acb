"""Reads the picture of a QR code as a scanner does: a test believes its eyes, not the words of the page.

Error correction M up to version 6, which is what the app shows; a sharp picture needs no correcting.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from playwright.async_api import Locator

# The modules of the picture, as 0 and 1; the quiet zone is cut away.
MODULES = """async (holder) => {
  const image = holder.querySelector('img')
  await image.decode()
  const canvas = new OffscreenCanvas(image.naturalWidth, image.naturalHeight)
  const context = canvas.getContext('2d')
  context.drawImage(image, 0, 0)
  const { data, width } = context.getImageData(0, 0, canvas.width, canvas.height)
  const dark = (x, y) => data[(y * width + x) * 4] < 128
  let edge = 0
  while (!dark(edge, edge)) edge += 1
  let cell = 1
  while (dark(edge + cell, edge + cell)) cell += 1
  const count = Math.round((width - 2 * edge) / cell)
  const at = (n) => edge + n * cell + Math.floor(cell / 2)
  const line = [...Array(count).keys()]
  return line.map((y) => line.map((x) => Number(dark(at(x), at(y)))))
}"""
ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
ALPHANUMERIC, BYTE = 2, 4
# Blocks of each version at level M, all of one length, and the data bytes of one.
BLOCKS = {1: (1, 16), 2: (1, 28), 3: (1, 44), 4: (2, 32), 5: (2, 43), 6: (4, 27)}
MASKS: tuple[Callable[[int, int], int], ...] = (
    lambda i, j: (i + j) % 2,
    lambda i, j: i % 2,
    lambda i, j: j % 3,
    lambda i, j: (i + j) % 3,
    lambda i, j: (i // 2 + j // 3) % 2,
    lambda i, j: i * j % 2 + i * j % 3,
    lambda i, j: (i * j % 2 + i * j % 3) % 2,
    lambda i, j: ((i + j) % 2 + i * j % 3) % 2,
)
Modules = list[list[int]]


async def read_picture(holder: Locator) -> str:
    """The text of the QR code in this element."""
    return read(await holder.evaluate(MODULES))


def read(modules: Modules) -> str:
    """The text of a QR code."""
    level_and_mask = [bit ^ flip for bit, flip in zip(modules[8][:5], (1, 0, 1, 0, 1), strict=True)]
    assert level_and_mask[:2] == [0, 0], "the error correction is not M"
    mask = MASKS[_number(level_and_mask[2:])]
    size = len(modules)
    bits = [modules[i][j] ^ (mask(i, j) == 0) for i, j in _way(size)]
    blocks, length = BLOCKS[(size - 17) // 4]
    stream = [_number(bits[n : n + 8]) for n in range(0, blocks * length * 8, 8)]
    data = [byte for block in range(blocks) for byte in stream[block::blocks]]
    return _text([byte >> n & 1 for byte in data for n in range(7, -1, -1)])


def _way(size: int) -> Iterator[tuple[int, int]]:
    """Where the bits lie, one after the other: up and down in columns of two, from the right."""
    rows, column = range(size - 1, -1, -1), size - 1
    while column > 0:
        column -= column == 6
        for i in rows:
            yield from ((i, j) for j in (column, column - 1) if not _is_fixed(size, i, j))
        rows, column = rows[::-1], column - 2


def _is_fixed(size: int, i: int, j: int) -> bool:
    corner = (i < 9 and (j < 9 or j >= size - 8)) or (i >= size - 8 and j < 9)
    middle = size - 7
    aligning = size > 21 and abs(i - middle) <= 2 and abs(j - middle) <= 2
    return corner or aligning or i == 6 or j == 6


def _text(bits: list[int]) -> str:
    kind = _number(bits[:4])
    if kind == BYTE:
        length = _number(bits[4:12])
        return bytes(_number(bits[n : n + 8]) for n in range(12, 12 + length * 8, 8)).decode()
    assert kind == ALPHANUMERIC, kind
    length, at, text = _number(bits[4:13]), 13, ""
    while len(text) + 1 < length:
        pair = _number(bits[at : at + 11])
        text, at = text + ALPHABET[pair // 45] + ALPHABET[pair % 45], at + 11
    return text if len(text) == length else text + ALPHABET[_number(bits[at : at + 6])]


def _number(bits: list[int]) -> int:
    return int("".join(map(str, map(int, bits))), 2)
