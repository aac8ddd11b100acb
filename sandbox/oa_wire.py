"""The wire of the official account's callback: signatures, AES, XML. Written out, not taken from an SDK."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re
import secrets
import struct
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

_BLOCK = 32
_FIELD = re.compile(r"<(\w+)>(?:<!\[CDATA\[(.*?)\]\]>|([^<]*))</\1>", re.DOTALL)


class BadReplyError(ValueError):
    """The city's answer is none that the platform takes."""


def sign(token: str, *parts: str) -> str:
    """sha1 over the sorted parts."""
    return hashlib.sha1("".join(sorted([token, *parts])).encode(), usedforsecurity=False).hexdigest()


def xml_of(fields: dict[str, Any]) -> str:
    """Fields as the platform writes them: text in CDATA, numbers bare."""
    inner = "".join(
        f"<{name}>{value}</{name}>" if isinstance(value, int) else f"<{name}>{_cdata(value)}</{name}>"
        for name, value in fields.items()
    )
    return f"<xml>{inner}</xml>"


def _cdata(text: str) -> str:
    return f"<![CDATA[{text.replace(']]>', ']]]]><![CDATA[>')}]]>"


def fields_of(xml: str) -> dict[str, str]:
    """The fields of a flat document."""
    if not xml.lstrip().startswith("<xml>"):
        raise BadReplyError("not XML")
    whole = xml.replace("]]]]><![CDATA[>", "\x00")
    return {name: (text or bare).replace("\x00", "]]>") for name, text, bare in _FIELD.findall(whole)}


class OaWire:
    """One account's token and key."""

    def __init__(self, app_id: str, token: str, aes_key: str) -> None:
        self._app_id = app_id
        self.token = token
        self._key = base64.b64decode(aes_key + "=")

    def query(self, now: float, **more: str) -> dict[str, str]:
        """Signed parameters of a call."""
        timestamp, nonce = str(int(now)), str(secrets.randbelow(10**10))
        signature = sign(self.token, timestamp, nonce)
        return {"signature": signature, "timestamp": timestamp, "nonce": nonce} | more

    def sealed(self, xml: str, now: float, openid: str) -> tuple[dict[str, str], dict[str, str]]:
        """Parameters and the field that holds the message in 安全模式."""
        encrypt = self._encrypt(xml)
        query = self.query(now, openid=openid, encrypt_type="aes")
        query["msg_signature"] = sign(self.token, query["timestamp"], query["nonce"], encrypt)
        return query, {"Encrypt": encrypt}

    def opened(self, body: str) -> dict[str, str]:
        """The fields of an answer that came sealed."""
        outer = fields_of(body)
        expected = sign(
            self.token, outer.get("TimeStamp", ""), outer.get("Nonce", ""), outer.get("Encrypt", "")
        )
        if not hmac.compare_digest(expected, outer.get("MsgSignature", "")):
            raise BadReplyError("the answer's signature is wrong")
        return fields_of(self._decrypt(outer["Encrypt"]))

    def _cipher(self) -> Cipher[modes.CBC]:
        return Cipher(algorithms.AES(self._key), modes.CBC(self._key[:16]))

    def _encrypt(self, xml: str) -> str:
        content = xml.encode()
        plain = os.urandom(16) + struct.pack(">I", len(content)) + content + self._app_id.encode()
        padding = _BLOCK - len(plain) % _BLOCK
        encryptor = self._cipher().encryptor()
        sealed = encryptor.update(plain + bytes([padding]) * padding) + encryptor.finalize()
        return base64.b64encode(sealed).decode()

    def _decrypt(self, text: str) -> str:
        decryptor = self._cipher().decryptor()
        plain = decryptor.update(base64.b64decode(text)) + decryptor.finalize()
        content = plain[16 : -plain[-1]]
        size = struct.unpack(">I", content[:4])[0]
        if content[4 + size :].decode() != self._app_id:
            raise BadReplyError("sealed for another account")
        return content[4 : 4 + size].decode()
