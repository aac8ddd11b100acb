"""Answers to surveys as people text them: to a question that came in a message, without any talk open."""

import itertools

from backend.conversations.models import Through
from backend.surveys.models import RunState
from bots.engine import Heard
from tests.backend.surveys.conftest import Ward, ward

__all__ = ["ward"]
_NUMBERS = itertools.count()


async def text(ward: Ward, phone: str, said: str) -> str:
    heard = Heard(Through.SMS, phone, f"m{next(_NUMBERS)}", said)
    return "\n".join(await ward.city.city.services.bots.engine.hear(heard))


async def test_a_person_without_an_account_answers_by_text_message(ward: Ward):
    await ward.campaign()
    run = await ward.asked()
    phone = "13700000701"
    # The number alone says which question a bare 2 answers; on any other it says nothing.
    assert "您可以直接说" in await text(ward, "13700009999", "2")
    assert "还有什么想说的" in await text(ward, phone, "2")
    # Words that would begin something else are this question's answer.
    assert await text(ward, phone, "我排到几号了都没人说，等太久") == "谢谢您。"
    [after] = await ward.runs()
    assert (after.id, after.state) == (run.id, RunState.COMPLETED)
    assert after.answers == {"overall": "4", "words": "我排到几号了都没人说，等太久"}
    assert "您可以直接说" in await text(ward, phone, "2")


async def test_what_is_no_answer_is_asked_again_and_what_is_wanted_meanwhile_is_done(ward: Ward):
    await ward.campaign()
    await ward.asked()
    phone = "13700000701"
    asked = await text(ward, phone, "8")
    assert "1. 非常满意" in asked
    assert "登录" in await text(ward, phone, "我要预约明天市人民医院儿科")
    assert "还有什么想说的" in await text(ward, phone, "满意")
    assert "退出" in await text(ward, phone, "退出")
    [run] = await ward.runs()
    assert run.answers == {"overall": "4"}
