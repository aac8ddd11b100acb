"""A merchant's client of WeChat Pay written from the published rules, able to break each of them."""

import base64
import json
import secrets
import time
from dataclasses import dataclass
from typing import Any

import httpx
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from tests.support.outside import Outside

JSAPI = "/v3/pay/transactions/jsapi"
NATIVE = "/v3/pay/transactions/native"
REFUNDS = "/v3/refund/domestic/refunds"


def new_number(prefix: str = "T") -> str:
    return f"{prefix}{secrets.token_hex(8)}"


@dataclass
class Merchant:
    outside: Outside
    client: httpx.AsyncClient
    mini_openid: str
    oa_openid: str

    @property
    def account(self) -> dict[str, str]:
        return self.outside.credentials["wechat_pay"]

    @property
    def mini_app_id(self) -> str:
        return self.outside.credentials["wechat_mini"]["app_id"]

    def authorization(self, method: str, path: str, body: bytes, **broken: Any) -> str:
        said = {
            "mchid": self.account["mch_id"],
            "nonce_str": secrets.token_hex(16),
            "timestamp": str(int(time.time())),
            "serial_no": self.account["cert_serial"],
        } | broken
        key = load_pem_private_key(self.account["merchant_private_key_pem"].encode(), None)
        assert isinstance(key, RSAPrivateKey)
        message = f"{method}\n{path}\n{said['timestamp']}\n{said['nonce_str']}\n".encode() + body + b"\n"
        said.setdefault("signature", base64.b64encode(key.sign(message, PKCS1v15(), SHA256())).decode())
        return "WECHATPAY2-SHA256-RSA2048 " + ",".join(f'{name}="{value}"' for name, value in said.items())

    async def send(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None, **broken: Any
    ) -> httpx.Response:
        content = b"" if body is None else json.dumps(body, ensure_ascii=False).encode()
        given = {
            "Authorization": self.authorization(method, path, content, **broken),
            "Accept": "application/json",
            "Wechatpay-Serial": self.account["public_key_id"],
        } | ({"Content-Type": "application/json"} if content else {})
        return await self.client.request(
            method, f"/wechat-pay{path}", content=content, headers=given | (headers or {})
        )

    def order(self, **changes: Any) -> dict[str, Any]:
        body = {
            "appid": self.mini_app_id,
            "mchid": self.account["mch_id"],
            "description": "挂号费",
            "out_trade_no": new_number(),
            "notify_url": f"{self.outside.city_url}/callbacks/wechat-pay/notice",
            "amount": {"total": 1500, "currency": "CNY"},
            "payer": {"openid": self.mini_openid},
        } | changes
        return {name: value for name, value in body.items() if value is not None}

    async def place(self, path: str = JSAPI, **changes: Any) -> str:
        """Place an order that is right; its number."""
        body = self.order(**changes)
        answer = await self.send("POST", path, body)
        assert answer.status_code == 200, answer.text
        return str(body["out_trade_no"])

    async def paid(self, **changes: Any) -> str:
        """Place an order and pay it."""
        number = await self.place(**changes)
        await self.outside.post(f"orders/{number}/pay")
        return number

    async def query(self, number: str) -> httpx.Response:
        return await self.send(
            "GET", f"/v3/pay/transactions/out-trade-no/{number}?mchid={self.account['mch_id']}"
        )

    async def close(self, number: str) -> httpx.Response:
        path = f"/v3/pay/transactions/out-trade-no/{number}/close"
        return await self.send("POST", path, {"mchid": self.account["mch_id"]})

    async def refund(self, number: str, fen: int, total: int = 1500, **changes: Any) -> httpx.Response:
        body = {
            "out_trade_no": number,
            "out_refund_no": new_number("R"),
            "notify_url": f"{self.outside.city_url}/callbacks/wechat-pay/refund-notice",
            "amount": {"refund": fen, "total": total, "currency": "CNY"},
        } | changes
        return await self.send("POST", REFUNDS, body)

    def is_from_wechat(self, headers: Any, body: bytes) -> bool:
        """Whether an answer or a notice carries WeChat Pay's signature."""
        key = load_pem_public_key(self.account["public_key_pem"].encode())
        assert isinstance(key, RSAPublicKey)
        stamp, nonce = headers["Wechatpay-Timestamp"], headers["Wechatpay-Nonce"]
        message = f"{stamp}\n{nonce}\n".encode() + body + b"\n"
        try:
            key.verify(base64.b64decode(headers["Wechatpay-Signature"]), message, PKCS1v15(), SHA256())
        except Exception:
            return False
        return headers["Wechatpay-Serial"] == self.account["public_key_id"]
