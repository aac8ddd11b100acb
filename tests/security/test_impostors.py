"""Claiming to be somebody: forged, borrowed, stolen and outlived proofs of who one is."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest

from backend import clock
from backend.bootstrap import open_city
from backend.errors import AppError, ErrorCode
from backend.ids import new_id
from backend.permissions import Actor, Role
from backend.security import passwords
from backend.security.keys import Keyring
from backend.security.refresh import RefreshTokens
from backend.security.revocations import RevocationList
from backend.security.signing import Ed25519Signer, signer_for
from backend.security.store import SessionStore
from backend.security.tokens import TokenIssuer
from tests.factories.residents import make_resident
from tests.factories.staff import make_staff
from tests.support.city import Caller, TestCity
from tests.support.polling import poll

ME = "/api/v1/me"


def parts(token: str) -> tuple[dict[str, Any], dict[str, Any], str]:
    head, body, signature = token.split(".")
    return _read(head), _read(body), signature


def _read(segment: str) -> dict[str, Any]:
    return dict(json.loads(base64.urlsafe_b64decode(segment + "==")))


def _packed(value: Any) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def joined(head: Any, body: Any, signature: str) -> str:
    return f"{_packed(head)}.{_packed(body)}.{signature}"


def unsigned(alg: str) -> Callable[[TestCity, str], str]:
    return lambda city, token: joined(parts(token)[0] | {"alg": alg}, parts(token)[1], "")


def hs256(city: TestCity, token: str) -> str:
    """Signed with the public key as if it were a secret, in each of its usual forms."""
    head, body, _ = parts(token)
    public = signer_for(city.city.services.keyring.active("token")).public_key
    message = f"{_packed(head | {'alg': 'HS256'})}.{_packed(body)}"
    return f"{message}.{_packed(hmac.digest(public, message.encode(), hashlib.sha256))}"


def changed(**claims: Any) -> Callable[[TestCity, str], str]:
    def forge(city: TestCity, token: str) -> str:
        head, body, signature = parts(token)
        return joined(head, body | claims, signature)

    return forge


def with_head(**fields: Any) -> Callable[[TestCity, str], str]:
    def forge(city: TestCity, token: str) -> str:
        head, body, signature = parts(token)
        return joined(head | fields, body, signature)

    return forge


def own_key_in_the_head(city: TestCity, token: str) -> str:
    """Signed by the forger, who sends his key along."""
    ring = Keyring.generate()
    issuer = TokenIssuer(ring, RevocationList(SessionStore(city.city.db)))
    actor = Actor("resident", parts(token)[1]["sub"], Role.RESIDENT, session_id=new_id(), real_name=True)
    head, body, signature = parts(issuer.issue(actor))
    key = _packed(signer_for(ring.active("token")).public_key)
    return joined(head | {"jwk": {"kty": "OKP", "crv": "Ed25519", "x": key}}, body, signature)


FORGERIES: dict[str, Callable[[TestCity, str], str]] = {
    "no algorithm": unsigned("none"),
    "no algorithm, oddly written": unsigned("nOnE"),
    "no algorithm but a signature": with_head(alg="none"),
    "no signature": lambda city, token: token.rpartition(".")[0] + ".",
    "half a signature": lambda city, token: token[:-40],
    "another signature": lambda city, token: token[:-10] + "AAAAAAAAAA",
    "HS256 with the public key": hs256,
    "another algorithm": with_head(alg="RS256"),
    "another key's id": with_head(kid="nothing"),
    "a path as key": with_head(kid="../../../../dev/null"),
    "a list as key": with_head(kid=["a"]),
    "the forger's own key": own_key_in_the_head,
    "another person": changed(sub="01J0000000000000000000000Z"),
    "another role": changed(role="hospital_client", kind="client"),
    "the system itself": changed(kind="system", role=None),
    "the whole city": changed(org=None),
    "a longer life": changed(exp=int(datetime(2099, 1, 1, tzinfo=UTC).timestamp())),
    "verified": changed(rn=True, ch="window"),
    "two dots more": lambda city, token: f"{token}..",
    "spaces in it": lambda city, token: token.replace(".", ". "),
    "twice": lambda city, token: f"{token}.{token}",
}


@pytest.fixture
async def who(city: TestCity) -> Caller:
    made = await make_resident(city.city.services)
    return Caller(made.id, made.access_token)


async def code_of(city: TestCity, token: str, path: str = ME) -> str:
    refused = await city.call("GET", path, as_=Caller("", token), expect=401)
    return str(refused["error"]["code"])


async def test_a_forged_token_opens_nothing(city: TestCity, who: Caller) -> None:
    await city.call("GET", ME, as_=who)
    for name, forge in FORGERIES.items():
        assert await code_of(city, forge(city, who.token)) == ErrorCode.UNAUTHENTICATED, name


async def test_a_token_signed_by_us_for_what_we_never_issue_opens_nothing(
    city: TestCity, who: Caller
) -> None:
    """Should ever a signature be had for them: nobody is the system, nobody comes from the future."""
    key = city.city.services.keyring.active("token")
    signer = signer_for(key)
    assert isinstance(signer, Ed25519Signer)
    _, good, _ = parts(who.token)
    for wrong in (
        {"kind": "system", "role": None, "org": None},
        {"kind": "anonymous"},
        {"kind": "king"},
        {"role": "king"},
        {"iss": "another-city"},
        {"iat": clock.now().timestamp() + 3600},
        {"exp": "tomorrow"},
        {"exp": None},
        {"sub": None, "kind": None},
    ):
        token = jwt.encode(good | wrong, signer.private, algorithm="EdDSA", headers={"kid": key.kid})
        assert await code_of(city, token) == ErrorCode.UNAUTHENTICATED, wrong


async def test_a_token_of_another_city_opens_nothing(city: TestCity, who: Caller) -> None:
    other = TokenIssuer(Keyring.generate(), RevocationList(SessionStore(city.city.db)))
    for actor in (
        Actor("resident", who.id, Role.RESIDENT, session_id=new_id(), real_name=True),
        Actor("client", new_id(), Role.HOSPITAL_CLIENT, frozenset({city.hospital.id}), new_id()),
    ):
        assert await code_of(city, other.issue(actor)) == ErrorCode.UNAUTHENTICATED
        assert await code_of(city, other.issue(actor), "/hospital/v1/bookings") == ErrorCode.UNAUTHENTICATED


async def test_a_token_that_is_over_says_so(city: TestCity, who: Caller) -> None:
    actor = city.city.services.tokens.verify(who.token)
    over = city.city.services.tokens.issue(actor, ttl=timedelta(seconds=-1))
    assert await code_of(city, over) == ErrorCode.TOKEN_EXPIRED


async def test_signing_out_ends_this_session_and_no_other(city: TestCity) -> None:
    services = city.city.services
    made = await make_resident(services)
    second = await services.sessions.open(made.actor)
    await city.call("POST", "/api/v1/auth/sign-out", as_=Caller(made.id, made.access_token))
    assert await code_of(city, made.access_token) == ErrorCode.UNAUTHENTICATED
    refresh = {"refresh_token": made.refresh_token}
    refused = await city.call("POST", "/api/v1/auth/refresh", json=refresh, expect=401)
    assert refused["error"]["code"] == ErrorCode.UNAUTHENTICATED
    await city.call("GET", ME, as_=Caller(made.id, second.access_token))


async def test_a_deleted_account_opens_nothing_on_any_device(city: TestCity) -> None:
    services = city.city.services
    made = await make_resident(services)
    second = await services.sessions.open(made.actor)
    await city.call("DELETE", ME, as_=Caller(made.id, made.access_token))
    for token in (made.access_token, second.access_token):
        assert await code_of(city, token) == ErrorCode.UNAUTHENTICATED
    for refresh_token in (made.refresh_token, second.refresh_token):
        await city.call("POST", "/api/v1/auth/refresh", json={"refresh_token": refresh_token}, expect=401)


async def test_a_client_that_is_shut_out_is_out_at_once(city: TestCity) -> None:
    clients = city.city.services.clients
    issued = await clients.register_hospital(city.hospital.id, "HIS")
    grant = await clients.grant("client_credentials", issued.client.id, issued.secret)
    await city.call("GET", "/hospital/v1/bookings", as_=Caller("", grant.access_token))
    await clients.deactivate(issued.client.id)
    assert await code_of(city, grant.access_token, "/hospital/v1/bookings") == ErrorCode.UNAUTHENTICATED
    form = {"grant_type": "client_credentials", "client_id": issued.client.id, "client_secret": issued.secret}
    assert (await city.http.post(f"{city.url}/oauth2/token", data=form)).status_code == 401


async def test_a_stolen_refresh_token_ends_the_session_it_came_from(city: TestCity) -> None:
    made = await make_resident(city.city.services)
    path, stolen = "/api/v1/auth/refresh", {"refresh_token": made.refresh_token}
    first = await city.call("POST", path, json=stolen)
    second = await city.call("POST", path, json={"refresh_token": first["refresh_token"]})
    reused = await city.call("POST", path, json=stolen, expect=401)
    assert reused["error"]["code"] == ErrorCode.REFRESH_REUSED
    for token in (second["access_token"], first["access_token"], made.access_token):
        assert await code_of(city, token) == ErrorCode.UNAUTHENTICATED
    await city.call("POST", path, json={"refresh_token": second["refresh_token"]}, expect=401)


async def test_a_storm_of_refreshes_with_one_token_gives_one_successor(city: TestCity) -> None:
    made = await make_resident(city.city.services)
    body = {"refresh_token": made.refresh_token}
    answers = await asyncio.gather(
        *(city.http.post(f"{city.url}/api/v1/auth/refresh", json=body) for _ in range(20))
    )
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["refresh_token"] for answer in answers}) == 1


async def test_an_invented_refresh_token_harms_nobody(city: TestCity) -> None:
    made = await make_resident(city.city.services)
    token = made.refresh_token
    # Other last characters stand for the same bytes: they were not given out either.
    lasts = [token[:-1] + last for last in "ABCDEFGHIJKLMNOPQRSTUVWXYZ" if last != token[-1]]
    wrong_ones = [*lasts, token[:20] + token[20:].swapcase(), token[4:], "hcr_" + "A" * 75, "hcr_"]
    for wrong in wrong_ones:
        body = {"refresh_token": wrong}
        refused = await city.call("POST", "/api/v1/auth/refresh", json=body, expect=401)
        assert refused["error"]["code"] == ErrorCode.UNAUTHENTICATED, wrong
    await city.call("GET", ME, as_=Caller(made.id, made.access_token))
    await city.call("POST", "/api/v1/auth/refresh", json={"refresh_token": token})


async def test_a_refresh_token_of_another_city_harms_nobody(city: TestCity) -> None:
    made = await make_resident(city.city.services)
    forged = RefreshTokens(Keyring.generate()).first(made.actor.session_id)
    await city.call("POST", "/api/v1/auth/refresh", json={"refresh_token": forged.text}, expect=401)
    await city.call("GET", ME, as_=Caller(made.id, made.access_token))


async def test_another_persons_idempotency_key_gives_nothing_away(city: TestCity) -> None:
    schedule = await city.schedule()
    one, other = city.stranger(), city.stranger()
    key, bookings = "somebody-guessed-this", []
    for who in (one, other):
        body = {"schedule_id": schedule.id, "patient_id": who.id}
        bookings.append(await city.call("POST", "/api/v1/appointments", as_=who, json=body, key=key))
    first, second = bookings
    assert first["id"] != second["id"]
    assert first["number"] != second["number"]
    assert (first["patient"]["id"], second["patient"]["id"]) == (one.id, other.id)
    # Nor does one's own key give another slot, or a slot for another patient.
    elsewhere = {"schedule_id": schedule.id, "patient_id": one.id, "number": 7}
    reused = await city.call("POST", "/api/v1/appointments", as_=one, json=elsewhere, key=key, expect=409)
    assert reused["error"]["code"] == ErrorCode.IDEMPOTENCY_KEY_REUSED
    assert reused["error"]["data"] == {}


async def test_another_guardians_idempotency_key_prints_another_code(city: TestCity) -> None:
    services = city.city.services
    mother, father = await make_resident(services), await make_resident(services)
    codes = [
        await city.call(
            "POST",
            "/api/v1/health-codes/static",
            as_=Caller(who.id, who.access_token),
            json={"patient_id": who.id},
            key="the-same-key",
        )
        for who in (mother, father)
    ]
    assert codes[0]["id"] != codes[1]["id"]
    assert codes[0]["text"] != codes[1]["text"]


async def test_a_phone_with_an_account_and_one_without_are_told_the_same(city: TestCity) -> None:
    known = (await city.resident()).phone
    await city.city.db.collection("login_codes").delete_many({})
    said = []
    for phone in (known, "13900099999"):
        sent = await city.http.post(f"{city.url}/api/v1/auth/sms-codes", json={"phone": phone})
        again = await city.http.post(f"{city.url}/api/v1/auth/sms-codes", json={"phone": phone})
        wrong = await city.http.post(f"{city.url}/api/v1/auth/sms", json={"phone": phone, "code": "000000"})
        said.append([(each.status_code, _without_id(each.json())) for each in (sent, again, wrong)])
    assert said[0] == said[1]


def _without_id(answer: Any) -> Any:
    error = answer.get("error", {})
    return answer | ({"error": error | {"request_id": ""}} if error else {})


@pytest.mark.parametrize("known", [True, False])
async def test_a_known_login_costs_as_much_work_as_an_unknown_one(
    city: TestCity, known: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    member = await make_staff(city.city.services.staff)
    verified, real = [], passwords._verify

    def counting(password_hash: str, password: str) -> bool:
        verified.append(password_hash.rpartition("$")[0].rpartition("$")[0])
        return real(password_hash, password)

    monkeypatch.setattr(passwords, "_verify", counting)
    login = member.login if known else "nobody.here"
    with pytest.raises(Exception, match="SIGN_IN_FAILED"):
        await city.city.services.staff.sign_in.begin(login, "wrong-password-1", "127.0.0.1")
    # One hash, with the parameters of today's.
    assert verified == [passwords._nobodys_hash().rpartition("$")[0].rpartition("$")[0]]


async def test_an_unknown_client_and_a_wrong_secret_are_told_the_same(city: TestCity) -> None:
    issued = await city.city.services.clients.register_hospital(city.hospital.id, "HIS")
    answers = []
    for client_id in (issued.client.id, new_id()):
        form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": "guessed"}
        answer = await city.http.post(f"{city.url}/oauth2/token", data=form)
        answers.append((answer.status_code, answer.text))
    assert answers[0] == answers[1]
    assert answers[0][0] == 401


async def test_what_one_process_ends_another_learns_within_seconds(city: TestCity, who: Caller) -> None:
    elsewhere = await open_city(city.city.settings, process="test")
    try:
        assert elsewhere.services.tokens.verify(who.token).id == who.id
        await city.call("POST", "/api/v1/auth/sign-out", as_=who)

        def refused() -> bool:
            try:
                elsewhere.services.tokens.verify(who.token)
            except AppError as error:
                return error.code is ErrorCode.UNAUTHENTICATED
            return False

        await poll(refused, deadline_s=5)
    finally:
        await elsewhere.close()
