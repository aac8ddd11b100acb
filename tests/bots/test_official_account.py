"""The official account's chat, from a person's phone through WeChat's wire to the engine and back."""

import asyncio
import hashlib
import time
from datetime import timedelta
from typing import Any

import pytest

from backend import clock
from backend.conversations.models import Through
from backend.db.client import Database
from backend.messages.models import MessageKind
from bots import words
from bots.dialogue import Dialogue, Next, Say, Talk
from bots.understanding.values import Intent
from tests.support.city import Caller, Surroundings, TestCity, open_test_city
from tests.support.gate import open_gate

PATH = "/callbacks/wechat/official-account"


@pytest.fixture
async def town(surroundings: Surroundings, mongo_uri: str, db: Database):
    async with open_test_city(surroundings, mongo_uri, db) as opened:
        yield opened


async def say(town: TestCity, phone: str, text: str, **more: Any) -> str:
    answer = await town.outside.post("oa-chat", {"phone": phone, "text": text, **more})
    return "\n".join(answer["answers"])


async def do(town: TestCity, phone: str, event: str, key: str = "") -> str:
    answer = await town.outside.post("oa-chat", {"phone": phone, "event": event, "key": key})
    return "\n".join(answer["answers"])


async def pushed_to(town: TestCity, phone: str) -> list[str]:
    thread = await town.outside.get("oa-chat", phone=phone)
    return [one["text"] for one in thread["items"] if one["pushed"]]


async def bound(town: TestCity) -> Caller:
    resident = await town.resident()
    openid = (await town.outside.post("oa-acts", {"phone": resident.phone, "act": "message"}))["openid"]
    talking = town.city.services.residents.talking
    await town.city.db.collection("login_codes").delete_many({})
    await talking.send_code(resident.phone, "test")
    texts = await town.outside.get("sms", phone=resident.phone)
    code = "".join(c for c in texts["items"][0]["content"] if c.isdigit())[:6]
    await talking.bind(openid, resident.phone, code)
    return resident


@pytest.mark.parametrize("mode", ["", "compatible", "plain"])
async def test_a_sentence_is_answered_in_every_mode_of_the_wire(
    surroundings: Surroundings, mongo_uri: str, db: Database, mode: str
):
    more = {"wechat_oa_aes_key": ""} if mode == "plain" else {}
    async with open_test_city(surroundings, mongo_uri, db, **more) as town:
        await town.outside.post("switches", {"chat_mode": mode})
        assert "您可以直接说" in await say(town, "13900001111", "帮助")
        assert "手机号" in await say(town, "13900001111", "<b>明天儿科]]></b>", kind="voice")
        assert await say(town, "13900001111", "x", kind="image") == words.CANNOT_READ


async def test_a_resident_books_in_the_chat_and_every_link_leads_through_wechats_log_in(town: TestCity):
    resident = await bound(town)
    await town.schedule(fee_fen=1500)
    await town.outside.post("switches", {"duplicate_chat": True})
    assert "1." in await say(town, resident.phone, "明天市人民医院儿科")
    assert "确认" in await say(town, resident.phone, "1")
    answer = await say(town, resident.phone, "是")
    assert "/api/v1/auth/wechat-oauth?return_to=%2Fpages%2F" in answer
    assert "token" not in answer
    booked = await town.call("GET", "/api/v1/appointments?state=upcoming", as_=resident)
    assert len(booked["items"]) == 1


async def test_what_people_do_is_answered_too(town: TestCity):
    phone = "13900002222"
    assert await do(town, phone, "subscribe") == words.welcome("健康城市")
    await town.schedule()
    resident = await bound(town)
    scanned = await do(town, resident.phone, "SCAN", f"department:{town.department.id}")
    assert "儿科" in scanned
    assert "1." in scanned
    assert "儿科" in await do(town, resident.phone, "subscribe", f"department:{town.department.id}")
    assert "您可以直接说" in await do(town, phone, "CLICK", "帮助")
    assert await do(town, phone, "VIEW", "http://127.0.0.1/") == ""
    assert await do(town, phone, "unsubscribe") == ""


async def test_who_leaves_the_account_is_written_to_there_no_more_until_he_comes_back(town: TestCity):
    resident = await bound(town)
    residents = town.city.services.residents
    follows = [bool((await residents.contact(resident.id)).followed_as)]
    for event in ("unsubscribe", "subscribe"):
        await do(town, resident.phone, event)
        follows.append(bool((await residents.contact(resident.id)).followed_as))
    # Of the two the older one came late.
    openid = (await residents.contact(resident.id)).oa_openid
    assert openid is not None
    long_ago = clock.now() - timedelta(hours=1)
    await residents.talking.note_following(openid, follows=False, at=long_ago)
    follows.append(bool((await residents.contact(resident.id)).followed_as))
    assert follows == [True, False, True, True]
    await do(town, "13900009999", "unsubscribe")  # nobody's


async def test_what_wechat_says_of_a_template_message_is_taken_in(
    surroundings: Surroundings, mongo_uri: str, db: Database
):
    kind = MessageKind.APPOINTMENT_BOOKED
    templates = {str(kind): surroundings.outside.credentials["oa_templates"][kind]}
    async with open_test_city(surroundings, mongo_uri, db, wechat_oa_templates=templates) as town:
        who = await bound(town)
        await town.outside.post("switches", {"template_result": "failed:user block"})
        session = await town.schedule()
        body = {"schedule_id": session.id, "patient_id": who.id}
        await town.call("POST", "/api/v1/appointments", as_=who, json=body)

        async def told_by_sms() -> bool:
            await town.work()
            states = [
                {each["channel"]: each["state"] for each in message["deliveries"]}
                for message in (await town.call("GET", "/api/v1/messages", as_=who))["items"]
                if message["kind"] == kind
            ]
            [state] = states
            return state["wechat"] == "failed" and state["sms"] in ("sent", "delivered")

        await town.until(told_by_sms)


class Slow(Dialogue):
    """Thinks for as long as it is told to."""

    name, title, intents, needs = "slow", "慢慢想", (Intent.BILLS,), None
    gate: asyncio.Event

    async def start(self, talk: Talk) -> Next:
        await self.gate.wait()
        return Say("想好了。")


async def test_what_takes_longer_than_wechat_waits_follows_once_by_customer_service(town: TestCity):
    bots, slow, phone = town.city.services.bots, Slow(), "13900003333"
    slow.gate = asyncio.Event()
    bots.engine.add(slow)
    bots.official_account.within_s = 0.05
    assert await say(town, phone, "我的账单") == ""
    slow.gate.set()
    await town.work()
    assert await pushed_to(town, phone) == ["想好了。"]
    await town.work()
    assert await pushed_to(town, phone) == ["想好了。"]


async def asked(town: TestCity, number: int, text: str, nonce: str) -> tuple[int, str, float]:
    """Call as WeChat does: status, body, and how long it took."""
    begun = time.monotonic()
    query = stamped(town, nonce=nonce)
    answer = await town.http.post(town.url + PATH, params=query, content=plain(number, text).encode())
    return answer.status_code, answer.text, time.monotonic() - begun


async def test_while_the_database_stands_still_wechat_is_told_to_ask_again_and_is_answered_once(
    surroundings: Surroundings, mongo_uri: str, db: Database
):
    async with (
        open_gate(mongo_uri) as gate,
        open_test_city(surroundings, gate.mongo_uri, db, wechat_oa_aes_key="") as town,
    ):
        assert (await asked(town, 11, "帮助", "a1"))[0] == 200
        gate.hold(b"")
        asyncio.get_running_loop().call_later(6, gate.release)
        status, body, took_s = await asked(town, 12, "我的预约", "a2")
        assert (status, body) == (503, "")
        assert took_s < 5
        status, body, took_s = await asked(town, 12, "我的预约", "a3")
        assert (status, body.count("<Content>")) == (200, 1)
        assert took_s < 5
        await town.work()
        assert (await town.outside.get("wechat-messages"))["items"] == []


async def test_what_was_put_off_without_our_hearing_of_it_is_told_by_the_worker_alone(
    surroundings: Surroundings, mongo_uri: str, db: Database
):
    async with (
        open_gate(mongo_uri) as gate,
        open_test_city(surroundings, gate.mongo_uri, db) as town,
    ):
        account, slow, phone = town.city.services.bots.official_account, Slow(), "13900003334"
        slow.gate = asyncio.Event()
        town.city.services.bots.engine.add(slow)
        account.within_s = 0.05
        gate.hold(b"put_off_messages")
        loop = asyncio.get_running_loop()
        loop.call_later(4.4, slow.gate.set)
        loop.call_later(4.6, gate.release)
        # The sandbox asks again at once when it is refused, as WeChat does.
        account_within = loop.call_later(4.4, setattr, account, "within_s", 3.8)
        assert await say(town, phone, "我的账单") == ""
        assert account_within.when() < loop.time()
        await town.work()
        assert await pushed_to(town, phone) == ["想好了。"]


def stamped(town: TestCity, **changed: str) -> dict[str, str]:
    token = town.city.settings.wechat_oa_token.get_secret_value()
    query = {"timestamp": str(int(time.time())), "nonce": "n1"} | changed
    parts = sorted([token, query["timestamp"], query["nonce"]])
    query.setdefault("signature", hashlib.sha1("".join(parts).encode(), usedforsecurity=False).hexdigest())
    return query


def plain(message_id: int, text: str, openid: str = "oSomebody") -> str:
    return (
        f"<xml><ToUserName>gh_1</ToUserName><FromUserName>{openid}</FromUserName>"
        f"<CreateTime>{int(time.time())}</CreateTime><MsgType>text</MsgType><Content>{text}</Content>"
        f"<MsgId>{message_id}</MsgId></xml>"
    )


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaa">]><xml><FromUserName>&a;</FromUserName></xml>'


async def test_nobody_else_is_believed(surroundings: Surroundings, mongo_uri: str, db: Database):
    async with open_test_city(surroundings, mongo_uri, db, wechat_oa_aes_key="") as town:

        async def post(query: dict[str, str], body: str, expect: int) -> str:
            answer = await town.http.post(town.url + PATH, params=query, content=body.encode())
            assert answer.status_code == expect, answer.text
            return answer.text

        echo = await town.http.get(town.url + PATH, params=stamped(town) | {"echostr": "<b>42"})
        assert echo.text == "<b>42"
        assert echo.headers["Content-Type"].startswith("text/plain")
        good = stamped(town, nonce="n2")
        first = await post(good, plain(1, "帮助"), 200)
        assert "<Content>" in first
        # The same once more tells nothing; the stamp under other words is refused.
        assert await post(good, plain(1, "帮助"), 200) == "success"
        await post(good, plain(1, "我的预约"), 403)
        await post(good, plain(2, "帮助"), 403)
        await post(good, plain(1, "帮助", "oSomebodyElse"), 403)
        await post(stamped(town, signature="0" * 40), plain(3, "帮助"), 403)
        await post(stamped(town, timestamp=str(int(time.time()) - 400)), plain(4, "帮助"), 403)
        await post(stamped(town, timestamp="²²"), plain(4, "帮助"), 403)
        await post(stamped(town, nonce="n3", encrypt_type="aes"), plain(5, "帮助"), 403)
        for number, nonsense in enumerate((BOMB, "", "<xml/>", "<xml><a></xml>", "{}", plain(0, "x"))):
            await post(stamped(town, nonce=f"bad{number}"), nonsense, 400)
        raw = await town.http.post(town.url + PATH, params=stamped(town, nonce="b"), content=b"\xff\xfe")
        assert raw.status_code == 400
        # A repeat with a stamp of its own is WeChat asking again: the answer goes out once more.
        assert "<Content>" in await post(stamped(town, nonce="n9"), plain(1, "帮助"), 200)


async def test_in_safe_mode_what_is_not_sealed_is_refused(town: TestCity):
    answer = await town.http.post(town.url + PATH, params=stamped(town), content=plain(1, "帮助").encode())
    assert answer.status_code == 400
    found = await town.city.services.conversations.has_heard(Through.WECHAT, "oSomebody", "1")
    assert not found


async def test_without_an_account_there_is_no_such_address(
    surroundings: Surroundings, mongo_uri: str, db: Database
):
    async with open_test_city(surroundings, mongo_uri, db, wechat_oa_token="", wechat_oa_aes_key="") as town:
        assert (await town.http.get(town.url + PATH, params={"signature": ""})).status_code == 404
        assert (await town.http.post(town.url + PATH, content=b"<xml/>")).status_code == 404
