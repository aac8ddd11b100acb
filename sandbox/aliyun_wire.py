"""Aliyun's RPC gateway: who calls, whether signature, clock and nonce are right, how it refuses."""

from __future__ import annotations

import base64
import hashlib
import hmac
import urllib.parse
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sandbox.web import SandboxHandler

WINDOW_S = 900.0
VERSION = "2017-05-25"
COMMON = (
    "AccessKeyId", "Action", "Signature", "SignatureMethod", "SignatureNonce", "SignatureVersion",
    "Timestamp", "Version",
)  # fmt: skip
# The gateway's own refusals carry a status; the SMS product's come with 200.
STATUSES = {
    "InvalidAction.NotFound": 404,
    "InvalidAccessKeyId.NotFound": 404,
    "InternalError": 500,
    "ServiceUnavailable": 503,
}


class AliyunError(Exception):
    """A refusal; its text is the Code."""

    @property
    def code(self) -> str:
        """The Code."""
        return str(self)

    @property
    def status(self) -> int:
        """The HTTP status it comes with."""
        return 200 if self.code.startswith(("isv.", "isp.")) else STATUSES.get(self.code, 400)


def signature_of(method: str, params: Mapping[str, str], secret: str) -> str:
    """HMAC-SHA1 over everything but the signature itself."""
    pairs = [(name, value) for name, value in params.items() if name != "Signature"]
    query = urllib.parse.urlencode(sorted(pairs), quote_via=urllib.parse.quote, safe="~")
    text = f"{method}&%2F&{urllib.parse.quote(query, safe='~')}"
    mac = hmac.new(f"{secret}&".encode(), text.encode(), hashlib.sha1)
    return base64.b64encode(mac.digest()).decode()


def _instant(text: str) -> float:
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp()
    except ValueError as error:
        raise AliyunError("InvalidTimeStamp.Format") from error


class AliyunHandler(SandboxHandler):
    """Reads a signed call from address and body, answers JSON."""

    service = "aliyun"

    def call(self) -> dict[str, str]:
        """The call's parameters, once everything about who sent them is right."""
        arguments = self.request.arguments
        params = {name: self.get_argument(name, strip=False) for name in arguments}
        if any(len(values) > 1 for values in arguments.values()):
            raise AliyunError("InvalidParameter")
        for name in COMMON:
            if not params.get(name):
                raise AliyunError(f"Missing{name}")
        if params["Version"] != VERSION:
            raise AliyunError("InvalidVersion")
        if (params["SignatureMethod"], params["SignatureVersion"]) != ("HMAC-SHA1", "1.0"):
            raise AliyunError("InvalidSignatureMethod")
        if params.get("Format", "JSON") != "JSON":
            # The real gateway also writes XML, which nobody here reads.
            raise AliyunError("InvalidParameter.Format")
        self._check_sender(params)
        return params

    def _check_sender(self, params: dict[str, str]) -> None:
        mine = self.world.credentials.told["aliyun_sms"]
        if params["AccessKeyId"] != mine["access_key_id"]:
            raise AliyunError("InvalidAccessKeyId.NotFound")
        now = self.world.now()
        if abs(_instant(params["Timestamp"]) - now) > WINDOW_S:
            raise AliyunError("InvalidTimeStamp.Expired")
        expected = signature_of(self.request.method or "", params, mine["access_key_secret"])
        if not hmac.compare_digest(params["Signature"].encode(), expected.encode()):
            raise AliyunError("SignatureDoesNotMatch")
        nonce, nonces = params["SignatureNonce"], self.world.state.nonces
        if nonces.get(nonce, -WINDOW_S * 2) > now - WINDOW_S * 2:
            raise AliyunError("SignatureNonceUsed")
        nonces[nonce] = now

    def succeed(self, **more: Any) -> None:
        """Answer a call that was done."""
        self.answer(200, {"Code": "OK", "Message": "OK", "RequestId": _request_id()} | more)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        error = kwargs.get("exc_info", (None, None))[1]
        if not isinstance(error, AliyunError):
            self.set_status(status_code)
            self.finish()
            return
        body = {"Code": error.code, "Message": f"sandbox: {error.code}", "RequestId": _request_id()}
        if error.status != 200:
            body["HostId"] = "dysmsapi.aliyuncs.com"
        self.set_status(error.status)
        self.answer(error.status, body)

    def log_exception(self, *args: Any) -> None:
        """A refusal is an answer, not a fault."""
        if not isinstance(args[1], AliyunError):
            super().log_exception(*args)


def _request_id() -> str:
    return str(uuid.uuid4()).upper()
