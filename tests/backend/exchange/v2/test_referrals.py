"""A referral told by messages alone: REF and RRI in over MLLP, out to both hospitals, and back."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import pytest

from backend import clock
from backend.bootstrap.referral_lines import _system_of
from backend.db.client import Database
from backend.directory.models import External, Organization
from backend.exchange.v2.framing import framed, read_block
from backend.exchange.v2.models import SenderKind
from backend.exchange.v2.outbound_models import Family, Target
from backend.exchange.v2.parsing import read_header
from backend.exchange.v2.server import MLLPServer
from backend.ids import new_id
from backend.permissions import SYSTEM
from backend.referrals.machine import ReferralEvent, ReferralState
from backend.referrals.models import Facts, Outcome, PlanItem, RejectReason
from backend.referrals.words import REJECT_REASONS
from backend.worker.events import Event, EventKind
from sandbox.app import open_sandbox
from tests.support.city import Surroundings, TestCity, id_number, open_test_city

CLINIC, HOSPITAL = "WSY", "SRMYY"
NUMBER = id_number(77)
PID = f"PID|1||J001^^^HIS^MR~{NUMBER}^^^CHN^NI||钱小红||19900101|F|||||13900001111"
PARTIES = "PRD|RP^^HL70286|周医生||^^^城东卫生院|13700000001\rPRD|RT^^HL70286|||^^^市人民医院"


@dataclass
class Way:
    """The city's listener, and two hospitals that talk to it and listen themselves."""

    town: TestCity
    clinic: Organization
    port: int
    heard: dict[str, list[str]] = field(default_factory=dict)
    _sent: int = 0

    async def say(self, facility: str, kind: str, *lines: str) -> str:
        """One message in; the answer."""
        self._sent += 1
        head = f"MSH|^~\\&|HIS|{facility}|CITY|HUB|20260301083000||{kind}|{facility}{self._sent}|P|2.5"
        text = "\r".join([f"{head}||||||GB 18030-2000", *lines, ""])
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(framed(text.encode("gb18030")))
        answer = await asyncio.wait_for(read_block(reader), 10)
        writer.close()
        assert answer is not None
        return answer.decode("gb18030")

    async def deliver(self) -> None:
        """What waits goes out."""
        await self.town.work()
        await self.town.city.services.exchange.outbound.courier.deliver_due()

    async def told(self) -> dict[str, list[str]]:
        """What both have heard since the last time, as kind and RF1-1."""
        await self.deliver()
        heard, self.heard = self.heard, {}
        return {
            name: [f"{read_header(t).kind} {field_of(t, 'RF1', 1)[:1]}" for t in texts]
            for name, texts in heard.items()
        }

    async def state(self, referral_id: str) -> ReferralState:
        return (await self.town.city.services.referrals.get(SYSTEM, referral_id)).state


def field_of(text: str, segment: str, number: int) -> str:
    line = next(line for line in text.split("\r") if line.startswith(segment))
    fields = line.split("|")
    return fields[number] if len(fields) > number else ""


def referral(status: str = "P", *, ours: str = "") -> str:
    number = f"{ours}^HEALTHYCITY" if ours else "ZZ001^HIS"
    return f"RF1|{status}|A|UP|||{number}|20260301|||^反复胸闷"


@pytest.fixture
async def way(db: Database, mongo_uri: str, surroundings: Surroundings) -> AsyncIterator[Way]:
    async with open_test_city(surroundings, mongo_uri, db) as town:
        services = town.city.services
        clinic = replace(
            town.hospital,
            id=new_id(),
            external=External("test", "clinic"),
            name="城东卫生院",
            short_name="城东",
        )
        await services.directory.save_organizations([clinic])
        exchange = services.exchange
        server = MLLPServer(exchange.receiver)
        made = Way(town, clinic, await server.listen("127.0.0.1", 0))
        listeners = []
        for name, place in ((CLINIC, clinic.id), (HOSPITAL, town.hospital.id)):
            await exchange.senders.allow(SenderKind.FACILITY, name, place, "")
            listener = await _listen(made, name)
            listeners.append(listener)
            port = listener.sockets[0].getsockname()[1]
            families = frozenset({Family.REF})
            target = Target(place, "127.0.0.1", port, False, "2.5", "UNICODE UTF-8", families, "HIS", name)
            await exchange.outbound.desk.write_target(SYSTEM, target)
        yield made
        await server.stop(5)
        for listener in listeners:
            listener.close()


async def _listen(way: Way, name: str) -> asyncio.Server:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while (block := await read_block(reader)) is not None:
            text = block.decode()
            way.heard.setdefault(name, []).append(text)
            number = read_header(text).control_id
            writer.write(framed(f"MSH|^~\\&|HIS|H|||20260301||ACK|1|P|2.5\rMSA|AA|{number}\r".encode()))
        writer.close()

    return await asyncio.start_server(talk, "127.0.0.1", 0)


async def test_a_referral_goes_its_whole_way_by_messages(way: Way) -> None:
    diagnosis = "DG1|1||I20.0^不稳定型心绞痛^I10|||W"
    asked = [referral(), PARTIES, PID, diagnosis, "NTE|1||心电图示 ST 段压低"]
    answer = await way.say(CLINIC, "REF^I12^REF_I12", *asked)
    assert field_of(answer, "MSA", 1) == "AA"
    assert read_header(answer).kind == "RRI^I12"
    assert field_of(answer, "RF1", 1)[:1] == "P"
    ours = field_of(answer, "RF1", 11).split("^")[0]
    sent = await way.town.city.services.referrals.get(SYSTEM, ours)
    assert (sent.from_organization_id, sent.to_organization_id) == (way.clinic.id, way.town.hospital.id)
    assert (sent.clinical.reason, str(sent.urgency)) == ("反复胸闷", "urgent")
    assert [(one.code, one.text) for one in sent.clinical.diagnoses] == [("I20.0", "不稳定型心绞痛")]
    assert await way.told() == {HOSPITAL: ["REF^I12 P"]}
    # The hospital's line was down, and it asks again: the same referral.
    again = await way.say(CLINIC, "REF^I12^REF_I12", *asked)
    assert field_of(again, "RF1", 11).split("^")[0] == ours

    answer = await way.say(
        HOSPITAL, "RRI^I12^RRI_I12", "MSA|AA|X", referral("P", ours=ours), PARTIES, PID, "NTE|1||请附心电图"
    )
    assert field_of(answer, "MSA", 1) == "AA"
    assert await way.state(ours) is ReferralState.RETURNED
    assert await way.told() == {CLINIC: ["RRI^I12 P"]}
    answer = await way.say(CLINIC, "REF^I13^REF_I12", referral(), PARTIES, PID, "NTE|1||心电图已附")
    assert field_of(answer, "RF1", 1)[:1] == "P"
    assert await way.told() == {HOSPITAL: ["REF^I13 P"]}

    soon = f"{clock.today() + timedelta(days=9):%Y%m%d}093000"
    taken = ["MSA|AA|X", f"RF1|A||||1|{ours}^HEALTHYCITY|20260301|{soon}", PARTIES, PID]
    answer = await way.say(HOSPITAL, "RRI^I12^RRI_I12", *taken, "PV1|1|I|内科^3^12床")
    assert field_of(answer, "MSA", 1) == "AA"
    after = await way.town.city.services.referrals.get(SYSTEM, ours)
    assert after.place is not None
    assert (after.state, after.place.bed) == (ReferralState.ACCEPTED, "12床")
    assert await way.told() == {CLINIC: ["RRI^I12 A"]}
    answer = await way.say(CLINIC, "REF^I15^REF_I12", referral(), PARTIES, PID)
    assert field_of(answer, "RF1", 1)[:1] == "A"
    assert field_of(answer, "RF1", 8).startswith(soon)
    assert "已接收" in field_of(answer, "NTE", 3)

    for _ in range(2):
        answer = await way.say(CLINIC, "REF^I14^REF_I12", referral(), PARTIES, PID)
        assert (field_of(answer, "MSA", 1), field_of(answer, "RF1", 1)[:1]) == ("AA", "R")
    assert await way.state(ours) is ReferralState.WITHDRAWN
    assert await way.told() == {HOSPITAL: ["REF^I14 R"]}


async def test_a_clerk_of_the_sandboxs_hospital_answers_with_an_rri(way: Way, tmp_path: Path) -> None:
    file = tmp_path / "city.json"
    file.write_text(json.dumps({"mllp": f"127.0.0.1:{way.port}"}))
    services, place = way.town.city.services, way.town.hospital.id
    async with open_sandbox(tmp_path / "state", way.town.url, city_file=str(file)) as sandbox:
        families, port = frozenset({Family.REF}), sandbox.world.his_port
        target = Target(place, "127.0.0.1", port, False, "2.5.1", "GB 18030-2000", families, "HIS", HOSPITAL)
        await services.exchange.outbound.desk.write_target(SYSTEM, target)
        answer = await way.say(CLINIC, "REF^I12^REF_I12", referral(), PARTIES, PID)
        ours = field_of(answer, "RF1", 11).split("^")[0]
        await way.told()
        [received] = sandbox.world.state.his
        assert received["verdict"] == "AA"
        page = f"{sandbox.url}/his"
        assert "请补充" in (await way.town.http.get(page)).text
        form = {"number": received["control_id"], "verdict": "P", "text": "请附心电图"}
        shown = await way.town.http.post(page, data=form)
        assert "城市应答 AA" in shown.text, shown.text
        assert await way.state(ours) is ReferralState.RETURNED
        # What waits for more is not to be accepted: the clerk reads why.
        shown = await way.town.http.post(page, data=form | {"verdict": "A"})
        assert "城市应答 AE：" in shown.text
        await way.say(CLINIC, "REF^I13^REF_I12", referral(), PARTIES, PID, "NTE|1||已附")
        shown = await way.town.http.post(page, data=form | {"verdict": "A"})
        assert "城市应答 AA" in shown.text
        assert await way.state(ours) is ReferralState.ACCEPTED
        assert (await way.town.http.post(page, data={"number": "X", "verdict": "A"})).status_code == 400


async def test_what_cannot_be_is_refused_in_words_and_kept(way: Way) -> None:
    nameless = PID.replace(f"~{NUMBER}^^^CHN^NI", "")
    answer = await way.say(CLINIC, "REF^I12^REF_I12", referral(), PARTIES, nameless)
    assert field_of(answer, "MSA", 1) == "AE"
    assert "身份证号" in answer
    # To somebody the city does not know: a request in the record, as before, and nobody's referral.
    elsewhere = PARTIES.replace("市人民医院", "北京某医院")
    answer = await way.say(CLINIC, "REF^I12^REF_I12", referral(), elsewhere, PID)
    assert (field_of(answer, "MSA", 1), field_of(answer, "RF1", 11)) == ("AA", "")
    answer = await way.say(CLINIC, "REF^I14^REF_I12", referral(), PARTIES, PID)
    assert field_of(answer, "MSA", 1) == "AE"
    assert "|204^" in answer

    answer = await way.say(CLINIC, "REF^I12^REF_I12", referral(), PARTIES, PID)
    ours = field_of(answer, "RF1", 11).split("^")[0]
    # Not by him who sent it, and not without a time.
    for facility in (CLINIC, HOSPITAL):
        said = ["MSA|AA|X", f"RF1|A|||||{ours}^HEALTHYCITY", PARTIES, PID]
        answer = await way.say(facility, "RRI^I12^RRI_I12", *said)
        assert field_of(answer, "MSA", 1) == "AE"
    assert await way.state(ours) is ReferralState.REQUESTED
    assert await way.town.city.db.collection("hl7_messages").count_documents({"state": "dead"}) == 4


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("no_bed^暂无床位^HEALTHYCITY", RejectReason.NO_BED),
        ("NO_CAPABILITY", RejectReason.NO_CAPABILITY),
        ("^不符合转诊指征", RejectReason.NOT_INDICATED),
        ("^反复胸闷", RejectReason.OTHER),
        ("", RejectReason.OTHER),
    ],
)
async def test_a_refusal_says_why_in_the_citys_own_codes(way: Way, said: str, reason: RejectReason) -> None:
    answer = await way.say(CLINIC, "REF^I12^REF_I12", referral(), PARTIES, PID)
    ours = field_of(answer, "RF1", 11).split("^")[0]
    refusal = f"RF1|R|A|UP|||{ours}^HEALTHYCITY|20260301|||{said}"
    answer = await way.say(HOSPITAL, "RRI^I12^RRI_I12", "MSA|AA|X", refusal, PARTIES, PID)
    assert field_of(answer, "MSA", 1) == "AA"
    stands = await way.town.city.services.referrals.get(SYSTEM, ours)
    assert (stands.state, stands.reject_reason) == (ReferralState.REJECTED, reason)
    # Who sent it is told by the same code, when it happens and whenever he asks; and why it was referred.
    await way.deliver()
    [told] = way.heard[CLINIC]
    coded = f"{reason}^{REJECT_REASONS[reason]}^HEALTHYCITY"
    assert field_of(told, "RF1", 10) == f"{coded}~^反复胸闷"
    asked = await way.say(CLINIC, "REF^I15^REF_I12", referral(), PARTIES, PID)
    assert field_of(asked, "RF1", 10).startswith(f"{coded}~")
    assert REJECT_REASONS[reason] in field_of(asked, "NTE", 3)


async def test_what_somebody_typed_in_lines_is_one_field_of_the_answer(way: Way) -> None:
    answer = await way.say(CLINIC, "REF^I12^REF_I12", referral(), PARTIES, PID)
    ours, services = field_of(answer, "RF1", 11).split("^")[0], way.town.city.services
    desk = _system_of(way.town.hospital.id)
    typed = Facts(text="请补充：\r\nMSA|AR|X\r\n心电图\x0b")
    await services.referrals.act(desk, ours, ReferralEvent.ASK_MORE, typed)
    answer = await way.say(CLINIC, "REF^I15^REF_I12", referral(), PARTIES, PID)
    assert field_of(answer, "NTE", 3) == "退回补充：请补充：  MSA AR X  心电图"
    assert answer.count("MSA") == 2


async def test_of_a_completed_referral_is_said_that_it_is_and_not_how_he_goes_home(way: Way) -> None:
    answer = await way.say(CLINIC, "REF^I12^REF_I12", referral(), PARTIES, PID)
    ours, services = field_of(answer, "RF1", 11).split("^")[0], way.town.city.services
    desk = _system_of(way.town.hospital.id)
    home = Facts(
        outcome=Outcome.IMPROVED, send_back=True, discharge_summary="好转出院",
        plan=(PlanItem("复查", clock.today()),),
    )  # fmt: skip
    here = Facts(expected_at=clock.now())
    for event, facts in (("accept", here), ("arrive", Facts()), ("complete", home)):
        await services.referrals.act(desk, ours, ReferralEvent(event), facts)
    answer = await way.say(CLINIC, "REF^I15^REF_I12", referral(), PARTIES, PID)
    assert field_of(answer, "RF1", 11).split("^")[0] == ours
    assert "已完成" in field_of(answer, "NTE", 3)
    answer = await way.say(CLINIC, "REF^I14^REF_I12", referral(), PARTIES, PID)
    assert (field_of(answer, "MSA", 1), "|205^" in answer) == ("AE", True)
    # Years later a last word comes: what has been told and forgotten is not told again.
    await way.town.work()
    outgoing = way.town.city.db.collection("hl7_outbound")
    assert await outgoing.count_documents({"stream": f"referral/{ours}"}) > 2
    await outgoing.delete_many({"stream": f"referral/{ours}"})
    noting = services.exchange.outbound.noting
    changed = Event(EventKind.REFERRAL_CHANGED, {"referral_id": ours})
    kept, noting.outgoing._keep_for = noting.outgoing._keep_for, timedelta(0)
    await noting.on_referral(changed)
    assert await outgoing.count_documents({"stream": f"referral/{ours}"}) == 0
    noting.outgoing._keep_for = kept
    await noting.on_referral(changed)
    assert await outgoing.count_documents({"stream": f"referral/{ours}"}) > 2
