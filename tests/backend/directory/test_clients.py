"""OAuth2 clients over HTTP: tokens in the protocol's own forms, secrets never stored, doors that shut."""

import asyncio
import base64
from collections.abc import AsyncIterator
from datetime import timedelta
from urllib.parse import quote

import httpx
import pytest

from backend import clock
from backend.audit.models import AuditFilter
from backend.bootstrap import open_city
from backend.db.client import Database
from backend.directory.models import IssuedClient
from backend.errors import AppError, ErrorCode
from backend.permissions import SYSTEM
from backend.security.limits import BUCKETS
from tests.support.city import Caller, Surroundings, TestCity, open_test_city
from tests.support.polling import poll


@pytest.fixture
async def city(db: Database, mongo_uri: str, surroundings: Surroundings) -> AsyncIterator[TestCity]:
    async with open_test_city(surroundings, mongo_uri, db) as made:
        yield made


@pytest.fixture
async def issued(city: TestCity) -> IssuedClient:
    return await city.city.services.clients.register_hospital(city.hospital.id, "HIS")


async def ask(city: TestCity, form: dict[str, str], headers: dict[str, str] | None = None) -> httpx.Response:
    return await city.http.post(f"{city.url}/oauth2/token", data=form, headers=headers)


def basic(login: str, secret: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{login}:{secret}".encode()).decode()}


def in_body(issued: IssuedClient, **more: str) -> dict[str, str]:
    return {
        "grant_type": "client_credentials", "client_id": issued.client.id, "client_secret": issued.secret,
    } | more  # fmt: skip


async def test_credentials_in_the_body_or_by_basic_give_a_token(city: TestCity, issued: IssuedClient):
    login, secret = quote(issued.client.id), quote(issued.secret)
    answers = [
        await ask(city, in_body(issued)),
        await ask(city, {"grant_type": "client_credentials"}, basic(login, secret)),
    ]
    for answer in answers:
        assert answer.status_code == 200
        assert answer.headers["Cache-Control"] == "no-store"
        token = answer.json()
        assert set(token) == {"access_token", "token_type", "expires_in", "scope"}
        assert (token["token_type"], token["expires_in"]) == ("Bearer", 1800)
        assert "hospital:schedules:write" in token["scope"].split()
        caller = Caller(issued.client.id, token["access_token"])
        await city.call("GET", "/hospital/v1/terminals", as_=caller)


@pytest.mark.parametrize(
    ("change", "status", "error"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_secret": ""}, 401, "invalid_client"),
        ({"client_id": "nobody"}, 401, "invalid_client"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"grant_type": ""}, 400, "invalid_request"),
        ({"scope": "staff:audit:read"}, 400, "invalid_scope"),
        ({"scope": "everything"}, 400, "invalid_scope"),
    ],
)
async def test_refusals_are_the_protocols_own(city: TestCity, issued: IssuedClient, change, status, error):
    answer = await ask(city, in_body(issued) | change)
    assert answer.status_code == status
    assert answer.json()["error"] == error
    assert answer.json()["error_description"]
    assert ("WWW-Authenticate" in answer.headers) == (status == 401)


async def test_a_scope_that_is_granted_may_be_asked_for(city: TestCity, issued: IssuedClient):
    answer = await ask(city, in_body(issued, scope="hospital:schedules:write hospital:bookings:read"))
    assert answer.status_code == 200


@pytest.mark.parametrize("header", ["Basic !!!", "Basic =", "Basic /w==", "Basic " + "A" * 5])
async def test_a_header_that_is_not_basic_is_refused(city: TestCity, header):
    answer = await ask(city, {"grant_type": "client_credentials"}, {"Authorization": header})
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


async def test_two_ways_at_once_and_repeated_fields_are_refused(city: TestCity, issued: IssuedClient):
    both = await ask(city, in_body(issued), basic(issued.client.id, issued.secret))
    twice = await city.http.post(
        f"{city.url}/oauth2/token",
        content="grant_type=client_credentials&client_id=a&client_id=b",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )
    for answer in (both, twice):
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


async def test_guessing_is_slowed_down(city: TestCity):
    form = {"grant_type": "client_credentials", "client_id": "guessed", "client_secret": "x"}
    answers = [await ask(city, form) for _ in range(BUCKETS["client_token"].burst + 1)]
    assert [answer.status_code for answer in answers[:-1]] == [401] * (len(answers) - 1)
    assert answers[-1].status_code == 429
    assert answers[-1].json()["error"] == "temporarily_unavailable"
    assert int(answers[-1].headers["Retry-After"]) > 0


async def test_no_secret_is_stored(city: TestCity, issued: IssuedClient):
    stored = str(await city.city.db.collection("clients").find({}).to_list(None))
    assert issued.secret not in stored
    assert len(issued.secret) >= 43  # 256 bits


async def test_a_secret_can_be_replaced_with_and_without_an_overlap(city: TestCity, issued: IssuedClient):
    clients = city.city.services.clients
    second = await clients.new_secret(issued.client.id, keep_old=True)
    for secret in (issued.secret, second):
        assert (await ask(city, in_body(issued, client_secret=secret))).status_code == 200
    third = await clients.new_secret(issued.client.id)
    for secret, status in ((issued.secret, 401), (second, 401), (third, 200)):
        assert (await ask(city, in_body(issued, client_secret=secret))).status_code == status


async def test_a_client_that_is_shut_out_loses_its_tokens_at_once(city: TestCity, issued: IssuedClient):
    token = (await ask(city, in_body(issued))).json()["access_token"]
    caller = Caller(issued.client.id, token)
    await city.call("GET", "/hospital/v1/terminals", as_=caller)
    await city.city.services.clients.deactivate(issued.client.id)
    assert (await ask(city, in_body(issued))).status_code == 401
    await city.call("GET", "/hospital/v1/terminals", as_=caller, expect=401)


async def test_other_processes_refuse_a_shut_out_clients_tokens_within_a_second(
    city: TestCity, issued: IssuedClient, monkeypatch: pytest.MonkeyPatch
):
    """As docs/operations.md says; even a token issued by a machine whose clock is ahead."""
    ahead = clock.now() + timedelta(seconds=20)
    with monkeypatch.context() as patch:
        patch.setattr(clock, "now", lambda: ahead)
        token = (await city.city.services.clients.grant(*in_body(issued).values())).access_token
    elsewhere = await open_city(city.city.settings, process="elsewhere")
    try:
        assert elsewhere.services.tokens.verify(token).id == issued.client.id
        await city.city.services.clients.deactivate(issued.client.id)

        async def refused() -> bool:
            try:
                elsewhere.services.tokens.verify(token)
            except AppError as refusal:
                return refusal.code is ErrorCode.UNAUTHENTICATED
            return False

        # The process looks every second; the rest is a busy machine's.
        await poll(refused, deadline_s=1.0 + 4, what="the other process to know")
    finally:
        await elsewhere.close()


async def test_a_new_secret_voids_the_tokens_of_a_stolen_one(city: TestCity, issued: IssuedClient):
    stolen = Caller(issued.client.id, (await ask(city, in_body(issued))).json()["access_token"])
    secret = await city.city.services.clients.new_secret(issued.client.id)
    await city.call("GET", "/hospital/v1/terminals", as_=stolen, expect=401)
    answer = await ask(city, in_body(issued, client_secret=secret))
    fresh = Caller(issued.client.id, answer.json()["access_token"])
    await city.call("GET", "/hospital/v1/terminals", as_=fresh)


async def test_a_planned_change_of_secret_interrupts_nothing_and_ends_after_a_week(
    city: TestCity, issued: IssuedClient
):
    caller = Caller(issued.client.id, (await ask(city, in_body(issued))).json()["access_token"])
    second = await city.city.services.clients.new_secret(issued.client.id, keep_old=True)
    await city.call("GET", "/hospital/v1/terminals", as_=caller)
    assert (await ask(city, in_body(issued))).status_code == 200
    clients = city.city.db.collection("clients")
    await clients.update_one(
        {"_id": issued.client.id, "secrets.until_at": {"$exists": True}},
        {"$set": {"secrets.$.until_at": clock.now() - timedelta(seconds=1)}},
    )
    assert (await ask(city, in_body(issued))).status_code == 401
    assert (await ask(city, in_body(issued, client_secret=second))).status_code == 200
    kept = await clients.find_one({"_id": issued.client.id})
    assert kept is not None
    # The lapsed one is forgotten, so that its key may be dropped one day.
    assert len(kept["secrets"]) == 1


async def test_every_terminal_has_an_identity_of_its_own(city: TestCity, issued: IssuedClient):
    hospital = Caller(issued.client.id, (await ask(city, in_body(issued))).json()["access_token"])
    department = {"name": "门诊收费", "code": "69"}
    await city.call("PUT", "/hospital/v1/departments/SF", as_=hospital, json=department)
    wanted = {"name": "收费窗口1号", "kind": "window", "department": "SF"}
    made = await asyncio.gather(
        *(city.call("POST", "/hospital/v1/terminals", as_=hospital, json=wanted) for _ in range(2))
    )
    assert len({terminal["client_id"] for terminal in made}) == 2
    answer = await ask(city, {
        "grant_type": "client_credentials", "client_id": made[0]["client_id"],
        "client_secret": made[0]["client_secret"],
    })  # fmt: skip
    assert answer.json()["scope"] == "hospital:codes:verify"
    terminal = Caller(made[0]["client_id"], answer.json()["access_token"])
    await city.call("POST", "/hospital/v1/terminals", as_=terminal, json=wanted, expect=403)
    listed = await city.call("GET", "/hospital/v1/terminals", as_=hospital)
    assert {found["id"] for found in listed["items"]} == {terminal["id"] for terminal in made}
    assert "secret" not in str(listed)
    entries, _ = await city.city.services.audit.list_entries(SYSTEM, AuditFilter(action="client.register"))
    registered = {(entry.actor_id, entry.object, entry.data["kind"]) for entry in entries}
    assert registered == {(hospital.id, f"client/{each['client_id']}", "window") for each in made}
    known = await city.city.services.clients.find_client(made[0]["client_id"])
    assert known is not None
    assert (known.organization_id, str(known.terminal_kind)) == (city.hospital.id, "window")


async def test_a_terminal_of_nowhere_is_refused(city: TestCity, issued: IssuedClient):
    hospital = Caller(issued.client.id, (await ask(city, in_body(issued))).json()["access_token"])
    wanted = {"name": "窗口", "kind": "window", "department": "nowhere"}
    await city.call("POST", "/hospital/v1/terminals", as_=hospital, json=wanted, expect=404)
    await city.call(
        "POST", "/hospital/v1/terminals", as_=hospital, json=wanted | {"kind": "balloon"}, expect=400
    )
