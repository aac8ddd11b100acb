"""Sends what waits: one message in flight for each hospital, in order, until the hospital has answered.

Whoever sends holds the hospital's lease. A process that dies leaves a lease that ends and a message that
still waits: it goes out again with the same MSH-10 and the same bytes, and a hospital that has it says so.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from backend import clock
from backend.db.failures import DatabaseError
from backend.errors import AppError
from backend.exchange.v2.outbound_line import Answer, ClientTLS, Line, LineError
from backend.exchange.v2.outbound_models import CHARSETS, Outgoing, Target
from backend.exchange.v2.outbound_store import OutgoingStore
from backend.exchange.v2.outbound_targets import TargetStore
from backend.ids import new_id

log = logging.getLogger(__name__)

# A hospital that says "not now" for half a day will not say otherwise by itself.
MOST_REFUSALS = 60
# A message that alone is never answered, while others are, must not hold the line up for ever.
MOST_SILENCES = 6
_LONGEST_WAIT_S = 900.0
# Where it is the line, the messages that met it go out soon after it works again.
_LONGEST_SILENCE_S = 120.0
# Table 0357: what no later try can mend. 207 and the rest may be of the moment.
_FOR_GOOD = frozenset({"200", "201", "202", "203"})
_NO_ANSWER = "no_answer"


@dataclass
class Courier:
    """Carries messages to hospitals."""

    targets: TargetStore
    outgoing: OutgoingStore
    tls: ClientTLS
    answer_s: float = 30.0
    _me: str = field(default_factory=new_id)
    _busy: dict[str, asyncio.Task[int]] = field(default_factory=dict)

    async def run(self, stop: asyncio.Event, every_s: float = 1.0) -> None:
        """Go on until told to stop; what is under way then is answered first."""
        while not stop.is_set():
            try:
                await self._start_due()
            except DatabaseError as error:
                log.warning("outbound_database_away", extra={"error": type(error).__name__})
            try:
                await asyncio.wait_for(stop.wait(), every_s)
            except TimeoutError:
                continue
        if self._busy:
            await asyncio.wait(list(self._busy.values()), timeout=self.answer_s)

    async def deliver_due(self) -> int:
        """Send all that may go now, to all hospitals side by side; how many were answered AA."""
        await self._start_due()
        return sum(await asyncio.gather(*list(self._busy.values())))

    async def _start_due(self) -> None:
        for organization_id in await self.outgoing.due_organizations():
            if organization_id not in self._busy:
                self._busy[organization_id] = asyncio.create_task(self._deliver(organization_id))

    async def _deliver(self, organization_id: str) -> int:
        try:
            target = await self.targets.take(organization_id, self._me)
            return await self._speak(target) if target is not None else 0
        except DatabaseError as error:
            # The lease ends by itself, and the message still waits.
            log.warning("outbound_database_away", extra={"error": type(error).__name__})
            return 0
        finally:
            del self._busy[organization_id]

    async def _speak(self, target: Target) -> int:
        line = Line(target, self.tls, self.answer_s)
        try:
            return await self._empty(target, line)
        except (AppError, ValueError, LookupError) as error:  # a mistake of ours: slowly, and in the log
            log.exception("outbound_broken", extra={"error": type(error).__name__})
            await self.targets.failed(target, "平台内部错误")
            return 0
        finally:
            await line.close()
            await self.targets.let_go(target.organization_id, self._me)

    async def _empty(self, target: Target, line: Line) -> int:
        """Send until nothing is left, or the line fails."""
        sent = 0
        while batch := await self.outgoing.next_for(target.organization_id):
            for message in batch:
                mine = await self.targets.take(target.organization_id, self._me)
                if mine is None:
                    return sent
                done = await self._send(mine, line, message)
                if done is None:
                    return sent
                sent += done
        return sent

    async def _send(self, target: Target, line: Line, message: Outgoing) -> bool | None:
        """One message: True when the hospital has it, False when not, None when the line does not work."""
        block = (await self.outgoing.text_of(message.id)).encode(CHARSETS[message.charset])
        if not await self.outgoing.begin(message):
            return False
        try:
            answer = await line.exchange(block, message.control_id)
        except LineError as error:
            await self._line_failed(target, message, error)
            return None
        await self.targets.worked(target.organization_id)
        about = {"message_id": message.id, "kind": message.kind, "verdict": answer.verdict}
        log.info("outbound_answered", extra=about)
        if answer.verdict == "AA":
            await self.outgoing.sent(message)
            return True
        await self._refused(message, answer)
        return False

    async def _refused(self, message: Outgoing, answer: Answer) -> None:
        """AE is for a person to mend; AR may be of the moment, and is tried again for half a day."""
        tries = message.tries + 1
        for_good = answer.verdict == "AE" or answer.code in _FOR_GOOD or tries >= MOST_REFUSALS
        if for_good:
            await self.outgoing.refused(message, answer.verdict, answer.code, answer.said)
        else:
            await self.outgoing.put_off(message, _later(tries, _LONGEST_WAIT_S), answer.verdict, answer.code)

    async def _line_failed(self, target: Target, message: Outgoing, error: LineError) -> None:
        log.warning("outbound_line", extra={"organization_id": target.organization_id})
        await self.targets.failed(target, error.said)
        if not error.handed_over:
            return
        tries = message.tries + 1
        first = message.first_tried_at
        others_go = first is not None and target.last_ok_at is not None and target.last_ok_at > first
        if tries >= MOST_SILENCES and others_go:
            await self.outgoing.refused(message, "", _NO_ANSWER, error.said)
        else:
            # Others go first meanwhile: perhaps it is this message that the hospital cannot bear.
            await self.outgoing.put_off(message, _later(tries, _LONGEST_SILENCE_S), "", _NO_ANSWER)


def _later(tries: int, most_s: float) -> datetime:
    return clock.now() + timedelta(seconds=min(2.0 ** min(tries, 12), most_s))
