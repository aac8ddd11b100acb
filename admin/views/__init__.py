"""The console's pages, one module for each part of the menu; `routes()` is the whole table."""

from __future__ import annotations

from admin.views import account, sign_in, staff, static

Routes = list[tuple[str, type]]


def routes() -> Routes:
    """Every page of the console, for `backend/app.py`."""
    return [*sign_in.routes, *account.routes, *staff.routes, *static.routes]
