"""The adapter of the population register: JSON over HTTPS, each question signed with a shared secret."""

from __future__ import annotations

import hmac
import logging
import time
from collections.abc import Callable
from datetime import date
from typing import Literal, TypeVar

import httpx
from pydantic import BaseModel, ConfigDict, ValidationError

from backend import clock
from backend.residents.id_numbers import Sex
from backend.residents.ports import RegisterAnswer, RegisterRelation, RegisterUnavailableError

# Told of every call: system, call, outcome, seconds.
Observe = Callable[[str, str, str, float], None]

log = logging.getLogger(__name__)

# A person waits at the other end: better a clear "try again" than a long silence.
TIMEOUT = httpx.Timeout(4.0, connect=2.0)
# Both questions change nothing, so one lost on the way is asked once more.
ATTEMPTS = 2


class _Verification(BaseModel):
    model_config = ConfigDict(extra="ignore")

    match: bool
    sex: Sex | Literal["unknown"] | None = None
    birth_on: date | None = None
    alive: bool | None = None
    phone_match: bool | None = None


class _RelationAnswer(BaseModel):
    model_config = ConfigDict(extra="ignore")

    relation: RegisterRelation


class HTTPPopulationRegister:
    """Asks the register at `url`; signs `timestamp + "\\n" + body` with HMAC-SHA256."""

    def __init__(self, url: str, secret: str, *, observe: Observe = lambda *_: None) -> None:
        self._url = url.rstrip("/")
        self._secret = secret.encode()
        self._observe = observe
        self._client = httpx.AsyncClient(timeout=TIMEOUT)

    async def verify(self, name: str, id_number: str, phone: str | None = None) -> RegisterAnswer:
        """Whether name and ID number belong together; raises RegisterUnavailableError."""
        question = _Question(name=name, id_number=id_number, phone=phone)
        answer = _read(_Verification, await self._ask("/v1/verify", question))
        return RegisterAnswer(
            match=answer.match,
            alive=answer.alive is not False,
            phone_match=answer.phone_match,
            sex=answer.sex if isinstance(answer.sex, Sex) else None,
            birth_on=answer.birth_on,
        )

    async def relation(self, guardian_id_number: str, dependant_id_number: str) -> RegisterRelation:
        """What the second person is to the first; raises RegisterUnavailableError."""
        question = _RelationQuestion(
            guardian_id_number=guardian_id_number, dependant_id_number=dependant_id_number
        )
        return _read(_RelationAnswer, await self._ask("/v1/relation", question)).relation

    async def aclose(self) -> None:
        """Let go of connections."""
        await self._client.aclose()

    async def _ask(self, path: str, question: BaseModel) -> bytes:
        body = question.model_dump_json(exclude_none=True).encode()
        for _ in range(ATTEMPTS):
            began = time.monotonic()
            outcome, answer = await self._send(path, body)
            self._observe("register", path, outcome, time.monotonic() - began)
            if outcome == "ok" and answer is not None:
                return answer.content
            log.warning("register_failed", extra={"call": path, "outcome": outcome})
            if answer is not None and answer.is_client_error:
                break  # It would say the same again.
        raise RegisterUnavailableError("no usable answer")

    async def _send(self, path: str, body: bytes) -> tuple[str, httpx.Response | None]:
        try:
            answer = await self._client.post(self._url + path, content=body, headers=self._headers(body))
        except httpx.HTTPError as error:
            return type(error).__name__, None
        return ("ok" if answer.status_code == httpx.codes.OK else f"status_{answer.status_code}"), answer

    def _headers(self, body: bytes) -> dict[str, str]:
        timestamp = str(int(clock.now().timestamp()))
        signature = hmac.digest(self._secret, timestamp.encode() + b"\n" + body, "sha256").hex()
        return {
            "Content-Type": "application/json",
            "X-Timestamp": timestamp,
            "X-Signature": signature,
        }


class _Question(BaseModel):
    name: str
    id_number: str
    phone: str | None


class _RelationQuestion(BaseModel):
    guardian_id_number: str
    dependant_id_number: str


M = TypeVar("M", bound=BaseModel)


def _read(kind: type[M], body: bytes) -> M:
    try:
        return kind.model_validate_json(body)
    except ValidationError:
        # Not chained: the message would quote the answer.
        raise RegisterUnavailableError("unreadable answer") from None
