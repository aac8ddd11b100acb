"""The city's population register (a protocol of our own): does this person exist, who is whose parent.

Every request carries X-Timestamp (Unix seconds) and X-Signature, hex HMAC-SHA256 of timestamp, newline
and body.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

import orjson

from sandbox.people import birth_of, is_id_number, sex_of
from sandbox.state import Person
from sandbox.web import SandboxHandler
from sandbox.world import World

WINDOW_S = 300


class RegisterError(Exception):
    """A refusal: status and code."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status = status
        self.code = code


class RegisterHandler(SandboxHandler):
    """Signed JSON in, JSON out."""

    service = "register"

    def signed_body(self) -> dict[str, Any]:
        """The request's object, once its signature holds."""
        refused = self.world.switches.text("refuse_register")
        if refused:
            raise RegisterError(int(refused) if refused.isdigit() else 503, "UNAVAILABLE")
        stamp = self.request.headers.get("X-Timestamp", "")
        if not stamp.isdigit() or abs(self.world.now() - int(stamp)) > WINDOW_S:
            raise RegisterError(401, "STALE_TIMESTAMP")
        secret = self.world.credentials.told["register"]["secret"]
        message = stamp.encode() + b"\n" + self.request.body
        expected = hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(expected, self.request.headers.get("X-Signature", "")):
            raise RegisterError(401, "BAD_SIGNATURE")
        try:
            body = self.json_body()
        except orjson.JSONDecodeError as error:
            raise RegisterError(400, "BAD_REQUEST") from error
        if not isinstance(body, dict):
            raise RegisterError(400, "BAD_REQUEST")
        return body

    def id_number(self, body: dict[str, Any], name: str) -> str:
        """An identity number that checks."""
        value = str(body.get(name) or "").upper()
        if not is_id_number(value):
            raise RegisterError(400, "BAD_ID_NUMBER")
        return value

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        error = kwargs.get("exc_info", (None, None))[1]
        known = isinstance(error, RegisterError)
        status, code = (error.status, error.code) if known else (status_code, "BAD_REQUEST")
        self.set_status(status)
        self.set_header("Content-Type", "application/json; charset=utf-8")
        self.finish(orjson.dumps({"error": {"code": code}}))

    def log_exception(self, *args: Any) -> None:
        """A refusal is an answer, not a fault."""
        if not isinstance(args[1], RegisterError):
            super().log_exception(*args)


class VerifyHandler(RegisterHandler):
    """POST /register/v1/verify {name, id_number, phone?}."""

    async def post(self) -> None:
        """Whether name and number belong together; nothing more is told when they do not."""
        body = self.signed_body()
        id_number, name = self.id_number(body, "id_number"), str(body.get("name") or "").strip()
        if not name:
            raise RegisterError(400, "BAD_REQUEST")
        person = self.world.people.find_person(id_number)
        if person is None and self.world.switches.on("register_open"):
            person = Person(id_number, name, sex=sex_of(id_number), birth_on=birth_of(id_number))
        if person is None or person.name != name:
            self.answer(
                200, {"match": False, "sex": None, "birth_on": None, "alive": None, "phone_match": None}
            )
            return
        phone = body.get("phone")
        told = {"match": True, "sex": person.sex, "birth_on": person.birth_on, "alive": person.alive}
        self.answer(200, told | {"phone_match": (phone == person.phone) if phone and person.phone else None})


class RelationHandler(RegisterHandler):
    """POST /register/v1/relation {guardian_id_number, dependant_id_number}."""

    async def post(self) -> None:
        """What the dependant is to the guardian: child, parent, spouse or none."""
        body = self.signed_body()
        guardian = self.id_number(body, "guardian_id_number")
        dependant = self.id_number(body, "dependant_id_number")
        self.answer(200, {"relation": self.world.people.relation(guardian, dependant)})


def routes(world: World) -> list[tuple[str, type[SandboxHandler], dict[str, Any]]]:
    """The register's paths."""
    given = {"world": world}
    return [
        (r"/register/v1/verify", VerifyHandler, given),
        (r"/register/v1/relation", RelationHandler, given),
    ]
