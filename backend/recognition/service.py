"""Recognition: what another hospital has found is offered before an examination is ordered anew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from backend import clock
from backend.errors import AppError, ErrorCode, not_found
from backend.ids import new_id
from backend.patient_index.models import ChartNumber
from backend.permissions import Actor
from backend.recognition.finding import REFERRING, FoundResult, query, results
from backend.recognition.lists import Item, Lists, lists_of
from backend.recognition.models import MOST_OFFERS, AskedItem, Check, Offer, Recognised
from backend.recognition.ports import CareGate, Index
from backend.recognition.rules import Judgement, Verdict, judge
from backend.recognition.store import RecognitionStore
from backend.records.gate import organization_of
from backend.records.models import Basis, Purpose
from backend.records.reading import RecordReader
from backend.records.sharing_models import Asked
from backend.rulebooks.service import Rulebook

# In this order results are shown.
_ORDER = (Verdict.RECOMMENDED, Verdict.OPTIONAL, Verdict.OWN, Verdict.NOT_RECOMMENDED)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a workstation asks: about whom, which items, who sits there, and why he may look."""

    codes: tuple[str, ...]
    practitioner: str
    number: ChartNumber | None = None
    id_number: str = ""
    encounter: str = ""
    purpose: Purpose = Purpose.TREAT
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Shown:
    """One result beside what the decision said of it."""

    found: FoundResult
    judgement: Judgement
    recommended: bool


@dataclass(frozen=True, slots=True)
class Looked:
    """One item of an answer: None for a code that the lists do not have."""

    asked_as: str
    item: Item | None
    shown: tuple[Shown, ...] = ()
    fee_fen: int = 0


@dataclass(frozen=True, slots=True)
class Checked:
    """A check with all that the doctor is shown."""

    check: Check
    looked: tuple[Looked, ...]


class RecognitionService:
    """Checks at ordering time, and what a resident sees of recognised results."""

    def __init__(
        self,
        store: RecognitionStore,
        *,
        lists: Rulebook,
        index: Index,
        gate: CareGate,
        reader: RecordReader,
    ) -> None:
        self.lists = lists
        self._store = store
        self._index = index
        self._gate = gate
        self._reader = reader
        self._read: Lists | None = None

    async def lists_in_force(self) -> Lists:
        """The lists that count today; made once for each edition."""
        edition = await self.lists.in_force()
        if self._read is None or self._read.edition != edition.number:
            self._read = lists_of(edition)
        return self._read

    async def check(self, actor: Actor, wanted: Wanted) -> Checked:
        """What there is of the items, and whether it is to be recognised. Raises NOT_FOUND for a person whom
        nobody knows, and whatever the gate refuses with.
        """
        organization_id = organization_of(actor)
        person_id = await self.person(organization_id, wanted.number, wanted.id_number)
        asked = Asked(
            purpose=wanted.purpose,
            practitioner=wanted.practitioner,
            encounter=wanted.encounter,
            reason=wanted.reason,
            presented=bool(wanted.id_number),
        )
        basis = await self._gate.care(actor, person_id, asked)
        lists = await self.lists_in_force()
        looked = await self.look(basis, organization_id, lists, wanted.codes)
        check = Check(
            id=new_id(),
            organization_id=organization_id,
            person_id=person_id,
            edition=lists.edition,
            at=clock.now(),
            practitioner=wanted.practitioner,
            encounter=wanted.encounter,
            asked=tuple(_asked(each) for each in looked if each.item is not None),
        )
        await self._store.insert(check)
        return Checked(check, looked)

    async def person(self, organization_id: str, number: ChartNumber | None, id_number: str) -> str:
        """Whom a hospital means, by its own number or the ID card's. Raises NOT_FOUND."""
        if number is not None:
            chart = await self._index.find_chart(organization_id, number)
            if chart is not None:
                return chart.person_id
        elif id_number:
            found = await self._index.person_by_id_number(id_number)
            if found is not None:
                return found
        raise not_found("no such patient")

    async def look(
        self, basis: Basis, organization_id: str, lists: Lists, codes: Sequence[str]
    ) -> tuple[Looked, ...]:
        """Every item with its results, judged; one reading of the record, whatever the order of the codes."""
        items = {code: lists.item_for(organization_id, code) for code in dict.fromkeys(codes)}
        wanted = {item.code: item for item in items.values() if item is not None}
        found = await self._search(basis, lists, list(wanted.values())) if wanted else {}
        return tuple(
            Looked(
                asked_as=code,
                item=item,
                shown=_shown(lists, organization_id, found.get(item.code, [])) if item else (),
                fee_fen=lists.prices.get((organization_id, item.code), 0) if item else 0,
            )
            for code, item in items.items()
        )

    async def _search(
        self, basis: Basis, lists: Lists, items: Sequence[Item]
    ) -> Mapping[str, list[FoundResult]]:
        asked = query(lists, items, clock.today())
        if not asked.codes:
            return {}
        found, reports = await self._reader.search_with_referring(basis, asked, REFERRING)
        return results(lists, items, found, reports)

    async def recognised(self, actor: Actor, patient_id: str) -> list[Recognised]:
        """For a resident's file: which of his results were recognised, where, when. Raises NOT_FOUND."""
        basis = await self._gate.own(actor, patient_id)
        lists = await self.lists_in_force()
        told = []
        for check in await self._store.of_person(basis.person_id):
            for decision in check.decisions.values():
                asked = check.item(decision.item)
                offer = asked.offer(decision.resource_id) if asked and decision.accepted else None
                if offer is not None:
                    item = lists.items.get(decision.item)
                    told.append(
                        Recognised(
                            item=decision.item,
                            item_name=item.name if item else "",
                            resource_id=offer.resource_id,
                            report_id=offer.report_id,
                            from_organization_id=offer.organization_id,
                            by_organization_id=check.organization_id,
                            at=decision.at,
                        )
                    )
        return sorted(told, key=lambda each: each.at, reverse=True)


def _shown(lists: Lists, asking: str, found: Sequence[FoundResult]) -> tuple[Shown, ...]:
    """Judged, what may be recognised first and the newest first within it."""
    judged = [(each, judge(lists, asking, each.result, clock.today())) for each in found]
    judged.sort(key=lambda pair: (_ORDER.index(pair[1].verdict), pair[1].age_days, pair[0].resource.id))
    return tuple(
        Shown(each, judgement, judgement.verdict is Verdict.RECOMMENDED)
        for each, judgement in judged[:MOST_OFFERS]
    )


def _asked(looked: Looked) -> AskedItem:
    if looked.item is None:
        raise AppError(ErrorCode.INTERNAL, "an item without a name")
    return AskedItem(
        item=looked.item.code,
        asked_as=looked.asked_as,
        fee_fen=looked.fee_fen,
        offers=tuple(
            Offer(
                resource_id=shown.found.resource.id,
                resource_type=shown.found.resource.type,
                report_id=shown.found.report.id if shown.found.report else "",
                organization_id=shown.found.result.organization_id,
                verdict=shown.judgement.verdict,
                on=shown.found.result.on,
                age_days=shown.judgement.age_days,
                why=shown.judgement.why,
            )
            for shown in looked.shown
        ),
    )
