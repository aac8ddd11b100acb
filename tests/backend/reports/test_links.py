"""Shared links: whoever has one reads the report, for a while; whoever has the database alone does not."""

import base64
import json
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from backend import clock
from backend.db.client import Database
from tests.backend.reports.reading_samples import a_result
from tests.factories.records import make_chart, make_report
from tests.support.city import Surroundings, TestCity, open_test_city


@pytest.fixture
async def town(surroundings: Surroundings, mongo_uri: str, db: Database) -> AsyncIterator[TestCity]:
    async with open_test_city(surroundings, mongo_uri, db) as city:
        yield city


def from_b64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def payload_of(uri: str) -> dict:
    return json.loads(from_b64(uri.partition("#shlink:/")[2]))


def decrypt(jwe: str, key: bytes) -> tuple[dict, bytes]:
    """By RFC 7516, written from the other side."""
    header, encrypted_key, nonce, text, tag = jwe.split(".")
    assert encrypted_key == ""
    opened = AESGCM(key).decrypt(from_b64(nonce), from_b64(text) + from_b64(tag), header.encode())
    return json.loads(from_b64(header)), opened


async def test_a_report_is_shared_opened_and_taken_back(town: TestCity):
    owner, other = await town.resident(), await town.resident()
    services = town.city.services
    chart = await make_chart(services, town.hospital.id, name=owner.name, id_number=owner.id_number)
    report_id = await make_report(services, chart, [a_result("14749-6", 9.8, "mmol/L", high=6.1)])
    share = f"/api/v1/reports/{report_id}/links"
    await town.call("POST", share, as_=other, json={}, expect=404)
    await town.call("POST", share, as_=owner, json={"hours": 1000}, expect=400)
    made = await town.call("POST", share, as_=owner, json={"hours": 2, "passcode": "4711"})
    link = payload_of(made["uri"])
    assert (link["flag"], link["label"], link["v"]) == ("P", "生化检验", 1)
    assert len(from_b64(link["key"])) == 32
    path = link["url"].removeprefix(town.url)

    wrong = await town.call("POST", path, json={"recipient": "王医生", "passcode": "0000"}, expect=401)
    assert wrong["error"]["data"]["remaining_attempts"] == 4
    await town.call("POST", path, json={"recipient": "王医生"}, expect=401)
    manifest = await town.call("POST", path, json={"recipient": "王医生", "passcode": "4711"})
    assert {file["contentType"] for file in manifest["files"]} == {"application/pdf", "application/fhir+json"}
    opened = [decrypt(file["embedded"], from_b64(link["key"])) for file in manifest["files"]]
    assert [header["enc"] for header, _ in opened] == ["A256GCM", "A256GCM"]
    contents = {header["cty"]: content for header, content in opened}
    assert contents["application/pdf"].startswith(b"%PDF-")
    bundle = json.loads(contents["application/fhir+json"])
    types = [entry["resource"]["resourceType"] for entry in bundle["entry"]]
    assert types == ["DiagnosticReport", "Observation"]

    (listed,) = (await town.call("GET", "/api/v1/report-links", as_=owner))["items"]
    assert (listed["opened"], listed["recipient"], listed["live"]) == (1, "王医生", True)
    assert (await town.call("GET", "/api/v1/report-links", as_=other))["items"] == []
    audit = town.city.db.collection("audit")
    assert await audit.count_documents({"action": "reports.open_link"}) == 1

    # Nothing of the key, of the secret address or of the report lies in the database.
    stored = [doc async for doc in town.city.db.collection("report_links").find({})]
    assert not any(
        secret in str(stored) for secret in (link["key"], path.rpartition("/")[2], "生化", "王医生")
    )

    await town.call("DELETE", f"/api/v1/report-links/{made['id']}", as_=other, expect=404)
    await town.call("DELETE", f"/api/v1/report-links/{made['id']}", as_=owner)
    await town.call("POST", path, json={"recipient": "王医生", "passcode": "4711"}, expect=404)
    assert await town.city.db.collection("blob_pieces").count_documents({}) == 0


async def test_a_link_ends_after_five_wrong_passcodes_and_with_its_time(town: TestCity):
    owner = await town.resident()
    services = town.city.services
    chart = await make_chart(services, town.hospital.id, name=owner.name, id_number=owner.id_number)
    report_id = await make_report(services, chart, [], title="HIV抗体检测")
    share = f"/api/v1/reports/{report_id}/links"
    # What is sensitive is shared only by who has opened it.
    await town.call("POST", share, as_=owner, json={}, expect=404)
    made = await town.call("POST", share, as_=owner, json={"open": True, "passcode": "4711"})
    path = payload_of(made["uri"])["url"].removeprefix(town.url)
    for left in (4, 3, 2, 1, 0):
        wrong = await town.call("POST", path, json={"recipient": "x", "passcode": "1"}, expect=401)
        assert wrong["error"]["data"]["remaining_attempts"] == left
    await town.call("POST", path, json={"recipient": "x", "passcode": "4711"}, expect=404)

    made = await town.call("POST", share, as_=owner, json={"open": True, "hours": 1})
    path = payload_of(made["uri"])["url"].removeprefix(town.url)
    await town.call("POST", path, json={"recipient": "x"})
    past = {"$set": {"expires_at": clock.now() - timedelta(seconds=1)}}
    await town.city.db.collection("report_links").update_many({}, past)
    await town.call("POST", path, json={"recipient": "x"}, expect=404)
    await town.call("POST", "/shl/" + "A" * 43, json={"recipient": "x"}, expect=404)


async def test_the_viewer_loads_nothing_from_elsewhere(town: TestCity):
    page = await town.http.get(f"{town.url}/shl/view")
    assert "script-src 'self'" in page.headers["Content-Security-Policy"]
    for part in ("viewer.js", "viewer.css"):
        assert f"/shl/{part}" in page.text
        assert (await town.http.get(f"{town.url}/shl/{part}")).status_code == 200
    assert "http://" not in page.text
    assert "https://" not in page.text
