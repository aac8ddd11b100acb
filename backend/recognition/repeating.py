"""Orders placed although there was something to recognise: seen as they come in from the hospitals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from backend import clock
from backend.errors import AppError
from backend.ids import derived_id
from backend.permissions import Actor, Role
from backend.recognition.finding import codings_of
from backend.recognition.lists import Item, Lists
from backend.recognition.models import ANSWER_WITHIN, Check, Repeat
from backend.recognition.ports import CareGate, Index
from backend.recognition.service import RecognitionService
from backend.recognition.store import RecognitionStore
from backend.records.models import Resource
from backend.records.reading import RecordReader
from backend.records.sharing_models import Asked
from backend.worker.events import Event, RetryLater

# The answer may come a little after the order.
PATIENCE = timedelta(minutes=30)
# What a hospital says long afterwards is no order that somebody could still think better of.
STALE_AFTER = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class _Order:
    """An order as it was read."""

    resource: Resource
    person_id: str
    actor: Actor
    practitioner: str


class Repeating:
    """Compares orders with checks."""

    def __init__(
        self,
        store: RecognitionStore,
        service: RecognitionService,
        *,
        index: Index,
        gate: CareGate,
        reader: RecordReader,
    ) -> None:
        self._store = store
        self._service = service
        self._index = index
        self._gate = gate
        self._reader = reader

    async def on_order_placed(self, event: Event) -> None:
        """ORDER_PLACED: an item of the lists that was to be recognised, and nobody said anything."""
        left = (event.at + PATIENCE - clock.now()).total_seconds()
        if left > 0:
            raise RetryLater(left)
        order = await self._read(event)
        if order is None or order.resource.at < clock.now() - STALE_AFTER:
            return
        lists = await self._service.lists_in_force()
        organization_id = order.resource.organization_id
        codes = [code for _, code in codings_of(order.resource.body)]
        items = {item.code: item for code in codes if (item := lists.item_for(organization_id, code))}
        since = order.resource.at - ANSWER_WITHIN
        checks = await self._store.of_person(order.person_id, organization_id, since)
        for item in items.values():
            await self._compare(order, lists, item, checks)

    async def list_repeats(
        self, actor: Actor, cursor: str | None, limit: int
    ) -> tuple[list[Repeat], str | None]:
        """Repeated orders of the actor's hospitals, the newest first. Whose they are is not told here."""
        within = None if actor.organization_ids is None else sorted(actor.organization_ids)
        found = await self._store.list_repeats(within, cursor, limit + 1)
        return found[:limit], found[limit - 1].id if len(found) > limit else None

    async def _compare(self, order: _Order, lists: Lists, item: Item, checks: Sequence[Check]) -> None:
        about = [check for check in checks if check.item(item.code) is not None]
        if any(item.code in check.decisions for check in about):
            return
        if about:
            owed = next((check for check in about if check.owes(item.code)), None)
            asked = owed.item(item.code) if owed else None
            if owed is None or asked is None:
                return
            ids = tuple(offer.resource_id for offer in asked.offers)
            await self._keep(order, item, "unanswered", ids, owed.id)
            return
        ids = await self._recommended(order, lists, item)
        if ids:
            await self._keep(order, item, "unchecked", ids, "")

    async def _recommended(self, order: _Order, lists: Lists, item: Item) -> tuple[str, ...]:
        """What a check would have recommended; nothing where the hospital might not have looked."""
        asked = Asked(practitioner=order.practitioner, reason="核对未经互认查询的开单")
        try:
            basis = await self._gate.care(order.actor, order.person_id, asked)
        except AppError:
            return ()
        organization_id = order.resource.organization_id
        (looked,) = await self._service.look(basis, organization_id, lists, [item.code])
        # What was not there yet when the order was placed could not be recognised.
        known = [
            shown for shown in looked.shown if shown.found.resource.created_at <= order.resource.created_at
        ]
        return tuple(shown.found.resource.id for shown in known if shown.recommended)

    async def _keep(
        self, order: _Order, item: Item, state: str, resource_ids: tuple[str, ...], check_id: str
    ) -> None:
        await self._store.insert_repeat(
            Repeat(
                id=derived_id(order.resource.created_at, order.resource.id, item.code),
                organization_id=order.resource.organization_id,
                person_id=order.person_id,
                item=item.code,
                order_id=order.resource.id,
                practitioner=order.practitioner,
                at=order.resource.at,
                state=state,
                check_id=check_id,
                resource_ids=resource_ids,
            )
        )

    async def _read(self, event: Event) -> _Order | None:
        organization_id, chart_id = event.data["organization_id"], event.data["chart_id"]
        chart = await self._index.chart(chart_id)
        if chart is None:
            return None
        # The hospital's own system placed the order: what it may see is seen on its behalf.
        actor = Actor(
            "client", f"orders:{organization_id}", Role.HOSPITAL_CLIENT, frozenset({organization_id})
        )
        basis = await self._gate.origin(actor, chart_id)
        resource = await self._reader.read(basis, event.data["resource_id"])
        if resource is None or resource.deleted or resource.status in ("revoked", "entered-in-error"):
            return None
        return _Order(resource, chart.person_id, actor, _requester(resource))


def _requester(order: Resource) -> str:
    """The hospital's id of who ordered; empty when it did not say."""
    requester = order.body.get("requester")
    if not isinstance(requester, dict):
        return ""
    identifier = requester.get("identifier")
    return str(identifier.get("value", ""))[:64] if isinstance(identifier, dict) else ""
