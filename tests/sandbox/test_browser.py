"""The pages in Chromium, on a desk and on a phone; the screenshots stay in test-artifacts/sandbox."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, async_playwright

from tests.sandbox.conftest import PHONE
from tests.sandbox.merchant import NATIVE, Merchant
from tests.support.outside import Listener, Outside

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("sandbox-pages")]
ARTIFACTS = Path("test-artifacts/sandbox")
SIZES = {"desk": (1200, 820), "phone": (390, 800)}
FLAGS = (
    "--no-sandbox --disable-quic --disable-background-networking --disable-component-update --disable-sync "
    "--no-first-run"
)


@pytest.fixture(scope="module")
async def chromium() -> AsyncIterator[Browser]:
    program = shutil.which("chromium")
    assert program, "Chromium is needed: apt-get install chromium"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=FLAGS.split())
        yield browser
        await browser.close()


@pytest.fixture(params=SIZES)
async def page(chromium: Browser, outside: Outside, request: pytest.FixtureRequest) -> AsyncIterator[Page]:
    width, height = SIZES[request.param]
    page = await chromium.new_page(base_url=outside.url, viewport={"width": width, "height": height})
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    yield page
    await page.close()
    assert not problems


async def look(page: Page, name: str) -> None:
    """Nothing sticks out sideways; keep a picture for people to look at."""
    size = page.viewport_size
    assert size is not None
    width = await page.evaluate("document.documentElement.scrollWidth")
    assert width <= size["width"], f"{name} is {width} wide"
    device = next(device for device, known in SIZES.items() if known[0] == size["width"])
    await page.screenshot(path=ARTIFACTS / f"{name}-{device}.png", full_page=True)


async def test_a_person_pays_on_the_cashier_page(merchant: Merchant, page: Page, city: Listener):
    answer = await merchant.send("POST", NATIVE, merchant.order(payer=None))
    await page.goto("/cashier")
    await look(page, "cashier")
    await page.get_by_label("付款码或订单号").fill(answer.json()["code_url"])
    await page.get_by_role("button", name="打开").click()
    await look(page, "order-unpaid")
    await page.get_by_role("button", name="立即支付").click()
    await page.get_by_text("支付成功", exact=True).wait_for()
    await look(page, "order-paid")
    await page.goto("/deliveries")
    await page.get_by_text("支付成功通知").first.wait_for()
    await look(page, "deliveries")


async def test_a_person_answers_a_message_and_the_open_phone_shows_news(
    page: Page, outside: Outside, city: Listener
):
    await outside.post("persons", {"name": "张伟", "id_number": "11010519491231002X", "phone": PHONE})
    await page.goto("/phone")
    await look(page, "phones")
    await page.get_by_role("link", name=PHONE).click()
    await page.get_by_placeholder("回复短信").fill("1")
    await page.get_by_role("button", name="发送").click()
    await page.get_by_role("button", name="全部同意一次").click()
    await page.get_by_text("还可收 1 条").first.wait_for()
    await outside.post("sms/reply", {"phone": PHONE, "content": "又一条"})
    await page.get_by_text("又一条").wait_for(timeout=10_000)
    await look(page, "phone")


async def test_the_window_and_the_switches(page: Page, outside: Outside):
    await page.goto("/")
    await look(page, "index")
    await page.goto("/window")
    await look(page, "window")
    await page.goto("/switches")
    await page.get_by_label("同一通知发两次").check()
    await look(page, "switches")
    await page.get_by_role("button", name="保存").click()
    await page.get_by_label("同一通知发两次").wait_for()
    assert (await outside.get("switches"))["duplicate_notices"] is True


async def test_a_person_says_who_they_are_on_the_authorize_page(page: Page, outside: Outside):
    await outside.post("persons", {"name": "张伟", "id_number": "11010519491231002X", "phone": PHONE})
    app_id = outside.credentials["wechat_oa"]["app_id"]
    back = f"{outside.city_url}/callback"
    query = f"appid={app_id}&redirect_uri={back}&response_type=code&scope=snsapi_base&state=x"
    await page.goto(f"/wechat-open/connect/oauth2/authorize?{query}")
    await look(page, "authorize")
    await page.get_by_role("button", name="张伟").click()
    await page.get_by_text("city", exact=True).wait_for()
    assert "code=" in page.url
