"""The record is reached through one door: bases are made at the gate, its collections named in one store."""

import re

from tests.guards.source import listed, source_files

GATE = "backend.records.gate"
STORE = "backend.records.store"
# Who holds the store itself, and what keeps him from handing out what it holds.
MAY_REACH_THE_STORE = {
    "backend.records.service": "writes; says of what stands only whether, its version, its own numbers",
    "backend.records.reading": "takes a basis first, and writes each access down",
    "backend.records.reindexing": "changes what is found by, and reads nothing out",
    "backend.records.compose": "puts it together",
    "backend.records.sharing_compose": "learns when a visit was, for the relationship of care; no content",
}
NAMES = re.compile(r"""collection\(\s*["'](resources|resource_versions|resources_awaited)["']""")


def test_a_basis_is_made_at_the_gate_only():
    wrong = [
        file.name
        for file in source_files("backend", "admin", "bots")
        if re.search(r"(?<![A-Za-z_])(?:models\.)?Basis\(|replace\(\s*basis\b", file.text)
        and file.module != GATE
    ]
    assert not wrong, listed(wrong)


def test_only_the_store_of_records_names_their_collections():
    wrong = [
        f"{file.name} names {name}"
        for file in source_files("backend", "admin", "bots")
        if not file.module.startswith("backend.db.migrations") and file.module != STORE
        for name in NAMES.findall(file.text)
    ]
    assert not wrong, listed(wrong)


def test_only_writing_and_reading_reach_the_store_of_records():
    wrong = [
        f"{file.name} imports it"
        for file in source_files("backend", "admin", "bots")
        if any(name == STORE or name.startswith(f"{STORE}.") for name in file.imports())
        and file.module not in MAY_REACH_THE_STORE
    ]
    assert not wrong, listed(wrong)
