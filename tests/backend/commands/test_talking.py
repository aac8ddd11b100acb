"""Talking with a city from the terminal, and the menu under the official account's chat."""

import asyncio
import io
import sys
import threading
from collections.abc import Callable

import pytest

from backend.commands import chat
from backend.commands.terminal import CommandError
from backend.db.client import Database
from backend.errors import AppError
from tests.support.city import Surroundings, TestCity, open_test_city
from tests.support.polling import poll


@pytest.fixture
async def town(surroundings: Surroundings, mongo_uri: str, db: Database):
    async with open_test_city(surroundings, mongo_uri, db) as opened:
        yield opened


async def beside(town: TestCity, work: Callable[[], None]) -> None:
    """Run what blocks in a thread of its own, while the city works."""
    done = threading.Event()

    def run() -> None:
        try:
            work()
        finally:
            done.set()

    running = asyncio.create_task(asyncio.to_thread(run))

    async def worked() -> bool:
        await town.work()
        return done.is_set()

    await poll(worked, 30)
    await running


@pytest.mark.parametrize("through", ["wechat", "sms"])
async def test_what_is_typed_is_answered(
    town: TestCity, through: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(sys, "stdin", io.StringIO("帮助\n\n"))
    await beside(town, lambda: chat.talk("13900008888", through, town.outside.url))
    assert "您可以直接说" in capsys.readouterr().out


def test_what_is_not_there_is_said_in_a_sentence():
    with pytest.raises(CommandError, match="the sandbox does not answer"):
        chat.talk("13900008888", "sms", "http://127.0.0.1:9")
    with pytest.raises(CommandError, match="wechat or sms"):
        chat.talk("13900008888", "letter", "http://127.0.0.1:9")


async def test_our_menu_is_one_that_wechat_takes_and_its_links_lead_through_the_log_in(town: TestCity):
    account = town.city.services.bots.official_account
    assert await account.push_menu() == ["就医", "健康码", "帮助"]
    menu = (await town.outside.get("oa-menu"))["button"]
    leaves = [leaf for button in menu for leaf in button["sub_button"]]
    pages = [leaf["url"] for leaf in leaves if leaf["type"] == "view"]
    assert all(page.startswith(f"{town.url}/api/v1/auth/wechat-oauth?return_to=%2F") for page in pages)
    # Every button says something that is understood.
    for leaf in leaves:
        if leaf["type"] == "click":
            said = {"phone": "13900009999", "event": "CLICK", "key": leaf["key"]}
            answers = (await town.outside.post("oa-chat", said))["answers"]
            assert answers, leaf
            assert leaf["name"] == "能办什么" or not answers[0].startswith("您可以直接说"), leaf


async def test_a_menu_that_is_none_is_refused(town: TestCity):
    account = town.city.services.bots.official_account
    for wrong in ("{}", '{"button": "x"}', '{"button": [{"type": "click", "name": "a"}]}', '{"button": []}'):
        with pytest.raises(AppError):
            await account.push_menu(wrong)
