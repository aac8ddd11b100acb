"""Filings of births as far as they have come: what agencies and parents say, in one line after the other.

The agencies' words are given to the service as their callbacks would be, under numbers that no later word of
theirs passes: so the stories stay as they are told, whatever the sandbox decides by itself.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from backend import clock
from backend.births.handover_models import Told
from backend.births.machine import HandoverState
from backend.births.models import Problem
from backend.births.ports import Standing, Word
from backend.births.service import BirthService
from backend.permissions import Actor
from backend.seed.names import id_number
from backend.worker.events import Event, EventKind

FIRST_WORD = 1000
UNCLEAR = Problem("material_unclear", "户口簿照片看不清。", "请重新拍摄首页和本人页后再提交。")
NOT_HERE = Problem("not_eligible", "户口簿与系统登记不一致。", "请带户口簿原件到户口所在地派出所核对。")
# Everything in the order in which it is asked for.
ALL = ("birth_certificate", "vaccination", "household", "insurance", "social_card")


@dataclass(frozen=True)
class Teller:
    """Tells one filing's story."""

    births: BirthService
    mother: Actor
    filing_id: str
    number: int
    born_at: datetime
    male: bool

    async def says(
        self, code: str, standing: Standing, *, word: int = 0, problem: Problem | None = None,
        handover: Told | None = None,
    ) -> None:  # fmt: skip
        """The step is asked for, if it has not been, and its agency says so."""
        due = Event(EventKind.BIRTH_STEP_DUE, {"filing_id": self.filing_id, "step": code})
        await self.births.asking.on_step_due(due)
        filing = (await self.births.get(self.mother, self.filing_id)).filing
        step = filing.step(code)
        if step is None or not step.request_id:
            return
        done = standing is Standing.DONE
        await self.births.asking.take(
            step.agency,
            Word(
                step.request_id, standing, FIRST_WORD + word, f"{step.agency.upper()}{self.number:06d}",
                (problem,) if problem else (), self._results(code) if done else {}, handover,
            ),
        )  # fmt: skip

    async def done(self, *codes: str) -> None:
        """These are done, one after the other."""
        for code in codes:
            await self.says(code, Standing.DONE)

    async def sends(self, code: str, told: Told) -> None:
        """What is done is on its way."""
        await self.says(code, Standing.DONE, word=1, handover=told)

    def _results(self, code: str) -> dict[str, str]:
        today = f"{clock.today()}"
        number = id_number(clock.civil_date(self.born_at), 100 + self.number, male=self.male)
        return {
            "birth_certificate": {"certificate_no": f"T{370_000_000 + self.number}", "issued_on": today},
            "vaccination": {"booklet_no": f"3707{self.number:012d}", "clinic": "社区卫生服务中心"},
            "household": {"id_number": number, "household_no": f"37079{self.number:04d}"},
            "insurance": {"insurance_no": f"3707{self.number:010d}", "covered_from": today},
            "social_card": {"card_no": f"G{self.number:08d}", "ready_on": today},
        }.get(code, {})


async def _at_work(story: Teller) -> None:
    """The certificate is issued, the household step is at its agency."""
    await story.done("birth_certificate")
    await story.says("household", Standing.ACCEPTED)


async def _to_be_corrected(story: Teller) -> None:
    """The parents have to send a photo again."""
    await story.done("birth_certificate", "vaccination")
    await story.says("household", Standing.NEEDS_CORRECTION, problem=UNCLEAR)


async def _contradicted(story: Teller) -> None:
    """An agency takes back what it has issued: staff have to telephone."""
    await story.done("birth_certificate")
    await story.says("birth_certificate", Standing.REJECTED, word=1, problem=NOT_HERE)


async def _refused(story: Teller) -> None:
    """One part is done, the other is not."""
    await story.done("birth_certificate", "vaccination")
    await story.says("household", Standing.REJECTED, problem=NOT_HERE)


async def _all_done(story: Teller) -> None:
    """Done and on its way: one thing received, one ready, one posted, and one that has not come."""
    await story.done(*ALL)
    for code in ("birth_certificate", "vaccination", "household"):
        place = "出生医院产科窗口" if code != "household" else "落户地派出所户籍窗口"
        await story.sends(code, Told(HandoverState.READY, place=place))
    await story.sends("social_card", Told(HandoverState.POSTED, "邮政特快专递", f"EM{story.number:09d}CN"))
    receiving = story.births.receiving
    await receiving.receive(story.mother, story.filing_id, "birth_certificate")
    await receiving.miss(story.mother, story.filing_id, "vaccination", "窗口说没有这本接种证")


async def _withdrawn(story: Teller) -> None:
    """The parents want to think about the name again."""
    await story.births.withdraw(story.mother, story.filing_id, "名字要再想想")
    await story.says("birth_certificate", Standing.CANCELLED)


STORIES: Sequence[Callable[[Teller], Awaitable[Any]]] = (
    _at_work,
    _to_be_corrected,
    _contradicted,
    _refused,
    _all_done,
    _withdrawn,
)
