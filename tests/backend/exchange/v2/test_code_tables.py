"""Code tables: to what a hospital's rows may lead, and that the city's own do."""

import pytest

from backend.exchange.v2.mapping.codes import city_tables


def test_every_row_of_the_citys_leads_where_a_hospitals_may():
    wrong = [
        (key, code, to)
        for key, table in city_tables().items()
        for code, to in table.rows.items()
        if not table.takes(to)
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("table", "right", "wrong"),
    [
        ("sex", ["female", "other"], ["F", "女", "Female", ""]),
        ("report_status", ["final", "amended"], ["F", "done"]),
        ("order_status", ["active", "draft"], ["NW"]),
        ("patient_class", ["IMP", "HH"], ["I", "住院"]),
        ("appointment_status", ["booked", "checked-in"], ["Booked"]),
        ("telecom_kind", ["phone", "url"], ["PH"]),
        ("relationship", ["MTH", "O"], ["母亲", "mth"]),
        ("lab_item", ["2345-7", "2345-7 葡萄糖", "718-7"], ["2345-8", "23457", "葡萄糖", "GLU"]),
        ("diagnosis", ["I10", "I10.x00x002 高血压", "A01.0+"], ["高血压", "10I", "i10"]),
        ("medicine", ["C08CA05", "C08CA05 硝苯地平", "J01"], ["硝苯地平", "c08ca05", "C8CA05"]),
    ],
)  # fmt: skip
def test_a_row_leads_to_a_code_of_its_table_only(table: str, right: list[str], wrong: list[str]):
    made = city_tables()[table]
    assert [to for to in right if not made.takes(to)] == []
    assert [to for to in wrong if made.takes(to)] == []
