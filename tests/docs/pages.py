"""The Markdown pages as the tests of this folder read them: links, named files, commands, samples."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.guards.source import ROOT

_FENCE = re.compile(
    r"^(?P<indent> *)```(?P<language>\w*)\n(?P<body>.*?)^(?P=indent)```", re.MULTILINE | re.DOTALL
)
_LINK = re.compile(r"!?\[[^\]]*\]\((?P<target>[^)\s]+)\)")
_CODE = re.compile(r"`([^`\n]+)`")


@dataclass(frozen=True)
class Page:
    """One page."""

    path: Path

    @property
    def name(self) -> str:
        """Its path from the root."""
        return self.path.relative_to(ROOT).as_posix()

    @property
    def text(self) -> str:
        """What it says."""
        return self.path.read_text()

    @property
    def prose(self) -> str:
        """What it says outside fenced blocks."""
        return _FENCE.sub("", self.text)

    def blocks(self, *languages: str) -> list[str]:
        """The fenced blocks in one of these languages, in order."""
        found = _FENCE.finditer(self.text)
        return [match["body"] for match in found if match["language"] in languages]

    def links(self) -> list[str]:
        """Targets of links and images."""
        return [match["target"] for match in _LINK.finditer(self.prose)]

    def words(self) -> list[str]:
        """What stands between single backticks in the prose."""
        return [match[1] for match in _CODE.finditer(self.prose)]


@cache
def tracked_files() -> frozenset[str]:
    """Every file under version control, or about to be."""
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.splitlines()  # fmt: skip
    return frozenset(name for name in listing if (ROOT / name).is_file())


def pages() -> list[Page]:
    """Every page of ours."""
    names = [name for name in sorted(tracked_files()) if name.endswith(".md")]
    return [Page(ROOT / name) for name in names if not name.startswith("tests/fixtures/")]


def page(name: str) -> Page:
    """One page by its path from the root."""
    return Page(ROOT / name)


def shell_lines(one: Page) -> Iterator[str]:
    """Lines a reader would type: of shell blocks, without their comments."""
    for block in one.blocks("sh", "bash", "console"):
        for line in block.splitlines():
            yield line.split("  #")[0].strip()
