"""What an operator or a reviewer looks up is there: every warning, every metric, every collection."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from backend.db.client import Database
from backend.db.collections import SHARD_KEYS
from backend.metrics import exposition
from tests.docs.pages import page
from tests.guards.source import SourceFile, listed, source_files

OPERATIONS = page("docs/operations.md")
LOUD = ("warning", "error", "critical", "exception")


def logged_events(file: SourceFile, levels: tuple[str, ...]) -> Iterator[str]:
    """Names of the events a file logs at these levels."""
    for node in ast.walk(file.tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args):
            continue
        owner, first = node.func.value, node.args[0]
        is_log = isinstance(owner, ast.Name) and owner.id == "log" and node.func.attr in levels
        if is_log and isinstance(first, ast.Constant):
            yield str(first.value)


def described_events() -> set[str]:
    """What stands in the first column of the table of log lines."""
    table = OPERATIONS.text.partition("## Log lines")[2].partition("\n## ")[0]
    rows = [row for row in table.splitlines() if row.startswith("| `")]
    return {name for row in rows for name in re.findall(r"`([a-z_]+)`", row.split("|")[1])}


def test_every_warning_and_error_of_the_city_is_explained():
    files = source_files("backend", "payment", "notify", "admin", "bots")
    loud = {event for file in files for event in logged_events(file, LOUD)}
    assert len(loud) > 15
    assert loud <= described_events(), listed(sorted(loud - described_events()))


def test_no_line_is_explained_that_is_not_written():
    files = source_files("backend", "payment", "notify", "admin", "bots")
    written = {event for file in files for event in logged_events(file, (*LOUD, "info"))}
    assert described_events() <= written, listed(sorted(described_events() - written))


def test_every_metric_is_explained():
    told = re.findall(r"^# HELP (healthycity_\w+)", exposition()[1].decode(), re.MULTILINE)
    names = {name for name in told if not name.endswith("_created")}
    assert len(names) >= 8
    assert names <= set(OPERATIONS.words()), listed(sorted(names - set(OPERATIONS.words())))


@pytest.mark.parametrize("name", ["docs/privacy.md", "docs/architecture.md"])
async def test_every_collection_is_named(name: str, db: Database):
    assert SHARD_KEYS, f"{db.name} has not been migrated here"
    named = set(page(name).words())
    assert set(SHARD_KEYS) <= named, listed(sorted(set(SHARD_KEYS) - named))
