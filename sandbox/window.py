"""The counter with a scanner."""

from __future__ import annotations

from typing import Any

from sandbox.web import SandboxHandler
from sandbox.world import World


def routes(world: World) -> list[tuple[str, type[SandboxHandler], dict[str, Any]]]:
    """The window's paths."""
    return []
