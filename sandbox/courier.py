"""Carries callbacks to the city, signs each attempt, retries on the vendor's own schedule."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import httpx

from sandbox.agenda import Agenda
from sandbox.state import Delivery, Keeper
from sandbox.switches import Switches

_MINUTE, _HOUR = 60, 3600
# WeChat Pay's published schedule: fifteen more attempts after the first.
PAY_RETRIES_S = (
    15, 15, 30, 3 * _MINUTE, 10 * _MINUTE, 20 * _MINUTE, 30 * _MINUTE, 30 * _MINUTE, 30 * _MINUTE,
    60 * _MINUTE, 3 * _HOUR, 3 * _HOUR, 3 * _HOUR, 6 * _HOUR, 6 * _HOUR,
)  # fmt: skip
# Aliyun's is published; cloud MAS' and Tencent Cloud's are not, and taken to be the same (not verified).
_SMS_RETRIES_S = (60, 300, 600)
SMS_SERVICES = ("mas", "aliyun", "tencent")
RETRIES_S = {"pay": PAY_RETRIES_S, "agencies": (15, 60, 300, 900, 3600)} | dict.fromkeys(
    SMS_SERVICES, _SMS_RETRIES_S
)
# An answer that takes longer than five seconds counts as none.
ANSWER_WITHIN_S = 5.0
# Waiting for a free connection must not count as the city's slowness.
AT_ONCE = 32
Signer = Callable[[str], dict[str, str]]
Judge = Callable[[int, bytes], bool]


class Courier:
    """One place that calls out of the sandbox; `may_call` lets it reach nothing but the city."""

    def __init__(
        self, keeper: Keeper, agenda: Agenda, switches: Switches, may_call: Callable[[str], bool]
    ) -> None:
        self._keeper = keeper
        self._agenda = agenda
        self._switches = switches
        self._may_call = may_call
        self._signers: dict[str, Signer] = {}
        self._judges: dict[str, Judge] = {}
        self._places = asyncio.Semaphore(AT_ONCE)
        self._client = httpx.AsyncClient(timeout=ANSWER_WITHIN_S, trust_env=False, follow_redirects=False)
        agenda.serve("deliver", self._deliver)

    def sign_with(self, name: str, signer: Signer) -> None:
        """Say how deliveries with this signer's name get their headers."""
        self._signers[name] = signer

    def judge_with(self, service: str, judge: Judge) -> None:
        """Say which answers content a vendor; by default any success does."""
        self._judges[service] = judge

    def send(self, delivery: Delivery, delay_s: float = 0.0) -> None:
        """Take a delivery; the first attempt comes after `delay_s`."""
        self._keeper.state.deliveries[delivery.id] = delivery
        self._agenda.after(delay_s, "deliver", {"id": delivery.id})

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _deliver(self, data: dict[str, Any]) -> None:
        delivery = self._keeper.state.deliveries.get(data["id"])
        if delivery is None or delivery.state != "pending":
            return
        async with self._places:
            attempt = await self._attempt(delivery)
        delivery.attempts.append(attempt)
        self._keeper.changed()
        if delivery.expect_refusal:
            delivery.state = _verdict_on_bait(attempt["status"])
        elif attempt["taken"]:
            delivery.state = "delivered"
        else:
            self._retry(delivery)

    async def _attempt(self, delivery: Delivery) -> dict[str, Any]:
        attempt: dict[str, Any] = {
            "at": self._keeper.clock(),
            "status": None,
            "outcome": "",
            "taken": False,
        }
        if not self._may_call(delivery.url):
            return attempt | {"outcome": "not the city: not called"}
        if self._is_lost(delivery):
            return attempt | {"outcome": "lost"}
        headers = {"Content-Type": "application/json", "User-Agent": "Mozilla/4.0"}
        if delivery.signer:
            headers |= self._signers[delivery.signer](delivery.body)
        started = time.monotonic()
        try:
            answer = await self._client.post(delivery.url, content=delivery.body.encode(), headers=headers)
        except httpx.HTTPError as error:
            return attempt | {"outcome": type(error).__name__, "ms": _since(started)}
        taken = self._takes(delivery.service, answer.status_code, answer.content)
        return attempt | {
            "status": answer.status_code,
            "outcome": answer.text[:200],
            "taken": taken,
            "ms": _since(started),
        }

    def _takes(self, service: str, status: int, content: bytes) -> bool:
        return self._judges.get(service, _any_success)(status, content)

    def _is_lost(self, delivery: Delivery) -> bool:
        if delivery.expect_refusal:
            return False
        if delivery.service in SMS_SERVICES:
            return self._switches.on("lose_reports")
        if delivery.service == "agencies":
            return self._switches.on("lose_agency_calls")
        limit = self._switches.number("lose_notices")
        return limit < 0 or sum(a["outcome"] == "lost" for a in delivery.attempts) < limit

    def _retry(self, delivery: Delivery) -> None:
        schedule = RETRIES_S[delivery.service]
        if len(delivery.attempts) > len(schedule):
            delivery.state = "given_up"
            return
        self._agenda.after(schedule[len(delivery.attempts) - 1], "deliver", {"id": delivery.id})


def _any_success(status: int, _content: bytes) -> bool:
    return 200 <= status < 300


def _verdict_on_bait(status: int | None) -> str:
    if status is None:
        return "unanswered"
    return "refused" if status >= 400 else "swallowed"


def _since(started: float) -> int:
    return round((time.monotonic() - started) * 1000)
