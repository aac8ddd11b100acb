"""What the demo's processes find in their environment."""

from __future__ import annotations

import json
from pathlib import Path

from backend.bootstrap.core import Close
from backend.bootstrap.outside import make_sms_lines
from backend.demo.environment import DemoPlaces, callback_secrets, city_environment, settings_of
from tests.support.city import Surroundings


async def test_the_demo_sends_by_three_providers_that_it_may_choose_between(
    tmp_path: Path, surroundings: Surroundings
):
    places = DemoPlaces(tmp_path, 8000, 8100)
    places.sandbox_state.mkdir()
    (places.sandbox_state / "credentials.json").write_text(json.dumps(surroundings.outside.credentials))
    settings = settings_of(city_environment(places, {}, {}))
    closers: list[Close] = []
    lines = make_sms_lines(settings, lambda *_: None, closers)
    try:
        assert [line.name for line in lines] == ["cloud_mas", "aliyun_sms", "tencent_sms"]
        assert all(line.extends and line.share == 1 for line in lines)
        assert [bool(line.templates) for line in lines] == [False, True, True]
        # The sandbox is told the same secrets, under the names it knows.
        told = callback_secrets(places, {"mas": "A", "aliyun": "B", "tencent": "C"})
        assert list(told.values()) == [line.callback_secret for line in lines]
    finally:
        for close in closers:
            await close()
