"""Lists that grow without end: each page is read by an index, in its order, whatever is filtered."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from backend import clock
from backend.permissions import Role
from tests.admin.browser import Console
from tests.admin.conftest import Town
from tests.admin.test_messages import tell
from tests.factories.orders import make_order

GROWING = ("orders", "billing_differences", "claims", "messages", "audit")
TODAY = clock.today().isoformat()
# {place} is a hospital, {id} some id of 26 characters.
PAGES = {
    Role.FINANCE: [
        "/admin/payments",
        "/admin/payments?state=refund_failed",
        "/admin/payments?organization={place}",
        f"/admin/payments?organization={{place}}&from_on={TODAY}&to_on={TODAY}&state=paid",
        f"/admin/payments?cursor=1700000000000.R{'0' * 26}",
        "/admin/payments/export",
        "/admin/payments/differences",
        "/admin/payments/differences?resolved=true",
    ],
    Role.AUDITOR: [
        "/admin/audit",
        "/admin/audit?action=staff.sign_in",
        "/admin/audit?organization={place}",
        "/admin/audit?actor_id={id}",
        "/admin/audit?object=appointment/{id}",
        f"/admin/audit?from_on={TODAY}&to_on={TODAY}",
    ],
    Role.CITY_OPERATOR: [
        "/admin/dashboard",
        f"/admin/schedules?organization={{place}}&on={TODAY}",
        f"/admin/appointments?organization={{place}}&on={TODAY}",
        f"/admin/appointments?organization={{place}}&on={TODAY}&state=booked&channel=window",
        "/admin/messages",
        "/admin/messages?kind=appointment_booked",
        "/admin/messages?appointment={id}",
    ],
}


@pytest.fixture
async def asked(console: Console, town: Town) -> AsyncIterator[Any]:
    """What the database was asked for, with how it went about it, since the last look."""
    services = console.city.services
    await make_order(services, town.here[0])
    await tell(console, town.here[0])
    db = services.db.native
    await db.command("profile", 2)

    async def look() -> list[dict[str, Any]]:
        growing = {"$in": [f"{services.db.name}.{name}" for name in GROWING]}
        await db.command("profile", 0)
        told = await db["system.profile"].find({"ns": growing}).to_list(None)
        await db.drop_collection("system.profile")
        await db.command("profile", 2)
        return [one for one in told if one["command"].get("find") or one["command"].get("aggregate")]

    yield look
    await db.command("profile", 0)
    await db.drop_collection("system.profile")


@pytest.mark.parametrize("role", PAGES)
async def test_no_list_reads_a_whole_collection_or_sorts_it(
    console: Console, town: Town, asked: Any, role: Role
) -> None:
    browser = await console.sign_in(role)
    for page in PAGES[role]:
        await asked()
        path = page.format(place=town.first.organization.id, id="0" * 26)
        answer = await browser.peek(path)
        assert answer.status_code == 200, path
        told = await asked()
        assert told or path == "/admin/dashboard", path
        for one in told:
            collection = one["ns"].partition(".")[2]
            assert "COLLSCAN" not in one["planSummary"], f"{path}: {collection} {one['command']}"
            # A hospital's day is the one list that is sorted after it was read: it does not grow.
            sorted_after = one.get("hasSortStage", False) and collection != "claims"
            assert not sorted_after, f"{path}: {collection} {one['planSummary']} {one['command']}"
