"""How the journey speaks to a running city and its sandbox: plain HTTP, polling with deadlines."""

import time
from collections.abc import Callable
from typing import Any, TypeVar

import httpx

T = TypeVar("T")
POLL_EVERY_S = 0.1


class JourneyError(Exception):
    """A step did not hold; the text says what was expected and what came instead."""

    def __init__(self, text: str, code: str = "") -> None:
        super().__init__(text)
        self.code = code


class Client:
    """One side of the conversation, with the token it has got."""

    def __init__(self, base_url: str, timeout_s: float = 15.0) -> None:
        # A proxy of the surroundings has no business between us and a city on this machine.
        self._http = httpx.Client(base_url=base_url, timeout=timeout_s, trust_env=False)
        self.token = ""

    def get(self, path: str, **query: Any) -> Any:
        """The answer to a GET."""
        return self.call("GET", path, params=query)

    def post(self, path: str, body: Any = None, *, key: str = "") -> Any:
        """The answer to a POST of JSON, with an idempotency key where one is given."""
        headers = {"Idempotency-Key": key} if key else {}
        return self.call("POST", path, json=body if body is not None else {}, headers=headers)

    def call(self, method: str, path: str, *, headers: dict[str, str] | None = None, **content: Any) -> Any:
        """Any request. Raises JourneyError for every answer that is not a success."""
        bearer = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        try:
            answer = self._http.request(method, path, headers=bearer | (headers or {}), **content)
        except httpx.HTTPError as error:
            raise JourneyError(
                f"{method} {self._http.base_url}{path}: {type(error).__name__} {error}"
            ) from error
        if not answer.is_success:
            code, reason = _reason(answer)
            raise JourneyError(f"{method} {path} answered {answer.status_code}: {code} {reason}", code)
        return answer.json() if answer.content else None

    def refusal(self, path: str, body: Any) -> str:
        """The error code that a POST is refused with; empty when it is not refused."""
        try:
            self.post(path, body)
        except JourneyError as refused:
            return refused.code
        return ""

    def close(self) -> None:
        """Let go of connections."""
        self._http.close()


def _reason(answer: httpx.Response) -> tuple[str, str]:
    """Code and text of an error: ours, OAuth2's, or whatever came."""
    try:
        error = answer.json()["error"]
    except (ValueError, KeyError, TypeError):
        return "", answer.text[:200]
    return (error["code"], error["message"]) if isinstance(error, dict) else (str(error), "")


def await_that(what: str, look: Callable[[], T | None], within_s: float) -> T:
    """Look again and again until there is something; raise when the deadline has passed."""
    deadline = time.monotonic() + within_s
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > deadline:
            raise JourneyError(f"{what}: not within {within_s:.0f} s")
        time.sleep(POLL_EVERY_S)


def expect(holds: bool, what: str) -> None:
    """Raise unless it holds."""
    if not holds:
        raise JourneyError(what)
