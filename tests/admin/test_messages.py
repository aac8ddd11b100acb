"""Messages in the console: what became of them, whose they are, sending again."""

import pytest

from backend import clock
from backend.audit.models import AuditFilter
from backend.errors import AppError
from backend.messages.models import DeliveryState, Letter, MessageChannel, MessageKind
from backend.permissions import SYSTEM, Role
from backend.slotpool.claims_models import Claim
from tests.admin.browser import Console
from tests.admin.conftest import Town
from tests.factories.city import a_name, an_id_number

FACTS = (
    "patient visit_kind organization department doctor doctor_sms when time number place place_sms fee "
    "cancel_by reason reason_or refund appointment_id"
)


async def tell(console: Console, claim: Claim) -> str:
    """A message about an appointment, whose SMS the provider has refused; its id."""
    services = console.city.services
    facts = dict.fromkeys(FACTS.split(), "某某")
    letter = Letter(
        key=f"told:{claim.id}", at=clock.now(), recipient_id=claim.patient_id,
        kind=MessageKind.APPOINTMENT_CANCELLED, facts=facts,
        appointment_id=claim.id, organization_id=claim.organization_id,
    )  # fmt: skip
    await services.messages.tell(letter)
    [message], _ = await services.messages.list_messages(SYSTEM, appointment_id=claim.id)
    await services.db.collection("messages").update_one(
        {"_id": message.id},
        {
            "$set": {
                "deliveries.sms.state": "failed",
                "deliveries.sms.last_error": "RejectedError IllegalMobile",
            }
        },
    )
    return message.id


async def test_messages_are_listed_within_scope_with_what_became_of_them(
    console: Console, town: Town
) -> None:
    mine, other = await tell(console, town.here[0]), await tell(console, town.there[0])
    browser = await console.sign_in(Role.HOSPITAL_OPERATOR, town.scope)
    page = await browser.get("/admin/messages")
    assert "预约取消" in page.text
    assert "服务商拒绝 IllegalMobile" in page.text
    assert f"/admin/messages/{mine}/resend/sms" in page.links
    assert f"/admin/messages/{other}/resend/sms" not in page.links
    assert a_name(0) not in page.html
    assert "某某" not in page.html


async def test_messages_are_filtered_by_appointment_kind_and_state(console: Console, town: Town) -> None:
    await tell(console, town.here[0])
    browser = await console.sign_in(Role.HOSPITAL_OPERATOR, town.scope)
    empty = "没有符合条件的消息"
    assert empty not in (await browser.get(f"/admin/messages?appointment={town.here[0].id}")).text
    assert empty in (await browser.get(f"/admin/messages?appointment={town.here[1].id}")).text
    assert empty not in (await browser.get("/admin/messages?state=failed")).text
    assert empty in (await browser.get("/admin/messages?state=delivered")).text
    assert empty in (await browser.get("/admin/messages?kind=refund_succeeded")).text


async def test_a_persons_messages_are_looked_up_on_record(console: Console, town: Town) -> None:
    message = await tell(console, town.here[0])
    browser = await console.sign_in(Role.HOSPITAL_OPERATOR, town.scope)
    await browser.get("/admin/messages/person")
    page = await browser.submit("/admin/messages/person", person=an_id_number(0))
    assert f"/admin/messages/{message}/resend/sms" in page.links
    [entry], _ = await console.city.services.audit.list_entries(
        SYSTEM, AuditFilter(action="residents.search")
    )
    assert entry.object == f"resident/{town.here[0].patient_id}"
    await browser.submit("/admin/messages/person", person="", expect=400)


async def test_a_phone_that_is_no_accounts_is_looked_up_masked(console: Console, town: Town) -> None:
    with pytest.raises(AppError):  # This city has no provider: that it was tried is kept all the same.
        await console.city.services.messages.send_code("13700009999", "482913")
    browser = await console.sign_in(Role.CITY_OPERATOR)
    await browser.get("/admin/messages/person")
    page = await browser.submit("/admin/messages/person", person="13700009999")
    assert "登录验证码" in page.text
    assert "137****9999" in page.text
    assert "13700009999" not in page.text
    [entry], _ = await console.city.services.audit.list_entries(
        SYSTEM, AuditFilter(action="residents.search")
    )
    assert entry.object == "resident/unknown"
    # A hospital sees nothing of what is not about it.
    mine = await console.sign_in(Role.HOSPITAL_OPERATOR, town.scope)
    await mine.get("/admin/messages/person")
    assert "登录验证码" not in (await mine.submit("/admin/messages/person", person="13700009999")).text


async def test_a_message_shows_its_tries_and_never_its_words(console: Console, town: Town) -> None:
    message = await tell(console, town.here[0])
    browser = await console.sign_in(Role.HOSPITAL_OPERATOR, town.scope)
    page = await browser.get(f"/admin/messages/{message}")
    assert "服务商拒绝 IllegalMobile" in page.text
    assert "某某" not in page.html
    other = await tell(console, town.there[0])
    await browser.get(f"/admin/messages/{other}", expect=404)


async def test_templates_are_previewed_as_each_channel_shows_them(console: Console) -> None:
    browser = await console.sign_in(Role.CITY_OPERATOR)
    page = await browser.get("/admin/messages/templates")
    assert "就诊提醒" in page.text
    for kind in MessageKind:
        page = await browser.get(f"/admin/messages/templates/{kind}")
        assert "第 1 版" in page.text
    page = await browser.get("/admin/messages/templates/visit_reminder")
    assert "请携带身份证、医保卡和以往病历" in page.text
    assert "微信 60 分钟未读后发短信" in page.text
    await browser.get("/admin/messages/templates/nothing", expect=404)


async def test_an_appointment_shows_its_messages_to_those_who_may_read_them(
    console: Console, town: Town
) -> None:
    message = await tell(console, town.here[0])
    operator = await console.sign_in(Role.HOSPITAL_OPERATOR, town.scope)
    page = await operator.get(f"/admin/appointments/{town.here[0].id}")
    assert f"/admin/messages/{message}/resend/sms" in page.links
    doctor = await console.sign_in(Role.DOCTOR, town.scope)
    page = await doctor.get(f"/admin/appointments/{town.here[0].id}")
    assert "预约取消" not in page.text


async def test_what_did_not_arrive_is_sent_again_for_a_reason(console: Console, town: Town) -> None:
    message_id = await tell(console, town.here[0])
    browser = await console.sign_in(Role.HOSPITAL_OPERATOR, town.scope)
    action = f"/admin/messages/{message_id}/resend/sms"
    await browser.get(action)
    page = await browser.submit(action, reason="", expect=400)
    assert "请填写原因" in page.text
    page = await browser.submit(action, reason="居民来电说没有收到")
    assert "已安排重发" in page.text
    services = console.city.services
    message = await services.messages.access_message(SYSTEM, message_id)
    delivery = message.delivery(MessageChannel.SMS)
    assert delivery is not None
    assert delivery.state is DeliveryState.DUE
    [entry], _ = await services.audit.list_entries(SYSTEM, AuditFilter(action="messages.resent"))
    assert entry.basis == "居民来电说没有收到"
    await browser.get(action)
    page = await browser.submit(action, reason="再来", expect=409)
    assert "不能重发" in page.text


async def test_another_hospitals_message_is_not_sent_again(console: Console, town: Town) -> None:
    message_id = await tell(console, town.there[0])
    browser = await console.sign_in(Role.HOSPITAL_OPERATOR, town.scope)
    action = f"/admin/messages/{message_id}/resend/sms"
    await browser.get(action, expect=404)
    token = console.city.services.csrf.issue(browser.http.cookies["hc_console"])
    await browser.post(action, {"_csrf": token, "reason": "x"}, expect=404)
