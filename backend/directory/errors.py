"""The token endpoint's refusals in the words of RFC 6749, section 5.2."""

from __future__ import annotations

from typing import Literal

from backend.errors import AppError, ErrorCode

TokenError = Literal["invalid_request", "invalid_client", "unsupported_grant_type", "invalid_scope"]


class TokenRefusedError(AppError):
    """No token. `error` is what an OAuth2 library understands, the description is for its log."""

    def __init__(self, error: TokenError, description: str) -> None:
        code = ErrorCode.UNAUTHENTICATED if error == "invalid_client" else ErrorCode.BAD_REQUEST
        super().__init__(code, error)
        self.error = error
        self.description = description
