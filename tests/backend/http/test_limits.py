"""Who asks too often waits, and nobody else does."""

from __future__ import annotations

from dataclasses import replace

import pytest

from backend import metrics
from backend.security import limits
from tests.support.city import TestCity


@pytest.fixture
def twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every bucket lets two through and then none for an hour."""
    for name, bucket in limits.BUCKETS.items():
        monkeypatch.setitem(limits.BUCKETS, name, replace(bucket, burst=2, every_s=3600))


@pytest.mark.usefixtures("twice")
@pytest.mark.parametrize("path", ["/api/v1/search?q=er", "/api/v1/organizations"])
async def test_the_public_directory_is_limited_by_address(city: TestCity, path: str):
    for _ in range(2):
        await city.call("GET", path)
    answer = await city.http.get(city.url + path)
    assert answer.status_code == 429
    assert answer.json()["error"]["code"] == "RATE_LIMITED"
    assert int(answer.headers["Retry-After"]) == answer.json()["error"]["data"]["retry_after_s"] > 0


@pytest.mark.usefixtures("twice")
async def test_refreshing_is_limited_whatever_the_token(city: TestCity):
    for _ in range(2):
        await city.call("POST", "/api/v1/auth/refresh", json={"refresh_token": "x"}, expect=401)
    counted = metrics.RATE_LIMITED.labels("refresh")._value
    before = counted.get()
    await city.call("POST", "/api/v1/auth/refresh", json={"refresh_token": "y"}, expect=429)
    assert counted.get() == before + 1


@pytest.mark.usefixtures("twice")
async def test_one_hospital_that_writes_too_much_holds_up_no_other(city: TestCity):
    busy, other = await city.hospital_client(), await city.hospital_client()
    body = {"name": "儿科", "code": "0700", "place": "二楼"}
    for _ in range(2):
        await city.call("PUT", "/hospital/v1/departments/d1", as_=busy, json=body)
    await city.call("PUT", "/hospital/v1/departments/d1", as_=busy, json=body, expect=429)
    await city.call("PUT", "/hospital/v1/departments/d1", as_=other, json=body)
    # Reading goes on.
    await city.call("GET", "/hospital/v1/departments/d1", as_=busy)


@pytest.mark.usefixtures("twice")
async def test_who_says_who_he_is_has_a_bucket_of_his_own_behind_a_shared_address(city: TestCity):
    path = f"/api/v1/departments/{city.department.id}/availability"
    one, other = await city.resident(), await city.resident()
    answers = [(await city.http.get(city.url + path, headers=one.headers)).status_code for _ in range(3)]
    assert answers == [200, 200, 429]
    assert (await city.http.get(city.url + path, headers=other.headers)).status_code == 200
    # A token that is no good is as good as none: the address counts.
    forged = {"Authorization": "Bearer x.y.z"}
    answers = [(await city.http.get(city.url + path, headers=forged)).status_code for _ in range(2)]
    answers.append((await city.http.get(city.url + path)).status_code)
    assert answers == [200, 200, 429]
