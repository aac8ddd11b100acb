"""A sandbox process for the run, a listener in the city's place, and the vendors' own SDKs pointed at it."""

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.sandbox.merchant import Merchant
from tests.support.outside import Listener, Outside, open_listener, open_outside

PHONE = "13800138000"
CALLBACK_SECRET = "sms-callback-path"


@pytest.fixture(scope="session")
async def city() -> AsyncIterator[Listener]:
    async with open_listener() as listener:
        yield listener


@pytest.fixture(scope="session")
async def running(city: Listener) -> AsyncIterator[Outside]:
    async with open_outside(city.url, mas_callback_secret=CALLBACK_SECRET) as outside:
        yield outside


@pytest.fixture
async def outside(running: Outside, city: Listener) -> Outside:
    """The sandbox, empty, with time running fast and no signature probes."""
    await running.post("reset")
    await running.post("time", {"factor": 1})
    await running.post("switches", {"signtest_every": 0, "refund_delay_s": 0, "sms_report_delay_s": 0})
    city.heard.clear()
    city.status = 204
    return running


@pytest.fixture
async def merchant(outside: Outside) -> AsyncIterator[Merchant]:
    """A merchant whose client signs by hand."""
    user = await outside.post("wechat-users", {"phone": PHONE})
    async with httpx.AsyncClient(base_url=outside.url, timeout=15) as client:
        yield Merchant(outside, client, user["mini_openid"], user["oa_openid"])


@pytest.fixture
async def web(outside: Outside) -> AsyncIterator[httpx.AsyncClient]:
    """A plain HTTP client of the sandbox."""
    async with httpx.AsyncClient(base_url=outside.url, timeout=15) as client:
        yield client
