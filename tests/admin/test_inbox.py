"""The inbox in the console: who waits, taking, answering, giving back, ending; in scope and on record."""

from datetime import timedelta

from backend import clock
from backend.audit.models import AuditFilter
from backend.conversations.models import Through
from backend.permissions import SYSTEM, Role
from bots.engine import Heard
from tests.admin.browser import Console
from tests.admin.conftest import Town


async def say(console: Console, phone: str, *texts: str) -> None:
    for number, text in enumerate(texts):
        heard = Heard(Through.SMS, phone, f"{text}{number}", text)
        await console.city.services.bots.engine.hear(heard)


async def told(console: Console, phone: str) -> list[str]:
    """What was pushed to a number so far, newest last."""
    messages, _ = await console.city.services.messages.list_messages(SYSTEM, limit=50)
    return [one.content.body for one in reversed(messages) if one.address == phone]


async def test_a_talk_is_taken_answered_given_back_and_ended_on_record(console: Console, town: Town) -> None:
    phone = "13800001234"
    await say(console, phone, "人工", "我是370702198503120019，电话13912345678，查不到号")
    browser = await console.sign_in(Role.CITY_OPERATOR)
    page = await browser.get("/admin/inbox")
    assert "等候接听" in page.text
    assert "138****1234" in page.text
    (address,) = [link for link in page.links if link.startswith("/admin/inbox/")]
    talk = await browser.get(address)
    assert "查不到号" in talk.text
    assert "370702" not in talk.html
    assert "13912345678" not in talk.html
    assert phone not in talk.html
    assert not talk.has_form(f"{address}/answer")
    assert (await browser.peek("/admin/inbox/counts")).json() == {"waits": 1}
    elsewhere = await console.sign_in(Role.HOSPITAL_OPERATOR, town.scope)
    assert (await elsewhere.peek("/admin/inbox/counts")).json() == {"waits": 0}
    await browser.submit(f"{address}/take")
    assert (await browser.peek("/admin/inbox/counts")).json() == {"waits": 0}
    refused = await browser.submit(f"{address}/answer", text=" ", expect=400)
    assert "请填写" in refused.text
    form = refused.form(f"{address}/answer").fields
    for _ in range(2):
        await browser.post(f"{address}/answer", {**form, "text": "您好<b>，请带身份证到窗口。"})
    lines = await browser.get(f"{address}/lines")
    assert lines.html.count("请带身份证到窗口") == 1
    assert "<b>" not in lines.html
    # Another member may look, but the talk is not his; once given back it is anybody's.
    other = await console.sign_in(Role.CITY_OPERATOR)
    assert "正在接听" in (await other.get(address)).text
    token = console.city.services.csrf.issue(other.http.cookies["hc_console"])
    for action in ("take", "close", "answer"):
        await other.post(f"{address}/{action}", {"_csrf": token, "text": "我来", "key": "k"}, expect=409)
    await browser.get(address)
    await browser.submit(f"{address}/give-back")
    await other.get(address)
    await other.submit(f"{address}/close")
    assert "现在没有人等候" in (await other.get("/admin/inbox")).text
    first, second = await told(console, phone)
    assert first == "您好<b>，请带身份证到窗口。"
    assert "已结束" in second
    entries, _ = await console.city.services.audit.list_entries(SYSTEM, AuditFilter())
    done = {entry.action for entry in entries if entry.action.startswith("conversations.")}
    assert done == {f"conversations.{name}" for name in ("read", "take", "answer", "give_back", "close")}


async def test_a_hospital_sees_the_talks_about_itself_and_who_has_waited_too_long(
    console: Console, town: Town
) -> None:
    services = console.city.services
    await say(console, "13800000001", "人工")
    await say(console, "13800000002", "人工")
    handovers = services.db.collection("handovers")
    (about, _) = await services.inbox.list_open(SYSTEM)
    long_ago = clock.now() - timedelta(minutes=6)
    await handovers.update_one(
        {"_id": about.id}, {"$set": {"organization_id": town.first.organization.id, "asked_at": long_ago}}
    )
    browser = await console.sign_in(Role.HOSPITAL_OPERATOR, town.scope)
    page = await browser.get("/admin/inbox")
    assert [link for link in page.links if link.startswith("/admin/inbox/")] == [f"/admin/inbox/{about.id}"]
    assert "超时未回复" in page.text
    rows = await browser.get("/admin/inbox/rows")
    assert rows.inline_parts == 0
    assert town.first.organization.name in rows.text
    stranger = await console.sign_in(Role.HOSPITAL_OPERATOR, frozenset({town.second.organization.id}))
    await stranger.get(f"/admin/inbox/{about.id}", expect=404)
    await stranger.get(f"/admin/inbox/{about.id}/lines", expect=404)


async def test_a_talk_that_everybody_has_left_goes_back_to_the_machine(console: Console, town: Town) -> None:
    services, phone = console.city.services, "13800000003"
    await say(console, phone, "人工")
    assert await services.inbox.end_left() == 0
    day_ago = clock.now() - timedelta(hours=25)
    await services.db.collection("handovers").update_many({}, {"$set": {"last_at": day_ago}})
    assert await services.inbox.end_left() == 1
    assert len(await told(console, phone)) == 1
    heard = Heard(Through.SMS, phone, "later", "帮助")
    assert "您可以直接说" in "".join(await services.bots.engine.hear(heard))


async def test_who_quits_has_left_the_inbox(console: Console, town: Town) -> None:
    services = console.city.services
    await say(console, "13800000004", "人工", "退出")
    assert await services.inbox.list_open(SYSTEM) == []
