"""The population register: signed questions, sparing answers."""

import hashlib
import hmac
import json
import time
from typing import Any

import httpx
import pytest

from tests.support.outside import Outside

PARENT = {"name": "张伟", "id_number": "11010519491231002X", "phone": "13800138000"}
CHILD = {"name": "张小伟", "id_number": "370702201605014516"}
SPOUSE = {"name": "李秀英", "id_number": "440524188001010014"}


async def ask(
    web: httpx.AsyncClient, outside: Outside, path: str, body: Any, **headers: str
) -> httpx.Response:
    content = json.dumps(body, ensure_ascii=False).encode()
    stamp = headers.get("X-Timestamp", str(int(time.time())))
    secret = outside.credentials["register"]["secret"].encode()
    signature = hmac.new(secret, stamp.encode() + b"\n" + content, hashlib.sha256).hexdigest()
    given = {"X-Timestamp": stamp, "X-Signature": signature} | headers
    return await web.post(f"/register/v1/{path}", content=content, headers=given)


@pytest.fixture
async def family(outside: Outside) -> None:
    child = {"id_number": CHILD["id_number"], "relation": "child"}
    spouse = {"id_number": SPOUSE["id_number"], "relation": "spouse"}
    await outside.post("persons", {"items": [PARENT | {"family": [child, spouse]}, CHILD, SPOUSE]})


@pytest.mark.usefixtures("family")
async def test_a_known_person_matches(web: httpx.AsyncClient, outside: Outside):
    answer = (await ask(web, outside, "verify", PARENT)).json()
    assert answer == {
        "match": True, "sex": "female", "birth_on": "1949-12-31", "alive": True, "phone_match": True,
    }  # fmt: skip


@pytest.mark.usefixtures("family")
async def test_a_wrong_name_or_an_unknown_number_tells_nothing(web: httpx.AsyncClient, outside: Outside):
    nothing = {"match": False, "sex": None, "birth_on": None, "alive": None, "phone_match": None}
    stranger = {"name": "王五", "id_number": "370702200001010013"}
    for asked in (PARENT | {"name": "张三"}, stranger | {"id_number": "37070220000101001X"}):
        answer = await ask(web, outside, "verify", asked)
        assert answer.json() in (nothing, {"error": {"code": "BAD_ID_NUMBER"}})


@pytest.mark.usefixtures("family")
async def test_the_phone_is_judged_only_when_asked_and_known(web: httpx.AsyncClient, outside: Outside):
    asked = {name: PARENT[name] for name in ("name", "id_number")}
    assert (await ask(web, outside, "verify", asked)).json()["phone_match"] is None
    other = asked | {"phone": "13900000000"}
    assert (await ask(web, outside, "verify", other)).json()["phone_match"] is False
    assert (await ask(web, outside, "verify", CHILD | {"phone": "13900000000"})).json()["phone_match"] is None


@pytest.mark.usefixtures("family")
@pytest.mark.parametrize(
    ("guardian", "dependant", "relation"),
    [
        (PARENT, CHILD, "child"),
        (CHILD, PARENT, "parent"),
        (SPOUSE, PARENT, "spouse"),
        (SPOUSE, CHILD, "none"),
    ],
    ids=["parent-child", "child-parent", "spouses", "strangers"],
)
async def test_relation_is_what_the_dependant_is_to_the_guardian(
    web: httpx.AsyncClient,
    outside: Outside,
    guardian: dict[str, str],
    dependant: dict[str, str],
    relation: str,
):
    body = {
        "guardian_id_number": guardian["id_number"],
        "dependant_id_number": dependant["id_number"],
    }
    assert (await ask(web, outside, "relation", body)).json() == {"relation": relation}


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"X-Signature": "0" * 64}, "BAD_SIGNATURE"),
        ({"X-Signature": ""}, "BAD_SIGNATURE"),
        ({"X-Timestamp": str(int(time.time()) - 1000)}, "STALE_TIMESTAMP"),
        ({"X-Timestamp": "now"}, "STALE_TIMESTAMP"),
    ],
    ids=["wrong", "empty", "stale", "unreadable"],
)
async def test_an_unsigned_or_old_question_is_refused(
    web: httpx.AsyncClient, outside: Outside, headers: dict[str, str], code: str
):
    answer = await ask(web, outside, "verify", PARENT, **headers)
    assert (answer.status_code, answer.json()) == (401, {"error": {"code": code}})


async def test_a_number_that_cannot_be_is_refused(web: httpx.AsyncClient, outside: Outside):
    for id_number in ("110105194912310021", "11010519491331002X", "", None):
        answer = await ask(web, outside, "verify", {"name": "张伟", "id_number": id_number})
        assert (answer.status_code, answer.json()) == (400, {"error": {"code": "BAD_ID_NUMBER"}})


async def test_an_open_register_knows_everybody(web: httpx.AsyncClient, outside: Outside):
    async with outside.misbehaving(register_open=True):
        answer = (await ask(web, outside, "verify", CHILD)).json()
    assert (answer["match"], answer["sex"], answer["birth_on"]) == (True, "male", "2016-05-01")


async def test_it_can_be_out_of_service(web: httpx.AsyncClient, outside: Outside):
    async with outside.misbehaving(refuse_register=True):
        assert (await ask(web, outside, "verify", PARENT)).status_code == 503
