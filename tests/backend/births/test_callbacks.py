"""What agencies say by themselves: forged, stale, twice, late, out of order, contradictory, or never."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from typing import Any

from backend.births.models import ConcernKind
from backend.permissions import SYSTEM
from tests.factories.births import a_family, a_filing, applications, let_pass, read, states
from tests.support.city import TestCity


async def call_back(
    town: TestCity,
    agency: str,
    said: dict[str, Any],
    *,
    secret: str = "",
    at: float | None = None,
    nonce: str = "a-nonce-of-its-own",
    path: str = "",
) -> Any:
    """An agency's callback, or what looks like one; its status and answer."""
    body = json.dumps(said).encode()
    stamp = str(int(time.time() if at is None else at))
    there = f"/callbacks/agencies/{agency}"
    key = secret or town.outside.credentials["agencies"][agency]
    message = "\n".join((stamp, nonce, path or there)).encode() + b"\n" + body
    headers = {
        "Content-Type": "application/json",
        "X-Timestamp": stamp,
        "X-Nonce": nonce,
        "X-Signature": hmac.new(key.encode(), message, hashlib.sha256).hexdigest(),
    }
    answer = await town.http.post(town.url + there, content=body, headers=headers)
    return answer.status_code, answer.json()


async def test_only_what_an_agency_has_signed_lately_counts_and_only_once(town: TestCity):
    family = await a_family(town)
    await town.outside.post("switches", {"agencies_clerk": True})
    filing = await a_filing(town, family)

    async def accepted() -> Any:
        return states(await read(town, family, filing["id"]))["birth_certificate"] == "accepted"

    await town.until(accepted)
    [certificate] = await applications(town)
    done = {"id": certificate["id"], "standing": "done", "revision": 2, "results": {"certificate_no": "X1"}}
    now, secrets = time.time(), town.outside.credentials["agencies"]
    for refused in (
        await call_back(town, "mch", done, secret="0" * 48),
        await call_back(town, "mch", done, secret=secrets["civil"]),
        await call_back(town, "mch", done, at=now - 400),
        await call_back(town, "mch", done, at=now + 400),
        await call_back(town, "mch", done, nonce="short"),
        await call_back(town, "mch", done, path="/callbacks/agencies/civil"),
        await call_back(town, "mch", done | {"standing": "perhaps"}),
        await call_back(town, "mch", done | {"results": {"a": 1}}),
        # Without its number it would be older than every other word, and heard by nobody.
        await call_back(town, "mch", done | {"revision": 0}),
    ):
        assert (refused[0], refused[1]["error"]["code"]) == (401, "NOTICE_INVALID")
    strange = await town.http.post(town.url + "/callbacks/agencies/nobody", content=b"{}")
    assert strange.status_code == 404
    # Signed, and about a question that is none, or another agency's.
    assert (await call_back(town, "mch", done | {"id": filing["id"]}))[0] == 404
    assert (await call_back(town, "civil", done))[0] == 404
    assert states(await read(town, family, filing["id"]))["birth_certificate"] == "accepted"
    assert (await call_back(town, "mch", done))[0] == 200
    before = await read(town, family, filing["id"])
    assert states(before)["birth_certificate"] == "done"
    # The same again, the same from anew, and what was said before it: nothing changes.
    assert (await call_back(town, "mch", done))[0] == 200
    assert (await call_back(town, "mch", done, nonce="another-nonce"))[0] == 200
    late = done | {"standing": "needs_correction", "revision": 1, "results": {}}
    assert (await call_back(town, "mch", late, nonce="a-third-nonce"))[0] == 200
    assert await read(town, family, filing["id"]) == before
    # New, signed and impossible: somebody has to telephone.
    taken_back = done | {"standing": "rejected", "revision": 9, "results": {}}
    assert (await call_back(town, "mch", taken_back, nonce="a-fourth-nonce"))[0] == 200
    view = await town.city.services.births.desk.look(SYSTEM, filing["id"])
    assert [(each.kind, each.step) for each in view.filing.concerns] == [
        (ConcernKind.CONTRADICTION, "birth_certificate")
    ]
    assert states(await read(town, family, filing["id"]))["birth_certificate"] == "done"


async def test_a_filing_comes_through_lost_late_double_and_forged_callbacks_and_lost_answers(town: TestCity):
    family = await a_family(town)
    filing = await a_filing(town, family)
    trouble = ("lose_answers_agencies", "duplicate_agency_calls", "forge_agency_calls")
    await town.outside.post("switches", dict.fromkeys(trouble, True))
    await let_pass(town)
    await let_pass(town)
    # The certificate came by callback, although the answer to the question was lost.
    await town.outside.post("switches", {"lose_answers_agencies": False, "lose_agency_calls": True})

    async def over() -> Any:
        await let_pass(town)
        return (await read(town, family, filing["id"]))["state"] == "completed"

    # Nobody calls any more: the agencies are queried.
    await town.until(over, 30)
    items = await applications(town)
    assert sorted(one["step"] for one in items if one["standing"] == "done") == [
        "birth_certificate", "household", "insurance", "social_card", "vaccination",
    ]  # fmt: skip
    assert {one["asks"] for one in items if one["step"]} == {1}
    baits = [each for each in (await town.outside.get("deliveries"))["items"] if each["expect_refusal"]]
    assert {each["state"] for each in baits if each["state"] != "pending"} == {"refused"}


async def test_an_agency_without_a_line_is_staffs_business(town: TestCity):
    family = await a_family(town)
    births = town.city.services.births
    births.asking._lines = {}
    filing = await a_filing(town, family)
    for _ in range(8):
        await let_pass(town)
        await births.asking.sweep()
    view = await births.desk.look(SYSTEM, filing["id"])
    assert ConcernKind.UNREACHABLE in {each.kind for each in view.filing.concerns}
    assert await applications(town) == []
