"""What the city's operators do with the index: look at pairs and people, link and part, with a reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from backend.audit.service import AuditService
from backend.errors import AppError, ErrorCode, not_found
from backend.patient_index.demographics import of_identity
from backend.patient_index.graph import CircleError, PeopleDifferError
from backend.patient_index.linking import Linking
from backend.patient_index.models import Chart, ChartNumber, Demographics, HistoryEntry, NumberState
from backend.patient_index.ports import Residents
from backend.patient_index.review_models import WAITING, Cause, Review, ReviewState, Side
from backend.patient_index.review_store import ReviewStore
from backend.patient_index.store import ChartStore
from backend.permissions import Actor

_TWO_NUMBERS = "两份病案的身份证号不是同一个人的，不能合为一人。请先请医院核对身份证号。"
_LONGEST_REASON = 200


@dataclass(frozen=True, slots=True)
class PersonFile:
    """Everything the index knows of a person: the charts, the pairs to look at, and what has happened."""

    person_id: str
    charts: Sequence[Chart]
    reviews: Sequence[Review]
    history: Sequence[HistoryEntry]


@dataclass(frozen=True, slots=True)
class PairRow:
    """A pair with what both sides say."""

    review: Review
    sides: tuple[Side, Side]


class IndexDesk:
    """The review queue and the person page. Only for those who act for the whole city."""

    def __init__(
        self,
        store: ChartStore,
        reviews: ReviewStore,
        linking: Linking,
        residents: Residents,
        audit: AuditService,
    ) -> None:
        self._store = store
        self._reviews = reviews
        self._linking = linking
        self._residents = residents
        self._audit = audit

    # -- pairs -----------------------------------------------------------------------------------------

    async def pairs(
        self, actor: Actor, state: ReviewState, cursor: str | None, limit: int
    ) -> tuple[list[Review], str | None]:
        """Pairs in a state, the likeliest first, and the cursor of the next page."""
        _check_city(actor)
        found = await self._reviews.list_in(state, _read_cursor(cursor), limit + 1)
        page = found[:limit]
        return page, f"{page[-1].bits}:{page[-1].id}" if len(found) > limit else None

    async def list_pairs(
        self, actor: Actor, state: ReviewState, cursor: str | None, limit: int
    ) -> tuple[list[PairRow], str | None]:
        """The same with both sides, for a list that masks them."""
        page, following = await self.pairs(actor, state, cursor, limit)
        return [PairRow(review, await self._sides(review)) for review in page], following

    async def counts(self, actor: Actor) -> dict[ReviewState, int]:
        """How many pairs wait."""
        _check_city(actor)
        return await self._reviews.counts()

    async def access_pair(self, actor: Actor, pair_id: str) -> tuple[Review, Side, Side]:
        """A pair with what both hospitals say; who looked is on record."""
        review = await self._get(actor, pair_id)
        one, other = await self._sides(review)
        await self._record(actor, "patient_index.compare", f"pair/{pair_id}", "review")
        return review, one, other

    async def decide(self, actor: Actor, pair_id: str, said: ReviewState, reason: str) -> None:
        """Say what a pair is. SAME links the two; the others change nothing but the list."""
        review = await self._get(actor, pair_id)
        reason = _checked(reason)
        if review.state not in WAITING or said not in _SAYABLE:
            raise AppError(ErrorCode.CONFLICT, "somebody has said what it is")
        if said is ReviewState.SAME:
            await self._join(review, _by(actor), reason)
        if not await self._reviews.decide(review, said, _by(actor), reason):
            raise AppError(ErrorCode.CONFLICT, "somebody has just said what it is")
        await self._record(actor, "patient_index.decide", f"pair/{pair_id}", reason, said=str(said))

    # -- people ----------------------------------------------------------------------------------------

    async def find(self, actor: Actor, text: str) -> str | None:
        """The person of an ID number or of a phone with an account; None when no chart is known."""
        _check_city(actor)
        person_id = await self._residents.search(text)
        found = person_id if person_id and await self._store.list_of_person(person_id) else None
        await self._record(actor, "patient_index.search", f"person/{found or ''}", "own duty")
        return found

    async def find_by_number(self, actor: Actor, organization_id: str, number: ChartNumber) -> str | None:
        """The person of a hospital's number."""
        _check_city(actor)
        chart = await self._store.find_by_number(organization_id, number)
        found = chart.person_id if chart else None
        await self._record(actor, "patient_index.search", f"person/{found or ''}", "own duty")
        return found

    async def access_person(self, actor: Actor, person_id: str) -> PersonFile:
        """A person's charts and their history; who looked is on record."""
        _check_city(actor)
        charts = await self._store.list_of_person(person_id)
        if not charts:
            raise not_found(f"person {person_id}")
        ids = [chart.id for chart in charts]
        reviews = [each for each in await self._reviews.list_of(ids) if each.state in WAITING]
        await self._record(actor, "patient_index.read", f"person/{person_id}", "own duty")
        return PersonFile(person_id, charts, reviews, await self._store.history(ids))

    async def link(self, actor: Actor, chart_id: str, other_id: str, reason: str) -> None:
        """Say that two charts are the same person's. Raises CONFLICT when their ID numbers differ."""
        _check_city(actor)
        reason = _checked(reason)
        for each in (chart_id, other_id):
            await self._get_chart(each)
        await self._linked(chart_id, other_id, _by(actor), reason)
        await self._record(actor, "patient_index.link", f"chart/{chart_id}", reason, other=other_id)

    async def unlink(self, actor: Actor, chart_id: str, reason: str) -> None:
        """Say that a chart is nobody else's; its ID number does not link it again by itself."""
        _check_city(actor)
        reason = _checked(reason)
        chart = await self._get_chart(chart_id)
        for other in (*chart.same_as, *([chart.resident_id] if chart.resident_id else [])):
            cause = Cause.NUMBER if other == chart.resident_id else Cause.ALIKE
            await self._say_different(chart_id, other, cause, _by(actor), reason)
        await self._linking.unlink(chart_id, _by(actor), reason)
        if chart.resident_id:
            await self._store.set_number_state([chart_id], NumberState.REFUSED)
        await self._record(actor, "patient_index.unlink", f"chart/{chart_id}", reason)

    async def unmerge(self, actor: Actor, chart_id: str, reason: str) -> None:
        """Take back what a hospital has merged by mistake."""
        _check_city(actor)
        reason = _checked(reason)
        chart = await self._get_chart(chart_id)
        if chart.merged_into is not None:
            await self._linking.unmerge(chart, _by(actor), reason)
            await self._record(actor, "patient_index.unmerge", f"chart/{chart_id}", reason)

    # -- steps -----------------------------------------------------------------------------------------

    async def _join(self, review: Review, by: str, reason: str) -> None:
        if review.cause is not Cause.NUMBER:
            await self._linked(review.chart_id, review.other_id, by, reason)
            return
        try:
            await self._linking.number([review.chart_id], review.other_id, by, reason)
        except PeopleDifferError as error:
            raise AppError(ErrorCode.CONFLICT, str(error), text=_TWO_NUMBERS) from error
        await self._store.set_number_state([review.chart_id], NumberState.LINKED)

    async def _linked(self, one: str, other: str, by: str, reason: str) -> None:
        try:
            await self._linking.link(one, other, by, reason)
        except PeopleDifferError as error:
            raise AppError(ErrorCode.CONFLICT, str(error), text=_TWO_NUMBERS) from error
        except CircleError as error:
            raise AppError(ErrorCode.BAD_REQUEST, "a chart with itself") from error

    async def _say_different(self, one: str, other: str, cause: Cause, by: str, reason: str) -> None:
        await self._reviews.put(one, other, cause)
        review = await self._reviews.find_pair(one, other)
        if review is not None:
            await self._reviews.decide(review, ReviewState.DIFFERENT, by, reason)

    async def _get(self, actor: Actor, pair_id: str) -> Review:
        _check_city(actor)
        review = await self._reviews.find(pair_id)
        if review is None:
            raise not_found(f"pair {pair_id}")
        return review

    async def _get_chart(self, chart_id: str) -> Chart:
        chart = await self._store.find(chart_id)
        if chart is None:
            raise not_found(f"chart {chart_id}")
        return chart

    async def _sides(self, review: Review) -> tuple[Side, Side]:
        other = self._resident_side if review.cause is Cause.NUMBER else self._chart_side
        return await self._chart_side(review.chart_id), await other(review.other_id)

    async def _chart_side(self, chart_id: str) -> Side:
        chart = await self._get_chart(chart_id)
        return Side(chart.person_id, chart.who, chart)

    async def _resident_side(self, resident_id: str) -> Side:
        try:
            who = of_identity(await self._residents.get_identity(resident_id))
        except AppError:
            # The account has been deleted meanwhile.
            who = Demographics()
        return Side(resident_id, who, None)

    async def _record(self, actor: Actor, action: str, object: str, basis: str, **data: str) -> None:
        await self._audit.record(actor, action, object, basis, None, data)


_SAYABLE = (ReviewState.SAME, ReviewState.DIFFERENT, ReviewState.LATER)


def _check_city(actor: Actor) -> None:
    """One hospital's staff never see what another hospital says of a person."""
    if actor.organization_ids is not None:
        raise AppError(ErrorCode.FORBIDDEN, "the index is the city's")


def _checked(reason: str) -> str:
    if not reason.strip():
        raise AppError(ErrorCode.REASON_REQUIRED)
    return reason.strip()[:_LONGEST_REASON]


def _by(actor: Actor) -> str:
    return f"{actor.kind}/{actor.id}"


def _read_cursor(cursor: str | None) -> tuple[float, str] | None:
    if not cursor:
        return None
    bits, _, last = cursor.partition(":")
    try:
        return float(bits), last
    except ValueError:
        raise AppError(ErrorCode.BAD_REQUEST, "cursor of pairs") from None
