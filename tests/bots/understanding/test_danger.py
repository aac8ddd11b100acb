"""What must not wait for an appointment, and what only sounds like it."""

import pytest

from bots.understanding.danger import Danger, find_danger


@pytest.mark.parametrize(
    "said",
    [
        "我爸胸口疼得厉害一直出冷汗", "老人叫不醒了怎么办", "孩子喘不上气", "嘴歪了话也说不清 一边身子动不了",
        "媳妇羊水破了", "不小心喝了农药", "产后大出血", "鱼刺卡住喉咙了",
        "心口絞痛 受不了", "快救命啊", "晕过去了",
    ],
)  # fmt: skip
def test_a_life_in_danger_is_heard(said: str):
    assert find_danger(said) is Danger.LIFE


@pytest.mark.parametrize("said", ["我不想活了", "活着没意思", "想自殺", "真想死", "死了算了 一了百了"])
def test_who_does_not_want_to_live_is_heard(said: str):
    assert find_danger(said) is Danger.SELF_HARM


@pytest.mark.parametrize(
    "said",
    [
        "我爸去年中风了想挂康复科", "脑梗复查", "没有呼吸困难", "明天上午市人民医院儿科", "胸口有点闷",
        "想死你了", "我要挂急诊", "头疼", "预防中风讲座", "疼得想死",
    ],
)  # fmt: skip
def test_what_is_over_denied_or_only_said_so_is_not(said: str):
    assert find_danger(said) is None
