"""The text-message providers as one: who can carry a message, in which order they are tried, how fast.

A refusal or an outage leads to the next provider; doubt never does, for the message may be on its way.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Protocol

from backend import clock
from backend.messages import chooser
from backend.messages.models import MessageKind
from backend.messages.tally_store import Tallies
from backend.security.limits import Bucket
from backend.worker.events import RetryLater
from notify.ports import (
    SMS,
    NotifyError,
    RejectedError,
    RejectReason,
    RetryableError,
    SendResult,
    SMSReceiver,
    SMSSender,
    SMSTracer,
    TemplateSMS,
    TemplateSMSSender,
)

log = logging.getLogger(__name__)

# A provider that did not answer, or does not know us, is asked last for so long.
AWAY_S = 30.0
# So long a message waits here for its turn; then it goes back to the outbox.
PATIENCE_S = 5.0
_FRESH_S = 10.0
# What has waited for tomorrow comes back over so long, and not before every process knows the day.
_WAKING_S = 30.0


@dataclass(frozen=True)
class SMSLine:
    """A provider as the composition root set it up. `path` is its part of the callbacks' address.

    With `texts` it takes any words; else what it has approved: `templates` are the kinds' first versions.
    """

    name: str
    path: str
    receiver: SMSReceiver
    callback_secret: str = field(repr=False)
    texts: SMSSender | None = None
    by_template: TemplateSMSSender | None = None
    templates: Mapping[str, str] = field(default_factory=dict)
    tracer: SMSTracer | None = None
    signature: str = ""
    share: float = 1.0
    per_second: float = 0.0
    per_day: int = 0
    # Whether the contract lets us lengthen the number that messages come from.
    extends: bool = False

    def can_send(self, template_ids: Mapping[str, str]) -> bool:
        """Whether it takes messages of a version that providers have approved under these names."""
        return self.texts is not None or self.name in template_ids

    async def send(self, draft: Draft) -> SendResult:
        """Hand one message over."""
        extension = draft.extension if self.extends else ""
        template = draft.template_ids.get(self.name)
        if self.texts is None and self.by_template is not None and template is not None:
            return await self.by_template.send_template(
                TemplateSMS(draft.phone, template, draft.params, extension, draft.reference)
            )
        if self.texts is None:
            raise RejectedError("NO_TEMPLATE", reason=RejectReason.MISCONFIGURED)
        return await self.texts.send(SMS(draft.phone, draft.text, extension))


@dataclass(frozen=True, slots=True)
class Draft:
    """One message to one phone: its words, and for approved templates their names and slots' values."""

    phone: str = field(repr=False)
    text: str = field(repr=False)
    params: Mapping[str, str] = field(repr=False)
    reference: str = ""
    template_ids: Mapping[str, str] = field(default_factory=dict)
    extension: str = ""


class Limits(Protocol):
    """What lines need of the rate limiter."""

    async def ask(self, bucket: str, limit: Bucket, key: str) -> int:
        """Take a token; or the milliseconds to wait for one."""


class SMSLines:
    """All providers of the city."""

    def __init__(
        self,
        lines: Sequence[SMSLine],
        tallies: Tallies,
        limits: Limits,
        *,
        dice: Callable[[], float] = lambda: secrets.randbelow(2**30) / 2**30,
    ) -> None:
        self._lines = {line.name: line for line in lines}
        self._tallies = tallies
        self._limits = limits
        self._dice = dice
        self._away_until: dict[str, float] = {}
        self._weights: dict[str, float] = {}
        self._full: frozenset[str] = frozenset()
        self._weighed_at = float("-inf")
        self._weighed_on: date | None = None
        self._weighing = asyncio.Lock()

    def all(self) -> list[SMSLine]:
        """Every provider."""
        return list(self._lines.values())

    def get(self, name: str) -> SMSLine | None:
        """A provider by the name in our records."""
        return self._lines.get(name)

    def first_ids(self, kind: MessageKind) -> dict[str, str]:
        """What the first version of a kind is called at each provider that has approved it."""
        return {line.name: line.templates[kind] for line in self._lines.values() if kind in line.templates}

    @property
    def signature(self) -> str:
        """The signature a text is counted with: the longest of all."""
        return max((line.signature for line in self._lines.values()), key=len, default="")

    async def order(self, template_ids: Mapping[str, str], *, urgent: bool = False) -> list[SMSLine]:
        """Who can carry a version of a kind, in the order in which they are tried.

        Who has had his fill for today is left out, and tried last by what is urgent. Raises RetryLater until
        tomorrow when nobody is left.
        """
        able = {
            name: weight
            for name, weight in (await self._current_weights()).items()
            if self._lines[name].can_send(template_ids)
        }
        weights = able if urgent else {name: able[name] for name in able.keys() - self._full}
        if able and not weights:
            tomorrow = clock.city_instant(clock.today() + timedelta(days=1), 0)
            left_s = (tomorrow - clock.now()).total_seconds()
            raise RetryLater(left_s + _WAKING_S * (1 + self._dice()))
        names = chooser.order(weights, self._dice)
        now = time.monotonic()
        return [self._lines[name] for name in sorted(names, key=lambda n: self._away_until.get(n, 0) > now)]

    async def await_turn(self, template_ids: Mapping[str, str], *, urgent: bool = False) -> list[SMSLine]:
        """The same, once the first of them may be sent to. Raises RetryLater when that takes too long."""
        until = time.monotonic() + PATIENCE_S
        while True:
            lines = await self.order(template_ids, urgent=urgent)
            waits = []
            for line in lines:
                wait_ms = await self._ask(line)
                if not wait_ms:
                    return [line, *(other for other in lines if other is not line)]
                waits.append(wait_ms / 1000)
            if not lines:
                raise RejectedError("NO_TEMPLATE", reason=RejectReason.MISCONFIGURED)
            if time.monotonic() + min(waits) > until:
                raise RetryLater(1 + PATIENCE_S * self._dice())
            await asyncio.sleep(min(waits))

    async def _ask(self, line: SMSLine) -> int:
        if not line.per_second:
            return 0
        bucket = Bucket(max(1, round(line.per_second)), 1 / line.per_second)
        return await self._limits.ask("sms_provider", bucket, line.name)

    async def send(
        self, lines: Sequence[SMSLine], draft: Draft, trying: Callable[[SMSLine], Awaitable[None]]
    ) -> SendResult:
        """Send by the first that takes it. `trying` is told of each before it is asked.

        Raises what the last one said, at once in case of doubt, and when the recipient was refused.
        """
        refused: NotifyError | None = None
        for line in lines:
            await trying(line)
            try:
                result = await line.send(draft)
            except NotifyError as error:
                if not _may_go_elsewhere(error):
                    raise
                log.warning("sms_line_refused", extra={"provider": line.name, "code": error.code})
                self._note(line, error)
                refused = error if refused is None else _milder(refused, error)
                continue
            self._tallies.sent(line.name, clock.now())
            return result
        raise refused or RejectedError("NO_TEMPLATE", reason=RejectReason.MISCONFIGURED)

    def _note(self, line: SMSLine, error: NotifyError) -> None:
        ours = isinstance(error, RejectedError) and error.reason is RejectReason.MISCONFIGURED
        if ours or isinstance(error, RetryableError):
            self._away_until[line.name] = time.monotonic() + AWAY_S

    async def _current_weights(self) -> dict[str, float]:
        async with self._weighing:
            today = clock.today()
            # Yesterday's caps are over at midnight, however fresh they are.
            if time.monotonic() - self._weighed_at > _FRESH_S or self._weighed_on != today:
                self._weights = await self.weights()
                self._full = await self._having_their_fill()
                self._weighed_at, self._weighed_on = time.monotonic(), today
        return self._weights

    async def weights(self) -> dict[str, float]:
        """Each provider's share times its health; nothing for one that has had its fill for today."""
        now = clock.now()
        found = await self._tallies.since(now - chooser.WINDOW - timedelta(minutes=1))
        full = await self._having_their_fill()
        return {
            line.name: 0.0
            if line.name in full
            else line.share * chooser.health(chooser.bad_share(found.get(line.name, ()), now))
            for line in self._lines.values()
        }

    async def _having_their_fill(self) -> frozenset[str]:
        """Who has taken as many today as the contract allows."""
        today = await self._tallies.sent_today()
        return frozenset(
            line.name
            for line in self._lines.values()
            if line.per_day and today.get(line.name, 0) >= line.per_day
        )


def _may_go_elsewhere(error: NotifyError) -> bool:
    """Whether another provider may be asked: only when this one surely did not take the message."""
    if isinstance(error, RejectedError):
        return error.reason is not RejectReason.BAD_RECIPIENT
    return isinstance(error, RetryableError)


def _milder(one: NotifyError, other: NotifyError) -> NotifyError:
    """Of two refusals the one that leaves more hope: what may be had later, then what we can put right."""

    def hope(error: NotifyError) -> int:
        if isinstance(error, RetryableError):
            return 2
        return int(isinstance(error, RejectedError) and error.reason is RejectReason.MISCONFIGURED)

    return one if hope(one) > hope(other) else other
