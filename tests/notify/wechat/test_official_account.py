"""The official account's wire, against a second hand's writing of it: the sandbox's, which uses no SDK."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notify.ports import InvalidNoticeError, OfficialAccountLine
from notify.wechat.client import WeChatApp, WeChatAppConfig
from notify.wechat.official_account import WINDOW, OfficialAccountConfig, WeChatOfficialAccount
from sandbox.oa_wire import OaWire, fields_of, xml_of

APP_ID, TOKEN, AES_KEY = "wx0123456789abcdef", "tokenOfTheTests0123456789", "k" * 42 + "8"
NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
WIRE = OaWire(APP_ID, TOKEN, AES_KEY)
Call = tuple[dict[str, str], bytes]


def account(aes_key: str = AES_KEY, token: str = TOKEN) -> WeChatOfficialAccount:
    app = WeChatApp(WeChatAppConfig("http://127.0.0.1:9", APP_ID, "secret"))
    return WeChatOfficialAccount(OfficialAccountConfig(APP_ID, token, aes_key), app)


def text(content: str, **more: Any) -> dict[str, Any]:
    said = {"MsgType": "text", "Content": content, "MsgId": 1234567890123456}
    return {"ToUserName": "gh_1", "FromUserName": "oOpenid", "CreateTime": int(NOW.timestamp())} | said | more


def sealed(fields: dict[str, Any], at: datetime = NOW) -> Call:
    query, body = WIRE.sealed(xml_of(fields), at.timestamp(), "oOpenid")
    return query, xml_of({"ToUserName": "gh_1", **body}).encode()


def plain(fields: dict[str, Any], at: datetime = NOW) -> Call:
    return WIRE.query(at.timestamp(), openid="oOpenid"), xml_of(fields).encode()


class OfficialAccountLineContract:
    """What every way into the account's chat must do."""

    line: OfficialAccountLine
    call: Callable[..., Call]
    opened: Callable[[bytes], dict[str, str]]

    def test_what_was_said_arrives_whole(self) -> None:
        message = self.line.read(*self.call(text("<明天> & ]]>儿科 😀")), NOW)
        assert (message.openid, message.account, message.kind) == ("oOpenid", "gh_1", "text")
        assert message.text == "<明天> & ]]>儿科 😀"
        assert (message.id, message.sent_at) == ("1234567890123456", NOW)

    def test_an_answer_goes_back_whole(self) -> None:
        message = self.line.read(*self.call(text("帮助")), NOW)
        fields = self.opened(self.line.reply(message, "好 ]]> <b>&", NOW))
        assert fields["Content"] == "好 ]]> <b>&"
        assert (fields["ToUserName"], fields["FromUserName"]) == ("oOpenid", "gh_1")

    def test_an_event_has_a_name_of_its_own(self) -> None:
        fields = text("") | {"MsgType": "event", "Event": "subscribe", "EventKey": "qrscene_department:1"}
        fields.pop("MsgId")
        message = self.line.read(*self.call(fields), NOW)
        assert (message.event, message.key) == ("subscribe_scan", "department:1")
        assert message.id == self.line.read(*self.call(fields), NOW).id

    def test_what_is_old_or_forged_is_refused(self) -> None:
        for at in (NOW - WINDOW - timedelta(seconds=1), NOW + WINDOW + timedelta(seconds=1)):
            with pytest.raises(InvalidNoticeError, match="TIMESTAMP"):
                self.line.read(*self.call(text("帮助"), at), NOW)
        query, body = self.call(text("帮助"))
        for name in ("timestamp", "nonce"):
            with pytest.raises(InvalidNoticeError, match="SIGNATURE"):
                self.line.read(query | {name: "1795316401"}, body, NOW)

    def test_each_call_has_a_stamp_of_its_own(self) -> None:
        stamps = {self.line.read(*self.call(text("帮助")), NOW).stamp for _ in range(5)}
        assert len(stamps) == 5


class TestWeChatOfficialAccount(OfficialAccountLineContract):
    line = account()
    call = staticmethod(sealed)
    opened = staticmethod(lambda body: WIRE.opened(body.decode()))

    def test_plain_fields_beside_sealed_ones_are_not_believed(self) -> None:
        query, body = sealed(text("帮助"))
        beside = body.replace(b"</xml>", b"<Content><![CDATA[evil]]></Content></xml>")
        assert self.line.read(query, beside, NOW).text == "帮助"
        with pytest.raises(InvalidNoticeError):
            self.line.read(*plain(text("帮助")), NOW)

    def test_what_is_sealed_for_another_account_is_refused(self) -> None:
        other = OaWire("wxffffffffffffffff", TOKEN, AES_KEY)
        query, body = other.sealed(xml_of(text("帮助")), NOW.timestamp(), "oOpenid")
        with pytest.raises(InvalidNoticeError):
            self.line.read(query, xml_of(body).encode(), NOW)


class TestWeChatOfficialAccountInPlain(OfficialAccountLineContract):
    line = account(aes_key="")
    call = staticmethod(plain)
    opened = staticmethod(lambda body: fields_of(body.decode()))

    def test_the_address_is_echoed_to_who_knows_the_token(self) -> None:
        query = WIRE.query(NOW.timestamp(), echostr="42")
        assert self.line.echo(query, NOW) == "42"
        with pytest.raises(InvalidNoticeError):
            self.line.echo(query | {"signature": ""}, NOW)
        with pytest.raises(InvalidNoticeError, match="NOT_SET_UP"):
            account(token="").echo(query, NOW)

    def test_a_sealed_call_without_a_key_is_refused(self) -> None:
        with pytest.raises(InvalidNoticeError, match="NO_AES_KEY"):
            self.line.read(*sealed(text("帮助")), NOW)


@given(body=st.binary(max_size=400) | st.text(max_size=200).map(str.encode))
@settings(max_examples=60)
def test_nonsense_is_refused_and_nothing_else_comes_out(body: bytes) -> None:
    for line, (query, _) in ((account(), sealed(text("帮助"))), (account(aes_key=""), plain(text("帮助")))):
        with pytest.raises(InvalidNoticeError):
            line.read(query, body, NOW)
