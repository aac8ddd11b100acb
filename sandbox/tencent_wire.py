"""Tencent Cloud's API 3.0: whether a call's TC3-HMAC-SHA256 signature and clock are right, how it refuses."""

from __future__ import annotations

import hashlib
import hmac
import re
import uuid
from datetime import UTC, datetime
from typing import Any

import orjson

from sandbox.web import SandboxHandler

WINDOW_S = 300
VERSION = "2021-01-11"
_AUTHORIZATION = re.compile(
    r"TC3-HMAC-SHA256 Credential=(?P<id>[^/, ]+)/(?P<day>\d{4}-\d\d-\d\d)/(?P<service>\w+)/tc3_request, ?"
    r"SignedHeaders=(?P<headers>[a-z0-9;-]+), ?Signature=(?P<signature>[0-9a-f]{64})"
)


class TencentError(Exception):
    """A refusal; its text is the Code."""


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


class TencentHandler(SandboxHandler):
    """Reads a signed JSON call, answers JSON; always with status 200."""

    service = "tencent"

    def call(self) -> tuple[str, dict[str, Any]]:
        """The action and its parameters, once everything about who sent them is right."""
        headers = self.request.headers
        for name in ("X-TC-Action", "X-TC-Version", "X-TC-Timestamp", "Authorization"):
            if not headers.get(name):
                raise TencentError("MissingParameter")
        self._check_signature()
        if headers["X-TC-Version"] != VERSION:
            raise TencentError("NoSuchVersion")
        if not headers.get("X-TC-Region"):
            raise TencentError("MissingParameter")
        try:
            params = orjson.loads(self.request.body)
        except orjson.JSONDecodeError as error:
            raise TencentError("InvalidParameter") from error
        if not isinstance(params, dict):
            raise TencentError("InvalidParameter")
        return headers["X-TC-Action"], params

    def _check_signature(self) -> None:
        headers, mine = self.request.headers, self.world.credentials.told["tencent_sms"]
        said = _AUTHORIZATION.fullmatch(headers["Authorization"])
        signed = said["headers"].split(";") if said else []
        if said is None or not {"content-type", "host"} <= set(signed) or said["service"] != "sms":
            raise TencentError("AuthFailure.InvalidAuthorization")
        if said["id"] != mine["secret_id"]:
            raise TencentError("AuthFailure.SecretIdNotFound")
        timestamp = headers["X-TC-Timestamp"]
        if not timestamp.isdigit() or abs(int(timestamp) - self.world.now()) > WINDOW_S:
            raise TencentError("AuthFailure.SignatureExpire")
        day = datetime.fromtimestamp(int(timestamp), UTC).strftime("%Y-%m-%d")
        expected = self._signature(mine["secret_key"], day, timestamp, signed)
        if day != said["day"] or not hmac.compare_digest(said["signature"], expected):
            raise TencentError("AuthFailure.SignatureFailure")

    def _signature(self, secret_key: str, day: str, timestamp: str, signed: list[str]) -> str:
        # Clients sign "/" whatever stands before it: the path in front of the sandbox's gateway is ours.
        lines = [f"{name}:{self.request.headers.get(name, '').strip().lower()}" for name in signed]
        canonical = "\n".join(
            [self.request.method or "", "/", self.request.query, *lines, "", ";".join(signed),
             _sha256(self.request.body)]
        )  # fmt: skip
        scope = f"{day}/sms/tc3_request"
        text = f"TC3-HMAC-SHA256\n{timestamp}\n{scope}\n{_sha256(canonical.encode())}"
        key = f"TC3{secret_key}".encode()
        for part in scope.split("/"):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()

    def succeed(self, **more: Any) -> None:
        """Answer a call that was done."""
        # Without a charset: Tencent's own client overlooks an error under any other type.
        self.answer(200, {"Response": {**more, "RequestId": str(uuid.uuid4())}}, "application/json")

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        error = kwargs.get("exc_info", (None, None))[1]
        if not isinstance(error, TencentError):
            self.set_status(status_code)
            self.finish()
            return
        self.set_status(200)
        self.succeed(Error={"Code": str(error), "Message": f"sandbox: {error}"})

    def log_exception(self, *args: Any) -> None:
        """A refusal is an answer, not a fault."""
        if not isinstance(args[1], TencentError):
            super().log_exception(*args)
