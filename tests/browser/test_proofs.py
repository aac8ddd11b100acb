"""In Chromium: signing in to an account that was idle for long, and a grandmother who agrees by SMS."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from playwright.async_api import expect

from tests.browser.life import act_for, sign_in
from tests.browser.resident import Resident, stored_session
from tests.browser.town import Family, Town
from tests.browser.window import Window
from tests.support.city import Caller

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser-proofs"), pytest.mark.timeout(240)]

LOGIN = "/#/pages/login/index"
# Being asked for more is an answer like any other to the app, and an error to the browser.
REFUSED = (r"answer 403: POST .*/auth/(sms|identity)", r"status of 403 .*/auth/(sms|identity)")


async def idle_account(town: Town, family: Family) -> Caller:
    """Somebody verified who has not been here for years."""
    caller = await sign_in(town, family.grown_up)
    db = town.city.city.db
    longest_ago = {"last_seen_at": datetime(2020, 1, 1, tzinfo=UTC)}
    await db.collection("residents").update_one({"_id": caller.id}, {"$set": longest_ago})
    # The code of the sign-in just made would have the next one wait for a minute.
    await db.collection("login_codes").delete_many({})
    return caller


async def me(phone: Window) -> str:
    """Whose session the app holds."""
    found = await phone.page.evaluate("JSON.parse(localStorage.getItem('hc.session')).data.me.id")
    return str(found)


async def test_an_idle_account_opens_with_the_end_of_the_id_number(phone: Window, town: Town) -> None:
    family = await town.family()
    owner = await idle_account(town, family)
    resident = Resident(phone, town, family)
    await phone.open(LOGIN)
    right = family.grown_up.id_number[-4:]
    with phone.excusing(*REFUSED):
        await resident.sign_in()
        await resident.shows("login-identity")
        await phone.picture("login-identity")
        await resident.fill(login_last_four="0000" if right != "0000" else "0001")
        await resident.tap("login-identity-submit")
        await resident.shows("=身份证号后四位不正确")
    await phone.picture("login-identity-wrong")
    await resident.fill(login_last_four=right)
    await resident.tap("login-identity-submit")
    await expect(resident.see("login-identity")).to_have_count(0)
    assert await me(phone) == owner.id


async def test_whoever_is_new_to_a_number_begins_anew(phone: Window, town: Town) -> None:
    family = await town.family()
    owner = await idle_account(town, family)
    resident = Resident(phone, town, family)
    await phone.open(LOGIN)
    with phone.excusing(*REFUSED):
        await resident.sign_in()
        await resident.shows("login-identity")
    await resident.tap("login-new-holder")
    await resident.shows("=用这个号码新建账号？")
    await phone.picture("login-new-holder")
    await resident.tap("login-new-holder-yes")
    await expect(resident.see("login-identity")).to_have_count(0)
    assert await me(phone) != owner.id


async def test_a_grandmother_without_the_app_agrees_by_sms(phone: Window, town: Town) -> None:
    family, hers = await town.family(), await town.family()
    caller = await sign_in(town, family.grown_up)
    await act_for(town, caller, "parent", hers.grown_up)
    resident = Resident(phone, town, family)
    await phone.page.add_init_script(await stored_session(town, caller))
    await phone.open("/#/pages/patients/list/index")
    await resident.tap("patient-consent")
    await resident.shows("consent-submit")
    await phone.picture("patients-consent")
    await resident.fill(consent_phone=hers.grown_up.phone)
    await resident.tap("consent-send-code")
    await expect(resident.see("consent-send-code")).to_contain_text("秒后重发")
    texts = (await town.city.outside.get("sms", phone=hers.grown_up.phone))["items"]
    asking = next(text["content"] for text in texts if "验证码" in text["content"])
    await resident.fill(consent_code=asking.split("验证码")[1][:6])
    await resident.tap("consent-submit")
    await expect(resident.see("patient-consent")).to_have_count(0)
    await expect(resident.page.get_by_text("等待对方同意").filter(visible=True)).to_have_count(0)
    await phone.picture("patients-consent-given")
