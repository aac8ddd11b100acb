"""The tables of recognition: items, codes, institutions, marks, prices, levels, areas, reasons."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import orjson

from backend.rulebooks.tables import ORGANIZATION, Book, Column, Kind, Table

_DATA = Path(__file__).with_name("data")
START_SOURCE = "系统自带起始清单（47项6类，待本市主管部门确认）"

FORMS: Mapping[str, str] = {"lab": "检验", "image": "影像"}
LEVELS: Mapping[str, str] = {"3": "三级", "2": "二级", "1": "一级", "0": "未定级"}
SCOPES: Mapping[str, str] = {"national": "全国", "province": "省", "city": "市"}
RELATIONS: Mapping[str, str] = {
    "alliance": "同一医联体",
    "higher": "出具机构级别更高",
    "same": "级别相同",
    "lower": "出具机构级别更低",
}
TREATMENTS: Mapping[str, str] = {"recommend": "应当互认", "optional": "可以参考", "no": "不互认"}

_ITEM = Column("item", "项目编码", refers="items")
_PLACE = Column("organization", "机构", refers=ORGANIZATION)

BOOK = Book(
    "recognition",
    "结果互认清单",
    (
        Table(
            "items",
            "互认项目",
            ("code",),
            (
                Column("code", "项目编码"),
                Column("name", "项目名称"),
                Column("category", "类别"),
                Column("form", "形式", Kind.CHOICE, choices=FORMS),
                Column("loinc", "LOINC", Kind.LIST, required=False),
                Column("valid_days", "有效天数", Kind.INTEGER, least=1, most=3650),
                Column("basis", "时限依据", required=False),
            ),
            "哪些项目互认、多少天内有效。多个 LOINC 用分号分开。",
        ),
        Table(
            "codes",
            "院内码对照",
            ("organization", "code"),
            (_PLACE, Column("code", "院内码"), _ITEM),
            "各院自己的项目编码对应哪个互认项目。",
        ),
        Table(
            "institutions",
            "互认机构",
            ("organization",),
            (
                _PLACE,
                Column("level", "级别", Kind.CHOICE, choices=LEVELS),
                Column("alliance", "医联体", required=False),
            ),
            "参加互认的机构。机构填全称或机构编码。",
        ),
        Table(
            "marks",
            "质量标识",
            ("organization", "item", "scope", "area"),
            (
                _PLACE,
                _ITEM,
                Column("scope", "范围", Kind.CHOICE, choices=SCOPES),
                Column("area", "行政区划", required=False),
                Column("valid_until", "质评有效期至", Kind.DAY),
            ),
            "机构的哪个项目通过了哪一级室间质评。全国标识不填行政区划；没有通过的项目不要列入。",
        ),
        Table(
            "prices",
            "项目价格",
            ("organization", "item"),
            (_PLACE, _ITEM, Column("fee_fen", "价格（元）", Kind.MONEY)),
            "接诊机构重做一次的收费，用来计算节省的费用。",
        ),
        Table(
            "levels",
            "级别规则",
            ("relation",),
            (
                Column("relation", "机构关系", Kind.CHOICE, choices=RELATIONS),
                Column("treatment", "处理", Kind.CHOICE, choices=TREATMENTS),
            ),
            "没有列出的关系按“不互认”处理。",
        ),
        Table(
            "areas",
            "认可地区",
            ("area",),
            (Column("area", "行政区划"), Column("name", "名称")),
            "本市认可哪些地区颁发的标识（本市、本省、协议地区）；全国标识总是认可。",
        ),
        Table(
            "reasons",
            "不认可原因",
            ("code",),
            (
                Column("code", "原因编码"),
                Column("text", "原因"),
                Column("counted", "计入不认可", Kind.FLAG),
            ),
            "医生不认可时选用的原因。",
        ),
    ),
)


def start_list(city_code: str, city_name: str) -> str:
    """What a city begins with, as an import of several tables: no institution is on it yet."""
    areas = [
        {"行政区划": city_code, "名称": city_name},
        {"行政区划": f"{city_code[:2]}0000", "名称": "本省"},
    ]
    tables: dict[str, object] = {name: read_start(name) for name in ("items", "levels", "reasons")}
    return orjson.dumps({**tables, "areas": areas}).decode()


def read_start(table: str) -> list[dict[str, str]]:
    """One of the tables that come with the program."""
    lines = (_DATA / f"{table}.csv").read_text("utf-8").splitlines()
    heading = lines[0].split(",")
    return [dict(zip(heading, line.split(","), strict=True)) for line in lines[1:]]
