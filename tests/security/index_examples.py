"""Requests for the patient index and for quality, in the console (examples.py says how they are read)."""

from __future__ import annotations

import itertools
from datetime import date

from backend.ids import new_id
from backend.patient_index.models import Chart, Demographics
from backend.patient_index.review_models import review_id
from tests.factories.charts import make_chart
from tests.security.console_examples import CITY, INSTITUTION, OWN, REASON
from tests.security.examples import Ask, Example, plain
from tests.security.town import Town

_numbers = itertools.count(1)
_RULE = {"rule_id": "PAT-001"}


async def _two(town: Town) -> list[Chart]:
    """Two charts that may be one person's."""
    number = next(_numbers)
    who = Demographics("王小伟", "male", date(1985, 3, 12), phone=f"137{number:08d}")
    places = (town.mine.organization.id, town.theirs.organization.id)
    return [await make_chart(town.services, place, f"ZY{number}", who) for place in places]


async def _pair(town: Town, caller: str) -> Ask:
    one, two = await _two(town)
    await town.city.work()
    return Ask({"pair_id": review_id(one.id, two.id)}, form={"said": "later", **REASON})


async def _person(town: Town, caller: str) -> Ask:
    return Ask({"person_id": (await _two(town))[0].person_id})


async def _chart(town: Town, caller: str) -> Ask:
    return Ask({"chart_id": (await _two(town))[0].id, "step": "unlink"}, form=REASON)


async def _number(town: Town, caller: str) -> Ask:
    chart = (await _two(town))[0]
    number = {"assigner": chart.number.assigner, "number": chart.number.value}
    return Ask(form={"organization": chart.organization_id, **number})


async def _day(town: Town, caller: str) -> Ask:
    return Ask({"organization_id": town.mine.organization.id})


async def _preview(town: Town, caller: str) -> Ask:
    return Ask(_RULE, form={"step": "preview", "organization": town.mine.organization.id})


async def _new_rule(town: Town, caller: str) -> Ask:
    about = {"key": new_id(), "type": "Patient", "kind": "presence", "path": "photo"}
    return Ask(form={"step": "save", "title": "缺照片", "source": "本市约定", **about, **REASON})


INDEX_PAGES: dict[str, list[Example]] = {
    "GET /admin/patient-index": [plain(CITY)],
    "GET /admin/patient-index/search": [plain(OWN)],
    "POST /admin/patient-index/search": [Example(CITY, _number, 303)],
    "GET /admin/patient-index/pairs/{pair_id}": [Example(CITY, _pair)],
    "POST /admin/patient-index/pairs/{pair_id}": [Example(CITY, _pair, 303)],
    "GET /admin/patient-index/persons/{person_id}": [Example(CITY, _person)],
    "POST /admin/patient-index/charts/{chart_id}/{step}": [Example(CITY, _chart, 303)],
    "GET /admin/quality": [plain(OWN)],
    "GET /admin/quality/days/{organization_id}": [Example(INSTITUTION, _day)],
    "GET /admin/quality/rules": [plain(OWN)],
    "GET /admin/quality/rules/new": [plain(CITY)],
    "POST /admin/quality/rules/new": [Example(CITY, _new_rule, 303)],
    "GET /admin/quality/rules/{rule_id}": [plain(OWN, path=_RULE)],
    "POST /admin/quality/rules/{rule_id}": [Example(CITY, _preview)],
}
