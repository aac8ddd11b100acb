"""Every link leads somewhere, every file named in the docs exists, every heading that is linked is there."""

from __future__ import annotations

import re

import pytest

from tests.docs.pages import Page, pages, tracked_files
from tests.guards.source import ROOT, TOP_LEVEL, listed

PAGES = pages()
# A path of ours between backticks: it begins with a folder of ours and names a file or a folder.
_FOLDERS = (*TOP_LEVEL, "tests", "docs", "miniprogram", ".ci")
_PATH = re.compile(rf"(?:{'|'.join(re.escape(folder) for folder in _FOLDERS)})/[\w./*$-]*")
_FILE = re.compile(r"[\w-]+\.(?:py|md|ts|tsx|json|toml|html|css)")
# What a command or a person makes; it is not kept.
_MADE = (".demo/", "test-artifacts/", "miniprogram/dist/", "miniprogram/node_modules")
# Named without being there: what a command makes, and what there is not, on purpose.
_NOT_HERE = {"keys.json", "city.json", "utils.py", "helpers.py", "common.py", "bootstrap.py"}


def ids(page: Page) -> str:
    return page.name


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_every_link_leads_to_a_file_of_ours(page: Page):
    broken = [
        target
        for target in page.links()
        if not target.startswith(("http://", "https://", "#", "mailto:"))
        and not (page.path.parent / target.partition("#")[0]).exists()
    ]
    assert not broken, listed(broken)


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_every_path_that_is_named_exists(page: Page):
    named = {match[0] for word in page.words() if (match := _PATH.fullmatch(word.strip()))}
    missing = [path for path in named if not path.startswith(_MADE) and not exists(path)]
    assert not missing, listed(missing)


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_every_file_that_is_named_without_its_folder_exists_somewhere(page: Page):
    known = {name.rpartition("/")[2] for name in tracked_files()} | _NOT_HERE
    named = {word.strip() for word in page.words() if _FILE.fullmatch(word.strip())}
    assert named <= known, listed(sorted(named - known))


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_every_heading_that_is_linked_is_there(page: Page):
    lost = []
    for target in page.links():
        file, _, heading = target.partition("#")
        if heading and not target.startswith("http"):
            there = Page((page.path.parent / file) if file else page.path)
            lost += [] if heading in anchors(there) else [target]
    assert not lost, listed(lost)


def test_every_page_of_docs_is_in_the_index():
    index = Page(ROOT / "docs" / "README.md")
    linked = {target.partition("#")[0] for target in index.links()}
    pages_of_docs = {one.path.name for one in PAGES if one.path.parent == ROOT / "docs"} - {"README.md"}
    assert pages_of_docs <= linked, listed(sorted(pages_of_docs - linked))


def exists(path: str) -> bool:
    """Whether a path, possibly with a star, names something of ours."""
    if "*" in path:
        return bool(list(ROOT.glob(path)))
    return (ROOT / path).exists()


def anchors(page: Page) -> set[str]:
    """The headings of a page as links name them."""
    headings = re.findall(r"^#+ (.+)$", page.prose, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
