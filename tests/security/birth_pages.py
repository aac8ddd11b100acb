"""Requests for the console's pages of births (console_examples.py says how they are read)."""

from __future__ import annotations

from backend.births.models import Parent
from tests.factories.births import make_birth
from tests.security.birth_examples import a_card_to_fetch, a_filing_at_work, a_filing_of_the_owner
from tests.security.console_examples import INSTITUTION, OWN
from tests.security.examples import Ask, Example, Make, plain
from tests.security.town import Town

BASE = "/admin/births"
_PAPER = {"step": "household", "number": "370700001", "handed_by": "派出所"}


def _filing(form: dict[str, str] | None = None, **path: str) -> Make:
    async def make(town: Town, caller: str) -> Ask:
        found = await a_filing_of_the_owner(town, file="file_id" in path)
        return Ask({**path, **found}, form=form)

    return make


def _at_work(form: dict[str, str] | None = None, **path: str) -> Make:
    async def make(town: Town, caller: str) -> Ask:
        return Ask({**path, **await a_filing_at_work(town)}, form=form)

    return make


async def _handed(town: Town, caller: str) -> Ask:
    path, code = await a_card_to_fetch(town)
    form = {"step": path["step"], "deed": "hand_over", "shown": code}
    return Ask({"filing_id": path["filing_id"]}, form=form)


async def _scanned(town: Town, caller: str) -> Ask:
    path, code = await a_card_to_fetch(town)
    return Ask(form={"shown": f"BIRTH:{path['filing_id']}:{path['step']}:{code}"})


def _doubtful(form: dict[str, str]) -> Make:
    async def make(town: Town, caller: str) -> Ask:
        person = await town.stranger_at_the_register()
        mother = Parent(person["name"], person["id_number"])
        births = [await make_birth(town.services, town.mine.organization.id, mother) for _ in range(2)]
        return Ask({"birth_id": births[1].id}, form=form)

    return make


BIRTH_PAGES: dict[str, list[Example]] = {
    f"GET {BASE}": [plain(OWN)],
    f"GET {BASE}/counts": [plain(OWN)],
    f"GET {BASE}/doubtful": [plain(OWN)],
    f"POST {BASE}/doubtful/{{birth_id}}": [
        Example(INSTITUTION, _doubtful({"same": "no", "reason": "已与医院核对"}), 303)
    ],
    f"GET {BASE}/figures": [plain(OWN)],
    f"GET {BASE}/figures/export": [plain(OWN)],
    f"GET {BASE}/filings/{{filing_id}}": [Example(INSTITUTION, _filing())],
    f"GET {BASE}/filings/{{filing_id}}/files/{{file_id}}": [Example(INSTITUTION, _filing(file_id=""))],
    f"GET {BASE}/filings/{{filing_id}}/papers/{{step}}": [
        Example(INSTITUTION, _at_work(step="birth_certificate"))
    ],
    # Of a day before the child was born: refused for what it says, and not for who says it.
    f"POST {BASE}/filings/{{filing_id}}/paper-result": [
        Example(INSTITUTION, _at_work(_PAPER | {"dated_on": "1999-01-01"}), 400)
    ],
    f"POST {BASE}/filings/{{filing_id}}/handover": [Example(INSTITUTION, _handed, 303)],
    f"POST {BASE}/pickup": [Example(INSTITUTION, _scanned, 303)],
    f"POST {BASE}/filings/{{filing_id}}/{{deed}}": [
        Example(INSTITUTION, _filing({"text": "已电话核对"}, deed="note"), 303)
    ],
}
