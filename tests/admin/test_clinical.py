"""Recognition and rational medication in the console: lists with a dry run before them, figures, repeats."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

import pytest

from admin import clinical_words
from backend import clock
from backend.audit.models import AuditFilter
from backend.db.client import Database
from backend.http.workbook import Sheet, workbook
from backend.ids import new_id
from backend.medication.judging import Kind
from backend.permissions import SYSTEM, Role
from tests.admin.browser import Console
from tests.admin.conftest import Town

LISTS, RULES = "/admin/recognition/lists", "/admin/medication/rules"


def test_every_kind_of_alert_has_a_word() -> None:
    assert {str(kind) for kind in Kind} == set(clinical_words.ALERT_KINDS)


@pytest.mark.parametrize(
    ("shelf", "table", "row", "wrong"),
    [
        (LISTS, "items", "XX01,测试,生化,检验,99999-9,5,测试", "XX01,测试,生化,检验,99999-9,很久,测试"),
        (RULES, "interactions", "T1,warfarin,aspirin,严重,提示,测试", "T1,warfarin,aspirin,可怕,提示,测试"),
    ],
)  # fmt: skip
async def test_a_table_is_begun_previewed_and_imported(
    console: Console, shelf: str, table: str, row: str, wrong: str
) -> None:
    browser = await console.sign_in(Role.CITY_OPERATOR)
    await browser.get(shelf)
    page = await browser.submit(shelf)
    assert "第 1 版" in page.text
    path = f"{shelf}/{table}"
    page = await browser.get(path)
    text = page_text(page.html)
    page = await browser.submit(path, content=f"{text}{wrong}\n", act="preview", source="测试文件")
    assert "有 1 处问题" in page.text
    page = await browser.submit(path, content=f"{text}{row}\n", act="preview", source="测试文件")
    assert "新增 1，去掉 0，修改 0" in page.text
    assert len((await browser.get(shelf)).html.split("第 2 版")) == 1
    await browser.get(path)
    page = await browser.submit(path, content=f"{text}{row}\n", act="apply", source="", expect=400)
    assert "请写明来源" in page.text
    page = await browser.submit(path, content=f"{text}{row}\n", act="apply", source="测试文件")
    assert "新版本已生成" in page.text
    assert "第 2 版" in (await browser.get(shelf)).text
    # Somebody who began from the edition before is told so.
    await browser.get(path)
    again = {"content": text, "act": "apply", "source": "旧", "base": "1"}
    await browser.submit(path, **again, expect=409)
    old = await browser.get(f"{path}?edition=1")
    assert row.split(",")[0] not in old.text
    entries, _ = await console.city.services.audit.list_entries(
        SYSTEM, AuditFilter(action="rulebooks.edition_made")
    )
    assert len(entries) == 2


async def test_a_spreadsheets_file_is_read_and_written(console: Console, town: Town) -> None:
    browser = await console.sign_in(Role.CITY_OPERATOR)
    await browser.get(LISTS)
    await browser.submit(LISTS)
    path = f"{LISTS}/institutions"
    page = await browser.get(path)
    fields = page.form(path).fields
    name = town.first.organization.name
    file = f"机构,级别,医联体\n{name},三级,东部医联体\n查无此院,二级,\n".encode("gb18030")
    data = {**fields, "act": "preview", "source": "", "effective_on": clock.today().isoformat()}
    answer = await browser.http.post(path, data=data, files={"file": ("a.csv", file)})
    assert "没有这家机构" in answer.text
    binary = await browser.http.post(path, data=data, files={"file": ("a.xlsx", b"PK\x03\x04\xff\xff\xff")})
    assert (binary.status_code, "Excel 文件读不出来" in binary.text) == (400, True)
    binary = await browser.http.post(path, data=data, files={"file": ("a.xls", b"\xd0\xcf\x11\xe0\xff\xff")})
    assert (binary.status_code, "文件不是文本" in binary.text) == (400, True)
    book = workbook([Sheet("机构", ("机构", "级别", "医联体"), [(name, "三级", ""), ("无此院", "二级", "")])])
    answer = await browser.http.post(path, data=data, files={"file": ("a.xlsx", book)})
    assert answer.status_code == 200
    assert "无此院" in answer.text
    assert "没有这家机构" in answer.text
    good = f"机构,级别,医联体\n{name},三级,东部医联体\n".encode()
    data |= {"act": "apply", "source": "市卫健委名单", "effective_on": tomorrow()}
    files = {"file": ("a.csv", good)}
    answer = await browser.http.post(path, data=data, files=files, follow_redirects=False)
    assert answer.status_code == 303
    page = await browser.get(LISTS)
    assert "第 2 版将于" in page.text
    # The same list out of a workbook says the same.
    book = workbook([Sheet("机构", ("机构", "级别", "医联体"), [(name, "三级", "东部医联体")])])
    data |= {"act": "preview"}
    answer = await browser.http.post(path, data=data, files={"file": ("a.xlsx", book)})
    assert "内容与现行版本相同" in answer.text
    written = await browser.http.get(f"{path}/export?edition=2")
    assert written.text.splitlines()[1] == f"{town.first.organization.id},三级,东部医联体"


async def test_figures_hide_small_numbers_from_others_than_the_hospital(
    console: Console, town: Town, db: Database
) -> None:
    month = f"{clock.today():%Y-%m}"
    places = {town.first.organization.id: 3, town.second.organization.id: 40}
    for place, count in places.items():
        figures = {"month": month, "organization_id": place, "checks": count, "offers": count}
        figures |= {"accepted": count, "saved_fen": count * 100, "refused": 0}
        await db.collection("recognition_figures").insert_one(
            {"_id": new_id(), "level": "organization", "item": "", "practitioner": "", **figures}
        )
        medication = {"month": month, "organization_id": place, "checks": count, "alerts": count}
        await db.collection("medication_figures").insert_one(
            {"_id": new_id(), "level": "organization", "name": "", **medication}
        )
    operator = await console.sign_in(Role.CITY_OPERATOR)
    for area in ("recognition", "medication"):
        exported = (await operator.http.get(f"/admin/{area}/export")).text
        line = next(each for each in exported.splitlines() if town.first.organization.name in each)
        assert clinical_words.HIDDEN in line
        assert ",3," not in line
        assert "43" in exported
    page = await operator.get("/admin/recognition")
    assert re.search(r'data-series="[^"]*43', page.html)
    own = await console.sign_in(Role.HOSPITAL_OPERATOR, town.scope)
    exported = (await own.http.get("/admin/recognition/export")).text
    assert ",3,3,3," in exported
    assert "40" not in exported
    await own.get(f"/admin/recognition?organization={town.second.organization.id}", expect=404)
    await own.get("/admin/recognition/repeats")
    # Lists are the city's: a hospital reads them.
    page = await own.get(f"{LISTS}/items")
    assert not page.has_form(f"{LISTS}/items")


def page_text(html: str) -> str:
    match = re.search(r"<textarea[^>]*>(.*?)</textarea>", html, re.S)
    assert match is not None
    return unescape(match[1])


def tomorrow() -> str:
    return (clock.today() + timedelta(days=1)).isoformat()
