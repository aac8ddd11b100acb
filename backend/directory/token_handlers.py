"""`POST /oauth2/token`: client credentials for hospitals and terminals, in the forms of RFC 6749."""

from __future__ import annotations

import base64
import binascii
from typing import Any, Literal
from urllib.parse import unquote_plus

import orjson
from pydantic import Field

from backend.directory.errors import TokenRefusedError
from backend.errors import ErrorCode
from backend.http.base import APIHandler, as_app_error
from backend.http.endpoint import operation, public
from backend.http.schema import Answer, Schema


class TokenOut(Answer):
    """RFC 6749, section 5.1."""

    access_token: str
    token_type: str = "Bearer"  # noqa: S105 a word of the protocol
    expires_in: int
    scope: str


class TokenForm(Schema):
    """RFC 6749, section 4.4.2. Client id and secret may come by HTTP Basic instead."""

    grant_type: Literal["client_credentials"]
    client_id: str = ""
    client_secret: str = ""
    scope: str = Field("", description="Permissions, separated by spaces; empty for all of the client's.")


class TokenRefusedOut(Answer):
    """RFC 6749, section 5.2."""

    error: str
    error_description: str


class TokenHandler(APIHandler):
    """The token endpoint."""

    @public("Clients prove who they are by their own secret, which this endpoint checks.")
    @operation(
        "Get a token by client credentials",
        errors=(ErrorCode.UNAUTHENTICATED,),
        tag="hospital",
        form=TokenForm,
        refusal=TokenRefusedOut,
    )
    async def post(self) -> TokenOut:
        """Form-encoded `grant_type=client_credentials`; credentials by HTTP Basic or in the body.

        Refusals are RFC 6749's `{"error", "error_description"}`.
        """
        client_id, client_secret = self._credentials()
        grant = await self.services.clients.grant(
            self._field("grant_type"), client_id, client_secret, self._field("scope"), address=self.client_ip
        )
        self.set_header("Cache-Control", "no-store")
        self.set_header("Pragma", "no-cache")
        return TokenOut(access_token=grant.access_token, expires_in=grant.expires_in, scope=grant.scope)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """The protocol's own form of an error."""
        error = as_app_error(kwargs.get("exc_info", (None, None, None))[1], status_code)
        body = {"error": _protocol_error(error.code), "error_description": error.text}
        if isinstance(error, TokenRefusedError):
            body = {"error": error.error, "error_description": error.description}
        self.set_status(error.status)
        self.set_error_headers(error)
        if error.status == 401:
            self.set_header("WWW-Authenticate", 'Basic realm="healthycity"')
        self.set_header("Cache-Control", "no-store")
        self.set_header("Content-Type", "application/json; charset=utf-8")
        self.finish(orjson.dumps(body))

    def _credentials(self) -> tuple[str, str]:
        header = self.request.headers.get("Authorization", "")
        if not header.lower().startswith("basic "):
            return self._field("client_id"), self._field("client_secret")
        if self._field("client_secret"):
            raise TokenRefusedError("invalid_request", "use one way to authenticate, not two")
        try:
            login, _, secret = base64.b64decode(header[6:].strip(), validate=True).decode().partition(":")
        except (binascii.Error, ValueError):
            raise TokenRefusedError("invalid_client", "the Authorization header is not Basic") from None
        # RFC 6749 2.3.1: both are form-encoded before they are joined.
        return unquote_plus(login), unquote_plus(secret)

    def _field(self, name: str) -> str:
        values = self.request.body_arguments.get(name, [])
        if len(values) > 1:
            raise TokenRefusedError("invalid_request", f"{name} is given more than once")
        try:
            return values[0].decode() if values else ""
        except UnicodeDecodeError:
            raise TokenRefusedError("invalid_request", f"{name} is not UTF-8") from None


def _protocol_error(code: ErrorCode) -> str:
    if code in (ErrorCode.RATE_LIMITED, ErrorCode.UNAVAILABLE):
        return "temporarily_unavailable"
    return "server_error" if code is ErrorCode.INTERNAL else "invalid_request"


routes = [(r"/oauth2/token", TokenHandler)]
