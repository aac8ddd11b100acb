"""A real feed goes in, twice is as good as once, and a bad line keeps no good line out."""

import gzip
import json
import shutil
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from backend import clock
from backend.db.client import Database
from backend.directory.codes import OrganizationKind
from backend.directory.models import External, Outcome
from backend.imports.models import FeedError, ImportReport
from backend.permissions import SYSTEM
from backend.slotpool.schedules import schedule_id
from backend.slotpool.schedules_models import Schedule, ScheduleState
from tests.backend.imports.conftest import Importing
from tests.backend.imports.feeds import (
    NEW,
    OLD,
    a_location,
    a_schedule,
    a_slot,
    capacity,
    line,
    write_feed,
)
from tests.factories.directory import an_organization

FEED = Path(__file__).parents[2] / "fixtures" / "smart-scheduling"


def told(report: ImportReport) -> list[tuple[str, int, str]]:
    return [(problem.file, problem.line, problem.reason) for problem in report.problems]


async def sessions(importing: Importing, db: Database) -> list[Schedule]:
    stored = db.collection("schedules").find({}, {"_id": 1}).sort("external.value", 1)
    ids = [doc["_id"] async for doc in stored]
    found = await importing.schedules.list_by_id(ids)
    return [found[schedule] for schedule in ids]


async def slots_alone(importing: Importing, folder: Path, *slots: Any) -> ImportReport:
    return await importing.imports.import_bulk_publish(write_feed(folder, list(slots)))


# -- the real feed -----------------------------------------------------------------------------------


async def test_the_real_feed_goes_in(importing: Importing):
    report = await importing.imports.import_bulk_publish(FEED)
    assert report.to_dict()["by_kind"] == {
        "Location": {"created": 10, "updated": 0, "unchanged": 0},
        "Schedule": {"created": 10, "updated": 0, "unchanged": 0},
        "Slot": {"created": 140, "updated": 0, "unchanged": 0},
    }
    assert report.places == 14_000
    missing = "the manifest names this file, but it is not there"
    assert told(report) == [(f"slots-2021-W{week}.ndjson", 0, missing) for week in (11, 12, 13)]


async def test_what_the_real_feed_says_is_kept(importing: Importing, db: Database):
    await importing.imports.import_bulk_publish(FEED)
    [boston] = (await importing.directory.search("SMART Vaccine Clinic Boston")).organizations
    assert boston.kind is OrganizationKind.VACCINATION
    assert (boston.address, boston.phone, boston.district) == (
        "123 Summer St, Boston, MA, 02114", "000-000-0000", "Suffolk",
    )  # fmt: skip
    [department] = await importing.directory.list_departments(boston.id)
    assert department.name == "预防接种门诊（Moderna COVID-19 Vaccine 第1剂）"
    assert department.code == "0100"
    assert department.offer is not None
    assert department.offer.doses == (1,)
    assert [coding.code for coding in department.offer.products] == ["207"]
    assert [coding.code for coding in department.offer.services] == ["57", "covid19-immunization"]
    first = (await sessions(importing, db))[0]
    assert first.kind == "vaccination"
    assert first.booking_url is not None
    assert first.booking_url.startswith("https://ehr-portal.example.org/bookings?slot=")
    assert first.booking_phone == "000-000-0000"
    assert len(first.slots) == 100


async def test_running_it_again_changes_nothing(importing: Importing, db: Database):
    await importing.imports.import_bulk_publish(FEED)
    names = ("organizations", "departments", "schedules")
    before = {name: await db.collection(name).find({}).sort("_id", 1).to_list(None) for name in names}
    again = await importing.imports.import_bulk_publish(FEED)
    assert (again.created, again.updated, again.unchanged) == (0, 0, 160)
    assert {name: await db.collection(name).find({}).sort("_id", 1).to_list(None) for name in names} == before


async def test_a_historical_feed_may_begin_today(importing: Importing, db: Database):
    today = clock.today()
    report = await importing.imports.import_bulk_publish(FEED, start_on=today, time_zone="America/New_York")
    assert report.outcomes["Slot"][Outcome.CREATED] == 140
    made = await sessions(importing, db)
    assert {schedule.on for schedule in made} == {today + timedelta(days=n) for n in range(14)}
    assert {schedule.period for schedule in made} == {"day"}
    # Nine in Boston; ten on the last day, when clocks had changed and the publisher's file had not.
    hours = [schedule.start_at.astimezone(clock.CITY_ZONE).hour for schedule in made]
    assert (hours.count(9), hours.count(10)) == (130, 10)
    again = await importing.imports.import_bulk_publish(FEED, start_on=today, time_zone="America/New_York")
    assert again.outcomes["Slot"] == {Outcome.UNCHANGED: 140}


async def test_without_a_zone_whole_days_are_added(importing: Importing, db: Database):
    await importing.imports.import_bulk_publish(FEED, start_on=date(2030, 1, 1))
    made = await sessions(importing, db)
    assert min(schedule.on for schedule in made) == date(2030, 1, 1)
    assert {schedule.period for schedule in made} == {"night"}  # nine in Boston is ten at night here


async def test_a_location_may_be_a_hospital_we_know(importing: Importing, db: Database):
    known = an_organization()
    await importing.directory.save_organizations([known])
    mapping = {"0": known.id, "fake-vtrcks-pin-01": known.id, "SMART Vaccine Clinic Springfield": known.id}
    await importing.imports.import_bulk_publish(FEED, organizations=mapping)
    assert len(await importing.directory.list_departments(known.id)) == 3
    assert await db.collection("organizations").count_documents({}) == 8
    assert await importing.directory.get_organization(known.id) == known


async def test_progress_is_told_up_to_the_end(importing: Importing):
    steps: list[tuple[int, int]] = []
    await importing.imports.import_bulk_publish(
        FEED, progress=lambda done, total, _file: steps.append((done, total))
    )
    assert len(steps) > 20
    assert steps == sorted(steps)
    assert steps[-1][0] == steps[-1][1]


# -- bad lines ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ('{"resourceType":"Slot",', "broken JSON"),
        ("not json at all", "broken JSON"),
        ("[]", "not a JSON object"),
        ("null", "not a JSON object"),
        (a_location(), "resourceType is 'Location', not 'Slot'"),
        ({"id": "2"}, "resourceType is None"),
        (a_slot(id=None), "it has no id"),
        (a_slot(id="a b"), "not a FHIR id"),
        (a_slot(id="x" * 65), "not a FHIR id"),
        (a_slot("2", schedule=None), "no reference to a Schedule"),
        (a_slot("2", schedule={"reference": "Location/L1"}), "not to a Schedule"),
        (a_slot("2", "nowhere"), "Schedule/nowhere is not in the feed"),
        (a_slot("2", status="maybe"), "its status is 'maybe'"),
        (a_slot("2", status=None), "its status is None"),
        (a_slot("2", start=None), "its start is missing"),
        (a_slot("2", start="2030-05-06T01:00:00"), "no time zone"),
        (a_slot("2", end="2030-05-06"), "its end '2030-05-06' is not an instant"),
        (a_slot("2", end="2030-05-06T00:00:00Z"), "its end is before its start"),
        (a_slot("2", end="2030-05-06T01:00:00Z"), "its end is its start"),
        (a_slot("2", end="2030-05-08T01:00:00Z"), "longer than a day (48 h)"),
        (a_slot("2", extension=capacity(0)), "its capacity 0"),
        (a_slot("2", extension=capacity(-3)), "its capacity -3"),
        (a_slot("2", extension=capacity(10_000_000)), "its capacity 10000000"),
        (a_slot("2", extension=capacity("many")), "its capacity 'many' is not a whole number"),
        (a_slot("2", extension=capacity(2.5)), "its capacity 2.5 is not a whole number"),
        (a_slot("2", extension=[*capacity(2), *capacity(3, NEW)]), "two capacities, 2 and 3"),
        (a_slot("2", modifierExtension=[{"url": "http://x.example.org/not"}]), "modifierExtension"),
        (a_slot("1"), "the id 1 has been used before"),
    ],
)
async def test_a_bad_line_is_named_and_good_ones_go_in(importing: Importing, tmp_path: Path, bad, reason):
    report = await slots_alone(importing, tmp_path, a_slot("1"), bad, a_slot("3"))
    assert report.outcomes["Slot"] == {Outcome.CREATED: 2}
    [(file, number, said)] = told(report)
    assert (file, number) == ("slots.ndjson", 2)
    assert reason in said


async def test_a_line_that_is_not_text_is_named(importing: Importing, tmp_path: Path):
    folder = write_feed(tmp_path, [a_slot("1")])
    file = folder / "slots.ndjson"
    file.write_bytes(file.read_bytes() + b"\n\xff\xfe\x00{}\n" + line(a_slot("2")).encode())
    report = await importing.imports.import_bulk_publish(folder)
    assert report.outcomes["Slot"] == {Outcome.CREATED: 2}
    assert [(p.file, p.line) for p in report.problems] == [("slots.ndjson", 2)]


async def test_what_hangs_on_a_bad_line_is_named_too(importing: Importing, tmp_path: Path):
    folder = write_feed(
        tmp_path,
        [a_slot("1", "S1"), a_slot("2", "S2"), a_slot("3", "S3")],
        locations=[a_location("L1"), a_location("L2", name="")],
        schedules=[a_schedule("S1"), a_schedule("S2", "L2"), a_schedule("S3", "L9"), a_schedule("S1")],
    )
    report = await importing.imports.import_bulk_publish(folder)
    assert [(p.file, p.line) for p in report.problems] == [
        ("locations.ndjson", 2), ("schedules.ndjson", 4), ("schedules.ndjson", 2), ("schedules.ndjson", 3),
        ("slots.ndjson", 2), ("slots.ndjson", 3),
    ]  # fmt: skip
    assert report.outcomes["Slot"] == {Outcome.CREATED: 1}


async def test_a_manifest_with_faults_gives_what_it_can(importing: Importing, tmp_path: Path):
    folder = write_feed(tmp_path, [a_slot("1")])
    manifest = json.loads((folder / "$bulk-publish").read_text())
    manifest["output"] += [
        "junk", {"type": "Slot"}, {"url": "x"}, {"type": "Patient", "url": "patients.ndjson"},
        {"type": "Slot", "url": "https://feed.example.org/data/gone.ndjson"}, manifest["output"][0],
        {"type": "Slot", "url": "https://feed.example.org/../../etc/passwd"},
    ]  # fmt: skip
    (folder / "$bulk-publish").write_text(json.dumps(manifest))
    report = await importing.imports.import_bulk_publish(folder)
    assert report.outcomes["Slot"] == {Outcome.CREATED: 1}
    assert [p.file for p in report.problems] == ["$bulk-publish"] * 5 + ["gone.ndjson", "passwd"]


@pytest.mark.parametrize("content", [None, "", "{", "[]", '{"output": {}}', "\xff"])
async def test_without_a_manifest_there_is_nothing_to_read(importing: Importing, tmp_path: Path, content):
    if content is not None:
        (tmp_path / "$bulk-publish").write_text(content)
    with pytest.raises(FeedError):
        await importing.imports.import_bulk_publish(tmp_path)


async def test_a_mapping_to_nobody_and_an_unknown_zone_are_refused_at_once(importing: Importing):
    with pytest.raises(FeedError, match="no institution nobody"):
        await importing.imports.import_bulk_publish(FEED, organizations={"0": "nobody"})
    with pytest.raises(FeedError, match="no time zone"):
        await importing.imports.import_bulk_publish(FEED, time_zone="Mars/Olympus")


# -- oddities ----------------------------------------------------------------------------------------


async def test_files_may_have_any_line_ends_marks_and_packing(importing: Importing, tmp_path: Path):
    folder = write_feed(tmp_path, [])
    lines = [line(a_slot(str(n))).encode() for n in range(4)]
    mixed = b"\xef\xbb\xbf" + b"\r\n".join(lines[:2]) + b"\r\n\r\n  \n" + lines[2] + b"\r" + lines[3]
    (folder / "slots.ndjson").write_bytes(mixed)
    (folder / "schedules.ndjson").write_bytes(gzip.compress(line(a_schedule()).encode()))
    report = await importing.imports.import_bulk_publish(folder / "$bulk-publish")
    assert told(report) == []
    assert report.outcomes["Slot"] == {Outcome.CREATED: 4}


async def test_a_packed_file_that_was_cut_off_gives_what_it_holds(importing: Importing, tmp_path: Path):
    folder = write_feed(tmp_path, [])
    packed = gzip.compress("\n".join(line(a_slot(str(n))) for n in range(500)).encode())
    (folder / "slots.ndjson").write_bytes(packed[: len(packed) // 2])
    report = await importing.imports.import_bulk_publish(folder)
    assert 0 < report.outcomes["Slot"][Outcome.CREATED] < 500
    assert ("slots.ndjson", 0) in [(p.file, p.line) for p in report.problems]


async def test_a_folder_may_mirror_the_paths_of_its_feed(importing: Importing, tmp_path: Path):
    folder = write_feed(tmp_path, [])
    output = json.loads((folder / "$bulk-publish").read_text())["output"][1:]
    for number, state in enumerate(("ma", "ct")):
        (folder / "data" / state).mkdir(parents=True)
        (folder / "data" / state / "slots.ndjson").write_text(line(a_slot(f"{state}{number}")))
        output.append({"type": "Slot", "url": f"https://feed.example.org/v1/data/{state}/slots.ndjson"})
    (folder / "$bulk-publish").write_text(json.dumps({"output": output}))
    report = await importing.imports.import_bulk_publish(folder)
    assert told(report) == []
    assert report.outcomes["Slot"] == {Outcome.CREATED: 2}


@pytest.mark.parametrize("base", [OLD, NEW])
async def test_links_phones_and_capacities_are_read_from_both_registries(
    importing: Importing, db: Database, tmp_path: Path, base
):
    extension = [
        {"url": f"{base}booking-deep-link", "valueUrl": "https://book.example.org/1"},
        {"url": f"{base}booking-phone", "valueString": "400-000-0001"},
        *capacity(12, base),
    ]
    await slots_alone(importing, tmp_path, a_slot(extension=extension))
    [session] = await sessions(importing, db)
    assert (session.booking_url, session.booking_phone, len(session.slots)) == (
        "https://book.example.org/1", "400-000-0001", 12,
    )  # fmt: skip


async def test_a_dangerous_link_is_not_kept(importing: Importing, db: Database, tmp_path: Path):
    link = {"url": f"{OLD}booking-deep-link", "valueUrl": "javascript:alert(1)"}
    await slots_alone(importing, tmp_path, a_slot(extension=[link]))
    assert (await sessions(importing, db))[0].booking_url is None


async def test_a_busy_slot_is_there_and_closed_until_it_is_free(
    importing: Importing, db: Database, tmp_path: Path
):
    for status, state in (("busy", "closed"), ("free", "open"), ("busy-unavailable", "closed")):
        await slots_alone(importing, tmp_path, a_slot(status=status, extension=capacity(5)))
        [session] = await sessions(importing, db)
        assert (session.state, len(session.slots)) == (ScheduleState(state), 5)
    report = await slots_alone(importing, tmp_path, a_slot(status="busy", extension=capacity(0)))
    assert told(report) == []


async def test_other_services_than_vaccination_go_in_as_clinics(
    importing: Importing, db: Database, tmp_path: Path
):
    eyes = a_schedule(serviceType=[{"text": "Eye examination"}])
    actors = [{"reference": "Practitioner/1"}, {"reference": "https://x.example.org/fhir/Location/L1"}]
    folder = write_feed(tmp_path, [a_slot()], schedules=[eyes | {"actor": actors}])
    report = await importing.imports.import_bulk_publish(folder)
    assert told(report) == []
    [session] = await sessions(importing, db)
    department = await importing.directory.get_department(session.department_id)
    assert (session.kind, department.name, department.code) == ("general", "Eye examination", "6900")
    organization = await importing.directory.get_organization(session.organization_id)
    assert organization.kind is OrganizationKind.CLINIC


async def test_a_changed_feed_changes_what_changed(importing: Importing, db: Database, tmp_path: Path):
    await slots_alone(importing, tmp_path, a_slot("1"), a_slot("2", extension=capacity(3)))
    changed, same = a_slot("1", extension=capacity(2)), a_slot("2", extension=capacity(3))
    report = await slots_alone(importing, tmp_path, changed, same, a_slot("3"))
    assert report.outcomes["Slot"] == {Outcome.UPDATED: 1, Outcome.UNCHANGED: 1, Outcome.CREATED: 1}
    assert [len(session.slots) for session in await sessions(importing, db)] == [2, 3, 1]


async def test_a_stopped_session_is_not_opened_by_its_feed(
    importing: Importing, db: Database, tmp_path: Path
):
    await slots_alone(importing, tmp_path, a_slot())
    [session] = await sessions(importing, db)
    await importing.schedules.stop_by_staff(SYSTEM, session.id, "疫苗未到货")
    report = await slots_alone(importing, tmp_path, a_slot(extension=capacity(9)))
    assert "SCHEDULE_STOPPED" in told(report)[0][2]
    assert (await importing.schedules.get(session.id)).state is ScheduleState.STOPPED


async def test_the_feed_is_known_again_wherever_its_copy_lies(
    importing: Importing, db: Database, tmp_path: Path
):
    await importing.imports.import_bulk_publish(write_feed(tmp_path / "a", [a_slot()]))
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    report = await importing.imports.import_bulk_publish(tmp_path / "b")
    assert (report.created, report.unchanged) == (0, 3)
    [session] = await sessions(importing, db)
    external = External("https://feed.example.org/data/$bulk-publish", "Slot/1")
    assert session.id == schedule_id(session.organization_id, external)


async def test_several_thousand_slots_of_one_place_each(importing: Importing, tmp_path: Path):
    slots = [
        a_slot(str(n), start=f"2030-05-{6 + n // 1000:02d}T{n % 1000 // 60:02d}:{n % 60:02d}:00Z",
               end=f"2030-05-{6 + n // 1000:02d}T{n % 1000 // 60:02d}:{n % 60:02d}:59Z")
        for n in range(3_000)
    ]  # fmt: skip
    report = await slots_alone(importing, tmp_path, *slots)
    assert told(report) == []
    assert report.outcomes["Slot"] == {Outcome.CREATED: 3_000}
    again = await slots_alone(importing, tmp_path, *slots)
    assert again.outcomes["Slot"] == {Outcome.UNCHANGED: 3_000}
