"""Messages as hospitals send them: several people in one, odd dates and characters, half of a visit."""

from __future__ import annotations

from typing import Any

import pytest

from backend.bootstrap import City
from backend.exchange.v2.models import Link, SenderKind
from backend.ids import new_id
from backend.patient_index.models import ChartNumber
from backend.permissions import SYSTEM

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


async def test_a_link_and_a_merge_are_taken_back_and_what_never_was_is_said(sender: Sender) -> None:
    index = sender.city.services.patient_index

    async def people() -> set[str]:
        return {doc["person_id"] async for doc in sender.city.db.collection("charts").find()}

    async def says(event: str, control: str, *segments: str) -> str:
        return await sender.send(head(f"ADT^{event}", control), f"EVN|{event}|20260301", *segments)

    for number, pid in enumerate((WANG, LI)):
        assert "MSA|AA" in await says("A28", f"R{number}", pid)
    # Before there is anything to take back: refused with the place and the reason, and kept as a dead letter.
    early = await says("A37", "1", WANG, LI)
    assert "MSA|AE" in early
    assert "ERR||PID^2^3|204" in early
    assert "没有由本院合并或关联过" in early
    before = len(await sender.bodies("Patient"))
    for link in (("A24", WANG, LI), ("A40", WANG, "MRG|ZY0002^^^HIS^MR")):
        assert "MSA|AA" in await says(link[0], f"L{link[0]}", *link[1:])
        assert len(await people()) == 1
        unlink = head("ADT^A37", f"U{link[0]}"), "EVN|A37|20260301", WANG, LI.replace("李建国", "李某")
        first = await sender.send(*unlink)
        again = await sender.send(*unlink)
        assert "MSA|AA" in first
        assert again == first
        # Said anew, it is so already.
        assert "MSA|AA" in await says("A37", f"V{link[0]}", LI, WANG)
        assert len(await people()) == 2
    # Nothing is lost, and nothing of people who were mixed up is taken over.
    assert len(await sender.bodies("Patient")) == before
    chart = await index.find_chart(HOSPITAL, ChartNumber("HIS", "ZY0002"))
    assert chart is not None
    assert (chart.who.name, chart.merged_into) == ("李建国", None)
    # What came too early is replayed once the merge is there, and then it counts.
    await says("A40", "L3", WANG, "MRG|ZY0002^^^HIS^MR")
    [dead] = [doc async for doc in sender.city.db.collection("hl7_messages").find({"state": "dead"})]
    await sender.city.services.exchange.desk.replay(SYSTEM, dead["_id"], "核对过")
    assert len(await people()) == 2


@pytest.mark.parametrize(
    "segments",
    [(WANG,), (WANG, WANG), (WANG, LI, LI.replace("0002", "0003")), (WANG, "PID|2||||李建国")],
)
async def test_a_link_has_two_numbers(sender: Sender, segments: tuple[str, ...]) -> None:
    for event in ("A24", "A37"):
        answer = await sender.send(head(f"ADT^{event}", event), f"EVN|{event}|20260301", *segments)
        assert "MSA|AE" in answer
        assert "ERR||PID^2^3|101" in answer
    assert await sender.city.db.collection("charts").count_documents({}) == 0


async def test_a_hospital_takes_nothing_back_of_another(sender: Sender) -> None:
    other = new_id()
    await sender.city.services.exchange.senders.allow(SenderKind.FACILITY, "OTHER", other, "")
    await sender.send(head("ADT^A40", "1"), "EVN|A40|20260301", WANG, "MRG|ZY0002^^^HIS^MR")
    theirs = head("ADT^A37", "2").replace("|QY|", "|OTHER|")
    answer = await sender.send(theirs, "EVN|A37|20260301", WANG, LI)
    assert "MSA|AE" in answer
    assert await sender.city.db.collection("charts").count_documents({"merged_into": None}) == 1


async def test_what_may_not_be_about_several_people_is_refused(sender: Sender) -> None:
    answer = await sender.send(head("ADT^A04", "1"), "EVN|A04|20260301", WANG, visit(), LI, visit("V2"))
    assert "MSA|AE" in answer
    assert "PID^2" in answer
    assert await sender.bodies("Encounter") == []

    # Whose is a result that stands before both?
    value = "OBX|1|NM|GLU^葡萄糖^L||7.8|mmol/L|||||F"
    answer = await sender.send(head("ORU^R01", "2"), order("R1"), value, WANG, LI, order("R2"), value)
    assert "MSA|AE" in answer
    assert await sender.bodies("Observation") == []


@pytest.mark.parametrize(
    "pid",
    [
        "PID|1||M1^^^HIS^MR~11010519491231002X^^^公安部^身份证||王秀英||19491231|F",
        "PID|1||M1^^^HIS^MR~110105491231002^^^^NI||王,秀英||19491231|F",
        "PID|1|11010519491231002x|M1^^^HIS^MR||王^秀英||19491231|F",
        "PID|1||M1^^^HIS^MR||王秀英||19491231|F|||||||||||11010519491231002X",
    ],
)
async def test_an_id_number_is_known_wherever_and_however_it_is_typed(sender: Sender, pid: str) -> None:
    await sender.send(head("ADT^A28", "1"), "EVN|A28|20260301", pid)
    [patient] = await sender.bodies("Patient")
    assert await sender.number_of(patient["chart"]) == "M1"
    systems = [one["system"] for one in patient["identifier"]]
    assert systems.count("urn:oid:2.16.156.10011.1.3") == 1
    person = await sender.city.services.patient_index.person_by_id_number("11010519491231002X")
    assert person == await sender.city.services.patient_index.person_of(patient["chart"])


VALUES = [
    ("SN", "^2^+", "", {"valueString": "2+"}),
    ("SN", "<>^5", "", {"valueString": "<>5"}),
    ("SN", "<^5", "mg/L", {"valueQuantity": {"value": 5, "unit": "mg/L", "comparator": "<"}}),
    ("SN", "^1^:^128", "", {"valueRatio": {"numerator": {"value": 1}, "denominator": {"value": 128}}}),
    ("ST", "0-3", "/HP",
     {"valueRange": {"low": {"value": 0, "unit": "/HP"}, "high": {"value": 3, "unit": "/HP"}}}),
    ("ST", "≥200", "mg/L", {"valueQuantity": {"value": 200, "unit": "mg/L", "comparator": ">="}}),
    ("DT", "2026-03-01", "", {"valueDateTime": "2026-03-01"}),
    ("TS", "2026/3/1 8:05", "", {"valueDateTime": "2026-03-01T08:05:00+08:00"}),
    ("TM", "0805", "", {"valueTime": "08:05:00"}),
    ("CWE", "1^阳性^L", "", None),
    ("NM", "5.10", "mmol/L", {"valueQuantity": {"value": 5.1, "unit": "mmol/L"}}),
]  # fmt: skip


async def test_a_value_is_never_taken_for_another(sender: Sender) -> None:
    lines = [
        f"OBX|{n}|{kind}|C{n:02}^项目^L||{value}|{unit}|||||F"
        for n, (kind, value, unit, _) in enumerate(VALUES)
    ]
    assert "MSA|AA" in await sender.send(head("ORU^R01", "1"), WANG, order(), *lines)
    found = {one["code"]["coding"][0]["code"]: one for one in await sender.bodies("Observation")}
    assert str(found["C10"]["valueQuantity"]["value"]) == "5.10"
    for n, (_, _, _, wanted) in enumerate(VALUES):
        said = {name: value for name, value in found[f"C{n:02}"].items() if name.startswith("value")}
        if wanted is None:
            assert said["valueCodeableConcept"]["coding"][0]["display"] == "阳性"
        else:
            assert said == wanted


async def test_a_date_as_screens_write_it_is_read_and_another_is_shown(sender: Sender) -> None:
    pid = WANG.replace("19560304", "1956-03-04 00:00:00")
    await sender.send(head("ADT^A28", "1"), "EVN|A28|20260301", pid)
    [patient] = await sender.bodies("Patient")
    assert patient["birthDate"] == "1956-03-04"

    await sender.send(head("ADT^A31", "2"), "EVN|A31|20260301", WANG.replace("19560304", "农历三月"))
    assert ("value", "PID-7") in await sender.findings()


@pytest.mark.parametrize("declared", ["GBK", "GB 18030-2000", "8859/1", ""])
async def test_characters_declared_wrongly_are_read_as_what_they_are(sender: Sender, declared: str) -> None:
    await sender.send(head("ADT^A28", "1", charset=declared), "EVN|A28|20260301", WANG)
    [patient] = await sender.bodies("Patient")
    assert patient["name"][0]["text"] == "王秀英"


async def test_a_report_broken_into_lines_stays_one_text_and_small_names_are_segments(sender: Sender) -> None:
    report = "头颅平扫：\nMRI：未见异常。\nPSA 4.2 ng/ml\n结论"
    answer = await sender.send(
        head("ORU^R01", "1"), WANG.replace("PID", "pid"), order(),
        f"obx|1|TX|RPT^报告^L||{report}||||||F", "Obx|2|NM|GLU^葡萄糖^L||7.8|mmol/L|||||F",
    )  # fmt: skip
    assert "MSA|AA" in answer
    values = [one.get("valueString") or one["valueQuantity"] for one in await sender.bodies("Observation")]
    assert report in values
    assert {"value": 7.8, "unit": "mmol/L"} in values


async def test_when_to_come_is_kept_though_no_end_is_said(sender: Sender) -> None:
    await sender.send(head("SIU^S12", "1"), "SCH|P1|F1", WANG, "AIS|1||CT^增强CT^L|20260310090000")
    [appointment] = await sender.bodies("Appointment")
    assert (appointment["status"], appointment["start"]) == ("booked", "2026-03-10T09:00:00+08:00")


async def test_what_a_message_does_not_say_of_a_visit_stays_and_what_it_deletes_goes(sender: Sender) -> None:
    async def after(event: str, pv1: str, pid: str = WANG) -> dict[str, Any]:
        assert "MSA|AA" in await sender.send(head(f"ADT^{event}", event), f"EVN|{event}|20260305", pid, pv1)
        [found] = await sender.bodies("Encounter")
        return found

    home = WANG + "|||东风街1号||13800001111"
    await after("A01", visit(admitted="20260301082500", doctor="D01^李^明"), home)
    found = await after("A08", visit())
    assert (found["status"], found["period"]["start"]) == ("in-progress", "2026-03-01T08:25:00+08:00")
    found = await after("A03", visit(left="20260305100000").replace("内科^201^1", ""))
    assert found["status"] == "finished"
    assert found["period"] == {"start": "2026-03-01T08:25:00+08:00", "end": "2026-03-05T10:00:00+08:00"}
    assert found["participant"][0]["individual"]["display"] == "李明"
    assert found["location"][0]["location"]["display"] == "内科 201 1"
    found = await after("A08", visit(admitted="20260301082500", doctor='""'))
    assert found["status"] == "finished"
    assert "participant" not in found
    found = await after("A13", visit())
    assert (found["status"], "end" in found["period"]) == ("in-progress", False)

    [patient] = await sender.bodies("Patient")
    assert (patient["address"][0]["line"], patient["telecom"][0]["value"]) == (["东风街1号"], "13800001111")
    await after("A31", visit(), WANG + '|||""')
    [patient] = await sender.bodies("Patient")
    assert "address" not in patient
    assert patient["telecom"]


async def test_an_appointment_cancelled_or_missed_keeps_when_and_with_whom_it_was(sender: Sender) -> None:
    booked = ("SCH|P1|F1", WANG, "AIS|1||CT^增强CT^L|20260310090000|||30|MIN", "AIP|1||D01^李^明")
    await sender.send(head("SIU^S12", "1"), *booked)
    for event, status in (("S26", "noshow"), ("S15", "cancelled")):
        assert "MSA|AA" in await sender.send(head(f"SIU^{event}", event), "SCH|P1|F1", WANG)
        [found] = await sender.bodies("Appointment")
        assert (found["status"], found["end"]) == (status, "2026-03-10T09:30:00+08:00")
        assert len(found["participant"]) == 2


def asked(control: str, placer: str = "", filler: str = "", code: str = "") -> list[str]:
    lines = [f"ORC|{control}|{placer}|{filler}|||||||||^开单医生"]
    return [*lines, f"OBR|1|{placer}|{filler}|{code}|||20260301083000"] if code else lines


async def test_an_order_is_one_whichever_of_its_numbers_a_message_calls_it_by(sender: Sender) -> None:
    glucose, liver = "GLU^葡萄糖^L", "LFT^肝功能^L"
    value = "OBX|1|NM|GLU^葡萄糖^L||7.8|mmol/L|||||F"
    await sender.send(head("ORM^O01", "1"), WANG, *asked("NW", "P1^HIS", code=glucose))
    # The laboratory's number comes later; the other test of the same tube is another order.
    await sender.send(head("ORM^O01", "2"), WANG, *asked("SC", "P1^HIS", "F1^LIS", glucose),
                      *asked("NW", "P2^HIS", "F1^LIS", liver))  # fmt: skip
    orders = {one["code"]["text"] if "text" in one["code"] else one["code"]["coding"][0]["code"]: one
              for one in await sender.bodies("ServiceRequest")}  # fmt: skip
    assert set(orders) == {"GLU", "LFT"}
    assert [one["value"] for one in orders["GLU"]["identifier"]] == ["P1", "F1"]
    # A first result by the placer's number, the corrected one by the laboratory's alone.
    await sender.send(head("ORU^R01", "3"), WANG, "OBR|1|P1^HIS||GLU^葡萄糖^L|||20260301083000", value)
    again = value.replace("7.8", "7.9")
    await sender.send(head("ORU^R01", "4"), WANG, *asked("RE", "P1^HIS", "F1^LIS", glucose), value)
    await sender.send(head("ORU^R01", "5"), WANG, "OBR|1||F1^LIS|GLU^葡萄糖^L|||20260301083000", again)
    [report] = await sender.bodies("DiagnosticReport")
    [observation] = await sender.bodies("Observation")
    assert observation["valueQuantity"]["value"] == 7.9
    assert report["result"] == [{"reference": f"Observation/{observation['id']}"}]
    assert len(await sender.bodies("ServiceRequest")) == 2

    # Whoever cancels says a number and nothing else, and all that is asked for under it is off.
    await sender.send(head("ORM^O01", "6"), WANG, *asked("CA", "P2^HIS"))
    states = {one["identifier"][0]["value"]: one["status"] for one in await sender.bodies("ServiceRequest")}
    assert states == {"P1": "completed", "P2": "revoked"}
    await sender.send(head("ORM^O01", "7"), WANG, *asked("CA", filler="F1^LIS"))
    orders = {one["identifier"][0]["value"]: one for one in await sender.bodies("ServiceRequest")}
    assert {one["status"] for one in orders.values()} == {"revoked"}
    assert orders["P1"]["code"]["coding"][0]["code"] == "GLU"
    assert orders["P1"]["occurrenceDateTime"].startswith("2026-03-01")
    assert len(orders["P1"]["identifier"]) == 2
    # The same numbers are somebody else's in another chart, and a number nobody has asked by is new.
    await sender.send(head("ORM^O01", "8"), LI, *asked("NW", "P1^HIS", code=glucose))
    await sender.send(head("ORM^O01", "9"), WANG, *asked("CA", "P9^HIS"))
    assert len(await sender.bodies("ServiceRequest")) == 4
    before = {one["id"]: one["meta"]["versionId"] for one in await sender.bodies("ServiceRequest")}
    await sender.send(head("ORM^O01", "10"), WANG, *asked("CA", filler="F1^LIS"))
    assert {one["id"]: one["meta"]["versionId"] for one in await sender.bodies("ServiceRequest")} == before


async def test_an_appointment_is_one_whichever_of_its_numbers_a_message_calls_it_by(sender: Sender) -> None:
    at = "|||||||30|MIN|^^30^20260305090000^20260305093000"
    await sender.send(head("SIU^S12", "1"), f"SCH|A1^HIS|{at}", WANG)
    await sender.send(head("SIU^S14", "2"), f"SCH|A1^HIS|B1^RIS{at}", WANG)
    await sender.send(head("SIU^S12", "3"), f"SCH|A1^HIS|B2^RIS{at}", WANG)
    await sender.send(head("SIU^S15", "4"), "SCH||B1^RIS", WANG)
    found = await sender.bodies("Appointment")
    told = {one["identifier"][-1]["value"]: (one["status"], len(one["identifier"])) for one in found}
    assert told == {"B1": ("cancelled", 2), "B2": ("booked", 2)}
    assert all(one["start"].startswith("2026-03-05T09:00") for one in found)


async def test_what_comes_under_a_number_that_was_given_up_stays_the_same_persons(sender: Sender) -> None:
    for number in ("OLD1", "ZY0001"):
        await sender.send(head("ADT^A28", number), "EVN|A28|20260301", WANG.replace("ZY0001", number))
    merge = "MRG|OLD1^^^HIS^MR~OLD1^^^HIS^PI"
    assert "MSA|AA" in await sender.send(head("ADT^A40", "M"), "EVN|A40|20260301", WANG, merge)
    late = WANG.replace("ZY0001", "OLD1") + "|||新华路2号"
    assert "MSA|AA" in await sender.send(head("ADT^A08", "L"), "EVN|A08|20260302", late, visit())
    index = sender.city.services.patient_index
    charts = {one["chart"]: one for one in await sender.bodies("Patient")}
    people = {await sender.number_of(id): await index.person_of(id) for id in charts}
    assert people["OLD1"] == people["ZY0001"], "an update under the old number takes no merge back"
    [old] = [one for id, one in charts.items() if await sender.number_of(id) == "OLD1"]
    assert old["address"][0]["line"] == ["新华路2号"]
    [stay] = await sender.bodies("Encounter")
    assert await index.person_of(stay["chart"]) == people["ZY0001"]


async def test_a_prescription_is_cancelled_by_its_number_alone(sender: Sender) -> None:
    drug = "RXO|J01CA04^阿莫西林^ATC|500||mg|||||G||20|粒"
    await sender.send(head("ORM^O01", "1"), WANG, "ORC|NW|RX1^HIS||||||||||||", drug)
    assert "MSA|AA" in await sender.send(head("ORM^O01", "2"), WANG, "ORC|DC|RX1^HIS")
    [stopped] = await sender.bodies("MedicationRequest")
    assert (stopped["status"], stopped["intent"]) == ("stopped", "original-order")
    assert stopped["medicationCodeableConcept"]["coding"][0]["code"] == "J01CA04"
    assert stopped["dispenseRequest"]["quantity"]["value"] == 20
    assert await sender.bodies("ServiceRequest") == []
