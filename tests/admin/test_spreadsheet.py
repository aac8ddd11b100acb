"""Files for spreadsheets: Chinese stays Chinese, and no cell is a formula."""

import pytest

from admin import spreadsheet


def test_a_file_begins_with_the_mark_that_spreadsheets_look_for() -> None:
    assert spreadsheet.lines([["订单号", "机构"]], first=True) == "\ufeff订单号,机构\r\n"
    assert spreadsheet.lines([["R1", "市一院"]]) == "R1,市一院\r\n"


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1"])
def test_what_would_be_a_formula_is_text(text: str) -> None:
    assert spreadsheet.lines([[text]]).startswith("'")


def test_quotes_and_line_ends_stay_within_their_cell() -> None:
    assert spreadsheet.lines([['内科 "专家"\n上午', "a,b"]]) == '"内科 ""专家""\n上午","a,b"\r\n'
