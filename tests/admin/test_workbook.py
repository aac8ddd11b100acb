"""Workbooks as a program that others wrote opens them."""

import io

import openpyxl

from admin.workbook import Cell, Sheet, workbook


def test_numbers_stay_numbers_and_no_text_is_a_formula() -> None:
    rows: list[list[Cell]] = [["市一院", 12, 0.5, None], ["=1+1", -3, 1, "“<5”"]]
    made = workbook([Sheet("预约 [渠道]", ["机构", "数", "率", "注"], rows)])
    book = openpyxl.load_workbook(io.BytesIO(made))
    page = book.worksheets[0]
    assert page.title == "预约  渠道"
    assert [[cell.value for cell in row] for row in page.iter_rows()] == [
        ["机构", "数", "率", "注"],
        ["市一院", 12, 0.5, None],
        ["=1+1", -3, 1, "“<5”"],
    ]
    assert page["A3"].data_type == "s"


def test_sheets_of_one_name_or_too_long_a_one_are_told_apart() -> None:
    long = "各渠道预约的诊疗人次以及到诊率和爽约率的逐月对比分析与说明表格"
    made = workbook([Sheet(long, ["a"], []), Sheet(long, ["a"], []), Sheet("", ["a"], [])])
    names = openpyxl.load_workbook(io.BytesIO(made)).sheetnames
    assert len({*names}) == 3
    assert all(0 < len(name) <= 31 for name in names)
