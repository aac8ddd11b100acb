"""`python -m bench surveys`: a campaign planned, sent, answered by 40 % and counted; then the results page.

Prints runs per second of each step and the memory it grew by, and how long the results page of a city with a
million answers takes over HTTP. Time is moved on where a campaign would wait.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Annotated

import httpx
import psutil
import typer
import uvloop

from admin.base import SESSION_COOKIE
from backend import clock
from backend.db.client import Database, Document
from backend.directory.models import Organization
from backend.ids import new_id
from backend.permissions import SYSTEM, Role
from backend.security.fields import BlindIndex, FieldCipher
from backend.security.keys import Keyring
from backend.staff.models import SESSION_IDLE, NewStaff, SessionStage
from backend.surveys.asking import Asking, Said
from backend.surveys.campaign_store import CampaignStore
from backend.surveys.counting import Counting
from backend.surveys.links import Links
from backend.surveys.models import (
    Campaign,
    CampaignState,
    Happened,
    Through,
    Trigger,
    Version,
    VersionState,
    Way,
)
from backend.surveys.planning import Planning
from backend.surveys.questionnaire import Kind, Option, Question, Questionnaire
from backend.surveys.questionnaire_store import QuestionnaireStore
from backend.surveys.result_store import ResultStore
from backend.surveys.results import month_before
from backend.surveys.run_store import RunStore
from backend.surveys.sending import Sending
from bench import messages
from bench.city import HOST, BenchCity, bench_city

AT_ONCE = 32
SHARE = 0.4
SAID = ("2", "1", "医生耐心，就是排队太久")
ASKED = Questionnaire(
    "门诊回访",
    (
        Question(
            "overall",
            Kind.CHOICE,
            "您对这次就诊满意吗？",
            options=tuple(Option(str(n), f"{n}分", Decimal(n)) for n in (5, 4, 3, 2, 1)),
        ),
        Question(
            "wait", Kind.CHOICE, "等候时间可以接受吗？", options=(Option("y", "可以"), Option("n", "太久"))
        ),
        Question("words", Kind.TEXT, "还有什么想说的？"),
    ),
)
# A city of this size in a year: every doctor has counters of his own.
HOSPITALS, DEPARTMENTS, DOCTORS, MONTHS = 20, 25, 6, 12
MILLION = 1_000_000


class Nowhere:
    """No directory: the letters say 医院."""

    async def find_organization(self, organization_id: str) -> Organization | None:
        """Nothing."""
        return None


@dataclass
class Pace:
    """Steps with their rates, and the most memory that was held."""

    count: int
    rates: dict[str, float] = field(default_factory=dict)
    grown_mb: float = 0.0
    _before: int = field(default_factory=lambda: psutil.Process().memory_info().rss)

    async def step(self, name: str, count: int, work: Awaitable[object]) -> None:
        """Do a step and note its rate."""
        started = time.perf_counter()
        await work
        self.rates[name] = count / (time.perf_counter() - started)
        self.look()

    def look(self) -> None:
        """Note what is held now."""
        self.grown_mb = max(self.grown_mb, (psutil.Process().memory_info().rss - self._before) / 2**20)


class Parts:
    """The surveys' parts on a database, without a city around them."""

    def __init__(self, post: messages.Post) -> None:
        db, ring = post.db, Keyring.generate()
        cipher = FieldCipher(ring)
        self.db, self.post = db, post
        self.runs, self.campaigns = RunStore(db, cipher), CampaignStore(db)
        self.questionnaires = QuestionnaireStore(db)
        self.planning = Planning(self.campaigns, self.runs)
        self.asking = Asking(self.runs, self.questionnaires)
        self.counting = Counting(ResultStore(db, cipher), self.questionnaires)
        self.sending = Sending(
            self.runs,
            self.campaigns,
            self.questionnaires,
            post.service,
            messages.Phones(),
            Nowhere(),
            Links(BlindIndex(ring), "https://jk.example.org"),
            guardians_of=_nobody,
            hours=(0, 24),
        )

    async def campaign(self) -> Campaign:
        """A running campaign with a published questionnaire."""
        version = Version(new_id(), 1, None, VersionState.PUBLISHED, 1, ASKED, clock.now(), clock.now())
        await self.questionnaires.insert(version)
        made = Campaign(
            new_id(), "bench", None, version.questionnaire_id, 1, Trigger.STAFF, CampaignState.RUNNING,
            ways=(Way.SMS,),
        )  # fmt: skip
        await self.campaigns.insert(made)
        return made


async def _nobody(patient_id: str) -> list[str]:
    return []


async def run_campaign(count: int) -> Pace:
    """Plan, send, answer, count."""
    async with messages._post() as post:
        parts, pace = Parts(post), Pace(count)
        campaign = await parts.campaign()
        await pace.step("planned", count, parts.planning.invite(campaign, _people(count)))
        await _send(parts, pace)
        answering = round(count * SHARE)
        ids = [
            doc["_id"]
            async for doc in post.db.collection("survey_runs").find({}, {"_id": 1}).limit(answering)
        ]
        await pace.step("answered", answering, _side_by_side(ids, lambda run: _answer(parts, run)))
        await pace.step("counted", count, _count(parts))
        row = await post.db.collection("survey_results").find_one({"level": "city"})
        totals = {name: (row or {}).get(name) for name in ("planned", "sent", "completed")}
        if totals != {"planned": count, "sent": count, "completed": answering}:
            raise SystemExit(f"counted wrongly: {totals}")
        return pace


def _people(count: int) -> Iterator[Happened]:
    at = clock.now() - timedelta(hours=1)
    for number in range(count):
        department = f"d{number % 40}"
        person = f"p138{number:08d}"
        yield Happened(
            Trigger.STAFF, f"v{number}", person, f"h{number % 8}", department, f"x{number % 200}", at
        )


async def _send(parts: Parts, pace: Pace) -> None:
    """Sweep and drain until everybody has been asked, moving on the time that is waited for the letters.

    The surveys' own work (asking, and looking what became of it) is timed apart from the messages'.
    """
    runs = parts.db.collection("survey_runs")
    asking = delivering = 0.0
    while await runs.count_documents({"state": "planned"}, limit=1):
        started = time.perf_counter()
        await parts.sending.sweep(batches=4)
        swept = time.perf_counter()
        await messages.drain(parts.post.outbox)
        asking, delivering = asking + swept - started, delivering + time.perf_counter() - swept
        past = clock.now() - timedelta(seconds=1)
        await runs.update_many({"state": "planned", "posted": {"$ne": None}}, {"$set": {"due_at": past}})
        pace.look()
    pace.rates |= {"asked": pace.count / asking, "delivered": pace.count / delivering}


async def _answer(parts: Parts, run_id: str) -> None:
    for n, text in enumerate(SAID):
        await parts.asking.answer(run_id, Said(f"{run_id}{n}", Through.SMS, text=text))


async def _count(parts: Parts) -> None:
    while await parts.counting.run():
        pass


async def _side_by_side(ids: list[str], one: Callable[[str], Awaitable[None]]) -> None:
    waiting = iter(ids)

    async def line() -> None:
        for each in waiting:
            await one(each)

    await asyncio.gather(*(line() for _ in range(AT_ONCE)))


# The page.


async def time_page(rounds: int = 20) -> dict[str, float]:
    """The results page of a city with a million answers: milliseconds over HTTP, the median and the worst."""
    async with bench_city() as bench:
        questionnaire_id, hospital = await _fill(bench)
        shown: dict[str, float] = {}
        for name, scope in (("city", None), ("hospital", frozenset({hospital}))):
            role = Role.HOSPITAL_OPERATOR if scope else Role.CITY_OPERATOR
            staff = bench.city.services.staff
            wanted = NewStaff(
                f"bench.{name}", "林晓", role, scope, "a long pass phrase 7", must_change_password=False
            )
            member = (await staff.add(SYSTEM, wanted)).member
            cookie, _ = await staff.sign_in._open(member, SessionStage.OPEN, SESSION_IDLE)
            times = await _ask(f"http://{HOST}:{bench.web_port}", questionnaire_id, cookie, rounds)
            shown |= {f"{name} p50": statistics.median(times), f"{name} worst": max(times)}
        return shown


async def _ask(address: str, questionnaire_id: str, cookie: str, rounds: int) -> list[float]:
    path = f"{address}/admin/surveys?questionnaire={questionnaire_id}"
    times = []
    async with httpx.AsyncClient(headers={"Cookie": f"{SESSION_COOKIE}={cookie}"}, timeout=30) as http:
        for _ in range(rounds):
            started = time.perf_counter()
            page = await http.get(path)
            times.append((time.perf_counter() - started) * 1000)
            if page.status_code != 200 or "各题回答" not in page.text:
                raise SystemExit(f"the page answered {page.status_code}")
    return times


async def _fill(bench: BenchCity) -> tuple[str, str]:
    library = bench.city.services.surveys.library
    version = await library.create(SYSTEM, None, ASKED)
    await library.publish(SYSTEM, version.questionnaire_id)
    real = bench.department.organization_id
    places = [real, *(f"hospital-{n}" for n in range(1, HOSPITALS))]
    counters = list(_counters(version.questionnaire_id, places))
    for start in range(0, len(counters), 5000):
        await _insert(bench.city.db, counters[start : start + 5000])
    return version.questionnaire_id, real


async def _insert(db: Database, counters: list[Document]) -> None:
    await db.collection("survey_results").insert_many(counters, ordered=False)


def _counters(questionnaire_id: str, places: list[str]) -> Iterator[Document]:
    """What counting leaves of a million answers, spread evenly."""
    doctors = HOSPITALS * DEPARTMENTS * DOCTORS * MONTHS
    of_doctor = round(MILLION / doctors)
    for n in range(MONTHS):
        month = month_before(clock.today(), n)
        yield _counter(questionnaire_id, "city", ("", "", ""), month, MILLION // MONTHS)
        for place in places:
            yield _counter(
                questionnaire_id, "organization", (place, "", ""), month, MILLION // MONTHS // HOSPITALS
            )
            for d in range(DEPARTMENTS):
                department = f"{place}-{d}"
                count = of_doctor * DOCTORS
                yield _counter(questionnaire_id, "department", (place, department, ""), month, count)
                for x in range(DOCTORS):
                    doctor = (place, department, f"{department}-{x}")
                    yield _counter(questionnaire_id, "practitioner", doctor, month, of_doctor)


def _counter(
    questionnaire_id: str, level: str, place: tuple[str, str, str], month: str, count: int
) -> Document:
    names = ("questionnaire_id", "level", "organization_id", "department_id", "practitioner_id", "month")
    values = (questionnaire_id, level, *place, month)
    return {
        "_id": "|".join(values),
        **dict(zip(names, values, strict=True)),
        "planned": count * 3, "sent": count * 2, "completed": count, "scored": count, "points": count * 81,
        "satisfied": count // 2, "dissatisfied": count // 9, "tickets": count // 50,
        "counts": {
            "overall": {str(n): count // 5 for n in range(1, 6)},
            "wait": {"y": count // 2, "n": count // 2},
        },
        "sums": {"overall": {"answered": count}, "wait": {"answered": count}, "words": {"answered": count}},
        "words": {"排队等候": count // 3, "服务态度": count // 4},
        "through": {"sms": count},
    }  # fmt: skip


def main(
    count: Annotated[int, typer.Option(help="How many people the campaign asks.")] = 5_000,
    page: Annotated[bool, typer.Option(help="Measure the page with a million answers, too.")] = True,
) -> None:
    """Measure a campaign, then the page."""
    pace = uvloop.run(run_campaign(count))
    rates = "  ".join(f"{name} {rate:.0f}/s" for name, rate in pace.rates.items())
    sys.stdout.write(f"surveys        {pace.count} runs  {rates}  {pace.grown_mb:.0f} MB grown\n")
    if page:
        shown = "  ".join(f"{name} {ms:.0f} ms" for name, ms in uvloop.run(time_page()).items())
        sys.stdout.write(f"results page   1 000 000 answers  {shown}\n")


if __name__ == "__main__":
    typer.run(main)
