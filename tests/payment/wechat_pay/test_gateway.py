"""The WeChat Pay adapter against the sandbox, which speaks API v3 with real signatures and encryption."""

import json
import time
from base64 import b64decode
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from backend.ids import new_id
from payment.ports import (
    InvalidNoticeError,
    NoticeKind,
    PaymentMethod,
    PaymentState,
    RefundState,
    RejectedError,
    RejectReason,
    RetryableError,
    ThrottledError,
    UnknownResultError,
)
from payment.wechat_pay.gateway import WeChatPayConfig, WeChatPayGateway
from tests.payment.contract import PaymentGatewayContract
from tests.support.outside import Listener, Outside


def config_of(outside: Outside, listener_url: str, **changes: Any) -> WeChatPayConfig:
    pay = outside.credentials["wechat_pay"]
    config = WeChatPayConfig(
        gateway_url=f"{outside.url}/wechat-pay",
        merchant_id=pay["mch_id"],
        cert_serial=pay["cert_serial"],
        private_key_pem=pay["merchant_private_key_pem"],
        api_v3_key=pay["api_v3_key"],
        public_key_pem=pay["public_key_pem"],
        public_key_id=pay["public_key_id"],
        mini_app_id=outside.credentials["wechat_mini"]["app_id"],
        oa_app_id=outside.credentials["wechat_oa"]["app_id"],
        notice_url=f"{listener_url}/callbacks/wechat-pay/notice",
        refund_notice_url=f"{listener_url}/callbacks/wechat-pay/refund-notice",
    )
    return replace(config, **changes)


class SandboxWorld:
    def __init__(self, outside: Outside, listener: Listener) -> None:
        self.outside = outside
        self.listener = listener
        self.config = config_of(outside, listener.url)
        self.gateway = WeChatPayGateway(self.config)
        self._heard = len(listener.heard)

    async def payer(self, method: PaymentMethod) -> str:
        user = await self.outside.post("wechat-users", {"phone": "13800138000"})
        return str(user["oa_openid" if method is PaymentMethod.WECHAT_JSAPI else "mini_openid"])

    async def pay(self, out_trade_no: str) -> None:
        self._heard = len(self.listener.heard)
        await self.outside.post(f"orders/{out_trade_no}/pay")

    async def settle_refunds(self) -> None:
        """The sandbox's bank does it by itself."""

    async def payment_notice(self, out_trade_no: str) -> tuple[Mapping[str, str], bytes]:
        heard = await self.listener.next("/callbacks/wechat-pay/notice", self._heard)
        return heard.headers, heard.body

    async def refund_notice(self, out_refund_no: str) -> tuple[Mapping[str, str], bytes]:
        heard = await self.listener.next("/callbacks/wechat-pay/refund-notice", self._heard)
        return heard.headers, heard.body


@pytest.fixture
async def world(outside: Outside, listener: Listener) -> AsyncIterator[SandboxWorld]:
    world = SandboxWorld(outside, listener)
    yield world
    await world.gateway.aclose()


class TestWeChatPayGateway(PaymentGatewayContract):
    async def test_the_payers_parameters_are_signed_with_the_merchants_key(self, world: SandboxWorld):
        payment = await self.opened(world, PaymentMethod.WECHAT_JSAPI)
        params = (await world.gateway.create(payment)).params
        assert params is not None
        key = load_pem_private_key(world.config.private_key_pem.encode(), None)
        assert isinstance(key, RSAPrivateKey)
        parts = (world.config.oa_app_id, params["timeStamp"], params["nonceStr"], params["package"])
        message = "".join(f"{part}\n" for part in parts)
        key.public_key().verify(b64decode(params["paySign"]), message.encode(), PKCS1v15(), SHA256())

    async def test_a_long_description_is_cut_between_characters(self, world: SandboxWorld):
        payment = await self.opened(world)
        longer = replace(payment, out_trade_no=f"R{new_id()}-01", description="挂号费" * 60)
        assert (await world.gateway.create(longer)).params

    async def test_a_key_in_pkcs1_form_is_read_too(self, world: SandboxWorld):
        key = load_pem_private_key(world.config.private_key_pem.encode(), None)
        pkcs1 = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()
        gateway = WeChatPayGateway(replace(world.config, private_key_pem=pkcs1))
        assert (await gateway.query(f"R{new_id()}-01")).state is PaymentState.ABSENT
        await gateway.aclose()

    async def test_an_answer_that_never_comes_after_opening_is_unknown(self, world: SandboxWorld):
        payment = await self.opened(world)
        async with world.outside.misbehaving(lose_answers_pay=True):
            with pytest.raises(UnknownResultError):
                await world.gateway.create(replace(payment, out_trade_no=f"R{new_id()}-01"))

    async def test_an_answer_that_never_comes_after_a_refund_is_unknown_and_it_happened(
        self, world: SandboxWorld
    ):
        refund = self.refund_of(await self.paid(world))
        async with world.outside.misbehaving(lose_answers_pay=True):
            with pytest.raises(UnknownResultError):
                await world.gateway.refund(refund)
        known = await world.gateway.query_refund(refund.out_refund_no)
        assert known.state is not RefundState.ABSENT

    async def test_a_question_without_an_answer_may_be_asked_again(self, world: SandboxWorld):
        payment = await self.opened(world)
        async with world.outside.misbehaving(lose_answers_pay=True):
            with pytest.raises(RetryableError):
                await world.gateway.query(payment.out_trade_no)

    async def test_a_slow_channel_is_given_up_in_time(self, world: SandboxWorld):
        gateway = WeChatPayGateway(replace(world.config, read_timeout_s=0.2))
        payment = await self.opened(world)
        async with world.outside.misbehaving(slow_pay_ms=2000):
            with pytest.raises(UnknownResultError):
                await gateway.close(payment.out_trade_no)
        await gateway.aclose()

    async def test_a_channel_that_is_away_was_not_told(self, world: SandboxWorld):
        gateway = WeChatPayGateway(replace(world.config, gateway_url="http://127.0.0.1:9"))
        payment = await self.opened(world)
        with pytest.raises(RetryableError):
            await gateway.create(payment)
        await gateway.aclose()

    async def test_an_answer_signed_by_a_stranger_is_not_believed(self, world: SandboxWorld):
        refund = self.refund_of(await self.paid(world))
        async with world.outside.misbehaving(forge_answers_pay=True):
            with pytest.raises(UnknownResultError):
                await world.gateway.refund(refund)
            with pytest.raises(RetryableError):
                await world.gateway.query(refund.out_trade_no)

    @pytest.mark.parametrize(
        ("code", "error"),
        [
            ("FREQUENCY_LIMITED", ThrottledError),
            ("SYSTEM_ERROR", UnknownResultError),
            ("RULE_LIMIT", RejectedError),
        ],
    )
    async def test_refusals_of_an_opening_keep_their_meaning(
        self, world: SandboxWorld, code: str, error: type[Exception]
    ):
        payment = await self.opened(world)
        async with world.outside.misbehaving(refuse_prepay=code):
            with pytest.raises(error):
                await world.gateway.create(replace(payment, out_trade_no=f"R{new_id()}-01"))

    async def test_a_payer_at_the_cashier_keeps_a_payment_from_closing_for_sure(self, world: SandboxWorld):
        payment = await self.opened(world)
        async with world.outside.misbehaving(refuse_close="USERPAYING"):
            with pytest.raises(UnknownResultError):
                await world.gateway.close(payment.out_trade_no)

    async def test_an_empty_purse_of_the_merchant_has_its_own_reason(self, world: SandboxWorld):
        refund = self.refund_of(await self.paid(world))
        async with world.outside.misbehaving(refuse_refund="NOT_ENOUGH"):
            with pytest.raises(RejectedError) as refused:
                await world.gateway.refund(refund)
        assert refused.value.reason is RejectReason.NOT_ENOUGH_BALANCE

    async def test_a_wrong_merchant_key_is_a_wrong_configuration(self, world: SandboxWorld):
        gateway = WeChatPayGateway(replace(world.config, cert_serial="0" * 40))
        with pytest.raises(RejectedError) as refused:
            await gateway.query(f"R{new_id()}-01")
        assert refused.value.reason is RejectReason.MISCONFIGURED
        await gateway.aclose()

    @pytest.mark.parametrize("result", ["ABNORMAL", "CLOSED"])
    async def test_a_refund_that_ends_badly_says_how(self, world: SandboxWorld, result: str):
        refund = self.refund_of(await self.paid(world))
        async with world.outside.misbehaving(refund_result=result):
            await world.gateway.refund(refund)
            notice = world.gateway.parse_notice(*await world.refund_notice(refund.out_refund_no))
        assert notice.refund is not None
        assert notice.refund.state is RefundState(result.lower())

    async def test_calls_are_observed_by_outcome(self, world: SandboxWorld):
        seen: list[tuple[str, str, str]] = []
        gateway = WeChatPayGateway(
            world.config, observe=lambda name, call, outcome, _s: seen.append((name, call, outcome))
        )
        await gateway.query(f"R{new_id()}-01")
        assert seen == [("wechat_pay", "query", "rejected")]
        await gateway.aclose()


class TestNotices:
    """What only a signed and encrypted notice can get wrong."""

    async def notice(self, world: SandboxWorld) -> tuple[dict[str, str], bytes]:
        payment = await PaymentGatewayContract().paid(world)
        headers, body = await world.payment_notice(payment.out_trade_no)
        return dict(headers), body

    def refusing(self, world: SandboxWorld, headers: Mapping[str, str], body: bytes, code: str) -> None:
        with pytest.raises(InvalidNoticeError) as refused:
            world.gateway.parse_notice(headers, body)
        assert refused.value.code == code

    @pytest.mark.parametrize("shift_s", [-301, 301])
    async def test_a_notice_of_another_time_is_refused(self, world: SandboxWorld, shift_s: int):
        headers, body = await self.notice(world)
        elsewhen = WeChatPayGateway(world.config, clock=lambda: time.time() + shift_s * 1.1)
        with pytest.raises(InvalidNoticeError) as refused:
            elsewhen.parse_notice(headers, body)
        assert refused.value.code == "STALE"

    async def test_a_notice_of_almost_five_minutes_ago_is_taken(self, world: SandboxWorld):
        headers, body = await self.notice(world)
        later = WeChatPayGateway(world.config, clock=lambda: time.time() + 280)
        assert later.parse_notice(headers, body).kind is NoticeKind.PAYMENT

    async def test_a_changed_timestamp_breaks_the_signature(self, world: SandboxWorld):
        headers, body = await self.notice(world)
        headers["Wechatpay-Timestamp"] = str(int(headers["Wechatpay-Timestamp"]) + 1)
        self.refusing(world, headers, body, "FORGED")

    @pytest.mark.parametrize(
        "name",
        [
            "Wechatpay-Timestamp",
            "Wechatpay-Nonce",
            "Wechatpay-Signature",
            "Wechatpay-Serial",
            "Wechatpay-Signature-Type",
        ],
    )
    async def test_a_notice_without_one_of_its_headers_is_refused(self, world: SandboxWorld, name: str):
        headers, body = await self.notice(world)
        del headers[name]
        self.refusing(world, headers, body, "HEADERS")

    @pytest.mark.parametrize(
        "serial", ["PUB_KEY_ID_0000000000000000", "7132D72A03E93CDDF8C03BBD1F37EEDF", "?"]
    )
    async def test_a_notice_of_another_key_is_refused_without_a_search(
        self, world: SandboxWorld, serial: str
    ):
        headers, body = await self.notice(world)
        self.refusing(world, headers | {"Wechatpay-Serial": serial}, body, "KEY")

    async def test_another_signature_type_is_refused(self, world: SandboxWorld):
        headers, body = await self.notice(world)
        self.refusing(
            world, headers | {"Wechatpay-Signature-Type": "WECHATPAY2-SM2-WITH-SM3"}, body, "HEADERS"
        )

    @pytest.mark.parametrize("timestamp", ["soon", "-5", "１７", "9" * 13])
    async def test_a_timestamp_that_is_no_number_is_refused(self, world: SandboxWorld, timestamp: str):
        headers, body = await self.notice(world)
        self.refusing(world, headers | {"Wechatpay-Timestamp": timestamp}, body, "HEADERS")

    async def test_header_names_may_come_in_any_case(self, world: SandboxWorld):
        headers, body = await self.notice(world)
        lowered = {name.lower(): value for name, value in headers.items()}
        assert world.gateway.parse_notice(lowered, body).payment is not None

    async def test_wechats_probe_with_a_bad_signature_is_refused(
        self, world: SandboxWorld, listener: Listener
    ):
        async with world.outside.misbehaving(signtest_every=1):
            before = len(listener.heard)
            payment = await PaymentGatewayContract().paid(world)
            probe = await listener.next("/callbacks/wechat-pay/notice", before, header="WECHATPAY/SIGNTEST")
        assert payment.out_trade_no
        self.refusing(world, probe.headers, probe.body, "FORGED")

    async def test_a_body_that_is_not_text_is_refused(self, world: SandboxWorld):
        headers, _ = await self.notice(world)
        self.refusing(world, headers, b"\xff\xfe", "UNVERIFIABLE")

    async def test_a_notice_sealed_with_another_key_is_refused(self, world: SandboxWorld):
        headers, body = await self.notice(world)
        other = WeChatPayGateway(replace(world.config, api_v3_key="x" * 32))
        with pytest.raises(InvalidNoticeError) as refused:
            other.parse_notice(headers, body)
        assert refused.value.code == "UNDECIPHERABLE"

    async def test_the_same_notice_carries_the_same_id_each_time(
        self, world: SandboxWorld, listener: Listener
    ):
        async with world.outside.misbehaving(duplicate_notices=True):
            before = len(listener.heard)
            await PaymentGatewayContract().paid(world)
            first = await listener.next("/callbacks/wechat-pay/notice", before)
            wanted = json.loads(first.body)["id"].encode()
            place = listener.heard.index(first) + 1
            second = await listener.next("/callbacks/wechat-pay/notice", place, containing=wanted)
        parse = world.gateway.parse_notice
        assert parse(first.headers, first.body).id == parse(second.headers, second.body).id
