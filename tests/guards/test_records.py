"""The record is reached through one door: bases are made at the gate, its collections named in one store."""

import re

from tests.guards.source import listed, source_files

GATE = "backend.records.gate"
STORE = "backend.records.store"
# Who holds the store itself, and what keeps him from handing out what it holds.
MAY_REACH_THE_STORE = {
    "backend.records.service": "writes; says of what stands only whether, its version, its own numbers",
    "backend.records.reading": "takes a basis first, and writes each access down",
    "backend.records.screening": "reads what PDFs say, and tells nobody but the level",
    "backend.records.reindexing": "changes what is found by, and reads nothing out",
    "backend.records.compose": "puts it together",
    "backend.records.files": "names the form of a change, and reads nothing",
    "backend.records.sharing_compose": "learns when a visit was, for the relationship of care; no content",
}
# The same for pictures, which lie outside the record: the study they belong to is read first, on a basis. And
# for documents that lie apart from their resource: it is read first, and names them.
MAY_REACH_THE_IMAGES = {
    "backend.reports.image_store": {
        "backend.reports.images": "reads the ImagingStudy through the record; keeps what a hospital sends",
        "backend.reports.compose": "puts it together",
    },
    "backend.records.file_store": {
        "backend.records.files": "keeps them with the write of their resource, opens what it names",
        "backend.records.compose": "puts it together",
    },
    "backend.records.blobs": {
        "backend.records.files": "the same; a blob opens with the key in the file's own document only",
        "backend.records.compose": "puts it together",
        "backend.reports.images": "the same; a blob opens with the key in the image's own document only",
        "backend.reports.export_store": "whole files that a resident has ordered, for him alone",
        "backend.reports.exporting": "makes the key of such a file",
        "backend.reports.compose": "puts it together",
    },
    "backend.records.piece_store": {
        "backend.records.compose": "puts it together",
        "backend.reports.export_store": "the pieces of such a file",
        "backend.reports.link_store": "encrypted with a key that only the link holds",
        "backend.reports.compose": "puts it together",
    },
}
PICTURE_STORES = ("backend.reports.image_store", "backend.records.piece_store", "backend.records.file_store")
IMAGE_NAMES = re.compile(r"""collection\(\s*["'](images|blob_pieces|resource_files)["']""")
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


def test_only_who_reads_the_study_first_reaches_pictures():
    wrong = [
        f"{file.name} imports {store}"
        for store, allowed in MAY_REACH_THE_IMAGES.items()
        for file in source_files("backend", "admin", "bots")
        if any(name == store or name.startswith(f"{store}.") for name in file.imports())
        and file.module not in allowed
    ]
    assert not wrong, listed(wrong)
    gone = [
        f"{module} does not import {store}"
        for store, allowed in MAY_REACH_THE_IMAGES.items()
        for module in allowed
        for file in source_files("backend")
        if file.module == module
        and not any(name == store or name.startswith(f"{store}.") for name in file.imports())
    ]
    assert not gone, listed(gone)


def test_only_their_stores_name_the_collections_of_pictures():
    wrong = [
        f"{file.name} names {name}"
        for file in source_files("backend", "admin", "bots")
        if not file.module.startswith("backend.db.migrations") and file.module not in PICTURE_STORES
        for name in IMAGE_NAMES.findall(file.text)
    ]
    assert not wrong, listed(wrong)
