"""Two hospitals that talk FHIR to one city; all that they are answered is judged after a module's tests."""

from __future__ import annotations

import copy
import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import orjson
import pytest

from backend.directory.codes import HospitalLevel, OrganizationKind
from backend.directory.models import External, Organization
from backend.ids import new_id
from backend.permissions import Actor, Role
from tests.judges.judging import FHIR, Answers
from tests.security.town import open_own_city
from tests.support.city import Caller, Surroundings, TestCity
from tests.support.databases import Shelf

UCUM = "http://unitsofmeasure.org"
NUMBERS = "urn:oid:1.2.3.4"
_number = itertools.count(1)


@dataclass
class Hospital:
    """One hospital's system at /fhir/R4."""

    face: Face
    organization: Organization
    caller: Caller

    async def ask(
        self, method: str, path: str, body: Any = None, expect: int = 200, **more: Any
    ) -> httpx.Response:
        """Ask, assert the status, keep the answer for the judges."""
        headers = self.caller.headers | {"Content-Type": FHIR} | more.pop("headers", {})
        content = body if isinstance(body, bytes) else None if body is None else orjson.dumps(body)
        answer = await self.face.city.http.request(
            method, f"{self.face.base}{path}", content=content, headers=headers, **more
        )
        self.face.keep(answer)
        assert answer.status_code == expect, f"{method} {path}: {answer.status_code} {answer.text[:2000]}"
        return answer

    async def get(self, path: str, expect: int = 200, **more: Any) -> Any:
        return (await self.ask("GET", path, expect=expect, **more)).json()

    async def refused(
        self, method: str, path: str, body: Any, status: int, code: str, **more: Any
    ) -> dict[str, Any]:
        """Ask for what is refused with this code, and return the first issue."""
        answer = await self.ask(method, path, body, expect=status, **more)
        outcome = answer.json()
        assert outcome["resourceType"] == "OperationOutcome"
        assert answer.headers["Content-Type"].startswith(FHIR)
        issue: dict[str, Any] = outcome["issue"][0]
        assert issue["details"]["coding"][0]["code"] == code, answer.text
        assert issue["details"]["text"]
        return issue

    async def create(self, body: dict[str, Any], expect: int = 201, **more: Any) -> str:
        """Create, and return the id."""
        answer = await self.ask("POST", f"/{body['resourceType']}", body, expect=expect, **more)
        return str(answer.headers["Location"]).split("/")[-3]

    async def patient(self, **more: Any) -> str:
        """A new patient's chart."""
        return await self.create(a_patient(**more))


@dataclass
class Face:
    """The city, and everything it has answered."""

    city: TestCity
    one: Hospital = field(init=False)
    two: Hospital = field(init=False)
    answers: Answers = field(default_factory=Answers)

    @property
    def base(self) -> str:
        return f"{self.city.url}/fhir/R4"

    def keep(self, answer: httpx.Response) -> None:
        self.answers.keep(answer)


def a_patient(number: str = "", **more: Any) -> dict[str, Any]:
    """A Patient as a hospital sends it."""
    number = number or f"P{next(_number):06d}"
    kind = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "MR"}]}
    return {
        "resourceType": "Patient",
        "identifier": [{"system": NUMBERS, "value": number, "type": kind}],
        "name": [{"text": "王小明"}],
        "gender": "male",
    } | copy.deepcopy(more)


def an_observation(subject: str, **more: Any) -> dict[str, Any]:
    """A laboratory value."""
    return {
        "resourceType": "Observation",
        "status": "final",
        "category": [{"coding": [
            {"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "laboratory"}
        ]}],
        "code": {"coding": [{"system": "http://loinc.org", "code": "2345-7"}], "text": "葡萄糖"},
        "subject": {"reference": subject},
        "effectiveDateTime": "2026-03-01T08:30:00+08:00",
        "valueQuantity": {"value": 5.6, "unit": "mmol/L", "system": UCUM, "code": "mmol/L"},
    } | copy.deepcopy(more)  # fmt: skip


def bundle(kind: str, *entries: dict[str, Any]) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": kind, "entry": list(entries)}


def post(body: dict[str, Any], full_url: str = "", **request: Any) -> dict[str, Any]:
    """An entry that creates."""
    entry = {"resource": body, "request": {"method": "POST", "url": body["resourceType"]} | request}
    return {"fullUrl": full_url} | entry if full_url else entry


@pytest.fixture(scope="module")
async def face(surroundings: Surroundings, mongo_uri: str, databases: Shelf) -> AsyncIterator[Face]:
    async with open_own_city(surroundings, mongo_uri, databases) as city:
        made = Face(city)
        made.one = await hospital(made, city.hospital)
        made.two = await hospital(made, None)
        yield made
        made.answers.check()


async def hospital(face: Face, organization: Organization | None) -> Hospital:
    if organization is None:
        organization = Organization(
            id=new_id(),
            external=External("test", new_id()),
            name="第二医院",
            short_name="二院",
            kind=OrganizationKind.GENERAL,
            level=HospitalLevel.L3_A,
            address="健康路2号",
        )
        await face.city.city.services.directory.save_organizations([organization])
    actor = Actor(
        "client", new_id(), Role.HOSPITAL_CLIENT, frozenset({organization.id}), new_id(), "hospital"
    )
    return Hospital(face, organization, Caller(actor.id, face.city.city.services.tokens.issue(actor)))
