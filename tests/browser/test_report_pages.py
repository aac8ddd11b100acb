"""Reports and the life-long file as people see them, on two phones, in two sizes of letters; shared links.

The pictures stay in test-artifacts/screens/h5 beside those of the other pages.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

import pytest
from playwright.async_api import Browser, Route, expect

from backend import clock
from backend.permissions import Actor, Role
from backend.reports.measuring import Measurement
from tests.backend.reports.reading_samples import a_result
from tests.browser.life import sign_in
from tests.browser.resident import Resident, stored_session
from tests.browser.test_resident_pages import do, pictures, show
from tests.browser.town import Town
from tests.browser.window import open_window
from tests.factories.papers import a_pdf, in_base64
from tests.factories.records import make_chart, make_report, make_resources
from tests.factories.reports import make_image, make_link
from tests.support.city import Caller

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser-pages"), pytest.mark.timeout(240)]


@dataclass
class Sick:
    """Somebody with a file, and the ids of what is in it."""

    caller: Caller
    lab: str
    scan: str
    private: str
    uri: str


@pytest.fixture(scope="module")
async def sick(town: Town) -> Sick:
    """Two hospitals' results, a scan, something private, and an own measurement."""
    person = (await town.family()).grown_up
    caller = await sign_in(town, person)
    services, who = town.city.city.services, {"name": person.name, "id_number": person.id_number}
    place = town.hospital.id
    image = await make_image(services, place)
    stored = await services.patient_index.chart(image.chart)
    assert stored is not None
    chart = await make_chart(services, place, number=stored.number, **who)
    there = await make_chart(services, "01J8ZK3Q5V9X2M4N6P8R0T1S2V", **who)
    older = [a_result("2345-7", 104, "mg/dL", low=70, high=110, at="2026-03-02T08:00:00+08:00")]
    await make_report(services, there, older, title="空腹血糖")
    paper = in_base64(a_pdf("检验报告单"))
    lab = await make_report(
        services,
        chart,
        [
            a_result("14749-6", 9.8, "mmol/L", low=3.9, high=6.1, flag="H", name="葡萄糖"),
            a_result("2823-3", 6.9, "mmol/L", low=3.5, high=5.3, flag="HH", name="钾"),
            a_result("2160-0", 70, "umol/L", low=57, high=97, name="肌酐"),
        ],
        status="corrected",
        presentedForm=[{"contentType": "application/pdf", "data": paper, "title": "检验报告单"}],
    )
    study = await town.city.city.db.collection("resources").find_one({"type": "ImagingStudy"})
    assert study is not None
    scan = await make_report(
        services,
        chart,
        [],
        title="头颅CT平扫",
        category=[{"coding": [{"code": "RAD"}]}],
        conclusion="未见明显异常，请结合临床。",
        imagingStudy=[{"reference": f"ImagingStudy/{study['_id']}"}],
    )
    private = await make_report(services, chart, [], title="HIV抗体检测")
    await make_resources(services, chart, {"resourceType": "Condition", "code": {"text": "高血压"}})
    owner = Actor("resident", caller.id, Role.RESIDENT, real_name=True)
    at = clock.now() - timedelta(minutes=1)
    await services.reports.file.measure(owner, caller.id, Measurement.GLUCOSE, (Decimal("7.2"),), at, None)
    await services.reports.file.ask(owner, caller.id, chart.id, "phone", "电话应为13900000000")
    shared = await make_link(services, owner, lab, "4711")
    await town.city.work()
    return Sick(caller, lab, scan, private, shared.uri)


def pages_of(sick: Sick) -> dict[str, tuple[str, str]]:
    about = f"patient_id={sick.caller.id}"
    return {
        "reports": ("reports/list/index", "report-item"),
        "report": (f"reports/detail/index?report_id={sick.lab}", "result-item"),
        "report-scan": (f"reports/detail/index?report_id={sick.scan}", "report-images"),
        "report-private": (f"reports/detail/index?report_id={sick.private}", "report-open"),
        "report-trend": (f"reports/trend/index?{about}&analyte=glucose", "trend-point"),
        "report-images": (f"reports/images/index?report_id={sick.scan}", "image-brighter"),
        "report-shares": ("reports/shares/index", "share-item"),
        "record": ("record/timeline/index", "record-item"),
        "record-measure": (f"record/measure/index?{about}", "measure-save"),
        "record-correction": (f"record/correction/index?{about}", "correction-item"),
        "record-exporting": (f"record/exporting/index?{about}", "export-make"),
    }


# These ask the city for nothing until something is tapped.
STILL = {"record-measure", "record-exporting"}


async def test_pages_of_reports_and_of_the_file(chromium: Browser, town: Town, sick: Sick) -> None:
    async with open_window(chromium, town.url, "h5", width=375, height=812, has_touch=True) as window:
        await window.page.add_init_script(await stored_session(town, sick.caller))
        resident = Resident(window, town, await town.family())
        for name, (path, ready) in pages_of(sick).items():
            await show(resident, path, ready)
            await pictures(resident, name)
        await show(resident, f"reports/detail/index?report_id={sick.private}", "report-open")
        await do(resident, [("tap", "report-open")])
        await resident.shows("=HIV抗体检测")
        await show(resident, f"reports/detail/index?report_id={sick.lab}", "report-share")
        await do(resident, [("tap", "report-share"), ("tap", "share-make")])
        # The PDF is made by processes that start with the first page of paper.
        await expect(resident.see("share-code").first).to_be_visible(timeout=30_000)
        await pictures(resident, "report-sharing")
        await show(resident, f"record/measure/index?patient_id={sick.caller.id}", "measure-save")
        await do(
            resident, [("type", "measure-0", "95"), ("type", "measure-1", "152"), ("tap", "measure-save")]
        )
        await resident.shows("=应在")
        await pictures(resident, "record-measure-wrong")


async def test_pages_of_reports_that_wait_or_get_no_good_answer(
    chromium: Browser, town: Town, sick: Sick
) -> None:
    waiting: list[Route] = []

    async def never(route: Route) -> None:
        waiting.append(route)

    async def fail(route: Route) -> None:
        await route.fulfill(status=500, json={"error": {"code": "INTERNAL", "message": "", "data": {}}})

    async with open_window(chromium, town.url, "h5", width=375, height=812, has_touch=True) as window:
        await window.page.add_init_script(await stored_session(town, sick.caller))
        resident = Resident(window, town, await town.family())
        asking = {name: page for name, page in pages_of(sick).items() if name not in STILL}
        await window.page.route("**/api/v1/**", never)
        for name, (path, _) in asking.items():
            await window.open(f"/#/pages/{path}")
            loading = window.page.locator(".state-loading").filter(visible=True).first
            await expect(loading).to_be_visible()
            await window.picture(f"{name}-loading")
        with window.excusing("ERR_FAILED"):
            for route in waiting:
                await route.abort()
            await window.quiet()
        await window.page.unroute("**/api/v1/**", never)
        await window.page.route("**/api/v1/**", fail)
        with window.excusing("500"):
            for name, (path, _) in asking.items():
                await show(resident, path, "error-text")
                await resident.settle()
                await window.picture(f"{name}-failed")


async def test_a_shared_link_opens_in_any_browser_with_the_passcode(
    chromium: Browser, town: Town, sick: Sick
) -> None:
    async with open_window(chromium, town.url, "h5", width=375, height=812) as window:
        await window.open(sick.uri.removeprefix(town.url))
        await window.page.fill("#recipient", "市人民医院 王医生")
        await window.page.fill("#passcode", "0000")
        with window.excusing("401"):
            await window.page.click("#open")
            await expect(window.page.locator("#state")).to_contain_text("还可以试4次")
        await window.page.fill("#passcode", "4711")
        await window.page.click("#open")
        await expect(window.page.locator("#state")).to_have_text("", timeout=15_000)
        await expect(window.page.locator("#results tr")).to_have_count(3)
        await expect(window.page.locator("#results")).to_contain_text("葡萄糖")
        await expect(window.page.locator("#pdf")).to_have_attribute("href", re.compile("^blob:"))
        await window.picture("shared-report")
