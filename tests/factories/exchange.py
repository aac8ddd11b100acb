"""HL7 messages as a hospital sends them."""

from __future__ import annotations

from dataclasses import replace

from backend import clock
from backend.bootstrap import Services
from backend.exchange.v2.models import Link, MessageQuery, SenderKind
from backend.exchange.v2.outbound_models import Outgoing, OutState
from backend.ids import new_id

RESULT = "\r".join([
    "MSH|^~\\&|LIS|QY|CITY|HUB|20260301083000||ORU^R01^ORU_R01|F1|P|2.5||||||UNICODE UTF-8",
    "PID|1||ZY0001^^^HIS^MR||王秀英||19560304|F|||潍坊市奎文区东风街1号||13800001111",
    "OBR|1|P1|F1|GLU^葡萄糖^L|||20260301083000|||||||||||||||20260301091500||CH|F",
    "OBX|1|NM|GLU^葡萄糖^L||7.8|mmol/L|3.9-6.1|偏高|||F|||20260301090000",
    "",
]).encode()  # fmt: skip


async def make_kept_message(services: Services, organization_id: str) -> str:
    """A message that was taken, with a code nobody knows, and one part of a large one; the message's id."""
    exchange = services.exchange
    await exchange.senders.allow(SenderKind.FACILITY, "QY", organization_id, "")
    await exchange.receiver.take(RESULT, Link())
    query = MessageQuery(frozenset({organization_id}), limit=1)
    [kept] = await exchange.desk.store.list_of(query)
    await exchange.desk.store._add_parts(kept.id, ["a part"], None)
    return kept.id


async def make_dead_outgoing(services: Services, organization_id: str) -> str:
    """A message to a hospital that was corrected and refused once more; its id."""
    store = services.exchange.outbound.desk.outgoing
    now = clock.now()
    message = Outgoing(
        id=new_id(),
        organization_id=organization_id,
        stream="appointment/x",
        order="1",
        kind="SIU^S12",
        control_id="C1",
        version="2.5",
        charset="UNICODE UTF-8",
        state=OutState.WAITING,
        fact_at=now,
        due_at=now,
    )
    text = RESULT.decode()
    await store.add(message, text)
    await store.refused(message, "AE", "101", "缺少 PID-5")
    await store.send_again(replace(message, state=OutState.DEAD), "C2", text, edited=True)
    await store.refused(replace(message, control_id="C2"), "AE", "101", "缺少 PID-5")
    return message.id
