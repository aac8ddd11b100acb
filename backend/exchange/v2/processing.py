"""From a stored message to the record: whose chart it is about, what is mapped, what is written."""

from __future__ import annotations

from dataclasses import dataclass, field
from time import monotonic

from backend.errors import AppError, ErrorCode
from backend.exchange.v2.mapping.building import Draft
from backend.exchange.v2.mapping.codes import Codes
from backend.exchange.v2.mapping.known import TYPES, Known, numbers_in, read_known
from backend.exchange.v2.mapping.mapper import Whom, map_message, whom
from backend.exchange.v2.mapping.people import chart_numbers
from backend.exchange.v2.models import Kept, Outcome
from backend.exchange.v2.parsing import Header
from backend.exchange.v2.ports import Charts, Records
from backend.exchange.v2.rules import Location, Problem
from backend.exchange.v2.segments import Content
from backend.exchange.v2.table_store import TableStore
from backend.patient_index.models import ChartNumber
from backend.records.ids import resource_id
from backend.records.models import Incoming, Source, Written
from backend.records.models import Outcome as Done

# The record takes so many resources in one step.
_AT_ONCE = 1_000
_TABLES_FOR_S = 10.0
# A40: one person's number is given up. A41, A45: accounts or visits move; A47: a number is changed.
_MERGES = frozenset({"A40", "A47"})
# Events whose groups begin with a PID and repeat: each group is about one of several people.
# A24: two numbers are one person, both stay. A37 takes that back, and a merge.
_LINKS, _UNLINKS = "ADT^A24", "ADT^A37"
_OF_SEVERAL = frozenset(
    {_LINKS, _UNLINKS, "ADT^A40", "ADT^A41", "ADT^A47", "BAR^P02", "BAR^P06", "ORU^R01", "ORU^R30", "ORU^R40"}
)


# What may stand before the first of them, and is about nobody.
_ENVELOPE = frozenset({"MSH", "SFT", "UAC", "EVN", "NTE"})


class RefusedError(Exception):
    """The message cannot become part of the record as it is."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.text)
        self.problem = problem


@dataclass
class _Remembered:
    codes: Codes
    until: float


@dataclass
class Processing:
    """Maps and writes. Every step may be repeated: the same message makes the same resources."""

    charts: Charts
    records: Records
    tables: TableStore
    _codes: dict[str, _Remembered] = field(default_factory=dict)

    async def process(self, kept: Kept, header: Header, content: Content) -> Outcome:
        """Take a message into the record. Raises RefusedError; AppError and database errors when not now."""
        codes = await self.codes_of(kept.organization_id)
        people = [(part, _person_of(part, codes)) for part in _parts(header, content, codes)]
        source = Source("v2", kept.id, kept.organization_id, kept.received_at)
        if header.kind == _UNLINKS:
            return await self._unlink(kept, people, source)
        if header.kind == _LINKS:
            await self._link(kept, people, source)
        done = [await self._take(kept, header, part, person, codes, source) for part, person in people]
        return Outcome(
            tuple(id for one in done for id in one.resources),
            done[0].chart_id,
            tuple(finding for one in done for finding in one.findings),
        )

    async def _take(
        self, kept: Kept, header: Header, content: Content, person: Whom, codes: Codes, source: Source
    ) -> Outcome:
        """What a message says about one person."""
        try:
            if header.type == "ADT" and header.event in _MERGES:
                await self._merge(kept, content, person.number, source)
            chart = await self.charts.chart_for(kept.organization_id, person.number, person.who, source)
            mapped = map_message(
                header,
                content,
                chart_id=chart.id,
                codes=codes,
                received_at=kept.received_at,
                known=await self._known(kept.organization_id, chart.id, content, codes),
            )
            written = await self._write(kept, chart.id, mapped.drafts, source)
        except AppError as error:
            raise _refusal(error) from error
        return Outcome(tuple(written), chart.id, tuple(mapped.findings))

    async def _link(self, kept: Kept, people: list[tuple[Content, Whom]], source: Source) -> None:
        one, other = _pair(people)
        try:
            await self.charts.join(kept.organization_id, one, other, source)
        except AppError as error:
            raise _link_refusal(error, "两个患者号的身份证号不同，不能关联") from error

    async def _unlink(self, kept: Kept, people: list[tuple[Content, Whom]], source: Source) -> Outcome:
        """What the PIDs say besides their numbers is about people who may have been mixed up: not taken."""
        one, other = _pair(people)
        try:
            chart = await self.charts.take_back(kept.organization_id, one, other, source)
        except AppError as error:
            raise _link_refusal(error, "两个患者号由平台人员认定为同一人，请与平台核实") from error
        return Outcome((), chart.id, ())

    async def _known(
        self, organization_id: str, chart_id: str, content: Content, codes: Codes
    ) -> tuple[Known, ...]:
        """What stands of the chart under one of the message's numbers."""
        numbers = numbers_in(content, codes)
        if not numbers:
            return ()
        found = await self.records.bearing(organization_id, chart_id, TYPES, numbers)
        return tuple(read_known(id, body) for id, body in found.items())

    async def codes_of(self, organization_id: str) -> Codes:
        """A hospital's tables, remembered for some seconds."""
        known = self._codes.get(organization_id)
        if known is None or known.until < monotonic():
            codes = await self.tables.codes_of(organization_id)
            known = self._codes[organization_id] = _Remembered(codes, monotonic() + _TABLES_FOR_S)
        return known.codes

    def forget_codes(self, organization_id: str) -> None:
        """The hospital's tables have been changed."""
        self._codes.pop(organization_id, None)

    async def _merge(self, kept: Kept, content: Content, survivor: ChartNumber, source: Source) -> None:
        for segment in content.each("MRG"):
            given_up = chart_numbers(segment, 1)
            if not given_up:
                raise RefusedError(Problem("AE", "101", "MRG-1 没有患者号", Location("MRG", segment.at, 1)))
            for retired in given_up:
                named = ChartNumber(retired.assigner or survivor.assigner, retired.value)
                if named != survivor:
                    await self.charts.merge(kept.organization_id, survivor, named, source)

    async def _write(self, kept: Kept, chart_id: str, drafts: list[Draft], source: Source) -> list[str]:
        ids = {id(draft): _id_of(chart_id, draft) for draft in drafts}
        batch = [
            Incoming(
                draft.type,
                chart_id,
                draft.body,
                id=ids[id(draft)],
                fills=draft.fills,
                keeps=draft.keeps,
                joins=draft.joins,
                only_new=draft.only_new,
            )
            for draft in drafts
        ]
        written: list[Written] = []
        for at in range(0, len(batch), _AT_ONCE):
            written += await self.records.write(kept.organization_id, batch[at : at + _AT_ONCE], source)
        return [
            f"{one.type}/{one.id}"
            for one, done in zip(batch, written, strict=True)
            if not one.only_new or done.outcome is not Done.UNCHANGED
        ]


def _parts(header: Header, content: Content, codes: Codes) -> list[Content]:
    """The message, or where it is about several people and may be, one part for each. Raises RefusedError."""
    parts = content.patients()
    if len(parts) < 2 or len({_person_of(part, codes).number for part in parts}) == 1:
        return [content]
    before = content.names()[: content.names().index("PID")]
    if header.kind in _OF_SEVERAL and _ENVELOPE.issuperset(before):
        return parts
    # Which of the other segments is whose does not follow from their order in these.
    raise RefusedError(Problem("AE", "100", "一条消息只能说一位患者，请分开发送", Location("PID", 2)))


def _person_of(content: Content, codes: Codes) -> Whom:
    """Whom a part is about. Raises RefusedError."""
    person = whom(content, codes)
    if person is None:
        patient = content.first("PID")
        where = Location("PID", patient.at if patient else 1, 3)
        raise RefusedError(Problem("AE", "101", "PID-3 没有患者号", where))
    return person


def _pair(people: list[tuple[Content, Whom]]) -> tuple[ChartNumber, ChartNumber]:
    """The two numbers of a link. Raises RefusedError."""
    numbers = list(dict.fromkeys(person.number for _, person in people))
    if len(numbers) != 2:
        text = "须有两段 PID，各写一个患者号，且互不相同"
        raise RefusedError(Problem("AE", "101", text, Location("PID", min(len(people) + 1, 2), 3)))
    return numbers[0], numbers[1]


def _link_refusal(error: AppError, conflict: str) -> Exception:
    where = Location("PID", 2, 3)
    if error.code is ErrorCode.NOT_FOUND:
        return RefusedError(Problem("AE", "204", "这两个患者号没有由本院合并或关联过，无可取消", where))
    if error.code is ErrorCode.CONFLICT:
        return RefusedError(Problem("AE", "204", conflict, where))
    return _refusal(error)


def _id_of(chart_id: str, draft: Draft) -> str:
    if draft.type == "Patient":
        return chart_id
    return draft.id or resource_id(chart_id, draft.type, draft.key)


def _refusal(error: AppError) -> Exception:
    """What of an error is the message's fault."""
    if error.code is ErrorCode.CONFLICT:
        return RefusedError(Problem("AE", "204", "两个患者号的合并互相矛盾", Location("MRG", 1, 1)))
    if error.code is ErrorCode.BODY_TOO_LARGE:
        return RefusedError(Problem("AE", "102", "内容太大，无法存入档案"))
    if error.status < 500:
        return RefusedError(Problem("AE", "102", "内容不符合资源规则"))
    return error
