"""WeChat Pay API v3 (api.mch.weixin.qq.com): orders, refunds, certificates, in its own codes and words."""

from __future__ import annotations

import secrets
from typing import Any, ClassVar

import orjson
from cryptography import x509
from tornado.web import HTTPError

from sandbox import pay_checks as checks
from sandbox.bank import Bank
from sandbox.notices import RECEIVED_BY, transaction
from sandbox.pay_wire import STATUS_OF, PayError, PayWire, dumps, iso, request_id, seal
from sandbox.state import Order, Refund
from sandbox.web import SandboxHandler
from sandbox.world import World

PREFIX = "/wechat-pay"


class PayHandler(SandboxHandler):
    """Checks the signature before anything else, signs every answer."""

    service = "pay"
    wire: PayWire

    def initialize(self, world: World, wire: PayWire | None = None) -> None:
        super().initialize(world)
        if wire is not None:
            self.wire = wire

    @property
    def bank(self) -> Bank:
        """The bank."""
        return self.world.bank

    async def prepare(self) -> None:
        await super().prepare()
        headers = self.request.headers
        if not headers.get("Accept") or not headers.get("User-Agent"):
            raise PayError("PARAM_ERROR", "Http头缺少Accept或User-Agent")
        if not any(kind in headers["Accept"] for kind in ("application/json", "*/*")):
            raise PayError("PARAM_ERROR", "Http头Accept值不支持，请设置为application/json")
        if not headers.get("Authorization"):
            raise PayError("SIGN_ERROR", "Http头缺少Authorization")
        uri = self.request.uri or ""
        self.wire.check(
            self.request.method or "", uri.removeprefix(PREFIX), self.request.body, headers["Authorization"]
        )
        self._check_serial()

    def _check_serial(self) -> None:
        """Which of WeChat's keys the merchant expects the answer to be signed with."""
        asked = self.request.headers.get("Wechatpay-Serial", "")
        known = (self.wire_public_key_id, self.world.credentials.platform_serial)
        if asked and asked not in known:
            raise PayError("PARAM_ERROR", "平台证书序列号Wechatpay-Serial错误")

    @property
    def wire_public_key_id(self) -> str:
        """The id of WeChat Pay's public key for this merchant."""
        return self.world.credentials.pay["public_key_id"]

    def refuse_if_told(self, switch: str) -> None:
        """Obey a refuse_* switch."""
        code = self.world.switches.text(switch)
        if code:
            raise PayError(code if code in STATUS_OF else "SYSTEM_ERROR", "系统异常，请稍后重试（沙箱开关）")

    def body_object(self) -> dict[str, Any]:
        """The JSON object of a POST."""
        if not self.request.headers.get("Content-Type", "").startswith("application/json"):
            raise PayError("PARAM_ERROR", "Http头Content-Type值不支持，请设置为application/json")
        try:
            body = self.json_body()
        except orjson.JSONDecodeError as error:
            raise PayError("PARAM_ERROR", "请求体不是合法的JSON") from error
        if not isinstance(body, dict):
            raise PayError("PARAM_ERROR", "请求体应为JSON对象")
        return body

    def reply(self, status: int, body: Any) -> None:
        """A signed answer; 204 has no body and is signed all the same."""
        content = "" if status == 204 else dumps(body)
        self.set_status(status)
        self.set_header("Request-Id", request_id())
        if content:
            self.set_header("Content-Type", "application/json; charset=utf-8")
        serial = self.request.headers.get("Wechatpay-Serial") or self.world.credentials.platform_serial
        forged = self.world.switches.on("forge_answers_pay")
        for name, value in self.wire.signed(content, serial=serial, forged=forged).items():
            self.set_header(name, value)
        self.deliver(content.encode())

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        error = kwargs.get("exc_info", (None, None))[1]
        if not isinstance(error, PayError):
            http = isinstance(error, HTTPError) and status_code < 500
            error = PayError(
                "INVALID_REQUEST" if http else "SYSTEM_ERROR", "无效的请求" if http else "系统异常"
            )
            error.status = status_code
        self.set_status(error.status)
        self.set_header("Content-Type", "application/json; charset=utf-8")
        self.set_header("Request-Id", request_id(error.errno))
        self.finish(dumps(error.body()))

    def log_exception(self, *args: Any) -> None:
        """A refusal is an answer, not a fault."""
        if not isinstance(args[1], PayError):
            super().log_exception(*args)

    def check_mchid(self, mchid: str) -> None:
        """The merchant in the request is the one that signed."""
        if mchid != self.world.credentials.pay["mch_id"]:
            raise PayError("INVALID_REQUEST", "请求中的mchid与签名的商户号不一致")

    def check_app(self, app_id: str) -> None:
        """The app is bound to the merchant."""
        if self.world.credentials.app_secret(app_id) is None:
            raise PayError("APPID_MCHID_NOT_MATCH", "appid和mch_id不匹配，请检查后再试")


class PrepayHandler(PayHandler):
    """POST /v3/pay/transactions/{jsapi,native}: place an order."""

    trade_types: ClassVar[dict[str, str]] = {"jsapi": "JSAPI", "native": "NATIVE"}

    async def post(self, kind: str) -> None:
        """Answer with the prepay_id or the code_url."""
        body = self.body_object()
        order = self._read(body, self.trade_types[kind])
        self.refuse_if_told("refuse_prepay")
        placed = self.bank.place(order)
        if kind == "native":
            self.reply(200, {"code_url": f"weixin://wxpay/bizpayurl?pr={placed.code_token}"})
        else:
            self.reply(200, {"prepay_id": placed.prepay_id})

    def _read(self, body: dict[str, Any], trade_type: str) -> Order:
        app_id = checks.text(body, "/body/appid", "公众号ID", 32)
        self.check_mchid(checks.text(body, "/body/mchid", "直连商户号", 32))
        now = self.world.now()
        checks.currency(body)
        order = Order(
            app_id=app_id,
            description=checks.text(body, "/body/description", "商品描述", 127),
            out_trade_no=checks.matching(body, "/body/out_trade_no", "商户订单号", checks.OUT_TRADE_NO),
            attach=checks.text(body, "/body/attach", "附加数据", 128, needed=False),
            notify_url=checks.notify_url(body, self.world.city.owns),
            total_fen=checks.fen(body, "/body/amount/total", "总金额"),
            expires_at=self._expiry(body, now),
            openid=self._payer(body, app_id) if trade_type == "JSAPI" else "",
            trade_type=trade_type,
            created_at=now,
            request=body,
            prepay_id=self.bank.new_prepay_id(),
            code_token=secrets.token_urlsafe(7) if trade_type == "NATIVE" else "",
        )
        self.check_app(app_id)
        return order

    def _expiry(self, body: dict[str, Any], now: float) -> float:
        known = self.bank.orders.get(str(body.get("out_trade_no")))
        if known is not None and known.request == body:
            return known.expires_at  # a repeat may come when less than a minute is left
        return checks.expiry(body, now)

    def _payer(self, body: dict[str, Any], app_id: str) -> str:
        path = "/body/payer/openid"
        if not (body.get("payer") or {}).get("openid"):
            raise checks.bad(
                path, "", "映射到字段“用户标识”必填性规则校验失败，此字段为必填项", "OPENID_MISSING"
            )
        openid = checks.text(body, path, "用户标识", 128)
        user = self.world.people.find_user(openid)
        if user is None:
            raise PayError("PARAM_ERROR", "无效的openid", {"location": "body", "value": openid})
        mine = user.mini_openid if app_id == self.world.credentials.mini["app_id"] else user.oa_openid
        if openid != mine:
            raise PayError("PARAM_ERROR", "appid和openid不匹配", {"location": "body", "value": openid})
        return openid


class OrderHandler(PayHandler):
    """GET /v3/pay/transactions/{id,out-trade-no}/{number}."""

    async def get(self, kind: str, number: str) -> None:
        """Answer with the order as it stands."""
        mchid = self.get_query_argument("mchid", "")
        if not mchid:
            raise checks.bad("/query/mchid", "", "映射到字段“直连商户号”必填性规则校验失败，此字段为必填项")
        self.check_mchid(mchid)
        self.refuse_if_told("refuse_query")
        order = self.bank.get(number) if kind == "out-trade-no" else self.bank.find_transaction(number)
        self.reply(200, transaction(order, mchid))


class CloseHandler(PayHandler):
    """POST /v3/pay/transactions/out-trade-no/{out_trade_no}/close."""

    async def post(self, out_trade_no: str) -> None:
        """Close an unpaid order: 204."""
        self.check_mchid(checks.text(self.body_object(), "/body/mchid", "直连商户号", 32))
        self.refuse_if_told("refuse_close")
        self.bank.close(self.bank.get(out_trade_no))
        self.reply(204, None)


class RefundListHandler(PayHandler):
    """POST /v3/refund/domestic/refunds."""

    async def post(self) -> None:
        """Take a refund; it arrives later."""
        body = self.body_object()
        order = self._order(body)
        checks.currency(body)
        refund = Refund(
            out_refund_no=checks.matching(body, "/body/out_refund_no", "商户退款单号", checks.OUT_REFUND_NO),
            refund_id="",
            out_trade_no=order.out_trade_no,
            transaction_id=order.transaction_id,
            refund_fen=checks.fen(body, "/body/amount/refund", "退款金额"),
            total_fen=checks.fen(body, "/body/amount/total", "原订单金额"),
            notify_url=checks.notify_url(body, self.world.city.owns, needed=False),
            created_at=self.world.now(),
            request=body,
            reason=checks.text(body, "/body/reason", "退款原因", 80, needed=False),
        )
        if (body.get("amount") or {}).get("currency") != "CNY":
            raise checks.bad(
                "/body/amount/currency", "", "映射到字段“退款币种”必填性规则校验失败，此字段为必填项"
            )
        if refund.refund_fen > refund.total_fen:
            raise PayError("PARAM_ERROR", "退款金额不能大于订单金额")
        self.refuse_if_told("refuse_refund")
        self.reply(200, refund_answer(self.bank.refund(refund, order)))

    def _order(self, body: dict[str, Any]) -> Order:
        transaction_id = checks.text(body, "/body/transaction_id", "微信支付订单号", 32, needed=False)
        out_trade_no = checks.text(body, "/body/out_trade_no", "商户订单号", 32, needed=False)
        if not transaction_id and not out_trade_no:
            raise PayError("PARAM_ERROR", "transaction_id和out_trade_no必须二选一")
        try:
            if transaction_id:
                return self.bank.find_transaction(transaction_id)
            return self.bank.get(out_trade_no)
        except PayError as missing:
            raise PayError("RESOURCE_NOT_EXISTS", "订单不存在") from missing


class RefundHandler(PayHandler):
    """GET /v3/refund/domestic/refunds/{out_refund_no}."""

    async def get(self, out_refund_no: str) -> None:
        """Answer with the refund as it stands."""
        self.refuse_if_told("refuse_query")
        refund = self.bank.refunds.get(out_refund_no)
        if refund is None:
            raise PayError("RESOURCE_NOT_EXISTS", "退款单不存在")
        self.reply(200, refund_answer(refund))


def refund_answer(refund: Refund) -> dict[str, Any]:
    """A refund as its application and its query answer it."""
    body: dict[str, Any] = {
        "refund_id": refund.refund_id,
        "out_refund_no": refund.out_refund_no,
        "transaction_id": refund.transaction_id,
        "out_trade_no": refund.out_trade_no,
        "channel": "ORIGINAL",
        "user_received_account": RECEIVED_BY,
        "create_time": iso(refund.created_at),
        "status": refund.status,
        "funds_account": "AVAILABLE",
        "promotion_detail": [],
        "amount": {
            "total": refund.total_fen,
            "refund": refund.refund_fen,
            "from": [],
            "payer_total": refund.total_fen,
            "payer_refund": refund.refund_fen,
            "settlement_refund": refund.refund_fen,
            "settlement_total": refund.total_fen,
            "discount_refund": 0,
            "currency": "CNY",
            "refund_fee": 0,
        },
    }
    return body | ({"success_time": iso(refund.done_at)} if refund.status == "SUCCESS" else {})


class CertificatesHandler(PayHandler):
    """GET /v3/certificates: the platform certificate, sealed with the merchant's APIv3 key."""

    async def get(self) -> None:
        """One certificate, the present one."""
        credentials = self.world.credentials
        pem = credentials.platform_certificate_pem
        certificate = x509.load_pem_x509_certificate(pem.encode())
        sealed = seal(credentials.pay["api_v3_key"], pem.encode(), "", "certificate")
        entry = {
            "serial_no": credentials.platform_serial,
            "effective_time": iso(certificate.not_valid_before_utc.timestamp()),
            "expire_time": iso(certificate.not_valid_after_utc.timestamp()),
            "encrypt_certificate": sealed,
        }
        self.reply(200, {"data": [entry]})


class UnknownPathHandler(PayHandler):
    """Anything else under the gateway."""

    async def prepare(self) -> None:
        raise PayError("RESOURCE_NOT_EXISTS", "请求的资源不存在")


def routes(world: World, wire: PayWire) -> list[tuple[str, type[SandboxHandler], dict[str, Any]]]:
    """The gateway's paths."""
    given = {"world": world, "wire": wire}
    pay = rf"{PREFIX}/v3/pay/transactions"
    return [
        (rf"{pay}/(jsapi|native)", PrepayHandler, given),
        (rf"{pay}/(id|out-trade-no)/([^/]+)", OrderHandler, given),
        (rf"{pay}/out-trade-no/([^/]+)/close", CloseHandler, given),
        (rf"{PREFIX}/v3/refund/domestic/refunds", RefundListHandler, given),
        (rf"{PREFIX}/v3/refund/domestic/refunds/([^/]+)", RefundHandler, given),
        (rf"{PREFIX}/v3/certificates", CertificatesHandler, given),
        (rf"{PREFIX}/.*", UnknownPathHandler, given),
    ]
