"""docs/births.md draws the machines and the graph as the code has them."""

from backend.births.machine import FILING_MOVES, HANDOVER_MOVES, STEP_MOVES
from backend.births.rules import load_rules
from docs.births_drawn import births_page
from docs.generate import stale_pages


def test_the_page_of_births_says_what_the_code_says() -> None:
    assert "births.md" not in stale_pages(), "docs/births.md is stale: run `make docs`"


def test_every_move_and_every_step_stands_on_it() -> None:
    page = births_page()
    for (state, event), move in (
        *FILING_MOVES.items(),
        *STEP_MOVES.items(),
        *HANDOVER_MOVES.items(),
    ):
        assert f"| `{state}` | `{event}` | `{move.to}` |" in page
    for step in load_rules(None).steps:
        assert all(f"{needed} " in page and step.name in page for needed in step.needs)
