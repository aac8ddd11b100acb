"""Open data over HTTP: whole months, hidden small numbers, three forms, a page, and nothing about anybody."""

import asyncio
import csv
import hashlib
import io
import re
import threading
import zipfile
from collections.abc import AsyncIterator
from datetime import date, timedelta
from typing import Any

import pytest
from httpx import Response

from backend import clock
from backend.db.client import Database
from backend.statistics.definitions import book
from backend.statistics.models import Fact, Measure
from backend.statistics.open_data import finished_months
from backend.statistics.open_tables import HIDDEN, Table, catalogue
from tests.support.city import Surroundings, TestCity, open_test_city


@pytest.fixture
async def city(db: Database, mongo_uri: str, surroundings: Surroundings) -> AsyncIterator[TestCity]:
    async with open_test_city(surroundings, mongo_uri, db) as made:
        yield made


async def count(city: TestCity, key: str, on: date, place: str, booked: int) -> None:
    few = min(booked, 3)
    facts = [
        Fact(on, place, Measure.BOOKED, "wechat", count=booked - few),
        Fact(on, place, Measure.BOOKED, "kiosk" if place == "OTHER" else "wechat", count=few),
    ]
    assert await city.city.services.statistics._store.count(key, facts)


async def publish(city: TestCity, *, again: bool = False) -> int:
    statistics = city.city.services.statistics
    await statistics._store.months_ready()
    return await statistics.open_data.publish(again=again)


async def got(city: TestCity, path: str, **more: Any) -> Response:
    return await city.http.get(f"{city.url}{path}", **more)


async def test_open_data_is_a_page_a_catalogue_and_tables_of_finished_months(city: TestCity) -> None:
    last = finished_months()[-1][1]
    here, month = city.hospital, f"{last:%Y-%m}"
    for number, (place, booked) in enumerate({here.id: 40, "GONE": 3, "OTHER": 9}.items()):
        await count(city, f"then {number}", last, place, booked)
    await count(city, "now", clock.today(), here.id, 500)
    assert await publish(city) == 1

    page = await got(city, "/open-data")
    assert page.status_code == 200
    assert "max-age=3600" in page.headers["Cache-Control"]
    assert all(each.name in page.text for each in book().figures if each.open_data)
    assert "CC BY 4.0" in page.text
    links = set(re.findall(r'href="(/open-data[^"]*)"', page.text))
    known = await city.call("GET", "/open-data/index.json", expect=200)
    addresses = {each[f"{form}_url"] for each in known["datasets"] for form in ("csv", "json", "xlsx")}
    assert addresses <= links
    for address in links:
        answer = await got(city, address)
        assert answer.status_code == 200, address
        assert answer.headers["Cache-Control"].startswith("public, max-age=")

    whole = await city.call("GET", "/open-data/monthly.json", expect=200)
    codes = [column["code"] for column in whole["columns"]]
    assert whole["rows"][0][0] == month
    assert len(whole["rows"]) == 1
    assert whole["rows"][0][codes.index("bookings")] == 52
    # A channel of few is hidden, and with it what would tell it: the time saved, weighed by channel.
    assert whole["rows"][0][codes.index("hours_saved")] == HIDDEN
    assert whole["licence"] == "CC-BY-4.0"
    places = await got(city, "/open-data/monthly_by_institution.csv")
    rows = list(csv.DictReader(io.StringIO(places.content.decode("utf-8-sig"))))
    shown = {row["机构编号"]: row["预约量（人次）"] for row in rows}
    # What is too small, and the one from which it could be reckoned.
    assert shown == {here.id: "40", "GONE": HIDDEN, "OTHER": HIDDEN}
    # Nor can the time saved be added up to what the whole does not tell.
    assert {row["节省挂号时间（小时）"] for row in rows} == {HIDDEN}
    assert {row["机构"] for row in rows if row["机构编号"] == here.id} == {here.name}
    book_ = await got(city, "/open-data/monthly_by_channel.xlsx")
    assert "sharedStrings" in " ".join(zipfile.ZipFile(io.BytesIO(book_.content)).namelist())


async def test_what_is_not_published_is_not_found(city: TestCity) -> None:
    for address in ("/open-data/people.csv", "/open-data/monthly.pdf", "/open-data/monthly"):
        assert (await got(city, address)).status_code == 404, address
    # A key that is no good makes no difference to what is everybody's.
    answer = await got(city, "/open-data/index.json", headers={"Authorization": "Bearer nonsense"})
    assert answer.status_code == 200


def test_only_months_that_are_over_are_published() -> None:
    months = finished_months(date(2026, 3, 2))
    assert months[-1] == (date(2026, 2, 1), date(2026, 2, 28))
    assert len(months) == catalogue().months
    # On its first day what happened the evening before may still be counted: nothing is told twice over.
    for early in (date(2026, 2, 28), date(2026, 3, 1)):
        assert finished_months(early)[-1][1] == date(2026, 1, 31)


async def test_a_file_is_made_once_and_beside_what_others_wait_for(city: TestCity) -> None:
    made: list[bool] = []

    def make(table: Table) -> bytes:
        made.append(threading.current_thread() is threading.main_thread())
        return table.dataset.code.encode()

    open_data = city.city.services.statistics.open_data
    found = await asyncio.gather(*(open_data.file("definitions", "xlsx", make) for _ in range(3)))
    assert [file.content for file in found] == [b"definitions"] * 3
    assert made == [False]


async def test_who_has_a_dataset_already_is_sent_nothing(city: TestCity) -> None:
    for form in ("json", "csv", "xlsx"):
        first = await got(city, f"/open-data/monthly.{form}")
        tag = first.headers["Etag"]
        again = await got(city, f"/open-data/monthly.{form}", headers={"If-None-Match": tag})
        assert (again.status_code, again.content, again.headers["Etag"]) == (304, b"", tag)
        other = await got(city, f"/open-data/monthly.{form}", headers={"If-None-Match": '"other"'})
        assert (other.status_code, other.content) == (200, first.content)
    # Another edition is another file.
    before = (await got(city, "/open-data/monthly.json")).headers["Etag"]
    await count(city, "then", finished_months()[-1][1], city.hospital.id, 40)
    assert await publish(city) == 1
    assert (await got(city, "/open-data/monthly.json")).headers["Etag"] != before


async def test_nothing_is_published_before_it_is_counted(city: TestCity) -> None:
    await count(city, "then", finished_months()[-1][1], city.hospital.id, 40)
    open_data = city.city.services.statistics.open_data
    assert await open_data.publish() == 0
    assert (await city.call("GET", "/open-data/editions.json", expect=200))["items"] == []
    # Something of its last evening has not been counted yet.
    late = {"event_id": "late", "kind": "code.used", "subscriber": "statistics.on_event", "data": {}}
    at = clock.city_instant(finished_months()[-1][1], 23)
    job = {"state": "due", "event_at": at, "due_at": at, "attempts": 0, "created_at": at}
    await city.city.db.collection("outbox").insert_one({"_id": "waiting", **late, **job})
    assert await publish(city) == 0
    await city.city.db.collection("outbox").delete_one({"_id": "waiting"})
    assert await publish(city) == 1


async def test_what_was_published_stays_and_what_was_counted_anew_is_the_next_edition(
    city: TestCity,
) -> None:
    last, here = finished_months()[-1][1], city.hospital.id
    await count(city, "here", last, here, 40)
    await count(city, "there", last, "GONE", 30)
    # Several processes find the same at once: one publishes it.
    assert sum(await asyncio.gather(*(publish(city) for _ in range(3)))) == 1
    [edition] = (await city.call("GET", "/open-data/editions.json", expect=200))["items"]
    first = await got(city, edition["url"])
    assert (edition["month"], edition["edition"], edition["changes"]) == (f"{last:%Y-%m}", 1, [])
    assert hashlib.sha256(first.content).hexdigest() == edition["checksum"]
    assert "immutable" in first.headers["Cache-Control"]
    assert first.json()["total"]["bookings"] == 70
    assert b"rests" not in first.content

    # Three more: beside what was published they would be three people.
    await count(city, "late", last, here, 3)
    assert [await publish(city), await publish(city, again=True)] == [0, 0]
    await count(city, "later", last, here, 6)
    # Until the next month is published, nothing is looked at anew unless somebody wants it.
    assert await publish(city) == 0
    assert sum(await asyncio.gather(*(publish(city, again=True) for _ in range(3)))) == 1
    [_, second] = (await city.call("GET", "/open-data/editions.json", expect=200))["items"]
    changes = {each["figure"]: each for each in second["changes"]}
    assert changes["bookings"] == {
        "figure": "bookings", "name": "预约量", "values": 3, "before": 70, "after": 79,
    }  # fmt: skip
    assert set(changes) == {"bookings", "hours_saved"}
    table = await city.call("GET", "/open-data/monthly.json", expect=200)
    codes = [column["code"] for column in table["columns"]]
    assert [row[codes.index("bookings")] for row in table["rows"]] == [79]
    assert [(each["month"], each["edition"]) for each in table["editions"]] == [(f"{last:%Y-%m}", 2)]
    assert (await got(city, edition["url"])).content == first.content
    assert (await got(city, second["url"])).json()["changes"] == second["changes"]
    assert (await got(city, second["url"].replace("/2.json", "/3.json"))).status_code == 404
    page = await got(city, "/open-data")
    assert "全市由 70 改为 79" in page.text


async def test_published_months_are_looked_at_anew_when_the_next_one_is_published(
    city: TestCity, monkeypatch: pytest.MonkeyPatch
) -> None:
    last, here = finished_months()[-1][1], city.hospital.id
    await count(city, "then", last, here, 40)
    assert await publish(city) == 1
    await count(city, "late", last, here, 10)
    await count(city, "now", clock.today(), here, 20)
    assert await publish(city) == 0
    following = (clock.today().replace(day=1) + timedelta(days=32)).replace(day=2)
    monkeypatch.setattr(clock, "today", lambda: following)
    assert await publish(city) == 2
    found = await city.city.services.statistics.open_data.editions()
    assert [(each.month, each.edition) for each in found] == [
        (f"{last:%Y-%m}", 1), (f"{last:%Y-%m}", 2), (f"{finished_months()[-1][1]:%Y-%m}", 1),
    ]  # fmt: skip
