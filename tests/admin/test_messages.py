"""Messages in the console: what became of them, whose they are, sending again."""

import re

import pytest

from admin.views import messages as views
from backend import clock
from backend.audit.models import AuditFilter
from backend.errors import AppError
from backend.messages.models import DeliveryState, Letter, MessageChannel, MessageKind
from backend.messages.rendering import samples
from backend.permissions import SYSTEM, Role
from backend.slotpool.claims_models import Claim
from tests.admin.browser import Console
from tests.admin.conftest import Town
from tests.factories.city import a_name, an_id_number

MESSAGE = re.compile(r"/admin/messages/[0-9A-Z]{26}")


async def tell(console: Console, claim: Claim) -> str:
    """A message about an appointment, whose SMS the provider has refused; its id."""
    services = console.city.services
    facts = samples() | {"reason": "某某"}
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


async def test_what_is_beyond_a_page_is_looked_up_without_the_number_in_an_address(
    console: Console, town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "PAGE_SIZE", 1)
    path, phone = "/admin/messages/person", "13700009999"
    for code in ("482913", "482914"):
        with pytest.raises(AppError):
            await console.city.services.messages.send_code(phone, code)
    browser = await console.sign_in(Role.CITY_OPERATOR)
    page = await browser.get(path)
    seen = []
    fields: dict[str, str | list[str]] = {**page.form(path).fields, "person": phone}
    for _ in range(2):
        page = await browser.post(path, fields)
        assert "登录验证码" in page.text
        seen.append([link for link in page.links if MESSAGE.fullmatch(link)])
        older = re.search(r'name="cursor" value="([^"]+)"', page.html)
        fields = fields | {"cursor": older[1] if older else ""}
    assert fields["cursor"] == ""
    assert seen[0] != seen[1]
    assert [len(links) for links in seen] == [1, 1]


async def test_a_message_shows_its_tries_and_never_its_words(console: Console, town: Town) -> None:
    message = await tell(console, town.here[0])
    browser = await console.sign_in(Role.HOSPITAL_OPERATOR, town.scope)
    tried = {"number": 4, "at": clock.now(), "state": "due", "provider": "", "error": "RetryableError BUSY"}
    await console.city.services.db.collection("messages").update_one(
        {"_id": message}, {"$set": {"deliveries.sms.tries": [tried]}}
    )
    page = await browser.get(f"/admin/messages/{message}")
    assert "服务商拒绝 IllegalMobile" in page.text
    assert "第 4 次" in page.text
    assert "BUSY" in page.text
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


async def test_a_version_of_a_template_is_written_previewed_and_put_into_use(console: Console) -> None:
    browser = await console.sign_in(Role.CITY_OPERATOR)
    here = "/admin/messages/templates/refund_succeeded"
    await browser.get(f"{here}/1/write")
    fields = "thing1｜{item}\namount2｜{amount}\r\ntime3｜{time}\nthing4｜已退回"
    page = await browser.submit(f"{here}/1/write", sms="您的{nobody}已退回。", wechat=fields, expect=400)
    assert "没有参数{nobody}" in page.text
    assert "您的{nobody}已退回。" in page.html
    page = await browser.submit(f"{here}/1/write", lines="没有分隔", expect=400)
    assert "每行须写成" in page.text
    page = await browser.submit(
        f"{here}/1/write", lines="金额｜{amount}", sms="退款{amount}已到账。", note="短一些", wechat=fields
    )
    assert page.path == f"{here}/2"
    assert "退款15.00元已到账。" in page.text
    assert "未启用 短一些" in page.text
    page = await browser.submit(f"{here}/2/ids", aliyun_sms="SMS_1 OR 1", expect=400)
    page = await browser.submit(f"{here}/2/ids", aliyun_sms="SMS_490001")
    assert "SMS_490001" in page.text
    page = await browser.submit(f"{here}/2/choose", expect=400)
    page = await browser.submit(f"{here}/2/choose", reason="运营商要求")
    assert "第 2 版 使用中" in page.text
    assert "退款15.00元已到账。" in page.text
    await browser.get(f"{here}/1")
    page = await browser.submit(f"{here}/1/choose", reason="有错字")
    assert "第 1 版 使用中" in page.text
    await browser.get(f"{here}/9", expect=404)
    await browser.get("/admin/messages/templates/answer/1/write", expect=404)


async def test_a_hospital_reads_the_templates_and_cannot_write_them(console: Console, town: Town) -> None:
    browser = await console.sign_in(Role.HOSPITAL_OPERATOR, town.scope)
    page = await browser.get("/admin/messages/templates/refund_succeeded")
    assert "以此版为底新建" not in page.text
    await browser.get("/admin/messages/templates/refund_succeeded/1/write", expect=403)


async def test_a_message_that_could_not_be_written_says_what_was_wrong_and_not_what_was_said(
    console: Console, town: Town
) -> None:
    claim = town.here[0]
    facts = samples() | {"number": "第一百号"}
    await console.city.services.messages.tell(
        Letter(
            "refused", clock.now(), claim.patient_id, MessageKind.APPOINTMENT_CANCELLED, facts,
            claim.id, claim.organization_id,
        )
    )  # fmt: skip
    browser = await console.sign_in(Role.HOSPITAL_OPERATOR, town.scope)
    page = await browser.get("/admin/messages?state=failed")
    assert "参数有误，未发送： 序号" in page.text
    link = next(link for link in page.links if link.startswith("/admin/messages/0"))
    page = await browser.get(link)
    assert "“序号”缺少或格式不对" in page.text
    assert "第一百号" not in page.html


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
