"""What the demo shows of recognition and rational medication: the lists, the hospitals on them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import orjson

from backend import clock
from backend.bootstrap import City
from backend.directory.codes import HospitalLevel
from backend.directory.models import Organization
from backend.medication.book import START_SOURCE as RULES_SOURCE
from backend.medication.book import start_rules
from backend.permissions import SYSTEM
from backend.recognition.book import START_SOURCE as LISTS_SOURCE
from backend.recognition.book import read_start, start_list
from backend.rulebooks.service import Upload

DEMO_SOURCE = "演示数据：机构、标识、价格均为虚构"


async def seed_rulebooks(city: City, organizations: Sequence[Organization]) -> int:
    """Begin both rulebooks where nobody has; returns how many editions were made."""
    services, today, made = city.services, clock.today(), 0
    rules, lists = services.medication.rules, services.recognition.lists
    if not await rules.list_editions():
        await rules.apply(SYSTEM, Upload("", start_rules(), today, RULES_SOURCE), 0)
        made += 1
    if not await lists.list_editions():
        text = start_list(city.settings.city_code, city.settings.city_name)
        first = await lists.apply(SYSTEM, Upload("", text, today, LISTS_SOURCE), 0)
        await lists.apply(SYSTEM, Upload("", _of_the_city(organizations), today, DEMO_SOURCE), first.number)
        made += 2
    return made


def _of_the_city(organizations: Sequence[Organization]) -> str:
    """Who takes part, what they passed, what it costs: hospitals of the third level have national marks."""
    until = (clock.today() + timedelta(days=300)).isoformat()
    hospitals = [place for place in organizations if place.level is not HospitalLevel.UNGRADED]
    items = read_start("items")
    return orjson.dumps(
        {
            "institutions": [{"organization": place.id, "level": place.level[0]} for place in hospitals],
            "marks": [
                {
                    "organization": place.id,
                    "item": item["项目编码"],
                    "scope": "national",
                    "valid_until": until,
                }
                for place in hospitals
                if place.level.startswith("3")
                for item in items
            ],
            "prices": [
                {
                    "organization": place.id,
                    "item": item["项目编码"],
                    "fee_fen": "180" if item["形式"] == "影像" else "8",
                }
                for place in hospitals
                for item in items
            ],
        }
    ).decode()
