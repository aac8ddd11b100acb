"""What the app's pages say and allow is the city's data: another city's file, another page, the same code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from backend.births.rules import WORDS, load_rules
from backend.db.client import Database
from tests.factories.births import ANSWERS, a_family, a_filing, applications, let_pass, read
from tests.support.city import Surroundings, TestCity, open_test_city

OURS = json.loads((Path(__file__).parents[3] / "backend/births/data/rules.json").read_text())
MAIL = {"way": "mail", "receiver": "李小红", "phone": "13912345678", "address": "幸福路12号301"}


def a_second_city() -> Any:
    """It wants longer addresses and shorter accounts, says other words, and has one counter for all."""
    rules = json.loads(json.dumps(OURS))
    rules["page"]["limits"] |= {"address_least": 12, "account_least": 12, "account": 12}
    rules["page"]["words"]["ask"] = "请拨打二号城市热线。"
    rules["names"]["most_with_dot"] = 15
    for step in rules["steps"]:
        if "hands_over" in step:
            step["hands_over"] |= {"place": "二号城市政务大厅A区", "mailed": False}
        if step["code"] == "social_card":
            step["yields"]["names"]["card_no"] = "市民卡号"
    return rules


async def test_another_citys_data_changes_the_page_without_code(
    surroundings: Surroundings, mongo_uri: str, db: Database, tmp_path: Path
) -> None:
    file = tmp_path / "rules.json"
    file.write_text(json.dumps(a_second_city()))
    async with open_test_city(
        surroundings, mongo_uri, db, agency_query_after_seconds=2, birth_rules=file
    ) as town:
        family = await a_family(town)
        page = await town.call("GET", "/api/v1/births/page", as_=family.mother)
        assert page["words"]["ask"] == "请拨打二号城市热线。"
        assert set(page["words"]) == WORDS
        assert (page["limits"]["address_least"], page["limits"]["name_most_with_dot"]) == (12, 15)
        assert page["account_steps"] == ["maternity_claim"]
        await _is_checked_by_them(town, family.birth_id, family.mother)
        await town.outside.post("switches", {"agencies_post_s": 0})
        filing = await a_filing(town, family, delivery=MAIL | {"address": "二号城市幸福路12号3单元301"})

        async def ready() -> Any:
            await let_pass(town)
            found = await read(town, family, filing["id"])
            card = next(step for step in found["steps"] if step["code"] == "social_card")
            return card if card["handover"] and card["handover"]["state"] != "awaited" else None

        card = await town.until(ready, 30)
        # Nothing is posted in this city, whatever was wished.
        assert not card["handover"]["mailed"]
        assert card["result_names"]["card_no"] == "市民卡号"
        assert {one["asks"] for one in await applications(town)} == {1}


async def _is_checked_by_them(town: TestCity, birth_id: str, mother: Any) -> None:
    async def problems(**answers: Any) -> set[str]:
        path = f"/api/v1/births/{birth_id}/precheck"
        found = await town.call("POST", path, as_=mother, json=ANSWERS | answers)
        return {each["code"] for each in found["problems"]}

    claim = {"wanted": ["maternity_claim"]}
    assert await problems(delivery=MAIL) == {"delivery_incomplete"}
    assert await problems(**claim, bank_account="6222000000000000123") == {"bank_account"}
    assert await problems(**claim, bank_account="622200000012") == set()


@pytest.mark.parametrize(
    ("part", "changes"),
    [
        ("limits", {"address": 300}), ("limits", {"account_least": 20}), ("limits", {"receiver": 0}),
        ("words", {"ask": " "}), ("words", {"unknown": "x"}),
    ],
)  # fmt: skip
def test_a_page_with_a_gap_keeps_the_city_from_starting(
    part: str, changes: dict[str, Any], tmp_path: Path
) -> None:
    rules = json.loads(json.dumps(OURS))
    rules["page"][part] |= changes
    file = tmp_path / "rules.json"
    file.write_text(json.dumps(rules))
    with pytest.raises(ValidationError):
        load_rules(file)


def test_a_step_that_posts_something_has_to_be_told_where(tmp_path: Path) -> None:
    rules = json.loads(json.dumps(OURS))
    step = next(each for each in rules["steps"] if each["code"] == "insurance")
    step["hands_over"] = {"what": "医保手册", "working_days": 3, "place": "医保窗口"}
    file = tmp_path / "rules.json"
    file.write_text(json.dumps(rules))
    with pytest.raises(ValidationError, match="told no address"):
        load_rules(file)
