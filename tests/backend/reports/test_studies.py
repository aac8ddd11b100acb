"""Whole studies and series: file by file, as they were sent, no faster than they are taken, never cut off."""

from __future__ import annotations

import io
import random
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pydicom
import pytest
from pydicom.uid import UID

from backend.audit.models import AuditFilter
from backend.db.client import Database
from backend.permissions import SYSTEM
from backend.records.blobs import PIECE_BYTES
from backend.reports.image_store import ImageStore
from backend.reports.multipart import boundary_of, read_parts
from tests.backend.reports.test_images import a_file, fetch, many
from tests.support.city import Surroundings, TestCity, open_test_city


@pytest.fixture
async def town(surroundings: Surroundings, mongo_uri: str, db: Database) -> AsyncIterator[TestCity]:
    async with open_test_city(surroundings, mongo_uri, db) as city:
        yield city


def a_slice(series: str, number: int, filling: int = 0) -> bytes:
    """One of a study's instances; with so many bytes more of a private element."""
    dataset, written = pydicom.dcmread(io.BytesIO(a_file("CT_small.dcm"))), io.BytesIO()
    dataset.SeriesInstanceUID, dataset.InstanceNumber = series, number
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = UID(f"{series}.{number}")
    if filling:
        dataset.add_new(0x00091001, "OB", random.Random(number).randbytes(filling))
    dataset.save_as(written)
    return written.getvalue()


async def test_a_whole_study_or_series_comes_file_by_file_in_its_order(town: TestCity):
    client = await town.hospital_client()
    # The last one is of several pieces.
    files = {("1.1", 1): 0, ("1.1", 2): 0, ("1.2", 10): 0, ("1.2", 11): 3 * PIECE_BYTES}
    sent = {name: a_slice(*name, filling) for name, filling in files.items()}
    stored = await town.call("POST", "/dicomweb/studies", as_=client, **many(*reversed(sent.values())))
    assert len(stored["00081199"]["Value"]) == 4
    study = (await town.call("GET", "/dicomweb/studies", as_=client))[0]["0020000D"]["Value"][0]
    path = f"/dicomweb/studies/{study}"
    read = AuditFilter(action="records.read", actor_id=client.id)
    before = len((await town.city.services.audit.list_entries(SYSTEM, read, limit=100))[0])
    for tail, expected in (
        ("", list(sent.values())),
        ("/series/1.2", [data for (series, _), data in sent.items() if series == "1.2"]),
    ):
        whole = await fetch(town, client, path + tail, Accept='multipart/related; type="application/dicom"')
        assert whole.headers["Cache-Control"] == "no-store"
        parts = read_parts(whole.content, boundary_of(whole.headers["Content-Type"]))
        assert [data for _, data in parts] == expected
    entries = (await town.city.services.audit.list_entries(SYSTEM, read, limit=100))[0]
    assert len(entries) - before == 2, "one reading each, of the study"
    for nothing in (f"{path}/series/1.3", "/dicomweb/studies/1.9"):
        await fetch(town, client, nothing, 404)

    # What cannot be read to its end never ends like a whole one; what cannot be begun is refused.
    pieces = town.city.db.collection("blob_pieces")
    await pieces.delete_one({"number": 2})
    with pytest.raises(httpx.RemoteProtocolError):
        await fetch(town, client, path)
    await fetch(town, client, f"{path}/series/1.1")
    await pieces.delete_many({})
    await fetch(town, client, f"{path}/series/1.1", 503)


async def test_a_study_is_sent_no_faster_than_it_is_taken(town: TestCity, monkeypatch: pytest.MonkeyPatch):
    client, asked = await town.hospital_client(), []
    await town.call(
        "POST", "/dicomweb/studies", as_=client, **many(*(a_slice("1.1", n, 1 << 20) for n in range(1, 41)))
    )
    (study,) = await town.call("GET", "/dicomweb/studies", as_=client)
    find = ImageStore.find

    async def noted(store: ImageStore, image_id: str) -> Any:
        asked.append(image_id)
        return await find(store, image_id)

    monkeypatch.setattr(ImageStore, "find", noted)
    path = f"{town.url}/dicomweb/studies/{study['0020000D']['Value'][0]}"
    async with town.http.stream("GET", path, headers=client.headers) as answer:
        await anext(answer.aiter_raw(1))
        assert len(asked) < 40, "the rest lies where it lies until it is wanted"
