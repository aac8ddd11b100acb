"""Requests for births (examples.py says how they are read)."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any

from backend import clock
from backend.births.machine import FilingState, StepState
from backend.births.models import Answers, Birth, BirthFacts, Parent
from backend.ids import new_id
from backend.permissions import SYSTEM
from tests.factories.births import A_PHOTO, hand_over, make_filing
from tests.security.examples import INSTITUTION, OWN, PUBLIC, Ask, Example, Make, plain
from tests.security.town import Town

BIRTH = "a birth of the owner"
_FACTS = BirthFacts(clock.now() - timedelta(days=2), "female", 3100)
_FILE = {
    "kind": "marriage",
    "content_type": "image/jpeg",
    "content": base64.b64encode(A_PHOTO).decode(),
}


async def _noted(town: Town) -> Birth:
    """A child of the owner's and of another mother's each time: one mother bears so often only."""
    owner = town.residents["owner"]
    mother = await town.stranger_at_the_register()
    family = [{"relation": "spouse", "id_number": owner.id_number}]
    await town.city.outside.post("persons", {**mother, "family": family})
    father = Parent(owner.name, owner.id_number)
    place = town.mine.organization.id
    return await town.services.births.noting.note(
        SYSTEM, place, new_id(), _FACTS, Parent(mother["name"], mother["id_number"]), father
    )


def _of_birth(json: Any = None) -> Make:
    async def make(town: Town, caller: str) -> Ask:
        return Ask({"birth_id": (await _noted(town)).id}, json=json)

    return make


async def _opened(town: Town, caller: str) -> Ask:
    return Ask(json={"birth_id": (await _noted(town)).id})


async def a_filing_of_the_owner(town: Town, *, handed_in: bool = False, file: bool = False) -> dict[str, str]:
    """A filing, and if wanted a file of it, as they stand in a path."""
    births, owner = town.services.births, town.residents["owner"].actor
    birth = await _noted(town)
    filing = (await births.open(owner, birth.id)).filing
    path = {"filing_id": filing.id}
    await births.amend(owner, filing.id, Answers(child_name=f"{birth.mother.name[0]}小宝"))
    if file:
        added = await births.files.add(owner, filing.id, "marriage", "image/jpeg", A_PHOTO)
        path["file_id"] = added.id
    if handed_in:
        await births.submit(owner, filing.id)
    return path


def _of_filing(json: Any = None, *, handed_in: bool = False, file: bool = False) -> Make:
    async def make(town: Town, caller: str) -> Ask:
        return Ask(await a_filing_of_the_owner(town, handed_in=handed_in, file=file), json=json)

    return make


async def _correct(town: Town, caller: str) -> Ask:
    ask = await _of_filing({"child_name": "王小宝"}, handed_in=True)(town, caller)
    return Ask({**ask.path, "step": "birth_certificate"}, json={"child_name": "王小宝"})


async def a_filing_at_work(town: Town) -> dict[str, str]:
    """A filing of the owner's whose certificate is issued, and whose household step is at its agency."""
    steps = {"birth_certificate": StepState.DONE, "household": StepState.ASKED}
    filing = await make_filing(town.city.city, await _noted(town), FilingState.IN_PROGRESS, steps)
    return {"filing_id": filing.id}


async def _printed(town: Town, caller: str) -> Ask:
    return Ask(await a_filing_at_work(town) | {"step": "birth_certificate"})


async def a_card_to_fetch(town: Town) -> tuple[dict[str, str], str]:
    """A filing of the owner's whose certificate lies ready, and the code that it is fetched with."""
    path = await a_filing_at_work(town) | {"step": "birth_certificate"}
    return path, await hand_over(town.city.city, path["filing_id"], path["step"])


def _fetched(json: Any = None) -> Make:
    async def make(town: Town, caller: str) -> Ask:
        return Ask((await a_card_to_fetch(town))[0], json=json)

    return make


async def _external(town: Town, caller: str) -> Ask:
    return Ask({"external_id": (await _noted(town)).external_id})


async def _void(town: Town, caller: str) -> Ask:
    return Ask({"external_id": (await _noted(town)).external_id}, json={"reason": "误报"})


async def _notice(town: Town, caller: str) -> Ask:
    mother = await town.stranger_at_the_register()
    body = {"born_at": _FACTS.born_at.isoformat(), "sex": "female", "weight_g": 3100, "mother": mother}
    return Ask({"external_id": new_id()}, json=body)


_ONE = "/api/v1/birth-filings/{filing_id}"
BIRTH_EXAMPLES: dict[str, list[Example]] = {
    "GET /api/v1/births": [plain(OWN)],
    "GET /api/v1/births/page": [plain(OWN)],
    "POST /api/v1/births/{birth_id}/precheck": [Example(BIRTH, _of_birth({}))],
    "GET /api/v1/birth-filings": [plain(OWN)],
    "POST /api/v1/birth-filings": [Example(BIRTH, _opened)],
    f"GET {_ONE}": [Example(BIRTH, _of_filing())],
    f"PUT {_ONE}": [Example(BIRTH, _of_filing({"child_name": "王小宝"}))],
    f"POST {_ONE}/submit": [Example(BIRTH, _of_filing())],
    # The agency has nothing to be corrected: for the owner it is there all the same.
    f"POST {_ONE}/steps/{{step}}/correct": [Example(BIRTH, _correct, 409)],
    f"GET {_ONE}/steps/{{step}}/paper": [Example(BIRTH, _printed)],
    f"POST {_ONE}/steps/{{step}}/received": [Example(BIRTH, _fetched())],
    f"POST {_ONE}/steps/{{step}}/missing": [Example(BIRTH, _fetched({"text": "窗口说没有"}))],
    f"POST {_ONE}/withdraw": [Example(BIRTH, _of_filing({}))],
    f"POST {_ONE}/files": [Example(BIRTH, _of_filing(_FILE))],
    f"GET {_ONE}/files/{{file_id}}": [Example(BIRTH, _of_filing(file=True))],
    f"DELETE {_ONE}/files/{{file_id}}": [Example(BIRTH, _of_filing(file=True))],
    "PUT /hospital/v1/births/{external_id}": [Example(OWN, _notice)],
    "GET /hospital/v1/births/{external_id}": [Example(INSTITUTION, _external)],
    "POST /hospital/v1/births/{external_id}/void": [Example(INSTITUTION, _void)],
    # A callback that nobody signed is refused as such, whoever brings it.
    "POST /callbacks/agencies/{agency}": [
        plain(PUBLIC, 401, path={"agency": "mch"}, content=b"{}"),
        plain(PUBLIC, 404, path={"agency": "nobody"}, content=b"{}"),
    ],
}
