"""The page where a person talks with the city by both ways."""

import httpx

from sandbox.chat_page import pieces_of
from tests.sandbox.conftest import PHONE


async def test_both_chats_of_a_phone_are_shown_and_what_is_said_is_carried(web: httpx.AsyncClient):
    said = {"number": PHONE, "through": "sms", "text": "明天<儿科>"}
    shown = await web.post("/chat", data=said, follow_redirects=True)
    assert shown.status_code == 200
    assert "明天&lt;儿科&gt;" in shown.text
    said |= {"through": "wechat", "text": "帮助"}
    shown = await web.post("/chat", data=said, follow_redirects=True)
    assert "帮助" in shown.text
    left = await web.post("/chat", data={"number": PHONE, "event": "unsubscribe"}, follow_redirects=True)
    assert left.status_code == 200
    assert "手机号应为" in (await web.get("/chat", params={"number": "12"})).text
    assert (await web.post("/chat", data={"number": "x"})).headers["Location"] == "/chat"


def test_a_link_is_shown_as_one_and_nothing_else_is():
    text = '看这里：<a href="http://127.0.0.1/?a=1&amp;b=2">点这里</a>，或 http://127.0.0.1/x 。<b>'
    assert pieces_of(text) == [
        ("看这里：", ""),
        ("点这里", "http://127.0.0.1/?a=1&b=2"),
        ("，或 ", ""),
        ("http://127.0.0.1/x", "http://127.0.0.1/x"),
        (" 。<b>", ""),
    ]
    assert pieces_of('<a href="javascript:alert(1)">x</a>') == [('<a href="javascript:alert(1)">x</a>', "")]
