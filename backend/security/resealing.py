"""After a rotation: everything that is sealed or indexed is made anew with the active key, little by little.

The work of one collection goes through it by id in small batches and notes how far it came, so that it may
be cut short anywhere. A collection is done when a whole pass has found nothing to change: what a process that
had not noticed the rotation wrote behind the first pass is found by the second.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Protocol

from backend import clock
from backend.security.fields import FieldCipher, SealedFieldError
from backend.security.key_file import Use
from backend.security.keys import Keyring, KeyringError
from backend.security.lasting import KEPT_KIDS, SealedFields, longest_lapse
from backend.security.resealing_store import Place, Replacement, ResealingStore

log = logging.getLogger(__name__)

BATCH = 200
# Others take over the work of a process that has died after this long.
_LEASE = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Batch:
    """One step through a collection: up to which id, how many documents were seen, how many changed."""

    last: str | None
    seen: int
    changed: int


class Work(Protocol):
    """What has to be made anew in one collection after a rotation."""

    @property
    def name(self) -> str:
        """A lasting name: progress is kept under it."""

    @property
    def use(self) -> Use:
        """Which keys it follows."""

    def target(self) -> str:
        """With what everything shall be made; another target is another task."""

    async def batch(self, after: str | None, limit: int) -> Batch:
        """Bring the next documents up to date. May run twice, at once, and be cut short."""

    async def made_with(self, kid: str) -> int:
        """How many documents still need this key."""


class SealedWork:
    """Sealed fields of one collection, as its store has declared them."""

    use: Use = "field"

    def __init__(self, store: ResealingStore, cipher: FieldCipher, declared: SealedFields) -> None:
        self.name = f"{declared.collection} fields"
        self._store = store
        self._cipher = cipher
        self._declared = declared

    def target(self) -> str:
        """The active key and the algorithm."""
        return self._cipher.current

    async def batch(self, after: str | None, limit: int) -> Batch:
        """Open what is sealed otherwise and seal it anew; seal what stands in clear from before."""
        collection, names = self._declared.collection, self._declared.names
        docs = await self._store.page(collection, list(names), after, limit)
        replacements = [
            replacement
            for doc in docs
            for path, name in names.items()
            if (replacement := self._sealed_anew(doc, path, name)) is not None
        ]
        await self._store.replace(collection, replacements)
        changed = len({each.doc_id for each in replacements})
        return Batch(docs[-1]["_id"] if len(docs) == limit else None, len(docs), changed)

    async def made_with(self, kid: str) -> int:
        """Documents with a field under this key."""
        paths = [{f"{path}.kid": kid} for path in self._declared.names]
        return await self._store.count(self._declared.collection, {"$or": paths})

    def _sealed_anew(self, doc: dict[str, Any], path: str, name: str) -> Replacement | None:
        old = _at(doc, path)
        if old is None or (not isinstance(old, str) and self._cipher.is_current(old)):
            return None
        collection = self._declared.collection
        try:
            text = old if isinstance(old, str) else self._cipher.open(collection, name, doc["_id"], old)
        except SealedFieldError as error:
            # One damaged field must not keep all others from the new key; `keys drop` will name it.
            log.error("sealed_field_damaged", extra={"detail": str(error)})
            return None
        return Replacement(doc["_id"], path, old, self._cipher.seal(collection, name, doc["_id"], text))


@dataclass(frozen=True, slots=True)
class Standing:
    """How one piece of work stands, for the operator."""

    name: str
    use: Use
    place: Place | None
    current: bool


class KeyInUseError(Exception):
    """A key cannot be dropped yet; a sentence for each reason."""

    def __init__(self, reasons: Sequence[str]) -> None:
        super().__init__(" ".join(reasons))
        self.reasons = tuple(reasons)


class Resealing:
    """Runs the works, says how they stand, and drops keys that nothing needs any more."""

    def __init__(self, store: ResealingStore, keyring: Keyring, works: Sequence[Work]) -> None:
        self._store = store
        self._keyring = keyring
        self._works = tuple(works)

    async def run(self, within_s: float = 20.0) -> int:
        """Go on with whatever is not done, for so long; returns how many documents changed. Periodic."""
        ends = time.monotonic() + within_s
        changed = 0
        for work in self._works:
            if time.monotonic() < ends:
                changed += await self._go_on(work, lambda: time.monotonic() < ends, lambda _: None)
        return changed

    async def run_to_the_end(self, report: Callable[[int], None] = lambda _: None) -> int:
        """Go through everything now, done or not; `report` is told of the documents seen."""
        changed = 0
        for work in self._works:
            changed += await self._go_on(work, lambda: True, report, anew=True)
        return changed

    async def standings(self) -> list[Standing]:
        """Every piece of work and how it stands."""
        found = []
        for work in self._works:
            place = await self._store.find(work.name)
            current = place is not None and place.target == work.target() and place.done_at is not None
            found.append(Standing(work.name, work.use, place, current))
        return found

    async def drop(self, use: Use, kid: str) -> None:
        """Forget a retired key for good. Raises KeyInUseError while anything may still need it."""
        reasons = await self.reasons_to_keep(use, kid)
        if reasons:
            raise KeyInUseError(reasons)
        self._keyring.drop(use, kid)

    async def reasons_to_keep(self, use: Use, kid: str) -> list[str]:
        """Why a key cannot be dropped; empty when it can. Raises KeyringError for a key there is not."""
        self._keyring.get(use, kid)
        replaced_at = self._replaced_at(use, kid)
        if replaced_at is None:
            return [f"{kid} is in use or announced: rotate first."]
        reasons = []
        # Signature and group keys of health codes go together.
        for each in ("code", "code_group") if use in ("code", "code_group") else (use,):
            lapse = longest_lapse(each)
            if replaced_at + lapse.after > clock.now():
                until = replaced_at + lapse.after
                reasons.append(f"{lapse.what} made with {kid} may come until {until:%Y-%m-%d %H:%M} UTC.")
        for work in self._works:
            count = await work.made_with(kid) if work.use == use else 0
            if count:
                reasons.append(f"{count} documents need it ({work.name}): run `healthycity keys reseal`.")
        for kept in KEPT_KIDS:
            count = await self._store.count(kept.collection, {kept.path: kid}) if kept.use == use else 0
            if count:
                reasons.append(f"{count} documents of {kept.collection} need it: {kept.what}.")
        return reasons

    def _replaced_at(self, use: Use, kid: str) -> datetime | None:
        """When a newer key took over; None when none has."""
        newer_at = None
        for key in self._keyring.all(use):  # newest first
            if key.kid == kid:
                return newer_at
            if key.active_from_at <= clock.now():
                newer_at = key.active_from_at
        raise KeyringError(f"there is no key of that id for {use}")

    async def _go_on(
        self,
        work: Work,
        may_go_on: Callable[[], bool],
        report: Callable[[int], None],
        *,
        anew: bool = False,
    ) -> int:
        place = await self._store.begin(work.name, work.target(), _LEASE, anew=anew)
        if place is None:
            return 0
        changed = 0
        while may_go_on():
            if work.target() != place.target:
                break  # Rotated again meanwhile: the next round begins anew.
            batch = await work.batch(place.after, BATCH)
            changed += batch.changed
            report(batch.seen)
            place = _after(place, batch)
            await self._store.save(place, None if place.done_at else _LEASE)
            if place.done_at:
                log.info("resealed", extra={"work": work.name, "changed": place.total})
                return changed
        await self._store.save(place, None)
        return changed


def _after(place: Place, batch: Batch) -> Place:
    changed, total = place.changed + batch.changed, place.total + batch.changed
    if batch.last is not None:
        return replace(place, after=batch.last, seen=place.seen + batch.seen, changed=changed, total=total)
    # The end of a pass: done when it has found nothing, else once more from the start.
    done_at = None if changed else clock.now()
    return replace(place, after=None, seen=place.seen + batch.seen, changed=0, total=total, done_at=done_at)


def _at(doc: dict[str, Any], path: str) -> dict[str, Any] | str | None:
    value: Any = doc
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value if isinstance(value, dict | str) else None
