"""Payments in the console: orders within scope, failed refunds, differences, the books."""

import csv
from datetime import timedelta

import pytest

from backend import clock
from backend.audit.models import AuditFilter
from backend.billing.models import Difference, OrderState, RefundProgress
from backend.billing.store import OrderStore
from backend.permissions import SYSTEM, Role
from tests.admin.browser import Console
from tests.admin.conftest import Town
from tests.factories.orders import make_order


async def test_orders_are_listed_within_scope_and_shown_in_yuan(console: Console, town: Town) -> None:
    services = console.city.services
    mine = await make_order(services, town.here[0], 2550)
    other = await make_order(services, town.there[0], 9900)
    browser = await console.sign_in(Role.FINANCE, town.scope)
    page = await browser.get("/admin/payments")
    assert f"/admin/payments/{mine.id}" in page.links
    assert f"/admin/payments/{other.id}" not in page.links
    assert "¥25.50" in page.text
    await browser.get(f"/admin/payments/{other.id}", expect=404)
    page = await browser.get(f"/admin/payments/{mine.id}")
    assert "4200000001" in page.text
    page = await (await console.sign_in(Role.FINANCE)).get("/admin/payments")
    assert f"/admin/payments/{other.id}" in page.links


async def test_an_order_is_found_by_its_own_or_the_merchants_number(console: Console, town: Town) -> None:
    order = await make_order(console.city.services, town.here[0])
    browser = await console.sign_in(Role.FINANCE)
    for number in (order.id, f" {order.attempts[0].out_trade_no}"):
        page = await browser.get(f"/admin/payments?id={number}")
        assert page.path == f"/admin/payments/{order.id}"


async def test_orders_are_filtered_by_state(console: Console, town: Town) -> None:
    paid = await make_order(console.city.services, town.here[0])
    failed = await make_order(console.city.services, town.here[1], refund=RefundProgress.FAILED)
    browser = await console.sign_in(Role.FINANCE)
    page = await browser.get("/admin/payments?state=refund_failed")
    assert f"/admin/payments/{failed.id}" in page.links
    assert f"/admin/payments/{paid.id}" not in page.links


async def test_orders_are_filtered_by_hospital_and_day_and_summed_up(console: Console, town: Town) -> None:
    services = console.city.services
    here = await make_order(services, town.here[0], 2550, refund=RefundProgress.SUCCEEDED)
    more = await make_order(services, town.here[1], 1050)
    there = await make_order(services, town.there[0], 9900)
    browser = await console.sign_in(Role.FINANCE)
    page = await browser.get("/admin/payments")
    assert "共 3 笔 实收 ¥135.00 已退 ¥25.50 净额 ¥109.50" in page.text
    today, place = clock.today(), town.first.organization.id
    page = await browser.get(f"/admin/payments?organization={place}&from_on={today}&to_on={today}")
    assert "共 2 笔 实收 ¥36.00 已退 ¥25.50 净额 ¥10.50" in page.text
    assert f"/admin/payments/{here.id}" in page.links
    assert f"/admin/payments/{more.id}" in page.links
    assert f"/admin/payments/{there.id}" not in page.links
    yesterday = today - timedelta(days=1)
    page = await browser.get(f"/admin/payments?to_on={yesterday}")
    assert "没有符合条件的订单" in page.text


@pytest.mark.parametrize("path", ["/admin/payments", "/admin/payments/export"])
@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31", "2026-02-30", "gestern"])
async def test_a_day_that_no_calendar_of_ours_has_is_refused(console: Console, path: str, day: str) -> None:
    browser = await console.sign_in(Role.FINANCE)
    for name in ("from_on", "to_on"):
        page = await browser.get(f"{path}?{name}={day}", expect=400)
        assert "日期" in page.text


async def test_filtered_orders_leave_as_a_file_with_masked_names_and_on_record(
    console: Console, town: Town
) -> None:
    services = console.city.services
    mine = await make_order(services, town.here[0], 2550)
    await make_order(services, town.there[0], 9900)
    browser = await console.sign_in(Role.FINANCE)
    page = await browser.get(f"/admin/payments?organization={town.first.organization.id}")
    [link] = [link for link in page.links if "/export" in link]
    answer = await browser.peek(link)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    [row] = csv.DictReader(answer.text.removeprefix("\ufeff").splitlines())
    assert (row["订单号"], row["实收（元）"], row["状态"]) == (mine.id, "25.50", "已支付")
    assert row["机构"] == town.first.organization.name
    assert row["居民"].endswith("*")
    [entry], _ = await services.audit.list_entries(SYSTEM, AuditFilter(action="billing.exported"))
    assert entry.organization_id == town.first.organization.id


async def test_a_file_holds_no_order_of_another_hospital(console: Console, town: Town) -> None:
    await make_order(console.city.services, town.there[0])
    browser = await console.sign_in(Role.FINANCE, town.scope)
    answer = await browser.peek(f"/admin/payments/export?organization={town.second.organization.id}")
    assert len(answer.text.splitlines()) == 1


async def test_an_order_links_to_what_does_not_agree_about_it(console: Console, town: Town) -> None:
    services = console.city.services
    order = await make_order(services, town.here[0])
    wrong = Difference("payment:x", "payment_mismatch", order.id, {"amount_fen": 2500}, {"amount_fen": 2400})
    await OrderStore(services.db).add_difference(wrong, order.organization_id)
    browser = await console.sign_in(Role.FINANCE)
    page = await browser.get("/admin/payments")
    assert f"/admin/payments/{order.id}#differences" in page.links
    page = await browser.get(f"/admin/payments/{order.id}")
    assert "支付金额或商户不一致" in page.text
    assert "待处理" in page.text
    assert "/admin/payments/differences" in page.links


async def test_a_failed_refund_is_tried_again_for_a_reason(console: Console, town: Town) -> None:
    services = console.city.services
    order = await make_order(services, town.here[0], refund=RefundProgress.FAILED)
    browser = await console.sign_in(Role.FINANCE)
    page = await browser.get(f"/admin/payments/{order.id}")
    action = f"/admin/payments/{order.id}/refund"
    assert action in page.links
    await browser.get(action)
    page = await browser.submit(action, reason="", expect=400)
    assert "请填写原因" in page.text
    page = await browser.submit(action, reason="商户账户已充值")
    assert "已重新提交退款" in page.text
    after = await services.billing.get_order(SYSTEM, order.id)
    assert after.state is OrderState.REFUNDING
    [entry], _ = await services.audit.list_entries(SYSTEM, AuditFilter(action="billing.refund_retried"))
    assert entry.basis == "商户账户已充值"


async def test_a_refund_that_has_not_failed_is_not_tried_again(console: Console, town: Town) -> None:
    order = await make_order(console.city.services, town.here[0])
    browser = await console.sign_in(Role.FINANCE)
    action = f"/admin/payments/{order.id}/refund"
    assert action not in (await browser.get(f"/admin/payments/{order.id}")).links
    await browser.get(action)
    await browser.submit(action, reason="再试", expect=409)


async def test_a_difference_stays_listed_until_somebody_says_how_it_was_settled(
    console: Console, town: Town
) -> None:
    services = console.city.services
    order = await make_order(services, town.here[0])
    difference = Difference(
        "payment:x", "payment_mismatch", order.id, {"amount_fen": 2500}, {"amount_fen": 2400}
    )
    await OrderStore(services.db).add_difference(difference, order.organization_id)
    browser = await console.sign_in(Role.FINANCE)
    assert "有 1 处账目差异" in (await browser.get("/admin/payments")).text
    page = await browser.get("/admin/payments/differences")
    assert "支付金额或商户不一致" in page.text
    assert "金额 ¥24.00" in page.text
    action = "/admin/payments/differences/resolve"
    await browser.submit(action, reason="", expect=400)
    await browser.get("/admin/payments/differences")
    page = await browser.submit(action, reason="渠道已更正")
    assert "没有待处理的差异" in page.text
    page = await browser.get("/admin/payments/differences?resolved=true")
    assert "支付金额或商户不一致" in page.text


async def test_the_books_are_gone_through_for_the_whole_city_only(console: Console, town: Town) -> None:
    await make_order(console.city.services, town.here[0])
    browser = await console.sign_in(Role.FINANCE)
    await browser.get("/admin/payments")
    page = await browser.submit("/admin/payments/books")
    assert "账目平衡" in page.text
    assert "¥25.00" in page.text
    # No channel can be reached from here, and the page says so.
    assert "支付和退款共 1 笔，一致 0，不一致 0，没有回答 1" in page.text
    await browser.get("/admin/payments?to_on=2020-01-01")
    page = await browser.submit("/admin/payments/books")
    assert "所选范围内没有发起过支付的订单" in page.text
    browser = await console.sign_in(Role.FINANCE, town.scope)
    assert not (await browser.get("/admin/payments")).has_form("/admin/payments/books")
    token = console.city.services.csrf.issue(browser.http.cookies["hc_console"])
    await browser.post("/admin/payments/books", {"_csrf": token}, expect=403)


async def test_an_appointment_shows_how_its_money_moved(console: Console, town: Town) -> None:
    services = console.city.services
    claim = town.here[0]
    order = await make_order(services, claim, refund=RefundProgress.SUCCEEDED)
    await services.db.collection("claims").update_one({"_id": claim.id}, {"$set": {"order_id": order.id}})
    browser = await console.sign_in(Role.CITY_OPERATOR)
    page = await browser.get(f"/admin/appointments/{claim.id}")
    assert "支付成功 ¥25.00" in page.text
    assert "退款 ¥25.00" in page.text
    assert f"/admin/payments/{order.id}" in page.links
