"""Messages as hospitals send them: several people in one, odd dates and characters, half of a visit."""

from __future__ import annotations

from typing import Any

import pytest

from backend.bootstrap import City
from backend.exchange.v2.models import Link, SenderKind
from backend.ids import new_id

HOSPITAL = new_id()
WANG = "PID|1||ZY0001^^^HIS^MR||王秀英||19560304|F"
LI = "PID|2||ZY0002^^^HIS^MR||李建国||19611101|M"


def head(kind: str, control: str, charset: str = "UNICODE UTF-8") -> str:
    return f"MSH|^~\\&|LIS|QY|CITY|HUB|20260301083000||{kind}|{control}|P|2.5||||||{charset}"


def visit(number: str = "V1", admitted: str = "", left: str = "", doctor: str = "") -> str:
    return f"PV1|1|I|内科^201^1||||{doctor}" + "|" * 12 + number + "|" * 25 + f"{admitted}|{left}"


def order(number: str = "R1", code: str = "GLU^葡萄糖^L", status: str = "F") -> str:
    return f"OBR|1||{number}|{code}|||20260301083000|||||||||||||||20260301091500||CH|{status}"


class Sender:
    """A hospital that sends blocks, and looks at what became of them."""

    def __init__(self, city: City) -> None:
        self.city = city

    async def send(self, *segments: str, codec: str = "utf-8") -> str:
        return await self.block(("\r".join(segments) + "\r").encode(codec))

    async def block(self, block: bytes) -> str:
        [answer] = await self.city.services.exchange.receiver.take(block, Link())
        return answer.decode("gb18030" if b"|GB" in answer else "utf-8", errors="replace")

    async def bodies(self, kind: str) -> list[dict[str, Any]]:
        store = self.city.services.records._store
        found = self.city.db.collection("resources").find({"type": kind}).sort("_id", 1)
        return [{"chart": doc["chart"], **store._documents.read(doc).body} async for doc in found]

    async def number_of(self, chart_id: str) -> str:
        chart = await self.city.services.patient_index.chart(chart_id)
        assert chart is not None
        return chart.number.value

    async def findings(self) -> list[tuple[str, str]]:
        exchange = self.city.services.exchange
        docs = [doc async for doc in self.city.db.collection("hl7_messages").find().sort("received_at", 1)]
        kept = await exchange.receiver._store.find(docs[-1]["_id"])
        assert kept is not None
        return [(finding.kind, finding.where) for finding in kept.findings]


@pytest.fixture
async def sender(city: City) -> Sender:
    await city.services.exchange.senders.allow(SenderKind.FACILITY, "QY", HOSPITAL, "")
    return Sender(city)


async def test_results_of_several_people_in_one_message_go_to_each(sender: Sender) -> None:
    answer = await sender.send(
        head("ORU^R01", "1"),
        WANG, order("R1"), "OBX|1|NM|GLU^葡萄糖^L||7.8|mmol/L|3.9-6.1|H|||F",
        LI, order("R2"), "OBX|1|NM|GLU^葡萄糖^L||4.4|mmol/L|3.9-6.1|N|||F",
    )  # fmt: skip
    assert "MSA|AA" in answer
    found = await sender.bodies("Observation")
    values = {await sender.number_of(one["chart"]): one["valueQuantity"]["value"] for one in found}
    assert values == {"ZY0001": 7.8, "ZY0002": 4.4}


async def test_each_merge_of_a_message_goes_to_its_own_survivor(sender: Sender) -> None:
    answer = await sender.send(
        head("ADT^A40", "1"), "EVN|A40|20260301", WANG, "MRG|OLD1^^^HIS^MR", LI, "MRG|OLD2^^^HIS^MR"
    )
    assert "MSA|AA" in answer
    charts = [doc["_id"] async for doc in sender.city.db.collection("charts").find()]
    merged = {}
    for chart_id in charts:
        chart = await sender.city.services.patient_index.chart(chart_id)
        if chart and chart.merged_into:
            merged[chart.number.value] = await sender.number_of(chart.merged_into)
    assert merged == {"OLD1": "ZY0001", "OLD2": "ZY0002"}


async def test_what_may_not_be_about_several_people_is_refused(sender: Sender) -> None:
    answer = await sender.send(head("ADT^A04", "1"), "EVN|A04|20260301", WANG, visit(), LI, visit("V2"))
    assert "MSA|AE" in answer
    assert "PID^2" in answer
    assert await sender.bodies("Encounter") == []
