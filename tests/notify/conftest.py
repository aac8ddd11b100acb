"""The sandbox's WeChat and cloud MAS, and a listener where the city's callbacks would be."""

from collections.abc import AsyncIterator

import pytest

from tests.support.outside import Listener, Outside, open_listener, open_outside

MAS_SECRET = "a-secret-path-part"


@pytest.fixture(scope="session")
async def listener() -> AsyncIterator[Listener]:
    async with open_listener() as listener:
        yield listener


@pytest.fixture(scope="session")
async def outside(listener: Listener) -> AsyncIterator[Outside]:
    async with open_outside(listener.url, mas_callback_secret=MAS_SECRET) as outside:
        await outside.post("switches", {"sms_report_delay_s": 0})
        yield outside
