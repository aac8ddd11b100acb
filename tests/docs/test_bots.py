"""The dialogue that docs/bots.md shows is one that runs, in as few lines as it says."""

import re
import textwrap
from datetime import UTC, datetime
from typing import Any

from backend.conversations.models import Through
from backend.directory.models import Organization
from bots import dialogue
from bots.engine import Engine, Heard
from bots.understanding.reading import Reader
from bots.understanding.values import Intent
from bots.understanding.vocabulary import Vocabulary
from tests.factories.directory import an_organization
from tests.guards.source import ROOT
from tests.support.city import TestCity

SHOWN = re.search(r"```python\n(.*?)```", (ROOT / "docs" / "bots.md").read_text(), re.DOTALL)
READER = Reader(Vocabulary())


async def test_the_dialogue_in_thirty_lines_answers(city: TestCity):
    assert SHOWN is not None
    code = textwrap.dedent(SHOWN[1])
    assert code.count("\n") <= 30
    names: dict[str, Any] = {"Intent": Intent} | {name: getattr(dialogue, name) for name in dir(dialogue)}
    exec(compile(code, "docs/bots.md", "exec"), names)
    places: list[Organization] = [
        an_organization("a", phone="0536-8000000"),
        an_organization("b", name="中医院"),
    ]
    await city.city.services.directory.save_organizations(places)

    async def read(sentence: str) -> Any:
        return READER.read(sentence, datetime.now(UTC))

    services = city.city.services
    engine = Engine(
        services.conversations,
        [names["Opening"]()],
        services=services,
        read=read,
        who=services.bots.engine._who,
        staff=services.inbox,
    )
    said = ["医院几点开门", "嗯嗯嗯", "1"]
    heard = [Heard(Through.WECHAT, "oSomebody", f"m{number}", text) for number, text in enumerate(said)]
    asked, again, told = [(await engine.hear(each))[0] for each in heard]
    assert "1. " in asked
    assert "序号" in again
    assert "8:00开始" in told
