"""wechatpy's faults, each shown to be gone."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler

from notify.ports import RejectedError, RejectReason, RetryableError, ThrottledError
from notify.wechat.client import WeChatApp, WeChatAppConfig
from notify.wechat.tokens import MemoryTokenStorage, RedisTokenStorage
from tests.notify.wechat.conftest import PHONE, WeChatWorld


class Stub:
    """A WeChat that answers what it is told, and counts."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, dict[str, Any]]] = []
        self.refused_tokens = {"bad"}
        self.tokens = ["bad"]
        self.url = ""
        self.answer: dict[str, Any] | bytes = {"errcode": 0, "errmsg": "ok"}
        self.pause_s = 0.0

    def paths(self) -> list[str]:
        return [path for path, _ in self.requests]


@pytest.fixture
async def stub() -> AsyncIterator[Stub]:
    stub = Stub()

    class Answer(RequestHandler):
        async def post(self) -> None:
            body = __import__("json").loads(self.request.body)
            stub.requests.append((self.request.path, body))
            await asyncio.sleep(stub.pause_s)
            if self.request.path.endswith("stable_token"):
                token = stub.tokens[0] if len(stub.tokens) == 1 else stub.tokens.pop(0)
                self.finish({"access_token": token, "expires_in": 7200})
            elif self.get_query_argument("access_token") in stub.refused_tokens:
                self.finish({"errcode": 40001, "errmsg": "invalid credential"})
            else:
                self.finish(stub.answer)

        get = post

    sockets = bind_sockets(0, "127.0.0.1")
    server = HTTPServer(Application([(r".*", Answer)], log_function=lambda _handler: None))
    server.add_sockets(sockets)
    stub.url = f"http://127.0.0.1:{sockets[0].getsockname()[1]}"
    yield stub
    server.stop()
    await server.close_all_connections()


@pytest.fixture
async def app(stub: Stub) -> AsyncIterator[WeChatApp]:
    app = WeChatApp(WeChatAppConfig(stub.url, "wx1", "the-secret", read_timeout_s=0.5, threads=2))
    yield app
    await app.aclose()


async def test_a_token_refused_forever_is_tried_twice_and_no_more(stub: Stub, app: WeChatApp):
    with pytest.raises(RejectedError) as refused:
        await app.post("test", "wxa/test", {})
    assert refused.value.reason is RejectReason.MISCONFIGURED
    assert stub.paths().count("/wxa/test") == 2


async def test_a_stale_token_is_renewed_and_the_call_goes_through(stub: Stub, app: WeChatApp):
    stub.tokens = ["bad", "good"]
    assert (await app.post("test", "wxa/test", {}))["errcode"] == 0


async def test_a_renewal_is_forced_only_when_the_same_token_comes_back(stub: Stub, app: WeChatApp):
    stub.tokens = ["bad", "bad", "good"]
    await app.post("test", "wxa/test", {})
    forced = [body["force_refresh"] for path, body in stub.requests if path.endswith("stable_token")]
    assert forced == [False, False, True]


async def test_a_neighbours_newer_token_is_used_before_another_is_fetched(stub: Stub):
    storage = MemoryTokenStorage()
    storage.set("wx1_access_token", "bad", 60)
    app = WeChatApp(WeChatAppConfig(stub.url, "wx1", "s", threads=1), storage=storage)
    stub.refused_tokens = {"bad"}
    first = asyncio.create_task(app.post("test", "wxa/test", {}))
    storage.set("wx1_access_token", "good", 60)
    await first
    assert "/cgi-bin/stable_token" not in stub.paths()
    await app.aclose()


async def test_a_token_serves_many_calls(stub: Stub, app: WeChatApp):
    stub.tokens = ["good"]
    await asyncio.gather(*(app.post("test", "wxa/test", {}) for _ in range(6)))
    assert stub.paths().count("/cgi-bin/stable_token") <= 2
    assert stub.paths().count("/wxa/test") == 6


async def test_fetching_a_token_has_a_timeout(stub: Stub, app: WeChatApp):
    stub.pause_s = 60
    async with asyncio.timeout(30):
        with pytest.raises(RetryableError):
            await app.post("test", "wxa/test", {}, read=True)


async def test_a_call_does_not_block_the_loop(stub: Stub, app: WeChatApp):
    stub.tokens, stub.pause_s = ["good"], 0.2
    call = asyncio.create_task(app.post("test", "wxa/test", {}))
    turns = 0
    while not call.done():
        turns += 1
        await asyncio.sleep(0.005)
    assert turns > 20


@pytest.mark.parametrize(
    ("errcode", "error"), [(-1, RetryableError), (45009, ThrottledError), (45011, ThrottledError)]
)
async def test_a_busy_wechat_may_be_asked_again(
    stub: Stub, app: WeChatApp, errcode: int, error: type[Exception]
):
    stub.tokens, stub.answer = ["good"], {"errcode": errcode, "errmsg": "busy"}
    with pytest.raises(error):
        await app.post("test", "wxa/test", {})


async def test_an_answer_that_is_not_json_is_no_answer(stub: Stub, app: WeChatApp):
    stub.tokens, stub.answer = ["good"], b"<html>gateway</html>"
    with pytest.raises(RetryableError):
        await app.post("test", "wxa/test", {}, read=True)


async def test_texts_travel_as_utf8_and_not_escaped(stub: Stub, app: WeChatApp):
    stub.tokens = ["good"]
    await app.post("test", "wxa/test", {"text": "健康"})
    assert stub.requests[-1][1] == {"text": "健康"}


async def test_an_error_never_holds_the_secret(app: WeChatApp, stub: Stub):
    away = WeChatApp(WeChatAppConfig("http://127.0.0.1:9", "wx1", "the-secret", threads=1))
    with pytest.raises(RetryableError) as failed:
        await away.get("test", "sns/jscode2session", {"secret": "the-secret", "js_code": "c"})
    assert "the-secret" not in repr(failed.value)
    assert failed.value.__suppress_context__
    assert "the-secret" not in repr(away.config)
    await away.aclose()


async def test_two_processes_are_handed_the_same_token(world: WeChatWorld):
    others = [WeChatApp(world.config("wechat_mini")) for _ in range(2)]
    await world.grant(3)
    for app in (world.mini, *others, world.mini):
        await app.post("phone", "wxa/business/getuserphonenumber", {"code": (await world.phone_code())[0]})
    for app in others:
        await app.aclose()
    assert PHONE


def test_memory_forgets_a_token_when_its_time_is_over():
    storage = MemoryTokenStorage()
    storage.set("key", "value", ttl=0)
    assert storage.get("key") is None
    storage.set("key", "value")
    assert storage.get("key") == "value"
    storage.delete("key")
    assert storage.get("key", "nothing") == "nothing"


class Backwards:
    """A seal that anybody can break."""

    def seal(self, key: str, text: str) -> bytes:
        return f"{key}|{text[::-1]}".encode()

    def open(self, key: str, sealed: bytes) -> str | None:
        place, _, text = sealed.decode().partition("|")
        return text[::-1] if place == key else None


def test_redis_keeps_a_token_sealed_for_all_processes(redis_url: str):
    import redis

    client = redis.Redis.from_url(redis_url)
    storage, other = RedisTokenStorage(client, Backwards()), RedisTokenStorage(client, Backwards())
    storage.set("app_access_token", "value", ttl=60)
    assert other.get("app_access_token") == "value"
    assert 0 < client.ttl("wechat:app_access_token") <= 60
    assert client.get("wechat:app_access_token") == b"app_access_token|eulav"
    client.set("wechat:app_access_token", b"elsewhere|eulav")
    assert other.get("app_access_token", "nothing") == "nothing"
    other.delete("app_access_token")
    assert storage.get("app_access_token", "nothing") == "nothing"
    client.close()
