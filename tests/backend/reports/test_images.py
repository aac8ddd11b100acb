"""Images: what hospitals store comes back as it was, drawn, and to nobody else. Input: files of pydicom."""

import asyncio
import io
import resource
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pydicom
import pytest
from PIL import Image

from backend import clock
from backend.audit.models import AuditFilter
from backend.db.client import Database
from backend.ids import new_id
from backend.permissions import SYSTEM, Role
from backend.records.sharing_models import CareKind
from backend.reports.multipart import MultipartError, boundary_of, read_parts, write_parts
from backend.worker.confined import MOST_BYTES, Confined
from tests.factories.records import make_chart, make_report
from tests.factories.sharing import DOCTOR, make_place
from tests.support.city import Caller, Surroundings, TestCity, open_test_city

FILES = Path(pydicom.__file__).parent / "data" / "test_files"
DICOM = {"Content-Type": "application/dicom"}


def a_file(name: str) -> bytes:
    return (FILES / name).read_bytes()


def many(*files: bytes) -> dict:
    body = b"".join(write_parts([("application/dicom", one) for one in files], "B1"))
    return {
        "content": body,
        "headers": {"Content-Type": 'multipart/related; type="application/dicom"; boundary=B1'},
    }


@pytest.fixture
async def town(surroundings: Surroundings, mongo_uri: str, db: Database) -> AsyncIterator[TestCity]:
    async with open_test_city(surroundings, mongo_uri, db) as city:
        yield city


def colours(jpeg: bytes) -> list[tuple[int, ...]]:
    picture = Image.open(io.BytesIO(jpeg))
    found = [picture.getpixel((50, y)) for y in (5, 25, 45, 65, 95)]
    return [tuple(round(part / 255) for part in each) for each in found if isinstance(each, tuple)]


async def fetch(town: TestCity, who: Caller, path: str, expect: int = 200, **headers: str):
    answer = await town.http.get(town.url + path, headers=who.headers | headers)
    assert answer.status_code == expect, answer.text[:300]
    return answer


async def test_a_hospital_stores_finds_and_fetches_its_images(town: TestCity):
    client, db = await town.hospital_client(), town.city.db
    other = town.stranger(
        Role.HOSPITAL_CLIENT, kind="client", organization_ids=frozenset({"01J8ZK3Q5V9X2M4N6P8R0T1S2V"})
    )
    ct = a_file("CT_small.dcm")
    stored = await town.call("POST", "/dicomweb/studies", as_=client, **many(ct, a_file("MR_small.dcm")))
    assert len(stored["00081199"]["Value"]) == 2
    # Again, and another content under the same name.
    await town.call("POST", "/dicomweb/studies", as_=client, content=ct, headers=DICOM)
    altered = await town.call(
        "POST", "/dicomweb/studies", as_=client, content=ct[:-1] + b"\x07", headers=DICOM, expect=409
    )
    assert altered["00081198"]["Value"][0]["00204000"]["Value"] == ["another-content"]
    some = await town.call("POST", "/dicomweb/studies", as_=client, **many(ct, b"no image"), expect=202)
    assert some["00081198"]["Value"][0]["00204000"]["Value"] == ["not-dicom"]
    assert await db.collection("images").count_documents({}) == 2

    studies = await town.call("GET", "/dicomweb/studies?PatientID=1CT1", as_=client)
    (study,) = [one["0020000D"]["Value"][0] for one in studies]
    assert len(await town.call("GET", "/dicomweb/studies", as_=client)) == 2
    assert len(await town.call("GET", "/dicomweb/studies?ModalitiesInStudy=MR", as_=client)) == 1
    assert len(await town.call("GET", "/dicomweb/studies?StudyDate=20040119", as_=client)) == 1
    assert await town.call("GET", "/dicomweb/studies?StudyDate=20050101-", as_=client) == []
    assert await town.call("GET", "/dicomweb/studies?PatientID=nobody", as_=client) == []
    assert await town.call("GET", "/dicomweb/studies", as_=other) == []

    path = f"/dicomweb/studies/{study}"
    (series,) = [one["0020000E"]["Value"][0] for one in await town.call("GET", f"{path}/series", as_=client)]
    (instance,) = [
        one["00080018"]["Value"][0] for one in await town.call("GET", f"{path}/instances", as_=client)
    ]
    one = f"{path}/series/{series}/instances/{instance}"
    (header,) = await town.call("GET", f"{one}/metadata", as_=client)
    assert header["00100020"]["Value"] == ["1CT1"]
    assert "BulkDataURI" in header["7FE00010"]
    assert (await fetch(town, client, one, Accept="application/dicom")).content == ct
    whole = await fetch(town, client, one)
    assert read_parts(whole.content, boundary_of(whole.headers["Content-Type"])) == [
        ("application/dicom", ct)
    ]
    frames = await fetch(town, client, f"{one}/frames/1")
    ((_, packed),) = read_parts(frames.content, boundary_of(frames.headers["Content-Type"]))
    assert packed == pydicom.dcmread(io.BytesIO(ct)).PixelData
    picture = Image.open(io.BytesIO((await fetch(town, client, f"{one}/rendered?viewport=64")).content))
    assert picture.size == (64, 64)
    dark, light = [
        Image.open(io.BytesIO((await fetch(town, client, f"{one}/rendered?window={window}")).content))
        for window in ("3000,100", "-2000,100")
    ]
    assert dark.getextrema() == (0, 0)
    assert light.getextrema() == (255, 255)
    await fetch(town, client, f"{one}/frames/2", 404)
    for tail in ("", "/metadata", "/rendered", "/frames/1"):
        await fetch(town, other, one + tail, 404)


async def test_at_rest_nothing_of_picture_or_patient_stands_in_clear(town: TestCity):
    client, db = await town.hospital_client(), town.city.db
    await town.call("POST", "/dicomweb/studies", as_=client, content=a_file("CT_small.dcm"), headers=DICOM)
    document = await db.collection("images").find_one({})
    assert document is not None
    assert set(document["header"]) >= {"kid", "ct"}
    pieces = [bytes(piece["data"]) async for piece in db.collection("blob_pieces").find({})]
    assert not any(b"DICM" in piece or b"CompressedSamples" in piece for piece in pieces)


async def test_a_resident_sees_the_images_of_a_report_and_nobody_else_does(town: TestCity):
    owner, other, client = await town.resident(), await town.resident(), await town.hospital_client()
    services = town.city.services
    await town.call(
        "POST", "/dicomweb/studies?issuer=hospital", as_=client, content=a_file("CT_small.dcm"), headers=DICOM
    )
    document = await town.city.db.collection("images").find_one({})
    assert document is not None
    chart = await services.patient_index.chart(document["chart"])
    assert chart is not None
    chart = await make_chart(
        services, town.hospital.id, number=chart.number, name=owner.name, id_number=owner.id_number
    )
    study = await town.city.db.collection("resources").find_one({"type": "ImagingStudy"})
    assert study is not None
    report_id = await make_report(
        services,
        chart,
        [],
        title="头颅CT",
        category=[{"coding": [{"code": "RAD"}]}],
        imagingStudy=[{"reference": f"ImagingStudy/{study['_id']}"}],
    )
    (shown,) = (await town.call("GET", f"/api/v1/reports/{report_id}/images", as_=owner))["items"]
    (series,) = shown["series"]
    (image,) = series["instances"]
    assert (series["modality"], image["rows"], image["frames"]) == ("CT", 128, 1)
    picture = await fetch(town, owner, f"/api/v1/images/{image['id']}/rendered?side=64")
    assert Image.open(io.BytesIO(picture.content)).size == (64, 64)
    assert picture.headers["Cache-Control"] == "no-store"
    assert (await fetch(town, owner, f"/api/v1/images/{image['id']}/file")).content == a_file("CT_small.dcm")
    for path in (
        f"images/{image['id']}/rendered",
        f"images/{image['id']}/file",
        f"reports/{report_id}/images",
    ):
        await fetch(town, other, f"/api/v1/{path}", 404)


REFUSED = {
    "ExplVR_LitEndNoMeta.dcm": "not-dicom",
    "rtplan.dump": "not-dicom",
    "priv_SQ.dcm": "uids-missing",
    "image_dfl.dcm": "patient-id-missing",
    "meta_missing_tsyntax.dcm": "syntax-missing",
}
NOT_DISPLAYABLE = ["MR_small_jpeg_ls_lossless.dcm", "JPGExtended.dcm", "MR_truncated.dcm", "rtplan.dcm"]
DRAWN = [
    "SC_rgb_rle.dcm",
    "SC_rgb_dcmtk_+eb+cr.dcm",
    "SC_rgb_gdcm_KY.dcm",
    "SC_ybr_full_422_uncompressed.dcm",
    "SC_rgb_rle_16bit_2frame.dcm",
]


async def test_odd_files_are_refused_or_offered_for_download(town: TestCity):
    client = await town.hospital_client()
    for name, reason in REFUSED.items():
        answer = await town.call(
            "POST", "/dicomweb/studies", as_=client, content=a_file(name), headers=DICOM, expect=409
        )
        assert answer["00081198"]["Value"][0]["00204000"]["Value"] == [reason], name
    for name in [*NOT_DISPLAYABLE, *DRAWN]:
        # These files are one instance packed in many ways: each comes from another hospital.
        client = town.stranger(Role.HOSPITAL_CLIENT, kind="client", organization_ids=frozenset({new_id()}))
        stored = await town.call("POST", "/dicomweb/studies", as_=client, content=a_file(name), headers=DICOM)
        address = stored["00081199"]["Value"][0]["00081190"]["Value"][0].removeprefix(town.url)
        if name in DRAWN:
            picture = (await fetch(town, client, f"{address}/rendered")).content
            # Red, green, blue, black, white: whatever it was packed as.
            assert colours(picture) == [(1, 0, 0), (0, 1, 0), (0, 0, 1), (0, 0, 0), (1, 1, 1)], name
        else:
            error = (await fetch(town, client, f"{address}/rendered", 406)).json()["error"]
            assert error["code"] == "IMAGE_NOT_DISPLAYABLE"
            assert error["data"]["reason"] in ("cannot-be-decoded", "no-picture")
            assert (await fetch(town, client, address, Accept="application/dicom")).content == a_file(name)
    for body, headers in ((b"x", {"Content-Type": "multipart/related"}), (b"--B1", many()["headers"])):
        await town.call("POST", "/dicomweb/studies", as_=client, content=body, headers=headers, expect=400)


async def test_who_asks_for_one_patient_is_not_answered_of_another_under_the_same_study(town: TestCity):
    client = await town.hospital_client()
    other = pydicom.dcmread(io.BytesIO(a_file("CT_small.dcm")))
    other.PatientID, other.PatientName, other.StudyTime = "2CT2", "Somebody^Else", "235900"
    written = io.BytesIO()
    other.save_as(written)
    files = many(a_file("CT_small.dcm"), written.getvalue())
    await town.call("POST", "/dicomweb/studies", as_=client, **files)
    for number in ("1CT1", "2CT2"):
        (study,) = await town.call("GET", f"/dicomweb/studies?PatientID={number}", as_=client)
        assert study["00100020"]["Value"] == [number]
        assert study["00201208"]["Value"] == [1]


async def test_a_header_of_many_megabytes_is_taken_and_what_is_asked_for_is_told(town: TestCity):
    client = await town.hospital_client()
    image = pydicom.dcmread(io.BytesIO(a_file("CT_small.dcm")))
    # The geometry of every frame, as a scanner of many slices writes it, and a text without an end.
    image.PerFrameFunctionalGroupsSequence = [
        pydicom.Dataset.from_json({
            "00209113": {"vr": "SQ", "Value": [{"00200032": {"vr": "DS", "Value": [1.5, 2.5, float(n)]}}]}
        })
        for n in range(500)
    ]  # fmt: skip
    image.TextValue = "long " * 4_000_000
    written = io.BytesIO()
    image.save_as(written)
    sent: dict[str, Any] = {"content": written.getvalue(), "headers": DICOM}
    await town.call("POST", "/dicomweb/studies", as_=client, **sent)
    (study,) = await town.call("GET", "/dicomweb/studies?PatientID=1CT1", as_=client)
    (header,) = await town.call(
        "GET", f"/dicomweb/studies/{study['0020000D']['Value'][0]}/metadata", as_=client
    )
    assert header["00100010"]["Value"] == [{"Alphabetic": "CompressedSamples^CT1"}]
    assert "0040A160" not in header


async def test_a_file_that_unpacks_to_gigabytes_fills_no_machine_and_leaves_no_dump():
    drawing = Confined(1)
    try:
        with pytest.raises(MemoryError):
            await drawing.run(bytes, MOST_BYTES)
        assert await drawing.run(resource.getrlimit, resource.RLIMIT_CORE) == (0, 0)
    finally:
        await drawing.close()


async def test_whoever_waits_for_a_turn_has_his_whole_time_left(monkeypatch: pytest.MonkeyPatch):
    drawing = Confined(1)
    try:
        await drawing.run(int)
        monkeypatch.setattr("backend.worker.confined.WITHIN_S", 1.0)
        # Four of 0.4 s one after another take longer than one may.
        await asyncio.gather(*(drawing.run(time.sleep, 0.4) for _ in range(4)))
    finally:
        await drawing.close()


async def test_only_whoever_may_store_images_may_send_large_bodies(town: TestCity):
    large = b"\0" * 2_000_000
    send: dict[str, Any] = {"content": large, "headers": DICOM}
    answer = await town.call(
        "POST", "/dicomweb/studies", as_=await town.hospital_client(), **send, expect=409
    )
    assert answer["00081198"]["Value"][0]["00204000"]["Value"] == ["not-dicom"]
    await town.call("POST", "/dicomweb/studies", as_=town.stranger(), **send, expect=413)
    await town.call("POST", "/dicomweb/studies", **send, expect=413)


def test_multipart_is_read_as_it_was_written():
    parts = [("application/dicom", b"a\r\n--x\r\n"), ("application/dicom", b"")]
    assert read_parts(b"".join(write_parts(parts, "B")), "B") == parts
    assert boundary_of('multipart/related; type="application/dicom"; boundary="a b"') == "a b"
    for bad in (b"", b"--B", b"--B\r\n\r\nx", b"--B\r\nno headers--B--"):
        with pytest.raises(MultipartError):
            read_parts(bad, "B")
    with pytest.raises(MultipartError):
        boundary_of("multipart/related")


async def test_another_hospitals_images_are_read_by_who_treats_and_hidden_from_everybody_else(town: TestCity):
    services = town.city.services
    client, person = await town.hospital_client(), await town.resident()
    await town.call(
        "POST",
        "/dicomweb/studies?issuer=hospital",
        as_=client,
        **many(a_file("CT_small.dcm"), a_file("MR_small.dcm")),
    )
    image = await town.city.db.collection("images").find_one({"modality": "CT"})
    assert image is not None
    chart = await services.patient_index.chart(image["chart"])
    assert chart is not None
    await make_chart(
        services, town.hospital.id, number=chart.number, name=person.name, id_number=person.id_number
    )
    away = await make_place(services, "away")
    viewer = Caller(away.actor.id, services.tokens.issue(away.actor))
    study, series, instance = (image[name] for name in ("study_uid", "series_uid", "instance_uid"))
    path = f"/dicomweb/studies/{study}"
    one = f"{path}/series/{series}/instances/{instance}"
    asked = {"X-Patient": chart.id, "X-Practitioner": DOCTOR}
    tails = (
        path,
        f"{path}/series/{series}",
        *(f"{path}/{each}" for each in ("series", "instances", "metadata")),
        *(f"{one}{each}" for each in ("", "/frames/1", "/rendered")),
    )
    for headers in (asked, {}, asked | {"X-Patient": new_id()}, asked | {"X-Purpose": "BTG"}):
        for tail in (*tails, *(["/dicomweb/studies"] if headers else [])):
            await fetch(town, viewer, tail, 404, **headers)

    now = clock.now()
    await services.sharing.care.begin(
        CareKind.REFERRAL, person.id, away.id, "r1", begins_at=now, until=now + timedelta(days=1)
    )
    read = AuditFilter(action="records.read", actor_id=away.actor.id)
    before = len((await services.audit.list_entries(SYSTEM, read, limit=100))[0])
    for tail in tails:
        await fetch(town, viewer, tail, 200, **asked)
    for named in (chart.id, person.id):
        (found,) = (
            await fetch(town, viewer, "/dicomweb/studies", 200, **(asked | {"X-Patient": named}))
        ).json()
        assert found["0020000D"]["Value"] == [study], "the other image is somebody else's"
    entries = (await services.audit.list_entries(SYSTEM, read, limit=100))[0]
    assert len(entries) - before == len(tails) + 2
    assert entries[0].data["practitioner"] == DOCTOR
    # Without a name, as before: the hospital's own, and it has none. What is another's is not stored into.
    assert (await fetch(town, viewer, "/dicomweb/studies")).json() == []
    await fetch(town, viewer, f"{path}/metadata", 404)
    # A study of a special level needs more than care.
    special = {"$set": {"sensitivity": 5}}
    await town.city.db.collection("resources").update_many(
        {"type": "ImagingStudy", "chart": chart.id}, special
    )
    for tail in tails[:3]:
        await fetch(town, viewer, tail, 404, **asked)
    assert (await fetch(town, viewer, "/dicomweb/studies", 200, **asked)).json() == []
