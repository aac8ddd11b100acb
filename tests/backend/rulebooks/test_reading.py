"""Files as people make them: encodings, headings, cells, and errors that say where and what."""

from datetime import date

import orjson
import pytest

from backend.rulebooks.editions import as_csv, difference
from backend.rulebooks.reading import MOST_PROBLEMS, check_references, decode, parse
from backend.rulebooks.tables import ORGANIZATION, Book, Column, Kind, Table

ITEMS = Table(
    "items",
    "项目",
    ("code",),
    (
        Column("code", "编码"),
        Column("name", "名称", required=False),
        Column("days", "天数", Kind.INTEGER, least=1, most=90),
        Column("until", "截至", Kind.DAY, required=False),
        Column("fee_fen", "价格", Kind.MONEY, required=False),
        Column("level", "级别", Kind.CHOICE, required=False, choices={"3": "三级", "2": "二级"}),
        Column("loinc", "LOINC", Kind.LIST, required=False),
        Column("counted", "计入", Kind.FLAG, required=False),
    ),
)
CODES = Table(
    "codes",
    "对照",
    ("place", "code"),
    (
        Column("place", "机构", refers=ORGANIZATION),
        Column("code", "院内码"),
        Column("item", "项目", refers="items"),
    ),
)
BOOK = Book("test", "测试", (ITEMS, CODES))
PLACES = {"市医院": "H1", "H1": "H1"}


def read(text: str, table: Table | None = ITEMS):
    return parse(BOOK, table, text, PLACES.get)


def wrong(text: str, table: Table | None = ITEMS) -> list[tuple[int, str, str]]:
    return [(each.line, each.column, each.what) for each in read(text, table).problems]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_chinese_comes_through_in_every_usual_encoding(encoding: str):
    text = decode("编码,名称,天数\nK,钾𠮷,7\n".encode(encoding))
    assert text is not None
    assert read(text).tables["items"][0]["name"] == "钾𠮷"


def test_what_is_no_text_is_no_file():
    assert decode(b"\x89PNG\r\n\x1a\n\xff\xff") is None


def test_every_kind_of_cell_is_read():
    text = "code,天数,截至,价格,级别,LOINC,计入\nK,7,2026年3月5日,12.5,三级,1-1；2-2,是\n"
    (row,) = read(text).tables["items"]
    assert row == {
        "code": "K", "name": "", "days": 7, "until": "2026-03-05", "fee_fen": 1250, "level": "3",
        "loinc": ["1-1", "2-2"], "counted": True,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("编码,天数\nK,\n", (2, "天数", "不能为空")),
        ("编码,天数\nK,七\n", (2, "天数", "须为整数")),
        ("编码,天数\nK,91\n", (2, "天数", "须在1到90之间")),
        ("编码,天数\nK,-1\n", (2, "天数", "须为整数")),
        ("编码,天数\nK,٧\n", (2, "天数", "须为整数")),
        ("编码,天数,截至\nK,7,2026-02-30\n", (2, "截至", "不是有效的日期，请填如 2026-12-31")),
        ("编码,天数,价格\nK,7,1.005\n", (2, "价格", "须为金额（元），最多两位小数")),
        ("编码,天数,价格\nK,7,NaN\n", (2, "价格", "须为金额（元），最多两位小数")),
        ("编码,天数,价格\nK,7,-1\n", (2, "价格", "须为金额（元），最多两位小数")),
        ("编码,天数,级别\nK,7,特级\n", (2, "级别", "须为：三级、二级")),
        ("编码,天数,计入\nK,7,也许\n", (2, "计入", "请填“是”或“否”")),
        ("编码,天数\nK,7\n\nK,8\n", (4, "", "与第2行重复")),
        ("编码\nK\n", (1, "天数", "缺少这一列")),
        ("编码,天数,备注\nK,7,x\n", (1, "备注", "没有这一列")),
        (f"编码,天数\n{'K' * 501},7\n", (2, "编码", "太长，最多500字")),
        ('{"items": [{"编码": "K", "天数": null}]}', (1, "天数", "不能为空")),
        ('{"items": [3]}', (1, "", "须为对象")),
        ('{"nothing": []}', (0, "", "没有名为“nothing”的表")),
        ('{"items": ', (1, "", "不是有效的 JSON")),
    ],
)
def test_an_error_names_its_line_its_column_and_what_to_do(text: str, expected: tuple[int, str, str]):
    assert expected in wrong(text)


def test_an_institution_is_known_by_name_or_not_at_all():
    assert read("机构,院内码,项目\n市医院,A1,K\n", CODES).tables["codes"][0]["place"] == "H1"
    assert wrong("机构,院内码,项目\n别处医院,A1,K\n", CODES) == [
        (2, "机构", "没有这家机构，请填机构全称或机构编码")
    ]


def test_a_row_may_name_only_what_another_table_has():
    codes = '[{"机构": "H1", "院内码": "1", "项目": "NA"}]'
    tables = read(f'{{"items": [{{"编码": "K", "天数": 7}}], "codes": {codes}}}', None)
    (problem,) = check_references(BOOK, tables.tables)
    assert (problem.table, problem.line, problem.what) == ("codes", 1, "没有编码为“NA”的条目")


def test_a_hopeless_file_says_so_in_a_bounded_list():
    assert len(wrong("编码,天数\n" + "K,x\n" * 5000)) == MOST_PROBLEMS


def test_a_table_written_out_is_read_again_and_runs_nothing():
    text = "编码,名称,天数,LOINC\n=HYPERLINK(1),+钾,7,1-1；2-2\n"
    rows = read(text).tables["items"]
    written = as_csv(ITEMS, rows)
    assert "\n'=HYPERLINK(1),'+钾" in written
    assert read(written).tables["items"] == rows
    assert read(orjson.dumps({"items": rows}).decode(), None).tables["items"] == rows


def test_a_difference_says_what_each_row_was_and_becomes():
    before = read("编码,天数\nK,7\nNA,7\nCL,7\n").tables["items"]
    after = read("编码,天数\nK,7\nNA,30\nCA,7\n").tables["items"]
    found = difference(ITEMS, before, after)
    assert [each.key for each in found.added] == ["CA"]
    assert [each.key for each in found.removed] == ["CL"]
    assert [(each.key, each.altered) for each in found.changed] == [("NA", (("天数", "7", "30"),))]
    assert found.same == 1


def test_days_of_a_file_are_days_of_the_calendar():
    (row,) = read("编码,天数,截至\nK,7,2028/2/29\n").tables["items"]
    assert date.fromisoformat(str(row["until"])) == date(2028, 2, 29)
