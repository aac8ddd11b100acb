"""A birth in Chromium: from the phone to the card, with a correction and an agency that is down for a day.

The pictures stay in test-artifacts/screens for people to look at.
"""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any

import pytest
from PIL import Image
from playwright.async_api import Browser, FilePayload, expect

from backend import clock
from backend.permissions import Role
from tests.browser import desk as at_the_desk
from tests.browser.resident import Resident, stored_session
from tests.browser.test_resident_pages import pictures
from tests.browser.town import Town
from tests.browser.window import Window, open_window
from tests.factories.births import (
    NewFamily,
    a_family,
    a_father,
    a_filing,
    a_notice,
    applications,
    let_pass,
    note_birth,
    read,
)

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser-births"), pytest.mark.timeout(300)]

WISH = "请核对孩子姓名的写法。"
STREET = "和平区幸福路12号3单元201"
# Longer than five looks at an agency that does not answer, and together more than a day.
A_WHILE = timedelta(hours=5)


async def newborn(town: Town, number: int) -> NewFamily:
    """A family whose father the licence library has no papers of."""
    mother = await town.city.resident()
    father = await a_father(town.city, number, mother, licences=False)
    external_id = f"birth-{number}"
    noted = await note_birth(town.city, external_id, a_notice(mother, father))
    return NewFamily(mother, father, external_id, noted["id"])


async def decide(town: Town, step: str, standing: str, text: str = "") -> None:
    """The clerk of the sandbox decides what has come last for a step, and the city hears of it."""

    async def waiting() -> Any:
        found = [one for one in await applications(town.city) if one["step"] == step]
        return next((one for one in found if one["standing"] == "accepted"), None)

    one = await town.city.until(waiting)
    body = {"standing": standing, **({"text": text} if text else {})}
    await town.city.outside.post(f"agencies/{one['id']}/decide", body)


async def stands(town: Town, family: NewFamily, filing_id: str, step: str, state: str) -> None:
    async def so() -> bool:
        steps = (await read(town.city, family, filing_id))["steps"]
        return any(one["code"] == step and one["state"] == state for one in steps)

    await town.city.until(so)


def photo() -> FilePayload:
    """A photo as phones take them, far larger than is sent."""
    content = io.BytesIO()
    Image.effect_noise((3000, 2200), 40).convert("RGB").save(content, "JPEG")
    return {"name": "identity.jpg", "mimeType": "image/jpeg", "buffer": content.getvalue()}


async def fill_in(resident: Resident) -> str:
    """The whole form, left once on the way; the filing's id."""
    page = resident.page
    await resident.window.open("/")
    await resident.tap("home-births")
    await resident.shows("birth-open")
    await expect(resident.see("birth-verdict")).to_have_attribute("data-ok", "true")
    await pictures(resident, "births-check")
    await resident.tap("birth-open")
    await resident.shows("birth-name")
    await resident.fill(birth_name="Anna")
    await resident.tap("birth-next")
    await resident.shows("=请用汉字填写")
    await pictures(resident, "births-form-name-wrong")
    await resident.fill(birth_name="张小保")
    filing_id = page.url.rpartition("filing_id=")[2].partition("&")[0]
    # The child cries: she leaves, and finds what she typed.
    await resident.window.open("/#/pages/births/list/index")
    await pictures(resident, "births-list-draft")
    await resident.tap("birth-see")
    await expect(resident.see("birth-name")).to_have_value("张小保")
    await resident.tap("birth-next")
    await resident.shows("=医院登记的爸爸：张**")
    await pictures(resident, "births-form-parents")
    await resident.tap("birth-next")
    await resident.tap("birth-delivery-mail")
    await resident.fill(birth_receiver="张小玲", birth_phone="13912345678", birth_address=STREET)
    await pictures(resident, "births-form-wishes")
    await resident.tap("birth-next")
    await resident.shows("photo-parents_identity")
    async with page.expect_file_chooser() as chooser:
        await resident.tap("photo-parents_identity")
    await (await chooser.value).set_files(photo())
    await resident.shows("=已收到1张")
    await resident.tap("birth-truth")
    await pictures(resident, "births-form-materials")
    await resident.tap("birth-submit")
    await resident.shows("filing-state")
    return filing_id


async def correct(resident: Resident, filing_id: str) -> None:
    """One point, as the agency asked; the rest stays as it was."""
    await resident.window.open(f"/#/pages/births/filing/index?filing_id={filing_id}")
    await resident.shows(f"={WISH}")
    await expect(resident.see("filing-state")).to_have_attribute("data-state", "needs_correction")
    await pictures(resident, "births-correcting")
    await resident.fill(birth_name="张小宝")
    await resident.tap("correction-send")
    await expect(resident.see("filing-state")).to_have_attribute("data-state", "in_progress")


async def hold_it_in_their_hands(resident: Resident, town: Town, family: NewFamily, filing_id: str) -> None:
    """The card is posted and comes, the booklet does not, and the certificate is fetched with its code."""
    for step, told in (("social_card", {}), ("vaccination", {}), ("birth_certificate", {"state": "ready"})):
        [one] = [
            each
            for each in await applications(town.city)
            if (each["step"], each["standing"]) == (step, "done")
        ]
        await town.city.outside.post(f"agencies/{one['id']}/hand-over", told)

    async def sent() -> bool:
        steps = (await read(town.city, family, filing_id))["steps"]
        return sum(each["handover"] is not None and bool(each["handover"]["due_at"]) and
                   each["handover"]["state"] in ("posted", "ready") for each in steps) == 3  # fmt: skip

    await town.city.until(sent)
    await resident.window.open(f"/#/pages/births/filing/index?filing_id={filing_id}")
    await expect(resident.see("handover-social_card")).to_contain_text("邮政特快专递")
    await resident.tap("pickup-show")
    await resident.shows("pickup-qr")
    await pictures(resident, "births-receiving")
    await resident.tap("received-social_card")
    await expect(resident.see("handover-social_card")).to_have_attribute("data-state", "received")
    await resident.tap("missing-vaccination")
    await resident.page.get_by_text("快递显示已送，我没收到").click()
    await pictures(resident, "births-not-received")
    await resident.tap("missing-vaccination-confirm")
    await expect(resident.see("handover-vaccination")).to_have_attribute("data-state", "missing")
    await resident.tap("received-birth_certificate")
    await expect(resident.see("handover-birth_certificate")).to_have_attribute("data-state", "received")


async def at_work(window: Window, name: str) -> None:
    await window.quiet()
    for suffix, width, height in (("", 1280, 800), ("-820", 820, 1180)):
        await window.resize(width, height)
        await window.picture(f"births-{name}{suffix}")
    await window.resize(1280, 800)


async def work(window: Window, town: Town, back_again: Any) -> None:
    """The desk sees who does not answer, takes it, asks when it is back, and writes down what was done."""
    page = window.page
    await at_the_desk.sign_in(window, town, Role.CITY_OPERATOR)
    await page.get_by_role("link", name="出生一件事").click()
    await expect(page.get_by_text("部门联系不上")).to_be_visible()
    await at_work(window, "work-list")
    await page.get_by_role("link", name="查看", exact=True).click()
    await expect(page.locator(".step-graph .box")).to_have_count(5)
    await page.get_by_role("button", name="由我处理").click()
    await expect(page.get_by_text("接手人")).to_be_visible()
    await at_work(window, "filing")
    # The photo is what the agency gets: readable, and small enough for a phone's network.
    paper = await page.get_by_role("link", name="第1张").get_attribute("href")
    sent = await page.request.get(f"{window.address}{paper}")
    assert sent.headers["content-type"] == "image/jpeg"
    assert max(Image.open(io.BytesIO(await sent.body())).size) == 1600
    await back_again()
    await page.get_by_role("button", name="查询部门").first.click()
    await page.get_by_label("处理记录").fill("公安户政系统检修一天，已恢复")
    await page.get_by_role("button", name="保存记录").click()
    await expect(page.locator(".timeline")).to_contain_text("公安户政系统检修一天，已恢复")
    await page.goto(f"{window.address}/admin/births/figures")
    await expect(page.get_by_role("cell", name="户口登记")).to_be_visible()
    await at_work(window, "figures")


async def test_a_birth_from_the_phone_to_the_card(chromium: Browser, town: Town) -> None:
    outside = town.city.outside
    family = await newborn(town, 71)
    held = {"agencies_clerk": True, "agencies_down": "civil", "agencies_keep_papers": True}
    await outside.post("switches", held)
    size = {"width": 375, "height": 812}
    async with open_window(chromium, town.url, "h5", has_touch=True, **size) as phone:
        await phone.page.add_init_script(await stored_session(town, family.mother))
        resident = Resident(phone, town, await town.family())
        filing_id = await fill_in(resident)
        await decide(town, "birth_certificate", "needs_correction", WISH)
        await stands(town, family, filing_id, "birth_certificate", "needs_correction")
        await correct(resident, filing_id)
        await decide(town, "birth_certificate", "done")
        await stands(town, family, filing_id, "household", "asked")
        await decide(town, "vaccination", "done")
        for _ in range(6):
            await let_pass(town.city, A_WHILE)
        await resident.window.open(f"/#/pages/births/filing/index?filing_id={filing_id}")
        await expect(resident.see("step-household")).to_have_attribute("data-state", "asked")
        await pictures(resident, "births-waiting")

        async def back_again() -> None:
            await outside.post("switches", {"agencies_down": ""})

        async with open_window(chromium, town.url, "console", width=1280, height=800) as window:
            await work(window, town, back_again)
        await let_pass(town.city, A_WHILE)
        await decide(town, "household", "done")
        for step in ("insurance", "social_card"):
            await decide(town, step, "done")
        await stands(town, family, filing_id, "social_card", "done")
        await resident.window.open("/#/pages/births/list/index")
        await resident.tap("birth-see")
        await expect(resident.see("filing-state")).to_have_attribute("data-state", "completed")
        await expect(resident.see("result-social_card")).to_contain_text("社保卡号")
        await expect(resident.see("result-household")).to_contain_text("****")
        await resident.shows(f"={STREET}")
        await pictures(resident, "births-completed")
        await hold_it_in_their_hands(resident, town, family, filing_id)
        await resident.window.open("/#/pages/patients/list/index")
        await resident.shows("=子女")
        await resident.window.open("/#/pages/messages/list/index")
        await resident.shows("=户口登记")
    asked = await applications(town.city)
    # The certificate twice, for it was corrected; nothing else was asked for more than once.
    assert sorted(one["step"] for one in asked if one["standing"] == "done") == sorted(
        ["birth_certificate", "vaccination", "household", "insurance", "social_card"]
    )
    assert all(one["asks"] <= 1 for one in asked)
    async with open_window(chromium, town.url, "console", width=1280, height=800) as window:
        await at_the_desk.sign_in(window, town, Role.AUDITOR)
        await window.page.goto(f"{window.address}/admin/audit")
        await expect(window.page.get_by_role("cell", name="查看出生一件事申请").first).to_be_visible()
        await at_work(window, "audit")


async def test_what_cannot_be_done_is_told_before_and_what_is_filed_is_taken_back(
    chromium: Browser, town: Town
) -> None:
    outside = town.city.outside
    await outside.post("switches", {"agencies_clerk": True, "agencies_down": ""})
    family = await a_family(town.city, 81)
    long_ago = (clock.now() - timedelta(days=400)).isoformat()
    old = await note_birth(town.city, "birth-82", a_notice(family.mother, born_at=long_ago))
    alone = await a_family(town.city, 83, named=False)
    size = {"width": 375, "height": 812}
    async with open_window(chromium, town.url, "h5", has_touch=True, **size) as phone:
        await phone.page.add_init_script(await stored_session(town, family.mother))
        resident = Resident(phone, town, await town.family())
        await phone.open(f"/#/pages/births/check/index?birth_id={old['id']}")
        await expect(resident.see("birth-verdict")).to_have_attribute("data-ok", "false")
        await resident.shows("problem-too_old")
        await expect(resident.see("birth-open")).to_have_count(0)
        await pictures(resident, "births-check-elsewhere")
        filing = await a_filing(town.city, family)
        await town.city.later()
        await phone.open(f"/#/pages/births/filing/index?filing_id={filing['id']}")
        await resident.tap("birth-withdraw")
        await resident.page.get_by_text("名字要再想想").click()
        await pictures(resident, "births-withdrawing")
        await resident.tap("birth-withdraw-confirm")
        await expect(resident.see("filing-state")).to_have_attribute("data-state", "withdrawing")

        async def over() -> bool:
            return bool((await read(town.city, family, filing["id"]))["state"] == "withdrawn")

        await town.city.until(over)
        await phone.open("/#/pages/births/list/index")
        await expect(resident.see("birth-start")).to_have_count(2)
        await pictures(resident, "births-list-withdrawn")
        # Filed anew, of which an agency does a part only: what it has not done may be filed once more.
        anew = await a_filing(town.city, family)
        await decide(town, "birth_certificate", "done")
        await decide(town, "vaccination", "done")
        await decide(town, "household", "rejected", "请到派出所核对户口簿。")

        async def partly() -> bool:
            return bool((await read(town.city, family, anew["id"]))["state"] == "partly_done")

        await town.city.until(partly)
        await phone.open("/#/pages/births/list/index")
        await expect(resident.see("birth-start")).to_have_count(2)
        await phone.open(f"/#/pages/births/filing/index?filing_id={anew['id']}")
        await pictures(resident, "births-partly-done")
        await resident.tap("birth-again")
        await expect(resident.see("birth-verdict")).to_have_attribute("data-ok", "true")
    async with open_window(chromium, town.url, "h5", has_touch=True, **size) as phone:
        await phone.page.add_init_script(await stored_session(town, alone.mother))
        resident = Resident(phone, town, await town.family())
        await phone.open(f"/#/pages/births/check/index?birth_id={alone.birth_id}")
        await resident.tap("check-parents-single")
        await resident.shows("problem-single_parent")
        await resident.shows("material-single_statement")
        await expect(resident.see("check-household-father")).to_have_count(0)
        await pictures(resident, "births-check-single")
