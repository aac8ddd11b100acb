"""Open data over HTTP: whole months, hidden small numbers, three forms, a page, and nothing about anybody."""

import asyncio
import csv
import io
import re
import threading
import zipfile
from collections.abc import AsyncIterator
from datetime import date
from typing import Any

import pytest
from httpx import Response

from backend import clock
from backend.db.client import Database
from backend.statistics.definitions import book
from backend.statistics.models import Fact, Measure
from backend.statistics.open_data import HIDDEN, Table, catalogue, finished_months
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


async def got(city: TestCity, path: str, **more: Any) -> Response:
    return await city.http.get(f"{city.url}{path}", **more)


async def test_open_data_is_a_page_a_catalogue_and_tables_of_finished_months(city: TestCity) -> None:
    last = finished_months()[-1][1]
    here, month = city.hospital, f"{last:%Y-%m}"
    for number, (place, booked) in enumerate({here.id: 40, "GONE": 3, "OTHER": 9}.items()):
        await count(city, f"then {number}", last, place, booked)
    await count(city, "now", clock.today(), here.id, 500)

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
        assert "max-age=3600" in answer.headers["Cache-Control"]

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
    assert found == [b"definitions"] * 3
    assert made == [False]
