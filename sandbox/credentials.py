"""Key material: what the city is told (credentials.json) and what stays here (keys.json)."""

from __future__ import annotations

import secrets
import string
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

from sandbox.message_templates import OA_TEMPLATES, SMS_TEMPLATES, SUBSCRIBE_TEMPLATES
from sandbox.sms_templates import CLOUD_TEMPLATES
from sandbox.state import write_atomically

_ALPHABET = string.ascii_letters + string.digits


def _random(size: int, alphabet: str = _ALPHABET) -> str:
    return "".join(secrets.choice(alphabet) for _ in range(size))


def _private_pem(key: RSAPrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def _public_pem(key: RSAPrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def _make_platform_certificate(key: RSAPrivateKey) -> str:
    now = datetime.now(UTC)
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, "Tenpay.com sign"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Tenpay.com (sandbox)"),
            x509.NameAttribute(NameOID.COUNTRY_NAME, "CN"),
        ]
    )
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=5 * 365))
        .sign(key, hashes.SHA256())
    )
    return certificate.public_bytes(Encoding.PEM).decode()


def _make_clouds() -> dict[str, Any]:
    """The city's accounts at Aliyun SMS and Tencent Cloud SMS, each with its codes for the same wordings."""
    templates = {
        name: {"text": template.text, "is_code": template.is_code}
        for name, template in CLOUD_TEMPLATES.items()
    }

    def coded(prefix: str, digits: int) -> dict[str, Any]:
        return {
            name: {"code": prefix + "4" + _random(digits - 1, string.digits), **template}
            for name, template in templates.items()
        }

    return {
        "aliyun_sms": {
            "access_key_id": "LTAI" + _random(20),
            "access_key_secret": _random(30),
            "sign_name": "健康城市",
            "templates": coded("SMS_", 9),
        },
        "tencent_sms": {
            "secret_id": "AKID" + _random(32),
            "secret_key": _random(32),
            "sdk_app_id": "1400" + _random(6, string.digits),
            "sign_name": "健康城市",
            "templates": coded("", 7),
        },
    }


def _make_agencies() -> dict[str, str]:
    """The secret of each agency, and of the licence library."""
    return {name: secrets.token_hex(24) for name in ("mch", "civil", "social", "insurance", "licences")}


def _make() -> tuple[dict[str, Any], dict[str, Any]]:
    merchant, pay, platform = (generate_private_key(65537, 2048) for _ in range(3))
    told = {
        "wechat_mini": {"app_id": "wx" + secrets.token_hex(8), "secret": secrets.token_hex(16)},
        "wechat_oa": {
            "app_id": "wx" + secrets.token_hex(8),
            "secret": secrets.token_hex(16),
            **_server_settings(),
        },
        "wechat_pay": {
            "mch_id": "16" + _random(8, string.digits),
            "cert_serial": secrets.token_hex(20).upper(),
            "merchant_private_key_pem": _private_pem(merchant),
            "api_v3_key": _random(32),
            "public_key_pem": _public_pem(pay),
            "public_key_id": "PUB_KEY_ID_01" + _random(30, string.digits),
        },
        "mas": {
            "ec_name": "健康城市卫生健康委员会",
            "ap_id": "jkcs" + _random(4, string.digits),
            "secret_key": _random(16),
            "sign_code": _random(9),
            "sign_text": "【健康城市】",
            "templates": {
                name: {"id": secrets.token_hex(16), "text": text} for name, text in SMS_TEMPLATES.items()
            },
        },
        **_make_clouds(),
        "register": {"secret": secrets.token_hex(24)},
        "agencies": _make_agencies(),
        "subscribe_templates": {kind: _random(43) for kind in SUBSCRIBE_TEMPLATES},
        "oa_templates": {kind: _random(43) for kind in OA_TEMPLATES},
    }
    kept = {
        "pay_private_key_pem": _private_pem(pay),
        "platform_private_key_pem": _private_pem(platform),
        "platform_certificate_pem": _make_platform_certificate(platform),
    }
    return told, kept


def _rsa(pem: str) -> RSAPrivateKey:
    key = load_pem_private_key(pem.encode(), None)
    if not isinstance(key, RSAPrivateKey):
        raise TypeError("an RSA private key was expected")
    return key


@dataclass(frozen=True)
class Credentials:
    """Both halves, read back and parsed once."""

    told: dict[str, Any]
    merchant_public_key: RSAPublicKey
    pay_key: RSAPrivateKey
    platform_key: RSAPrivateKey
    platform_certificate_pem: str
    platform_serial: str

    @property
    def mini(self) -> dict[str, str]:
        """The mini-program's app id and secret."""
        return dict(self.told["wechat_mini"])

    @property
    def oa(self) -> dict[str, str]:
        """The official account's app id and secret."""
        return dict(self.told["wechat_oa"])

    @property
    def pay(self) -> dict[str, str]:
        """The merchant's account at WeChat Pay."""
        return dict(self.told["wechat_pay"])

    @property
    def mas(self) -> dict[str, Any]:
        """The city's account at cloud MAS."""
        return dict(self.told["mas"])

    def app_secret(self, app_id: str) -> str | None:
        """The secret of one of the two apps, None for a stranger's."""
        known = {app["app_id"]: app["secret"] for app in (self.mini, self.oa)}
        return known.get(app_id)


def _server_settings() -> dict[str, str]:
    """Of the official account's chat: the token that signs, the key that seals."""
    return {"token": _random(32), "aes_key": _random(43)}


def _with_new_templates(path: Path) -> dict[str, Any]:
    """What was told before, with templates that were applied for and accounts that were opened since."""
    told: dict[str, Any] = orjson.loads(path.read_bytes())
    wanted = {"subscribe_templates": SUBSCRIBE_TEMPLATES, "oa_templates": OA_TEMPLATES}
    missing = [(name, kind) for name, kinds in wanted.items() for kind in kinds if kind not in told[name]]
    for name, kind in missing:
        told[name][kind] = _random(43)
    unknown = {name: account for name, account in _make_clouds().items() if name not in told}
    told |= unknown
    for name, account in _make_clouds().items():
        fresh = {k: t for k, t in account["templates"].items() if k not in told[name]["templates"]}
        told[name]["templates"] |= fresh
        missing += [(name, kind) for kind in fresh]
    if "agencies" not in told:
        unknown["agencies"] = told["agencies"] = _make_agencies()
    chatless = "token" not in told["wechat_oa"]
    if chatless:
        told["wechat_oa"] |= _server_settings()
    if missing or unknown or chatless:
        write_atomically(path, orjson.dumps(told, option=orjson.OPT_INDENT_2))
    return told


def load_credentials(state_dir: Path) -> Credentials:
    """Read the key material of `state_dir`, making it at the first start."""
    told_path, kept_path = state_dir / "credentials.json", state_dir / "keys.json"
    if not (told_path.exists() and kept_path.exists()):
        told, kept = _make()
        write_atomically(kept_path, orjson.dumps(kept, option=orjson.OPT_INDENT_2))
        write_atomically(told_path, orjson.dumps(told, option=orjson.OPT_INDENT_2))
    told = _with_new_templates(told_path)
    kept = orjson.loads(kept_path.read_bytes())
    certificate = x509.load_pem_x509_certificate(kept["platform_certificate_pem"].encode())
    return Credentials(
        told=told,
        merchant_public_key=_rsa(told["wechat_pay"]["merchant_private_key_pem"]).public_key(),
        pay_key=_rsa(kept["pay_private_key_pem"]),
        platform_key=_rsa(kept["platform_private_key_pem"]),
        platform_certificate_pem=kept["platform_certificate_pem"],
        platform_serial=f"{certificate.serial_number:040X}",
    )
