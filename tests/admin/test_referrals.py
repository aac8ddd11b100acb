"""Referrals in the console: what each side is offered, and the whole way up and back down."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from backend import clock
from backend.permissions import SYSTEM, Role
from backend.referrals.desks import Desk
from backend.referrals.machine import ReferralState
from backend.referrals.models import Direction, Level, Referral, ReferralQuery, Urgency
from tests.admin.browser import Browser, Console
from tests.admin.conftest import Town
from tests.factories.city import an_id_number, make_hospital

ROOT = "/admin/referrals"
S = ReferralState
TOMORROW = clock.today() + timedelta(days=1)


async def both_sides(console: Console, town: Town) -> tuple[Browser, Browser]:
    """A doctor of the second hospital, who is in the directory, and the desk of the first."""
    clinic = town.second
    known = await console.staff(Role.DOCTOR, frozenset({clinic.organization.id}))
    staff = console.city.services.staff
    await staff.tie_practitioner(SYSTEM, known.member.id, clinic.doctors[0].id, clinic.organization.id)
    return await console.sign_in_as(known), await console.sign_in(Role.HOSPITAL_OPERATOR, town.scope)


async def send(doctor: Browser, town: Town, kind: str = "up", **more: str | list[str]) -> str:
    """A referral from the second hospital to the first; its address."""
    await doctor.get(f"{ROOT}/new/{kind}")
    fields: dict[str, Any] = {
        "name": "李明", "id_number": an_id_number(501), "to": town.first.organization.id,
        "reason": "胸痛三天", "phone": "13500000001", "urgency": "routine",
    } | more  # fmt: skip
    page = await doctor.submit(f"{ROOT}/new/{kind}", **fields)
    assert "转诊已发出" in page.text
    return page.path


async def newest(console: Console) -> Referral:
    """As the system knows it."""
    return (await console.city.services.referrals.list(SYSTEM, ReferralQuery())).items[0]


async def test_the_whole_way_up_and_back_down(console: Console, town: Town) -> None:
    doctor, desk = await both_sides(console, town)
    one = await send(doctor, town, diagnoses="I20.0 不稳定型心绞痛\n高血压", summary="心电图ST段压低")
    page = await doctor.get(one)
    assert "I20.0" in page.html
    assert town.second.doctors[0].name in page.text
    assert "撤回" in page.text
    assert "不能接收" not in page.text, "what the other side may do has no button here"
    assert (await desk.peek(f"{ROOT}/counts")).json() == {
        "to_answer": 1, "to_supplement": 0, "to_redirect": 0, "to_rebook": 0, "to_finish": 0, "to_follow": 0,
        "overdue": 0, "at_city": 0, "waits": 1, "late": False,
    }  # fmt: skip
    page = await desk.get(f"{ROOT}?side=in")
    assert "待接收" in page.text
    assert "李明" not in page.text, "names are masked"

    await desk.get(f"{one}/ask_more")
    await desk.submit(f"{one}/ask_more", text="请补充肌钙蛋白结果")
    await doctor.get(f"{one}/supplement")
    assert "请补充肌钙蛋白结果" in doctor.page.text if doctor.page else False
    await doctor.submit(f"{one}/supplement", text="肌钙蛋白0.02", diagnoses="")

    session = town.first.schedules[0]
    page = await desk.get(f"{one}/accept?from_on={TOMORROW}")
    assert f"{session.id}:3" in page.html
    page = await desk.submit(f"{one}/accept", place="", expect=400)
    assert "就诊安排" in page.text
    page = await desk.submit(f"{one}/accept", place=f"{session.id}:3", bring="身份证和病历")
    assert "已接收" in page.text
    assert "3号" in page.text

    await doctor.get(f"{one}/depart")
    await doctor.submit(f"{one}/depart", transport="escorted", vehicle="鲁G12345")
    await desk.get(f"{one}/arrive")
    await desk.submit(f"{one}/arrive")
    await desk.get(one)
    await desk.submit(f"{one}/begin_treatment")
    await desk.get(f"{one}/complete")
    page = await desk.submit(f"{one}/complete", outcome="improved", send_back="yes", expect=400)
    assert "出院小结" in page.text
    page = await desk.submit(
        f"{one}/complete",
        outcome="improved",
        send_back="yes",
        discharge_summary="支架术后恢复良好",
        plan_what=["复查血脂", "", ""],
        plan_on=[str(TOMORROW), "", ""],
    )
    assert "已完成" in page.text
    back = await newest(console)
    assert (back.direction, back.follows) == (Direction.DOWN, one.rpartition("/")[2])
    page = await doctor.get(f"{ROOT}/{back.id}")
    assert "复查血脂" in page.text
    assert "支架术后恢复良好" in page.text
    await doctor.get(f"{ROOT}/{back.id}/accept")
    page = await doctor.submit(
        f"{ROOT}/{back.id}/accept", place="bed", bed="社区家庭医生站", expected=f"{TOMORROW}T09:00"
    )
    assert "社区家庭医生站" in page.text
    await follows_up(doctor, desk, f"{ROOT}/{back.id}")


async def follows_up(doctor: Browser, desk: Browser, back: str) -> None:
    """What the clinic does of the plan, and both see."""
    page = await doctor.get(f"{ROOT}/follow-ups")
    assert "复查血脂" in page.text
    assert f"{back}/follow_up?item=1" in page.html
    page = await desk.get(f"{ROOT}/follow-ups?side=out")
    assert "复查血脂" in page.text
    assert f"{back}/follow_up" not in page.html
    await doctor.get(f"{back}/follow_up?item=1")
    page = await doctor.submit(
        f"{back}/follow_up", item="1", follow="done", done_on=str(TOMORROW), expect=400
    )
    assert "不能晚于今天" in page.text
    page = await doctor.submit(f"{back}/follow_up", item="1", follow="other", text="", expect=400)
    page = await doctor.submit(
        f"{back}/follow_up", item="1", follow="done", done_on=str(clock.today()), text="血脂正常"
    )
    assert "已完成" in page.text
    assert "血脂正常" in page.text
    assert "没有需要随访的患者" in (await doctor.get(f"{ROOT}/follow-ups")).text
    assert "血脂正常" in (await desk.get(f"{ROOT}/follow-ups?side=out&which=closed")).text
    await doctor.get(f"{back}/follow_up?item=1")
    page = await doctor.submit(f"{back}/follow_up", item="1", follow="declined")
    assert "患者不愿意" in page.text


async def test_what_goes_wrong_has_a_form_too(console: Console, town: Town) -> None:
    doctor, desk = await both_sides(console, town)
    third = await make_hospital(
        console.city.services, "h3", TOMORROW, name="健康城市中医院", short_name="市中医"
    )
    one = await send(doctor, town)
    session = town.first.schedules[0]
    await desk.get(f"{one}/accept?from_on={TOMORROW}")
    page = await desk.submit(f"{one}/accept", place=f"{session.id}:3")
    page = await desk.get(f"{one}/rebook?from_on={TOMORROW}")
    assert f"{session.id}:3" not in page.html, "a place that is given is not offered again"
    page = await desk.submit(f"{one}/rebook", place=f"{session.id}:5")
    assert "5号" in page.text
    await desk.get(f"{one}/miss")
    page = await desk.submit(f"{one}/miss", text="电话无人接听")
    assert "未到" in page.text
    page = await doctor.get(f"{one}/redirect")
    assert town.first.organization.id not in page.html, "nobody is sent where he was not found"
    page = await doctor.submit(f"{one}/redirect", to=third.organization.id)
    assert page.path != one
    assert third.organization.name in page.text
    second = page.path
    assert "查看后一次转诊" in (await doctor.get(one)).text
    city = await console.sign_in(Role.CITY_OPERATOR)
    await city.get(f"{second}/lapse")
    page = await city.submit(f"{second}/lapse", text="")
    assert "已失效" in page.text
    assert "改转其他机构" in page.text


async def test_an_emergency_asks_for_next_to_nothing_and_goes_to_whoever_is_nearest(
    console: Console, town: Town
) -> None:
    doctor, desk = await both_sides(console, town)
    page = await doctor.get(f"{ROOT}/new/emergency")
    asked = [name for name in page.form(f"{ROOT}/new/emergency").fields if not name.startswith("_")]
    assert asked == ["key", "health_code", "name", "id_number", "seen_age", "found_at", "phone"], (
        "and what is wrong, in words"
    )
    typed: dict[str, Any] = {
        "name": "李明",
        "id_number": an_id_number(502),
        "reason": "胸痛1小时",
        "to": "nearest",
    }
    page = await doctor.submit(f"{ROOT}/new/emergency", **typed, expect=409)
    assert "没有找到可以接收急救转诊的机构" in page.text
    assert 'value="李明"' in page.html, "nobody types it twice"
    assert "data-call" in page.html, "where nobody is called, the sender has to"
    page = await desk.get(f"{ROOT}/desk")
    page = await desk.submit(f"{ROOT}/desk", takes_emergencies="yes", expect=400)
    assert "值班电话（接收急救转诊必填）" in page.text
    await console.city.services.referrals.set_desk(
        SYSTEM, Desk(town.first.organization.id, True, "13700000001")
    )
    page = await doctor.submit(f"{ROOT}/new/emergency", **typed)
    sent = await newest(console)
    assert (sent.urgency, sent.to_organization_id) == (Urgency.EMERGENCY, town.first.organization.id)
    await doctor.get(f"{ROOT}/new/emergency")
    page = await doctor.submit(f"{ROOT}/new/emergency", **typed, expect=409)
    assert f'href="{ROOT}/{sent.id}"' in page.html, "the one that is open already is shown"
    page = await desk.get(f"{ROOT}/{sent.id}/reject")
    page = await desk.submit(f"{ROOT}/{sent.id}/reject", reason="no_bed", text="抢救室已满")
    assert "暂无床位或号源" in page.text


async def test_nobody_knows_who_he_is_until_somebody_does(console: Console, town: Town) -> None:
    doctor, desk = await both_sides(console, town)
    await console.city.services.referrals.set_desk(
        SYSTEM, Desk(town.first.organization.id, True, "13700000001")
    )
    await doctor.get(f"{ROOT}/new/emergency")
    seen: dict[str, Any] = {
        "unidentified": "yes", "seen_sex": "male", "seen_age": "50", "found_at": "火车站广场",
        "reason": "昏迷", "to": "nearest",
    }  # fmt: skip
    page = await doctor.submit(f"{ROOT}/new/emergency", **(seen | {"found_at": ""}), expect=400)
    assert "发现地点" in page.text
    page = await doctor.submit(f"{ROOT}/new/emergency", **seen)
    one = page.path
    assert "身份待查（男，约50岁）" in page.text
    assert "打开病历" not in page.text
    page = await desk.get(f"{ROOT}?side=in")
    assert "身份待查（男，约50岁）" in page.text
    page = await desk.get(one)
    assert "火车站广场" in page.text
    city = await console.sign_in(Role.CITY_OPERATOR)
    assert "火车站广场" not in (await city.get(one)).text
    await desk.get(f"{one}/identify")
    page = await desk.submit(f"{one}/identify", name="李明", id_number="", expect=400)
    assert "患者姓名和身份证号" in page.text
    page = await desk.submit(f"{one}/identify", name="李明", id_number=an_id_number(503))
    assert "身份待查" not in page.text
    assert "登记了患者身份" in page.text
    await desk.get(f"{one}/identify", expect=409)


async def test_figures_are_drawn_and_taken_away_and_a_desk_is_stated(console: Console, town: Town) -> None:
    doctor, desk = await both_sides(console, town)
    await send(doctor, town)
    page = await desk.get(f"{ROOT}/figures?months=3")
    assert 'id="chart-months"' in page.html
    assert town.first.organization.name in page.text
    table = await desk.peek(f"{ROOT}/figures/export?form=csv&months=3")
    assert table.text.splitlines()[0].startswith("\ufeff月份,机构,方向,上转,下转")
    assert f"{clock.today():%Y-%m},合计,,1,0" in table.text
    assert "到达率：本期接收的转诊中患者已到达的比例" in page.text, "as the board says"
    city = await console.sign_in(Role.CITY_OPERATOR)
    assert "不足5例的数字不显示" in (await city.get(f"{ROOT}/figures?months=3")).text
    few = await city.peek(f"{ROOT}/figures/export?form=csv&months=3")
    assert f"{clock.today():%Y-%m},合计,,<5,0" in few.text
    book = await desk.peek(f"{ROOT}/figures/export?form=xlsx")
    assert book.content[:2] == b"PK"
    assert "没有转诊" in (await desk.get(f"{ROOT}?overdue=yes")).text
    await desk.get(f"{ROOT}/desk")
    stated: dict[str, Any] = {"takes_emergencies": "yes", "duty_phone": "0536-8000001", "operators_phone": ""}
    page = await desk.submit(f"{ROOT}/desk", **stated)
    assert "已保存" in page.text
    assert "0536-8000001" in page.html
    await desk.get(f"{ROOT}/desk?organization={town.second.organization.id}", expect=404)


async def test_the_city_sees_what_has_reached_it(console: Console, town: Town) -> None:
    doctor, desk = await both_sides(console, town)
    city = await console.sign_in(Role.CITY_OPERATOR)
    one = await send(doctor, town)
    assert (await city.peek(f"{ROOT}/counts")).json()["waits"] == 0, "others have still time for it"
    assert "没有转诊" in (await city.get(f"{ROOT}?level=city")).text
    store = console.city.services.referrals._store
    sent = await store.find(one.rpartition("/")[2])
    assert sent is not None
    assert await store.write(replace(sent, level=Level.CITY))
    counts = (await city.peek(f"{ROOT}/counts")).json()
    assert (counts["waits"], counts["at_city"]) == (1, 1)
    page = await city.get(f"{ROOT}?level=city")
    assert "上报市级 1" in page.text
    assert "已上报市级平台" in page.text
    assert "上报市级" not in (await desk.get(f"{ROOT}?side=out")).text
    assert "已上报市级平台" in (await desk.get(ROOT)).text
    page = await city.get(f"{ROOT}/desk")
    assert "市级值班电话" in page.text
    page = await city.submit(f"{ROOT}/desk", duty_phone="0536-8000009")
    assert "0536-8000009" in page.html
    await desk.get(f"{ROOT}/desk?organization=city", expect=404)


async def test_others_see_nothing_and_the_city_not_what_is_wrong(console: Console, town: Town) -> None:
    doctor, _ = await both_sides(console, town)
    one = await send(doctor, town)
    stranger = await console.sign_in(Role.HOSPITAL_OPERATOR, frozenset({"ORG-9"}))
    await stranger.get(one, expect=404)
    await stranger.get(f"{one}/accept", expect=404)
    city = await console.sign_in(Role.CITY_OPERATOR)
    page = await city.get(one)
    assert "胸痛" not in page.text
    assert "待接收" in page.text
    assert "急救上转" not in (await city.get(ROOT)).text, "the city sends nobody"
    await city.get(f"{ROOT}/new/up", expect=403)
    assert "李明" in (await doctor.get(f"{one}?who=yes")).text, "who treats him may call him by his name"
    for browser, step, status in (
        (doctor, "accept", 403), (city, "ask_more", 403), (city, "begin_treatment", 409),
        (doctor, "supplement", 409),
    ):  # fmt: skip
        await browser.get(f"{one}/{step}", expect=status)
        token = (await browser.get(one)).form("/admin/sign-out").fields
        await browser.post(f"{one}/{step}", dict(token), expect=status)
    page = await doctor.get(f"{one}/supplement", expect=409)
    assert "已有新的进展" in page.text
    await doctor.get(f"{one}/fly", expect=404)
    await doctor.get(f"{ROOT}/new/sideways", expect=404)


async def test_the_record_opens_for_the_doctor_whose_account_it_is(console: Console, town: Town) -> None:
    clinic = town.second
    known = await console.staff(Role.DOCTOR, frozenset({clinic.organization.id}))
    doctor, city = await console.sign_in_as(known), await console.sign_in(Role.CITY_OPERATOR)
    one = await send(doctor, town)
    page = await doctor.submit(f"{one}/record", expect=400)
    assert "没有关联本机构的医生" in page.text
    account, himself = f"/admin/staff/{known.member.id}", clinic.doctors[0].id
    await city.get(account)
    page = await city.submit(f"{account}/doctor", practitioner=himself)
    assert f'value="{himself}" selected' in page.html
    form = (await doctor.get(one)).form(f"{one}/record")
    answer = await doctor.http.post(f"{one}/record", data=form.fields, follow_redirects=False)
    assert answer.status_code == 303
    assert "/workstation/open/" in answer.headers["location"]


async def test_whatever_day_was_wished_for_the_receiver_has_a_form(console: Console, town: Town) -> None:
    doctor, desk = await both_sides(console, town)
    one = await send(doctor, town)
    referrals = console.city.services.referrals
    store = referrals._store
    sent = await store.find(one.rpartition("/")[2])
    assert sent is not None
    # A form's days are held in bounds; those of a hospital's system are any that the calendar has.
    assert await store.write(replace(sent, wanted_from=date.max))
    page = await desk.get(f"{one}/accept")
    assert "床位" in page.text
    await desk.get(f"{one}/accept?from_on=9000-01-01")
    page = await desk.submit(f"{one}/accept", place="bed", bed="1床", expected="9999-12-31T23:59", expect=400)
    assert "预计时间" in page.text
