"""A whole life in the city, over HTTP as people and hospitals live it; every secret on the way is noted.

What the life leaves behind is for test_privacy.py to look through.
"""

from __future__ import annotations

import re
from datetime import timedelta

import httpx

from backend import clock
from backend.conversations.models import Conversation, PutOff, Run, RunState, Through
from backend.conversations.service import Turn
from backend.healthcodes.codes import make_phone_code
from backend.permissions import SYSTEM, Actor, Role
from bots.engine import Heard
from tests.admin.browser import Browser
from tests.factories.staff import make_staff
from tests.factories.surveys import make_ticket
from tests.security.clinical_life import on_record
from tests.security.people import CHILD, FATHER, GRANNY, MOTHER, NEW_PHONE, STRANGER, WORDS, Life
from tests.support.city import MAS_SECRET, Caller, TestCity


async def live(city: TestCity) -> Life:
    """Everything that leaves a trace."""
    life = Life(city)
    city.http.event_hooks["response"].append(life.overhear)
    for person in (MOTHER, FATHER, GRANNY, CHILD, STRANGER):
        for name, value in person.items():
            life.keep(name, value)
    life.keep("phone", NEW_PHONE), life.keep("callback secret", MAS_SECRET)
    child = {"id_number": CHILD["id_number"], "relation": "child"}
    family = [MOTHER | {"family": [child]}, FATHER, GRANNY, CHILD, STRANGER]
    await city.outside.post("persons", {"items": family})
    mother, father, granny = (
        await life.by_wechat(MOTHER),
        await life.by_sms(FATHER),
        await life.by_official_account(GRANNY),
    )
    await _family(life, mother, granny)
    hospital = await life.hospital()
    terminal = await city.call(
        "POST", "/hospital/v1/terminals", as_=hospital, json={"name": "1号窗口", "kind": "window"}
    )
    window = await life.client(terminal["client_id"], terminal["client_secret"])
    appointments = await _visits(life, mother, father, hospital)
    await _codes(life, mother, window)
    await on_record(life, mother, hospital)
    await city.outside.post("sms/reply", {"phone": STRANGER["phone"], "content": WORDS})
    await city.later()
    await _console(life, appointments)
    await _endings(life, father, granny)
    await _half_way(life, mother)
    await city.later()
    await _figures(life)
    return life


async def _family(life: Life, mother: Caller, granny: Caller) -> None:
    call = life.city.call
    await call("POST", "/api/v1/patients", as_=mother, json={"relation": "child", **CHILD})
    wanted = {"relation": "parent", **GRANNY}
    asked = await call("POST", "/api/v1/patients", as_=mother, json=wanted)
    await call("POST", "/api/v1/patients", as_=mother, json=wanted, expect=409)
    await life.city.work()
    [link] = (await call("GET", "/api/v1/guardians", as_=granny))["items"]
    await call("POST", f"/api/v1/guardians/{link['id']}/accept", as_=granny, json={})
    await life.city.work()
    await call("DELETE", f"/api/v1/patients/{asked['id']}", as_=mother)


async def _visits(life: Life, mother: Caller, father: Caller, hospital: Caller) -> list[str]:
    """Paid and refunded, booked for a child, sold at the window, stopped."""
    city = life.city
    paid, stopped = await city.schedule(fee_fen=2500), await city.schedule(days=2)
    hold = await city.call(
        "POST", "/api/v1/holds", as_=mother, json={"schedule_id": paid.id, "patient_id": mother.id}
    )
    path = f"/api/v1/appointments/{hold['id']}"
    await city.call("POST", f"{path}/payment", as_=mother, json={"method": "wechat_mini"})
    [order] = (await city.outside.get("orders"))["items"]
    await city.outside.post(f"orders/{order['out_trade_no']}/pay")
    await city.call("POST", f"{path}/payment/refresh", as_=mother)
    await city.work()
    why = life.keep("reason", "孕十二周唐筛改期")
    await city.call("POST", f"{path}/cancel", as_=mother, json={"reason": why})

    async def refunded() -> bool:
        return bool((await city.call("GET", path, as_=mother))["payment"]["state"] == "refunded")

    await city.until(refunded)
    child = next(
        p
        for p in (await city.call("GET", "/api/v1/patients", as_=mother))["items"]
        if p["relation"] == "child"
    )
    wanted = {"schedule_id": stopped.id, "patient_id": child["id"]}
    booked = await city.call("POST", "/api/v1/appointments", as_=mother, json=wanted)
    kept = await city.schedule(days=3)
    mine = await city.call(
        "POST", "/api/v1/appointments", as_=father, json={"schedule_id": kept.id, "patient_id": father.id}
    )
    sale = {"schedule": kept.external_id, "channel": "window", "patient": STRANGER}
    sold = await city.call("POST", "/hospital/v1/appointments", as_=hospital, json=sale)
    await city.work()
    returned = await city.call(
        "POST", "/hospital/v1/appointments", as_=hospital, json=sale | {"patient": GRANNY}
    )
    why = {"reason": life.keep("reason", "疑似水痘转感染科")}
    await city.call("POST", f"/hospital/v1/appointments/{returned['id']}/cancel", as_=hospital, json=why)
    await city.work()
    await city.call("GET", "/hospital/v1/bookings", as_=hospital)
    stop = {"reason": "医生外出"}
    await city.call("POST", f"/hospital/v1/schedules/{stopped.external_id}/stop", as_=hospital, json=stop)
    await city.later()
    return [mine["id"], sold["id"], booked["id"], hold["id"]]


async def _codes(life: Life, mother: Caller, window: Caller) -> None:
    """Shown, shown twice, shown from a phone without network, printed."""
    city, body = life.city, {"patient_id": mother.id}
    dynamic = await city.call("POST", "/api/v1/health-codes/dynamic", as_=mother, json=body)
    device = await city.call("POST", "/api/v1/health-codes/offline-device", as_=mother, json=body)
    printed = await city.call("POST", "/api/v1/health-codes/static", as_=mother, json=body)
    life.keep("phone's secret", device["secret"])
    secret = bytes.fromhex(device["secret"])
    offline = make_phone_code(device["pseudo_id"], secret, clock.now())
    for text in (dynamic["text"], offline, printed["text"]):
        life.keep("health code", text)
        scan = {"code": text, "step": "10101", "second_factor": {"id_last4": mother.id_number[-4:]}}
        await city.call("POST", "/hospital/v1/health-codes/verify", as_=window, json=scan)
    spoiled = {"code": dynamic["text"][:-3] + "000", "step": "10101"}
    await city.call("POST", "/hospital/v1/health-codes/verify", as_=window, json=spoiled, expect=400)
    await city.work()


async def _console(life: Life, appointments: list[str]) -> None:
    """Sign in, mistyping; look a person up; see who it is; cancel; open and reset a colleague's account."""
    city = life.city
    member = await make_staff(city.city.services.staff, Role.CITY_OPERATOR, login="life.manager")
    life.keep("password", member.password), life.keep("TOTP secret", member.totp_secret)
    browser = Browser(city.url)
    browser.http.event_hooks["response"].append(life.overhear)
    await browser.get("/admin/sign-in")
    typed = life.keep("what was typed", "correct-horse-battery-staple-9")
    await browser.submit("/admin/sign-in", login=typed, password=f"{typed}!", expect=401)
    await browser.submit("/admin/sign-in", login=member.login, password=member.password)
    life.keep("half session", browser.http.cookies["hc_console"])
    await browser.submit("/admin/sign-in/code", code=life.keep("TOTP code", member.code()))
    life.keep("session cookie", browser.http.cookies["hc_console"])
    for person in (FATHER["phone"], STRANGER["id_number"], "13700000000"):
        await browser.get("/admin/appointments/search")
        await browser.submit("/admin/appointments/search", person=person)
        await browser.get("/admin/messages/person")
        await browser.submit("/admin/messages/person", person=person)
    reveal = f"/admin/appointments/{appointments[0]}/reveal"
    await browser.get(reveal)
    await browser.submit(reveal, reason="核对身份")
    life.answers.pop()  # the one page that may say it
    for path in (
        "",
        "/appointments",
        "/payments",
        "/messages",
        "/staff",
        "/directory",
        "/schedules",
        "/dashboard",
    ):
        await browser.get(f"/admin{path or '/account'}")
    for appointment in appointments:
        await browser.get(f"/admin/appointments/{appointment}")
    cancel = f"/admin/appointments/{appointments[1]}/cancel"
    await browser.get(cancel)
    await browser.submit(cancel, reason="窗口退号")
    colleague = await make_staff(city.city.services.staff, Role.FINANCE, login="life.finance")
    await browser.get(f"/admin/staff/{colleague.member.id}")
    page = await browser.submit(f"/admin/staff/{colleague.member.id}/reset/password")
    shown = re.search(r'data-test="password">([^<]+)<', page.html)
    assert shown is not None
    life.keep("password", shown[1])
    life.answers.pop()  # shown once, to be handed over
    await browser.http.aclose()


async def _endings(life: Life, father: Caller, granny: Caller) -> None:
    """A moved phone, a lost refresh token, a deleted account."""
    city = life.city
    body = {"phone": NEW_PHONE, "code": await life.otp(NEW_PHONE), "id_number": father.id_number}
    moved = life.keep_tokens(await city.call("PUT", "/api/v1/me/phone", as_=father, json=body))
    refresh = {"refresh_token": moved["refresh_token"]}
    life.keep_tokens(await city.call("POST", "/api/v1/auth/refresh", json=refresh))
    await city.call("GET", "/api/v1/me", as_=Caller("", "x.y.z"), expect=401)
    await city.call("DELETE", "/api/v1/me", as_=granny)
    await city.call("GET", "/api/v1/me", as_=granny, expect=401)


async def _ask_back(conversation: Conversation) -> Turn:
    run = Run("book", "patient", RunState.WAITING, clock.now(), {"said": WORDS}, (STRANGER["name"],))
    return Turn((f"{STRANGER['name']}您好，{WORDS}",), run)


async def _figures(life: Life) -> None:
    """What the city counts of it all, and what staff say of the figures: with somebody's number in it."""
    services, here = life.city.city.services, life.city.hospital.id
    statistics, month = services.statistics, f"{clock.today():%Y-%m}"
    await statistics.follower.run()
    await statistics.gauges.run()
    wall = await services.walls.make(SYSTEM, "一楼大厅", 30)
    # By an address that is the key itself, so nobody overhears it.
    async with httpx.AsyncClient(base_url=life.city.url) as screen:
        shown = await screen.get(f"/admin/wall/{life.keep('wall link', wall.secret)}")
    assert shown.status_code == 200, shown.text
    await statistics.kpi.set_target(SYSTEM, here, month, "bookings", 9)
    await statistics.kpi.comment(SYSTEM, here, month, f"请回电{FATHER['phone']}", "bookings")


async def _half_way(life: Life, mother: Caller) -> None:
    """What is begun and not ended: prompts accepted, a code not yet typed, a log-in without a phone."""
    city = life.city
    kinds = {"template_kinds": ["appointment_booked"]}
    await city.call("POST", "/api/v1/messages/subscriptions", as_=mother, json=kinds)
    await city.call("PUT", "/api/v1/messages/opt-outs/surveys", as_=mother)
    waiting = Actor("resident", mother.id, Role.RESIDENT, channel="bot", real_name=True)
    day = clock.today() + timedelta(days=1)
    await city.city.services.waitlist.join(waiting, city.department.id, day, mother.id)
    await life.otp(FATHER["phone"])
    # A dialogue in which somebody has said who he is and what ails him.
    await city.city.services.conversations.take_turn(Through.SMS, STRANGER["phone"], "m1", _ask_back)
    engine, talks = city.city.services.bots.engine, city.city.services.conversations
    for number, said in enumerate(("人工", f"我叫{FATHER['name']}，{WORDS}")):
        await engine.hear(Heard(Through.SMS, FATHER["phone"], f"m{number}", said))
    await talks.see_callback("1795316400|nonce", f"m1|{WORDS}")
    # A survey in which somebody complains of pain, and gives name and number with it.
    surveys = city.city.services.surveys
    grave = await make_ticket(city.city.services, city.hospital.id, mother.id, f"胸痛，{WORDS}")
    await surveys._stores.campaigns.take_turn(mother.id, grave, clock.now(), 30)
    await surveys.count()
    await talks.put_off(PutOff(Through.WECHAT, FATHER["phone"], "m1", WORDS))
    made = await city.outside.post("js-code", {"app": "mini", "phone": "13711220077"})
    life.keep("openid", made["openid"])
    body = {"js_code": life.keep("js code", made["js_code"])}
    begun = await city.call("POST", "/api/v1/auth/wechat-mini", json=body)
    life.keep("login ticket", begun["login_ticket"])
    # The token with which the city speaks to WeChat; whoever asks for it gets the same one.
    mini = city.outside.credentials["wechat_mini"]
    asked = {"grant_type": "client_credential", "appid": mini["app_id"], "secret": mini["secret"]}
    told = await city.http.post(f"{city.outside.url}/wechat/cgi-bin/stable_token", json=asked)
    life.keep("WeChat token", told.json()["access_token"])
    for name, value in (
        ("secret", mini["secret"]),
        ("API v3 key", city.outside.credentials["wechat_pay"]["api_v3_key"]),
    ):
        life.keep(f"WeChat {name}", value)
