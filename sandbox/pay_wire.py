"""WeChat Pay API v3 on the wire: signatures both ways, AES-GCM resources, error bodies."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import secrets
import time
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey, generate_private_key
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256

from sandbox.credentials import Credentials

SCHEME = "WECHATPAY2-SHA256-RSA2048"
WINDOW_S = 300
CHINA = timezone(timedelta(hours=8))
_PAIR = re.compile(r'\s*([a-z_]+)="([^"]*)"\s*(?:,|$)')

# Published codes with the HTTP status each comes with.
STATUS_OF = {
    "PARAM_ERROR": 400, "INVALID_REQUEST": 400, "APPID_MCHID_NOT_MATCH": 400, "MCH_NOT_EXISTS": 400,
    "ORDER_CLOSED": 400, "ORDER_PAID": 400, "SIGN_ERROR": 401, "NO_AUTH": 403, "RULE_LIMIT": 403,
    "OUT_TRADE_NO_USED": 403, "TRADE_ERROR": 403, "NOT_ENOUGH": 403, "USER_ACCOUNT_ABNORMAL": 403,
    "ACCOUNT_ERROR": 403, "USERPAYING": 202, "ORDER_NOT_EXIST": 404, "RESOURCE_NOT_EXISTS": 404,
    "FREQUENCY_LIMITED": 429, "SYSTEM_ERROR": 500, "BANK_ERROR": 500, "OPENID_MISMATCH": 500,
}  # fmt: skip
# The number WeChat appends to Request-Id, for the refusals whose number is known.
_ERRNO = {
    "ORDER_NOT_EXIST": 268512771, "REENTRY": 268498688, "SIGN_ERROR": 268443699,
    "APPID_MCHID_NOT_MATCH": 268445527, "OPENID_MISSING": 268501013,
}  # fmt: skip


class PayError(Exception):
    """A refusal by WeChat Pay."""

    def __init__(
        self, code: str, message: str, detail: dict[str, Any] | None = None, errno: str = ""
    ) -> None:
        super().__init__(f"{code} {message}")
        self.status = STATUS_OF.get(code, 400)
        self.code = code
        self.detail = detail
        self.message = message
        self.errno = _ERRNO.get(errno or code, 268435456)

    def body(self) -> dict[str, Any]:
        """As published: code, message and, for parameters and signatures, detail."""
        body: dict[str, Any] = {"code": self.code, "message": self.message}
        return body | {"detail": self.detail} if self.detail is not None else body


def iso(instant: float) -> str:
    """RFC 3339 in China's time, as WeChat writes it."""
    return datetime.fromtimestamp(instant, CHINA).isoformat(timespec="seconds")


def rsa_sign(key: RSAPrivateKey, message: str) -> str:
    """Base64 of the SHA256-RSA signature."""
    return base64.b64encode(key.sign(message.encode(), PKCS1v15(), SHA256())).decode()


def is_signed(key: RSAPublicKey, message: bytes, signature: str) -> bool:
    """Whether `signature` (base64) is the key's own over `message`."""
    try:
        key.verify(base64.b64decode(signature, validate=True), message, PKCS1v15(), SHA256())
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    return True


def seal(api_v3_key: str, plaintext: bytes, original_type: str, associated_data: str) -> dict[str, str]:
    """An AEAD_AES_256_GCM resource."""
    nonce = secrets.token_hex(6)
    sealed = AESGCM(api_v3_key.encode()).encrypt(nonce.encode(), plaintext, associated_data.encode())
    resource = {
        "algorithm": "AEAD_AES_256_GCM",
        "ciphertext": base64.b64encode(sealed).decode(),
        "associated_data": associated_data,
        "nonce": nonce,
    }
    return resource | ({"original_type": original_type} if original_type else {})


@dataclass(frozen=True)
class Authorization:
    """The five parts of the Authorization header."""

    mchid: str
    nonce_str: str
    timestamp: str
    serial_no: str
    signature: str


def parse_authorization(header: str) -> Authorization:
    """Read the header or refuse it as WeChat does."""
    scheme, _, rest = header.partition(" ")
    if scheme != SCHEME:
        raise PayError("SIGN_ERROR", "Http头Authorization认证类型不正确")
    pairs = {match[1]: match[2] for match in _PAIR.finditer(rest)}
    try:
        return Authorization(**pairs)
    except TypeError as error:
        raise PayError(
            "SIGN_ERROR", "Http头Authorization值格式错误，请参考《微信支付商户REST API签名规则》"
        ) from error


class PayWire:
    """Checks what the merchant signed, signs what WeChat says."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials
        self._nonces: dict[str, float] = {}
        self._forger: RSAPrivateKey | None = None

    def check(self, method: str, uri: str, body: bytes, header: str) -> None:
        """Who asks, when, and whether the signature holds; `uri` as the merchant's client saw it."""
        said = parse_authorization(header)
        mine = self._credentials.pay
        if said.mchid != mine["mch_id"]:
            raise PayError("SIGN_ERROR", "商户号有误，请检查Http头Authorization中的mchid")
        if said.serial_no.upper() != mine["cert_serial"]:
            raise PayError("SIGN_ERROR", "商户证书序列号有误。请使用签名私钥匹配的证书序列号")
        self._check_freshness(said)
        message = b"".join(
            part + b"\n"
            for part in (
                method.encode(),
                uri.encode(),
                said.timestamp.encode(),
                said.nonce_str.encode(),
                body,
            )
        )
        if not is_signed(self._credentials.merchant_public_key, message, said.signature):
            raise PayError("SIGN_ERROR", "错误的签名，验签失败", _sign_detail(method, uri, message, said))
        self._check_nonce(said)

    def _check_freshness(self, said: Authorization) -> None:
        if not said.timestamp.isascii() or not said.timestamp.isdigit() or len(said.timestamp) != 10:
            raise PayError("SIGN_ERROR", "Http头Authorization中的timestamp格式有误，应为10位秒级时间戳")
        if abs(time.time() - int(said.timestamp)) > WINDOW_S:
            raise PayError("SIGN_ERROR", "Http头Authorization中的timestamp与发起请求的时间不得超过5分钟")
        if not 1 <= len(said.nonce_str) <= 32:
            raise PayError("SIGN_ERROR", "Http头Authorization中的nonce_str长度有误")

    def _check_nonce(self, said: Authorization) -> None:
        now = time.time()
        if len(self._nonces) > 20_000:
            self._nonces = {nonce: at for nonce, at in self._nonces.items() if now - at < 2 * WINDOW_S}
        key = f"{said.timestamp}:{said.nonce_str}"
        if key in self._nonces:
            raise PayError("SIGN_ERROR", "Http头Authorization中的nonce_str重复，请求被重放")
        self._nonces[key] = now

    def signed(self, body: str, *, serial: str = "", forged: bool = False) -> dict[str, str]:
        """The headers of an answer or a notice; the serial asked for chooses the key."""
        timestamp, nonce = str(int(time.time())), secrets.token_hex(16)
        public_key_mode = serial != self._credentials.platform_serial
        key = self._credentials.pay_key if public_key_mode else self._credentials.platform_key
        if forged:
            key = self._forger = self._forger or generate_private_key(65537, 2048)
        named = (
            self._credentials.pay["public_key_id"] if public_key_mode else self._credentials.platform_serial
        )
        return {
            "Wechatpay-Timestamp": timestamp,
            "Wechatpay-Nonce": nonce,
            "Wechatpay-Signature": rsa_sign(key, f"{timestamp}\n{nonce}\n{body}\n"),
            "Wechatpay-Serial": named,
            "Wechatpay-Signature-Type": SCHEME,
        }

    def signed_by_a_stranger(self, body: str) -> dict[str, str]:
        """Headers that look right and are not."""
        return self.signed(body, forged=True)

    def probing(self, body: str) -> dict[str, str]:
        """WeChat's own probe whether the merchant checks signatures at all."""
        headers = self.signed(body)
        fake = base64.b64encode(hashlib.sha256(secrets.token_bytes(32)).digest() * 8).decode()
        return headers | {"Wechatpay-Signature": f"WECHATPAY/SIGNTEST/{fake}"}


def _sign_detail(method: str, uri: str, message: bytes, said: Authorization) -> dict[str, Any]:
    truncated = f"{method}\n{uri}\n{said.timestamp}\n{said.nonce_str}\n"
    return {
        "detail": {"issue": "sign not match"},
        "field": "signature",
        "location": "authorization",
        "sign_information": {
            "method": method,
            "sign_message_length": len(message),
            "truncated_sign_message": truncated
            + message[len(truncated.encode()) :][:8].decode(errors="replace"),
            "url": uri,
        },
    }


def request_id(errno: int = 0) -> str:
    """`Request-Id: <hex>-<errno>`."""
    return f"08{secrets.token_hex(20).upper()}-{errno}"


def dumps(body: Any) -> str:
    """JSON as it is signed and sent."""
    return orjson.dumps(body).decode()
