"""The definitions: complete, told in Chinese, and each reckoned from something that is counted."""

import re

from backend.statistics.board_models import Formula
from backend.statistics.definitions import book
from backend.statistics.models import GAUGES, Measure

CHINESE = re.compile(r"[\u4e00-\u9fff]")
# What the dashboard alone shows.
NOT_ON_THE_BOARD = {Measure.EXPIRED, Measure.REFUND_FAILED}


def test_every_figure_is_told_in_chinese_and_no_two_share_a_code_or_a_name() -> None:
    figures = book().figures
    assert len({each.code for each in figures}) == len({each.name for each in figures}) == len(figures)
    for each in figures:
        told = (each.name, each.group, each.what, each.since)
        assert all(CHINESE.search(text) for text in told), each.code
        assert each.unit, each.code
        assert each.source, each.code
        assert each.what.endswith("。"), each.code
        assert each.better in ("", "more", "less"), each.code
        assert each.parts in ("", "channel", "extra"), each.code


def test_every_formula_has_what_it_needs() -> None:
    for each in book().figures:
        assert (each.formula is Formula.SHARE) == (each.of is not None), each.code
        assert (each.formula is Formula.WEIGHED) == (each.assumption in book().assumptions), each.code
        assert (each.formula in (Formula.LEVEL, Formula.LEVEL_MEAN)) == (each.measure in GAUGES), each.code
        # What is about people hides small numbers; what is about institutions need not.
        assert each.hides == (each.measure not in GAUGES), each.code


def test_everything_that_is_counted_is_shown() -> None:
    shown = {each.measure for each in book().figures} | {each.of for each in book().figures if each.of}
    assert set(Measure) - shown == NOT_ON_THE_BOARD


def test_groups_stand_together() -> None:
    groups = [each.group for each in book().figures]
    assert groups == sorted(groups, key=groups.index)
