"""The tables of rational medication: what medicines contain, and what speaks against them."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

import orjson

from backend.rulebooks.tables import ORGANIZATION, Book, Column, Kind, Table

_DATA = Path(__file__).with_name("data")
START_SOURCE = "系统自带起始规则（常见规则，不是完整的规则库，须由药事管理委员会确认）"
START_TABLES = ("ingredients", "products", "exceptions", "interactions", "allergies", "reasons")

ROUTES: Mapping[str, str] = {"systemic": "全身", "topical": "局部"}
SEVERITIES: Mapping[str, str] = {"block": "禁忌", "serious": "严重", "caution": "注意"}
_TEXTS = (
    Column("severity", "程度", Kind.CHOICE, choices=SEVERITIES),
    Column("text", "提示"),
    Column("source", "来源"),
)

BOOK = Book(
    "medication",
    "合理用药规则",
    (
        Table(
            "ingredients",
            "药品成分",
            ("code",),
            (
                Column("code", "成分编码"),
                Column("name", "通用名"),
                Column("atc", "ATC", Kind.LIST, required=False),
                Column("aliases", "别名", Kind.LIST, required=False),
            ),
            "药品名称里出现通用名或别名，即认为含有该成分。",
        ),
        Table(
            "products",
            "复方与商品名",
            ("name",),
            (
                Column("name", "药品名称"),
                Column("ingredients", "成分", Kind.LIST, refers="ingredients"),
                Column("route", "途径", Kind.CHOICE, choices=ROUTES),
            ),
            "名称里看不出成分的药品：复方制剂、商品名、外用剂型。",
        ),
        Table(
            "codes",
            "院内药品码",
            ("organization", "code"),
            (
                Column("organization", "机构", refers=ORGANIZATION),
                Column("code", "院内码"),
                Column("ingredients", "成分", Kind.LIST, refers="ingredients"),
                Column("route", "途径", Kind.CHOICE, choices=ROUTES),
            ),
            "各院自己的药品编码含有哪些成分。",
        ),
        Table(
            "exceptions",
            "允许同类联用",
            ("first", "second"),
            (
                Column("first", "类别甲"),
                Column("second", "类别乙"),
                Column("text", "说明"),
                Column("source", "来源"),
            ),
            "ATC 前五位相同也不算重复用药的类别。",
        ),
        Table(
            "interactions",
            "相互作用",
            ("code",),
            (Column("code", "规则编号"), Column("first", "药品甲"), Column("second", "药品乙"), *_TEXTS),
            "药品甲、乙填成分编码，或 ATC 前几位。",
        ),
        Table(
            "allergies",
            "过敏",
            ("code",),
            (
                Column("code", "规则编号"),
                Column("words", "过敏原", Kind.LIST),
                Column("classes", "药品类别", Kind.LIST),
                *_TEXTS,
            ),
            "过敏史里出现过敏原中的任一词，即对这些 ATC 类别的药品提示。",
        ),
        Table(
            "reasons",
            "坚持用药原因",
            ("code",),
            (Column("code", "原因编码"), Column("text", "原因")),
            "医生看到提示后仍然用药时选用的原因。",
        ),
    ),
)


def start_rules() -> str:
    """What a city begins with, as an import of several tables."""
    return orjson.dumps({name: read_start(name) for name in START_TABLES}).decode()


def read_start(table: str) -> list[dict[str, str]]:
    """One of the tables that come with the program."""
    with (_DATA / f"{table}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
