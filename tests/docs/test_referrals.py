"""docs/referrals.md draws the machine and states the limits as the code has them."""

from backend.referrals.machine import TABLE
from docs.generate import stale_pages
from docs.referrals_drawn import referrals_page


def test_the_page_of_referrals_says_what_the_code_says() -> None:
    assert "referrals.md" not in stale_pages(), "docs/referrals.md is stale: run `make docs`"


def test_every_line_of_the_table_is_on_it() -> None:
    page = referrals_page()
    for (state, event), rule in TABLE.items():
        line = next(
            (each for each in page.splitlines() if each.startswith(f"| `{state}`") and f"`{event}`" in each),
            "",
        )
        assert line or state is None, (state, event)
        if state is not None and rule.to is not state:
            assert f"`{rule.to}`" in line
            assert f"{state} --> {rule.to}: " in page
