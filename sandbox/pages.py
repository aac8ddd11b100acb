"""The sandbox's own pages: start, phone, cashier and switches."""

from __future__ import annotations

from typing import Any

from sandbox.mas import Mas
from sandbox.notices import Notices
from sandbox.views import PageHandler
from sandbox.web import SandboxHandler
from sandbox.world import World


class IndexHandler(PageHandler):
    """GET /."""

    async def get(self) -> None:
        """What this is."""
        self.page("index.html")


def routes(
    world: World, mas: Mas, notices: Notices
) -> list[tuple[str, type[SandboxHandler], dict[str, Any]]]:
    """The pages' paths."""
    return [(r"/", IndexHandler, {"world": world})]
