"""The WeChat platform through wechatpy, and the refusals a client must expect."""

import asyncio
import json
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from wechatpy import WeChatClient, WeChatOAuth
from wechatpy.exceptions import WeChatClientException, WeChatOAuthException

from tests.sandbox.conftest import PHONE
from tests.support.outside import Outside

BOOKED = {
    "thing1": "市人民医院",
    "thing2": "心血管内科",
    "name3": "张*",
    "time4": "2026年11月23日 09:30",
    "thing5": "请提前15分钟到院取号",
}


class SandboxClient(WeChatClient):
    """wechatpy with another address and stable_token, as the reference prescribes."""

    def __init__(self, app: dict[str, str], base: str) -> None:
        super().__init__(app["app_id"], app["secret"], timeout=(3, 8), auto_retry=False)
        self.base = base

    def _request(self, method: str, url_or_endpoint: str, **kwargs: Any) -> Any:
        url = url_or_endpoint
        if not url.startswith("http"):
            url = kwargs.pop("api_base_url", self.API_BASE_URL) + url
        return super()._request(method, url.replace("https://api.weixin.qq.com", self.base), **kwargs)

    def fetch_access_token(self) -> Any:
        body = {"grant_type": "client_credential", "appid": self.appid, "secret": self.secret}
        answer = self._http.post(f"{self.base}/cgi-bin/stable_token", json=body, timeout=8).json()
        self.session.set(self.access_token_key, answer["access_token"], answer["expires_in"])
        self.expires_at = int(time.time()) + answer["expires_in"]
        return answer

    def get_phone_number(self, code: str) -> Any:
        base = "https://api.weixin.qq.com/"
        return self.post("wxa/business/getuserphonenumber", api_base_url=base, data={"code": code})


@pytest.fixture
def mini(outside: Outside) -> Iterator[SandboxClient]:
    client = SandboxClient(outside.credentials["wechat_mini"], f"{outside.url}/wechat")
    yield client
    client._http.close()


@pytest.fixture
def official(outside: Outside) -> Iterator[SandboxClient]:
    client = SandboxClient(outside.credentials["wechat_oa"], f"{outside.url}/wechat")
    yield client
    client._http.close()


async def refusal(function: Any, *arguments: Any, **named: Any) -> int:
    with pytest.raises(WeChatClientException) as caught:
        await asyncio.to_thread(function, *arguments, **named)
    return int(caught.value.errcode)


async def test_a_login_code_becomes_an_openid_once(mini: SandboxClient, outside: Outside):
    code = await outside.post("js-code", {"app": "mini", "phone": PHONE})
    session = await asyncio.to_thread(mini.wxa.code_to_session, code["js_code"])
    assert session["openid"] == code["openid"]
    assert len(session["session_key"]) == 24
    assert session["unionid"] == code["unionid"]
    assert await refusal(mini.wxa.code_to_session, code["js_code"]) == 40163
    assert await refusal(mini.wxa.code_to_session, "0nobody1") == 40029


async def test_the_same_phone_is_the_same_person(outside: Outside):
    first, second = [await outside.post("js-code", {"phone": PHONE}) for _ in range(2)]
    assert first["openid"] == second["openid"]
    assert first["js_code"] != second["js_code"]
    again = await outside.post("js-code", {"openid": first["openid"]})
    assert again["openid"] == first["openid"]


async def test_a_phone_code_becomes_a_number_once(mini: SandboxClient, outside: Outside):
    code = (await outside.post("phone-code", {"phone": PHONE}))["code"]
    answer = await asyncio.to_thread(mini.get_phone_number, code)
    phone = answer["phone_info"]
    assert (phone["purePhoneNumber"], phone["countryCode"]) == (PHONE, "86")
    assert phone["watermark"]["appid"] == outside.credentials["wechat_mini"]["app_id"]
    assert await refusal(mini.get_phone_number, code) == 40029


async def test_a_login_code_is_no_phone_code(mini: SandboxClient, outside: Outside):
    code = (await outside.post("js-code", {"phone": PHONE}))["js_code"]
    assert await refusal(mini.get_phone_number, code) == 40029


@pytest.mark.parametrize(
    ("changes", "errcode"),
    [
        ({"appid": ""}, 41002),
        ({"secret": ""}, 41004),
        ({"appid": "wx0000000000000000"}, 40013),
        ({"secret": "0" * 32}, 40125),
        ({"grant_type": "password"}, 40002),
        ({"js_code": ""}, 41008),
    ],
    ids=str,
)
async def test_login_refuses_with_status_200_and_an_errcode(
    web: httpx.AsyncClient, outside: Outside, changes: dict[str, str], errcode: int
):
    app = outside.credentials["wechat_mini"]
    query = {"appid": app["app_id"], "secret": app["secret"], "grant_type": "authorization_code"}
    answer = await web.get("/wechat/sns/jscode2session", params=query | {"js_code": "x"} | changes)
    assert answer.status_code == 200
    assert answer.json()["errcode"] == errcode
    assert " rid: " in answer.json()["errmsg"]


async def stable(web: httpx.AsyncClient, outside: Outside, **more: Any) -> dict[str, Any]:
    app = outside.credentials["wechat_mini"]
    body = {"grant_type": "client_credential", "appid": app["app_id"], "secret": app["secret"]}
    return dict((await web.post("/wechat/cgi-bin/stable_token", json=body | more)).json())


async def test_the_stable_token_stays_until_forced_and_cannot_be_forced_often(
    web: httpx.AsyncClient, outside: Outside
):
    first, second = [await stable(web, outside) for _ in range(2)]
    assert first["access_token"] == second["access_token"]
    assert 7100 < first["expires_in"] <= 7200
    forced = await stable(web, outside, force_refresh=True)
    assert forced["access_token"] != first["access_token"]
    assert (await stable(web, outside, force_refresh=True))["errcode"] == 45011


async def test_the_old_token_call_makes_a_new_token_each_time_and_leaves_the_stable_one_alone(
    web: httpx.AsyncClient, outside: Outside
):
    app = outside.credentials["wechat_mini"]
    query = {"grant_type": "client_credential", "appid": app["app_id"], "secret": app["secret"]}
    kept = await stable(web, outside)
    tokens = [(await web.get("/wechat/cgi-bin/token", params=query)).json()["access_token"] for _ in range(2)]
    assert tokens[0] != tokens[1]
    assert (await stable(web, outside))["access_token"] == kept["access_token"]


@pytest.mark.parametrize(
    ("token", "body", "errcode"),
    [
        ("", b"{}", 41001),
        ("wrong", b"{}", 40001),
        (None, b"", 44002),
        (None, b"{", 47001),
        (None, b"[]", 47001),
    ],
    ids=str,
)
async def test_a_call_needs_a_token_and_an_object(
    web: httpx.AsyncClient, outside: Outside, token: str | None, body: bytes, errcode: int
):
    token = (await stable(web, outside))["access_token"] if token is None else token
    path = "/wechat/wxa/business/getuserphonenumber"
    answer = await web.post(path, params={"access_token": token}, content=body)
    assert answer.json()["errcode"] == errcode


async def test_a_get_where_a_post_is_needed_is_43002(web: httpx.AsyncClient, outside: Outside):
    assert (await web.get("/wechat/cgi-bin/stable_token")).json()["errcode"] == 43002


def data(**changes: Any) -> dict[str, Any]:
    return {name: {"value": value} for name, value in (BOOKED | changes).items() if value is not None}


async def send(mini: SandboxClient, openid: str, template_id: str, **changes: Any) -> Any:
    page = changes.pop("page", "pages/appointments/detail?id=1")
    function = mini.wxa.send_subscribe_message
    return await asyncio.to_thread(function, openid, template_id, data(**changes), page)


async def test_each_accepted_prompt_lets_one_message_through(mini: SandboxClient, outside: Outside):
    template = outside.credentials["subscribe_templates"]["appointment_booked"]
    openid = (await outside.post("wechat-users", {"phone": PHONE}))["mini_openid"]
    assert await refusal(mini.wxa.send_subscribe_message, openid, template, data()) == 43101
    await outside.post("subscribe", {"phone": PHONE, "kinds": ["appointment_booked"], "count": 2})
    for _ in range(2):
        assert (await send(mini, openid, template))["msgid"] > 0
    assert await refusal(mini.wxa.send_subscribe_message, openid, template, data()) == 43101
    messages = (await outside.get("wechat-messages", openid=openid))["items"]
    assert len(messages) == 2
    assert messages[0]["lines"][0] == {"label": "就诊医院", "value": "市人民医院"}


async def test_a_refused_prompt_takes_the_grants_away(mini: SandboxClient, outside: Outside):
    template = outside.credentials["subscribe_templates"]["appointment_booked"]
    openid = (await outside.post("subscribe", {"phone": PHONE}))["openid"]
    await outside.post("subscribe", {"phone": PHONE, "accept": False})
    assert await refusal(mini.wxa.send_subscribe_message, openid, template, data()) == 43101


@pytest.mark.parametrize(
    ("changes", "errcode"),
    [
        ({"thing1": "字" * 21}, 47003),
        ({"thing1": ""}, 47003),
        ({"thing2": None}, 47003),
        ({"name3": "一个超过十个汉字的名字呀"}, 47003),
        ({"time4": "明天上午"}, 47003),
        ({"thing5": ["列表"]}, 47003),
        ({"page": "/pages/index"}, 41030),
    ],
    ids=str,
)
async def test_fields_of_the_wrong_form_use_up_no_grant(
    mini: SandboxClient, outside: Outside, changes: dict[str, Any], errcode: int
):
    template = outside.credentials["subscribe_templates"]["appointment_booked"]
    user = await outside.post("subscribe", {"phone": PHONE, "kinds": ["appointment_booked"]})
    with pytest.raises(WeChatClientException) as caught:
        await send(mini, user["openid"], template, **changes)
    assert caught.value.errcode == errcode
    assert (await send(mini, user["openid"], template))["errcode"] == 0


async def test_strangers_and_unknown_templates_are_refused(mini: SandboxClient, outside: Outside):
    template = outside.credentials["subscribe_templates"]["appointment_booked"]
    user = await outside.post("wechat-users", {"phone": PHONE})
    send_message = mini.wxa.send_subscribe_message
    assert await refusal(send_message, "oNobody", template, data()) == 40003
    assert await refusal(send_message, user["oa_openid"], template, data()) == 40003
    assert await refusal(send_message, user["mini_openid"], "no-such-template", data()) == 40037


async def test_escaped_characters_are_refused(web: httpx.AsyncClient, outside: Outside):
    token = (await stable(web, outside))["access_token"]
    body = json.dumps({"touser": "o", "data": {"thing1": {"value": "市人民医院"}}})
    path = "/wechat/cgi-bin/message/subscribe/send"
    answer = await web.post(path, params={"access_token": token}, content=body)
    assert answer.json()["errcode"] == 47001


async def test_template_messages_reach_followers_only(official: SandboxClient, outside: Outside):
    template = outside.credentials["oa_templates"]["appointment_booked"]
    openid = (await outside.post("wechat-users", {"phone": PHONE}))["oa_openid"]
    send_message = official.message.send_template
    answer = await asyncio.to_thread(send_message, openid, template, data(), "http://127.0.0.1/")
    assert answer["errcode"] == 0
    await outside.post("wechat-users", {"phone": PHONE, "follows_oa": False})
    assert await refusal(send_message, openid, template, data()) == 43004


async def test_a_mini_program_token_sends_no_template_messages(mini: SandboxClient, outside: Outside):
    template = outside.credentials["oa_templates"]["appointment_booked"]
    assert await refusal(mini.message.send_template, "o", template, data()) == 48001


@pytest.mark.parametrize(
    ("switch", "code", "path"),
    [("refuse_login", "40226", "login"), ("refuse_login", "-1", "login"), ("refuse_token", "40164", "token")],
)
async def test_it_refuses_when_told_to(
    web: httpx.AsyncClient, outside: Outside, switch: str, code: str, path: str
):
    js_code = (await outside.post("js-code", {"phone": PHONE}))["js_code"]
    app = outside.credentials["wechat_mini"]
    query = {"appid": app["app_id"], "secret": app["secret"], "js_code": js_code}
    async with outside.misbehaving(**{switch: code}):
        if path == "token":
            answer = await stable(web, outside)
        else:
            given = query | {"grant_type": "authorization_code"}
            answer = (await web.get("/wechat/sns/jscode2session", params=given)).json()
    assert answer["errcode"] == int(code)


# Official-account OAuth


def oauth(outside: Outside, scope: str = "snsapi_base") -> WeChatOAuth:
    app = outside.credentials["wechat_oa"]
    client = WeChatOAuth(app["app_id"], app["secret"], f"{outside.city_url}/back?a=1", scope, state="state-1")
    client.API_BASE_URL = f"{outside.url}/wechat/"
    client.OAUTH_BASE_URL = f"{outside.url}/wechat-open/connect/"
    return client


async def authorize(web: httpx.AsyncClient, client: WeChatOAuth, phone: str = PHONE) -> str:
    url = client.authorize_url.removesuffix("#wechat_redirect")
    page = await web.get(url)
    assert page.status_code == 200
    answer = await web.post(url, data={"phone": phone})
    assert answer.status_code == 302, answer.text
    back = urlsplit(answer.headers["Location"])
    query = parse_qs(back.query)
    assert f"{back.scheme}://{back.netloc}{back.path}" == client.redirect_uri.partition("?")[0]
    assert (query["a"], query["state"]) == (["1"], ["state-1"])
    return query["code"][0]


async def test_whoever_says_who_they_are_comes_back_with_a_code(web: httpx.AsyncClient, outside: Outside):
    client = oauth(outside, "snsapi_userinfo")
    code = await authorize(web, client)
    tokens = await asyncio.to_thread(client.fetch_access_token, code)
    user = await outside.post("wechat-users", {"phone": PHONE})
    assert tokens["openid"] == user["oa_openid"] != user["mini_openid"]
    assert tokens["unionid"] == user["unionid"]
    assert (await asyncio.to_thread(client.get_user_info))["nickname"] == user["nickname"]
    assert await asyncio.to_thread(client.check_access_token)
    fresh = await asyncio.to_thread(client.refresh_access_token, tokens["refresh_token"])
    assert fresh["openid"] == tokens["openid"]
    with pytest.raises(WeChatOAuthException) as caught:
        await asyncio.to_thread(client.fetch_access_token, code)
    assert caught.value.errcode == 40163
    client._http.close()


async def test_a_silent_scope_tells_no_nickname(web: httpx.AsyncClient, outside: Outside):
    client = oauth(outside)
    await asyncio.to_thread(client.fetch_access_token, await authorize(web, client))
    with pytest.raises(WeChatOAuthException) as caught:
        await asyncio.to_thread(client.get_user_info)
    assert caught.value.errcode == 48001
    client._http.close()


async def test_a_script_gets_the_code_from_the_control_api(outside: Outside):
    client = oauth(outside)
    code = (await outside.post("oauth-code", {"phone": PHONE}))["code"]
    tokens = await asyncio.to_thread(client.fetch_access_token, code)
    assert tokens["openid"] == (await outside.post("wechat-users", {"phone": PHONE}))["oa_openid"]
    client._http.close()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"appid": "wx0"}, "10013"),
        ({"redirect_uri": "https://example.com/"}, "10003"),
        ({"redirect_uri": "http://127.0.0.1:1/"}, "10003"),
        ({"scope": "snsapi_login"}, "10005"),
        ({"response_type": "token"}, "10010"),
    ],
    ids=str,
)
async def test_the_authorize_page_refuses_wrong_parameters(
    web: httpx.AsyncClient, outside: Outside, changes: dict[str, str], words: str
):
    query = {
        "appid": outside.credentials["wechat_oa"]["app_id"],
        "redirect_uri": f"{outside.city_url}/back",
        "response_type": "code",
        "scope": "snsapi_base",
    } | changes
    for answer in (
        await web.get("/wechat-open/connect/oauth2/authorize", params=query),
        await web.post("/wechat-open/connect/oauth2/authorize", params=query, data={"phone": PHONE}),
    ):
        assert answer.status_code == 400
        assert words in answer.text
