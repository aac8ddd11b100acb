"""Asked about a newborn's papers, the bot says how to file, and how far one's filing is."""

import pytest

from bots.understanding.values import Intent
from tests.bots.understanding.test_intents import read
from tests.factories.births import a_family, a_filing
from tests.support.city import TestCity
from tests.support.talk import open_talk


@pytest.mark.parametrize(
    "sentence", ["出生", "新生儿办证", "新生儿怎么办户口", "出生证怎么办", "给孩子上户口", "宝宝医保怎么办"]
)
def test_a_word_is_enough(sentence: str):
    assert read(sentence).intent is Intent.BIRTHS


@pytest.mark.parametrize("sentence", ["新生儿", "挂新生儿科", "孩子发烧看什么科"])
def test_who_wants_to_be_seen_is_not_sent_to_the_papers(sentence: str):
    assert read(sentence).intent is Intent.BOOK


async def test_how_to_file_and_how_far_it_is(city: TestCity):
    family = await a_family(city)
    talk = await open_talk(city, family.mother)
    await talk.says("出生证怎么办").hears("现在就可以办", "births/list")
    filing = await a_filing(city, family, submit=False)
    await talk.says("出生").hears("还没提交")
    await city.call("POST", f"/api/v1/birth-filings/{filing['id']}/submit", as_=family.mother)
    await talk.says("出生").hears("各部门正在办")
    stranger = await open_talk(city, await city.resident())
    await stranger.says("新生儿办证").hears("一周岁以内", "births/list")
