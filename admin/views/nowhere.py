"""Any other address under /admin: an HTML page that says so, instead of the API's JSON."""

from __future__ import annotations

from admin.base import PageHandler, page
from backend.errors import not_found
from backend.http.endpoint import requires
from backend.permissions import Permission


class NowhereHandler(PageHandler):
    """No page of ours."""

    @requires(Permission.STAFF_ACCOUNT_MANAGE)
    @page("Say that there is no such page")
    async def get(self, rest: str) -> None:
        """404; those not signed in are asked to, so that the addresses tell nothing."""
        raise not_found("page")


# Last in the table.
routes = [(r"/admin/(?P<rest>.*)", NowhereHandler)]
