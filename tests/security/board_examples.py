"""One real request, at least, for every page of the city's board; see examples.py."""

from __future__ import annotations

from backend.permissions import SYSTEM
from tests.security.console_examples import CITY, INSTITUTION, OWN, PUBLIC
from tests.security.examples import Ask, Example, plain
from tests.security.town import Town

MONTH = "2026-01"


async def _place(town: Town, caller: str) -> Ask:
    return Ask({"place": town.mine.organization.id}, form={"month": MONTH, "text": "停诊两天"})


async def _targets(town: Town, caller: str) -> Ask:
    form = {"month": MONTH, "figure": "bookings", "value": "120", "tolerance": "10"}
    return Ask({"place": town.mine.organization.id}, form=form)


async def _wall(town: Town, caller: str) -> Ask:
    made = await town.services.walls.make(SYSTEM, "一楼大厅", 30)
    return Ask({"link_id": made.link.id, "secret": made.secret}, form={})


BOARD_PAGES: dict[str, list[Example]] = {
    "GET /admin/board": [plain(OWN)],
    "GET /admin/board/export": [plain(OWN)],
    "GET /admin/board/wall": [plain(OWN)],
    "GET /admin/board/wall/figures": [plain(OWN)],
    "GET /admin/board/walls": [plain(CITY)],
    "POST /admin/board/walls": [plain(CITY, form={"label": "一楼大厅", "days": "30"})],
    "POST /admin/board/walls/{link_id}/revoke": [Example(CITY, _wall, 303)],
    "GET /admin/wall/{secret}": [Example(PUBLIC, _wall)],
    "GET /admin/wall/{secret}/figures": [Example(PUBLIC, _wall)],
    "GET /admin/board/kpi": [plain(OWN)],
    "GET /admin/board/kpi/import": [plain(CITY)],
    "POST /admin/board/kpi/import": [plain(CITY, form={"content": "", "act": "preview"})],
    "GET /admin/board/kpi/{place}": [Example(INSTITUTION, _place)],
    "POST /admin/board/kpi/{place}": [Example(INSTITUTION, _place, 303)],
    "GET /admin/board/kpi/{place}/report": [Example(INSTITUTION, _place)],
    "GET /admin/board/kpi/{place}/targets": [Example(CITY, _targets)],
    "POST /admin/board/kpi/{place}/targets": [Example(CITY, _targets, 303)],
    "POST /admin/board/kpi/{place}/targets/copy": [Example(CITY, _targets, 303)],
}
