"""Whatever is said on whatever line, by whomever, is answered, in time, and in texts that can be sent."""

import asyncio
import itertools

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backend.conversations.models import Through
from backend.db.client import Database
from bots import cutting, words
from bots.engine import Heard
from tests.support.city import Surroundings, TestCity, open_test_city

SAID = st.one_of(
    st.sampled_from(
        ["绑定", "我的预约", "13912345678", "123456", "1234", "1", "是", "返回", "M", "人工", "退出", "退订"]
    ),
    st.sampled_from(
        ["明天上午市人民医院儿科", "我的健康码", "排到几号了", "投诉", "谢谢", "", "\x00", "😀" * 300]
    ),
    st.text(st.characters(), max_size=60),
    st.text(max_size=700),
)
_LINES = itertools.count()


@pytest.fixture
async def town(surroundings: Surroundings, mongo_uri: str, db: Database):
    async with open_test_city(surroundings, mongo_uri, db) as opened:
        yield opened


@given(said=st.lists(SAID, min_size=1, max_size=6), through=st.sampled_from([Through.WECHAT, Through.SMS]))
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_nothing_crashes_or_hangs_a_line(town: TestCity, said: list[str], through: Through):
    number, engine = next(_LINES), town.city.services.bots.engine
    address = f"o{number:027d}" if through is Through.WECHAT else f"139{number:08d}"
    with_staff = False
    for turn, text in enumerate(said):
        async with asyncio.timeout(20):
            answer = await engine.hear(Heard(through, address, f"m{turn}", text))
        # A machine keeps silent beside a person, and with one that only repeats itself.
        repeated = turn > 0 and text.strip() and through is Through.SMS
        assert answer or with_staff or repeated
        # A crash is answered too, and is none all the same.
        assert words.TROUBLE not in answer
        assert all(piece.strip() for piece in answer)
        if through is Through.SMS:
            assert all(cutting.segments(piece) <= cutting.MOST_SEGMENTS for piece in answer)
        else:
            assert all(len(piece.encode()) <= 2048 for piece in answer)
        doc = await town.city.db.collection("conversations").find_one(sort=[("updated_at", -1)])
        assert doc is not None
        with_staff = doc["with_staff"]
