"""The sandbox's WeChat Pay, and a listener where the city's callbacks would be."""

from collections.abc import AsyncIterator

import pytest

from tests.support.outside import Listener, Outside, open_listener, open_outside


@pytest.fixture(scope="session")
async def listener() -> AsyncIterator[Listener]:
    async with open_listener() as listener:
        yield listener


@pytest.fixture(scope="session")
async def outside(listener: Listener) -> AsyncIterator[Outside]:
    async with open_outside(listener.url) as outside:
        await outside.post("switches", {"refund_delay_s": 0, "signtest_every": 0})
        yield outside
