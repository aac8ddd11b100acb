"""The record window as a workstation embeds it: opened once, on a ground, kept by no browser."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from backend import clock
from backend.db.client import Database
from backend.ids import new_id
from backend.permissions import SYSTEM
from backend.records.sharing_models import NOBODY, CareKind
from backend.reports.studies import study_id
from backend.security.masking import mask_name
from tests.factories.papers import a_pdf, in_base64
from tests.factories.records import make_chart, make_report, make_resources
from tests.factories.reports import a_picture_of, make_image
from tests.factories.sharing import DOCTOR, Shared, a_condition, fill, make_shared
from tests.support.city import Caller, Surroundings, TestCity, id_number, open_test_city

ORIGIN = "https://his.example.cn:8443"
POTASSIUM = {
    "resourceType": "Observation",
    "status": "final",
    "category": [{"coding": [{"code": "laboratory"}]}],
    "code": {"text": "血钾"},
    "valueQuantity": {"value": 6.8, "unit": "mmol/L"},
    "interpretation": [{"coding": [{"code": "HH"}]}],
    "referenceRange": [{"low": {"value": 3.5}, "high": {"value": 5.3}}],
}
SODIUM = POTASSIUM | {
    "code": {"text": "血钠"},
    "valueQuantity": {"value": 140, "unit": "mmol/L"},
    "interpretation": [{"coding": [{"code": "N"}]}],
}


@dataclass
class Desk:
    """A workstation of the other hospital."""

    city: TestCity
    shared: Shared
    system: Caller

    async def launch(self, **more: Any) -> str:
        asked = {"patient": {"id_number": self.shared.person.id_number}, "practitioner": DOCTOR} | more
        made = await self.city.call("POST", "/hospital/v1/record-launches", as_=self.system, json=asked)
        return str(made["url"])

    async def open(self, browser: httpx.AsyncClient, **more: Any) -> httpx.Response:
        return await browser.get(await self.launch(**more), follow_redirects=True)

    async def treat(self) -> None:
        now = clock.now()
        await self.shared.services.sharing.care.begin(
            CareKind.REFERRAL, self.shared.person.id, self.shared.away.id, new_id(), begins_at=now, until=now
        )

    async def readings(self) -> int:
        return await self.shared.services.db.collection("audit").count_documents({"action": "records.read"})


@pytest.fixture
async def desk(db: Database, mongo_uri: str, surroundings: Surroundings) -> AsyncIterator[Desk]:
    async with open_test_city(surroundings, mongo_uri, db) as city:
        services = city.city.services
        shared = await make_shared(services)
        await fill(shared)
        await make_report(services, shared.chart, [POTASSIUM, SODIUM], title="急诊生化")
        issued = await services.clients.register_hospital(shared.away.id, "门诊工作站")
        await services.client_care.set_origins(SYSTEM, issued.client.id, f"{ORIGIN}\n")
        actor = replace(shared.away.actor, id=issued.client.id)
        yield Desk(city, shared, Caller(actor.id, services.tokens.issue(actor)))


def told_by(page: httpx.Response) -> str:
    """A page without what differs from window to window."""
    return re.sub(r'/records/\w{26}|name="_csrf" value="[^"]*"', "", page.text)


def form_of(page: httpx.Response) -> str:
    return page.text.split('name="_csrf" value="')[1].split('"')[0]


async def test_the_first_page_shows_what_matters_in_one_reading(desk: Desk):
    await desk.treat()
    async with httpx.AsyncClient() as browser:
        page = await desk.open(browser)
        assert page.status_code == 200
        shown = ("青霉素", "严重", "皮疹、呼吸困难", "急诊生化", "血钾 6.8 mmol/L ↑", "硝苯地平控释片")
        for words in (desk.shared.person.name, *shown, "高血压", "市一院", "依据：诊疗关系"):
            assert words in page.text, words
        assert "血钠" not in page.text, "what is in order is not flagged"
        assert "免疫缺陷" not in page.text, "what is especially sensitive needs more"
        assert await desk.readings() == 1
        headers = page.headers
        assert headers["Cache-Control"] == "no-store"
        assert f"frame-ancestors {ORIGIN}" in headers["Content-Security-Policy"]
        assert "script-src" not in headers["Content-Security-Policy"]
        assert "<script" not in page.text
        assert "X-Frame-Options" not in headers
        only = await browser.get(f"{page.url}?kind=medicine")
        assert "硝苯地平控释片" in only.text
        assert "急诊生化" not in only.text.split("<tbody>")[1]
        link = page.text.split("急诊生化")[0].rsplit('href="', 1)[1].split('"')[0]
        report = await browser.get(str(page.url.join(link)))
        assert "3.5 – 5.3" in report.text
        assert "血钠" in report.text
        assert await desk.readings() == 3


async def test_the_visit_that_a_window_was_opened_for_stands_in_it_and_in_the_log(desk: Desk):
    await desk.treat()
    async with httpx.AsyncClient() as browser:
        page = await desk.open(browser, encounter="MZ-0317-22")
        assert "就诊号：MZ-0317-22" in page.text
        link = page.text.split("急诊生化")[0].rsplit('href="', 1)[1].split('"')[0]
        await browser.get(str(page.url.join(link)))
        await desk.open(browser)
    entries = desk.shared.services.db.collection("audit").find(
        {"action": {"$in": ["records.launch", "records.read"]}}, sort=[("number", 1)]
    )
    said = [(each["action"], each["data"].get("encounter")) async for each in entries]
    of_visit = [("records.launch", "MZ-0317-22"), *[("records.read", "MZ-0317-22")] * 2]
    assert said == [*of_visit, ("records.launch", None), ("records.read", None)]


async def test_a_report_shows_its_original_and_its_images_on_the_windows_own_ground(desk: Desk):
    await desk.treat()
    services, chart = desk.shared.services, desk.shared.chart
    image = await make_image(services, chart.organization_id, a_picture_of(chart.number.value))
    content = a_pdf("胸部CT报告：未见异常")
    paper = {"contentType": "application/pdf", "title": "CT报告", "data": in_base64(content)}
    report = await make_report(
        services,
        chart,
        [],
        title="胸部CT",
        presentedForm=[paper],
        imagingStudy=[{"reference": f"ImagingStudy/{study_id(image)}"}],
    )
    async with httpx.AsyncClient() as browser, httpx.AsyncClient() as thief:
        page = await desk.open(browser)
        # Until its paper has been read it may be about anything.
        assert (await browser.get(f"{page.url}/items/{report}")).status_code == 404
        await desk.city.work()
        item = await browser.get(f"{page.url}/items/{report}")
        assert f"/items/{report}/originals" in item.text
        originals = await browser.get(f"{page.url}/items/{report}/originals")
        assert "CT报告" in originals.text
        assert f"/images/{image.id}" in originals.text
        before = await desk.readings()
        pdf = await browser.get(f"{page.url}/items/{report}/originals/1")
        assert (pdf.content, pdf.headers["Content-Type"]) == (content, "application/pdf")
        picture = await browser.get(f"{page.url}/images/{image.id}")
        assert picture.content[:2] == b"\xff\xd8"
        assert await desk.readings() == before + 2
        for answer in (pdf, picture):
            assert answer.headers["Cache-Control"] == "no-store"
        assert (await browser.get(f"{page.url}/items/{report}/originals/2")).status_code == 404
        # Another browser, another person's image, and a ground that has ended: nothing.
        assert (await thief.get(f"{page.url}/images/{image.id}")).status_code == 410
        other = await make_image(services, chart.organization_id, a_picture_of("somebody else"))
        assert (await browser.get(f"{page.url}/images/{other.id}")).status_code == 404
        await services.db.collection("care_relations").delete_many({})
        for tail in (f"items/{report}/originals", f"items/{report}/originals/1", f"images/{image.id}"):
            assert (await browser.get(f"{page.url}/{tail}")).status_code == 403, tail


async def test_a_document_shows_its_files_and_says_which_of_them_are_still_closed(desk: Desk):
    await desk.treat()
    services, chart = desk.shared.services, desk.shared.chart
    content = a_pdf("出院小结：病情平稳")
    scan = {"resourceType": "Binary", "contentType": "application/pdf", "data": in_base64(content)}
    (binary,) = await make_resources(services, chart, scan)
    words = "病情平稳，出院。\n每日测血压。"
    text = {"contentType": "text/plain; charset=utf-8", "title": "全文", "data": in_base64(words.encode())}
    body = {
        "resourceType": "DocumentReference",
        "status": "current",
        "type": {"text": "出院小结"},
        "date": "2026-05-02T10:00:00+08:00",
    }
    link = {"contentType": "application/pdf", "title": "扫描件", "url": f"Binary/{binary.id}"}
    whole = body | {"content": [{"attachment": text}, {"attachment": link}]}
    wrong = body | {"status": "entered-in-error", "content": [{"attachment": text}]}
    bare = body | {"content": [{"attachment": {"title": "在院内"}}]}
    kept, undone, announced = await make_resources(services, chart, whole, wrong, bare)
    async with httpx.AsyncClient() as browser:
        page = await desk.open(browser)
        item = f"{page.url}/items/{kept.id}"
        assert f"/items/{kept.id}/originals" in (await browser.get(item)).text
        closed = (await browser.get(f"{item}/originals")).text
        assert "/originals/1" in closed
        assert "扫描件" in closed
        assert "暂时不能查看" in closed
        assert "/originals/2" not in closed
        assert (await browser.get(f"{item}/originals/2")).status_code == 404
        await desk.city.work()
        opened = (await browser.get(f"{item}/originals")).text
        assert "/originals/2" in opened
        assert "暂时不能查看" not in opened
        pdf = await browser.get(f"{item}/originals/2")
        assert (pdf.content, pdf.headers["Content-Disposition"]) == (content, "inline")
        before = await desk.readings()
        said = await browser.get(f"{item}/originals/1")
        assert (said.text, said.headers["Content-Type"]) == (words, "text/plain; charset=utf-8")
        assert await desk.readings() == before + 1
        for tail in ("originals", "originals/1"):
            assert (await browser.get(f"{page.url}/items/{undone.id}/{tail}")).status_code == 404
        nothing = await browser.get(f"{page.url}/items/{announced.id}/originals")
        assert "医院没有上传这份文书的原件" in nothing.text


async def test_an_address_opens_once_and_a_window_belongs_to_its_browser(desk: Desk):
    await desk.treat()
    url = await desk.launch()
    async with httpx.AsyncClient() as browser, httpx.AsyncClient() as thief:
        opened = await browser.get(url)
        assert opened.status_code == 303
        cookie = opened.headers["Set-Cookie"]
        assert "HttpOnly" in cookie
        assert f"Path={opened.headers['Location']}" in cookie
        assert (await browser.get(url)).status_code == 410
        assert (await browser.get(f"{url[:-1]}{'0' if url[-1] != '0' else '1'}")).status_code == 410
        stolen = await thief.get(str(opened.url.join(opened.headers["Location"])))
        assert stolen.status_code == 410
        assert desk.shared.person.name not in stolen.text
        there = str(opened.url.join(opened.headers["Location"]))
        assert (await browser.get(there)).status_code == 200
        await desk.shared.services.db.collection("record_launches").update_many(
            {}, {"$set": {"ends_at": clock.now()}}
        )
        assert (await browser.get(there)).status_code == 410


async def test_without_a_ground_the_window_shows_the_ways_to_one_and_no_more(desk: Desk):
    async with httpx.AsyncClient() as browser:
        page = await desk.open(browser)
        assert "还没有调阅该患者病历的依据" in page.text
        assert desk.shared.person.name not in page.text
        assert await desk.readings() == 0
        asking = await browser.post(f"{page.url}/ask", data={"_csrf": form_of(page), "reason": "门诊复诊"},
                                    follow_redirects=True)  # fmt: skip
        assert "申请已发送" in asking.text
        await browser.post(f"{page.url}/ask", data={"_csrf": form_of(page), "reason": "门诊复诊"})
        me = desk.shared.person
        (asked,) = await desk.shared.services.sharing.consents.list_of(me.actor, me.id)
        await desk.shared.services.sharing.consents.grant(me.actor, asked.id, None)
        assert "依据：患者授权" in (await browser.get(str(page.url))).text


async def test_the_glass_is_broken_inside_the_window_for_a_stated_reason(desk: Desk):
    async with httpx.AsyncClient() as browser:
        page = await desk.open(browser)
        breaking = f"{page.url}/break-glass"
        forged = await browser.post(breaking, data={"code": "02", "reason": "胸痛两小时，家属未到"})
        assert forged.status_code == 403
        too_short = await browser.post(breaking, data={"_csrf": form_of(page), "code": "02", "reason": "急"})
        assert too_short.status_code == 400
        assert "至少4个字" in too_short.text
        given = {"_csrf": form_of(page), "code": "02", "reason": "胸痛两小时，家属未到"}
        broken = await browser.post(breaking, data=given, follow_redirects=True)
        assert "依据：紧急调阅" in broken.text
        assert "人类免疫缺陷病毒病" in broken.text
    await desk.city.work()
    (told,) = [
        message
        for message in (await desk.shared.services.messages.list_mine(desk.shared.person.actor))[0]
        if message.kind == "record_glass_broken"
    ]
    assert "单丽华" in told.content.body


async def test_before_a_reason_is_stated_nobodys_number_looks_like_somebodys(desk: Desk):
    numbers = (desk.shared.person.id_number, id_number(4242))
    async with httpx.AsyncClient() as browser:
        known, unknown = [await desk.open(browser, patient={"id_number": number}) for number in numbers]
        assert told_by(known) == told_by(unknown)
        assert known.status_code == unknown.status_code == 200
        for way, reason in (("break-glass", "急"), ("break-glass", ""), ("ask", "")):
            given = {"code": "02", "reason": reason}
            answers = [
                await browser.post(f"{page.url}/{way}", data={"_csrf": form_of(page), **given})
                for page in (known, unknown)
            ]
            assert told_by(answers[0]) == told_by(answers[1])
            assert answers[0].status_code == answers[1].status_code == 400
        glasses = desk.shared.services.db.collection("record_glasses")
        for way in ("break-glass", "ask"):
            given = {"_csrf": form_of(unknown), "code": "02", "reason": "胸痛两小时，家属未到"}
            told = await browser.post(f"{unknown.url}/{way}", data=given)
            assert told.status_code == 404
            assert "没有查到这位患者" in told.text
        assert await glasses.count_documents({}) == 0
    denied = {"action": "records.denied", "object": f"person/{NOBODY}"}
    assert await desk.shared.services.db.collection("audit").count_documents(denied) == 3
    asked = {"patient": {"id_number": numbers[1]}, "practitioner": DOCTOR, "reason": " "}
    asked["expires_at"] = (clock.now() + timedelta(days=1)).isoformat()
    path = "/hospital/v1/consents"
    for number, reason, expect in ((0, " ", 400), (1, " ", 400), (1, "门诊复诊", 404), (0, "门诊复诊", 201)):
        asked |= {"patient": {"id_number": numbers[number]}, "reason": reason}
        await desk.city.call("POST", path, as_=desk.system, json=asked, expect=expect)


async def test_without_a_ground_a_hospital_is_shown_its_own_patient_by_a_masked_name(desk: Desk):
    person = desk.shared.person
    await make_chart(desk.shared.services, desk.shared.away.id, name=person.name, id_number=person.id_number)
    async with httpx.AsyncClient() as browser:
        page = await desk.open(browser)
    assert f"<strong>{mask_name(person.name)}</strong>" in page.text


async def test_the_window_of_a_chart_number_needs_that_hospitals_chart(desk: Desk):
    number = {"assigner": desk.shared.chart.number.assigner, "value": desk.shared.chart.number.value}
    asked = {"patient": {"chart_number": number}, "practitioner": DOCTOR}
    path = "/hospital/v1/record-launches"
    await desk.city.call("POST", path, as_=desk.system, json=asked, expect=404)
    both = asked | {"patient": {"chart_number": number, "id_number": desk.shared.person.id_number}}
    await desk.city.call("POST", path, as_=desk.system, json=both, expect=400)


async def test_what_a_hospital_wrote_is_shown_as_words_and_never_as_markup(desk: Desk):
    await desk.treat()
    await make_resources(desk.shared.services, desk.shared.chart, a_condition("<img src=x onerror=alert(1)>"))
    async with httpx.AsyncClient() as browser:
        page = await desk.open(browser)
        assert "<img" not in page.text
        assert "&lt;img src=x" in page.text
