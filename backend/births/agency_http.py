"""The adapter of the agencies' gateway: signed JSON over HTTPS, a path for each agency, signed callbacks.

Every request and every callback carries X-Timestamp (Unix seconds), X-Nonce and X-Signature: hex HMAC-SHA256
of timestamp, nonce, path and body, each on a line of its own, under the secret shared with that agency.
"""

from __future__ import annotations

import hmac
import logging
import time
from collections.abc import Callable, Mapping
from datetime import date
from typing import Literal, TypeVar

import httpx
import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from backend import clock
from backend.births.handover_models import Told
from backend.births.licences import Household, Licence
from backend.births.machine import HandoverState
from backend.births.models import Problem, ProblemKind
from backend.births.ports import AgencyUnavailableError, CallbackError, Question, Standing, Word
from backend.ids import new_id

# Told of every call: system, call, outcome, seconds.
Observe = Callable[[str, str, str, float], None]

log = logging.getLogger(__name__)

# So old a callback may be; its nonce is remembered for longer.
CALLBACK_WINDOW_S = 300
LICENCES = "licences"
_LONGEST_TEXT = 500


class _Said(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class _SaidProblem(_Said):
    code: str = Field(max_length=60)
    text: str = Field(max_length=_LONGEST_TEXT)
    what_to_do: str = Field("", max_length=_LONGEST_TEXT)
    field: str = Field("", max_length=60)


class _SaidHandover(_Said):
    """Where the paper or card of what is done is."""

    state: Literal["posted", "ready", "missing", "received"]
    courier: str = Field("", max_length=30)
    tracking_no: str = Field("", max_length=40, pattern=r"^[0-9A-Za-z-]*$")
    place: str = Field("", max_length=100)

    @model_validator(mode="after")
    def _can_be_followed(self) -> _SaidHandover:
        """What is posted has a number: without one nobody could say where it is."""
        if self.state == "posted" and not (self.courier and self.tracking_no):
            raise ValueError("tracking_no")
        return self


class _SaidWord(_Said):
    id: str
    standing: Standing
    revision: int = Field(0, ge=0)
    receipt: str = Field("", max_length=60)
    problems: tuple[_SaidProblem, ...] = ()
    results: dict[str, str] = {}
    handover: _SaidHandover | None = None

    @model_validator(mode="after")
    def _is_numbered(self) -> _SaidWord:
        """A word without a number is older than every other: it would never be heard."""
        if self.standing is not Standing.UNKNOWN and not self.revision:
            raise ValueError("revision")
        return self

    def word(self) -> Word:
        """In our own form."""
        problems = tuple(
            Problem(each.code, each.text, each.what_to_do, ProblemKind.FIX, each.field)
            for each in self.problems
        )
        said = self.handover
        told = None
        if said is not None:
            told = Told(HandoverState(said.state), said.courier, said.tracking_no, said.place)
        return Word(self.id, self.standing, self.revision, self.receipt, problems, dict(self.results), told)


class _SaidLicence(_Said):
    found: bool
    number: str = ""
    holder_name: str = ""
    valid_until: date | None = None


class _SaidMarriage(_Said):
    married: bool


class _SaidHousehold(_Said):
    found: bool
    in_city: bool = False
    region: str = ""
    police_station: str = ""


M = TypeVar("M", bound=BaseModel)


class _Wire:
    """Signs, sends, and believes nothing that it cannot read."""

    def __init__(self, url: str, path: str, secret: str, observe: Observe, client: httpx.AsyncClient) -> None:
        self._url = url.rstrip("/")
        self.path = path
        self._secret = secret.encode()
        self._observe = observe
        self._client = client

    async def send(self, method: str, path: str, kind: type[M], body: object = None) -> M:
        """One call. Raises AgencyUnavailableError: nobody knows what became of it."""
        began = time.monotonic()
        outcome, answer = await self._sent(method, self.path + path, orjson.dumps(body) if body else b"")
        self._observe("agencies", self.path, outcome, time.monotonic() - began)
        if answer is None or outcome != "ok":
            raise AgencyUnavailableError(outcome)
        try:
            return kind.model_validate_json(answer.content)
        except ValidationError:
            # Not chained: the message would quote the answer.
            raise AgencyUnavailableError("unreadable answer") from None

    async def _sent(self, method: str, path: str, body: bytes) -> tuple[str, httpx.Response | None]:
        stamp, nonce = str(int(clock.now().timestamp())), new_id()
        headers = {
            "Content-Type": "application/json",
            "X-Timestamp": stamp,
            "X-Nonce": nonce,
            "X-Signature": self.signature(stamp, nonce, path, body),
        }
        try:
            answer = await self._client.request(method, self._url + path, content=body, headers=headers)
        except httpx.HTTPError as error:
            return type(error).__name__, None
        return ("ok" if answer.status_code == httpx.codes.OK else f"status_{answer.status_code}"), answer

    def signature(self, stamp: str, nonce: str, path: str, body: bytes) -> str:
        """What stands in X-Signature."""
        message = "\n".join((stamp, nonce, path)).encode() + b"\n" + body
        return hmac.digest(self._secret, message, "sha256").hex()


class HTTPAgencyLine:
    """The line to one agency."""

    def __init__(
        self,
        agency: str,
        url: str,
        secret: str,
        client: httpx.AsyncClient,
        *,
        observe: Observe = lambda *_: None,
    ) -> None:
        self.agency = agency
        self._has_secret = bool(secret)
        self._wire = _Wire(url, f"/{agency}/v1", secret, observe, client)

    async def ask(self, question: Question) -> Word:
        """POST …/applications."""
        return self._of(question.id, await self._wire.send("POST", "/applications", _SaidWord, question.body))

    async def query(self, question_id: str) -> Word:
        """GET …/applications/{id}."""
        return self._of(question_id, await self._wire.send("GET", f"/applications/{question_id}", _SaidWord))

    async def bar(self, question_id: str) -> Word:
        """POST …/applications/{id}/bar."""
        path = f"/applications/{question_id}/bar"
        return self._of(question_id, await self._wire.send("POST", path, _SaidWord))

    async def cancel(self, question_id: str, reason: str) -> Word:
        """POST …/applications/{id}/cancel."""
        path = f"/applications/{question_id}/cancel"
        return self._of(question_id, await self._wire.send("POST", path, _SaidWord, {"reason": reason}))

    def read_callback(self, headers: Mapping[str, str], body: bytes) -> tuple[str, Word]:
        """The nonce and the word, once signature and time hold. Raises CallbackError."""
        stamp, nonce = headers.get("X-Timestamp", ""), headers.get("X-Nonce", "")
        fresh = stamp.isdecimal() and len(stamp) < 12
        if not fresh or abs(clock.now().timestamp() - int(stamp)) > CALLBACK_WINDOW_S:
            raise CallbackError("stale")
        if not self._has_secret or not 8 <= len(nonce) <= 64:
            raise CallbackError("no secret or nonce")
        expected = self._wire.signature(stamp, nonce, f"/callbacks/agencies/{self.agency}", body)
        if not hmac.compare_digest(expected.encode(), headers.get("X-Signature", "").encode()):
            raise CallbackError("bad signature")
        try:
            word = _SaidWord.model_validate_json(body).word()
        except ValidationError:
            raise CallbackError("unreadable") from None
        if word.standing is Standing.UNKNOWN:
            raise CallbackError("a word about nothing")
        return nonce, word

    @staticmethod
    def _of(question_id: str, said: _SaidWord) -> Word:
        if said.id != question_id:
            raise AgencyUnavailableError("an answer to another question")
        return said.word()


class HTTPLicenceLibrary:
    """The city's electronic licences, at the same gateway."""

    def __init__(
        self, url: str, secret: str, client: httpx.AsyncClient, *, observe: Observe = lambda *_: None
    ) -> None:
        self._wire = _Wire(url, f"/{LICENCES}/v1", secret, observe, client)

    async def licence(self, kind: str, id_number: str) -> Licence | None:
        """Somebody's licence of a kind."""
        asked = {"kind": kind, "id_number": id_number}
        said = await self._wire.send("POST", "/find", _SaidLicence, asked)
        return Licence(kind, said.number, said.holder_name, said.valid_until) if said.found else None

    async def are_married(self, one: str, other: str) -> bool:
        """Whether two people are married to each other today."""
        asked = {"one": one, "other": other}
        return (await self._wire.send("POST", "/marriage", _SaidMarriage, asked)).married

    async def household(self, id_number: str) -> Household | None:
        """Where somebody is registered."""
        said = await self._wire.send("POST", "/household", _SaidHousehold, {"id_number": id_number})
        return Household(said.in_city, said.region, said.police_station) if said.found else None
