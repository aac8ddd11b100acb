"""Every event is somebody's; subscribers and periodic jobs have lasting names and run on an empty city."""

import inspect
import re

import pytest

from backend.bootstrap import PERIODIC_JOBS, City
from backend.worker.events import EventKind
from backend.worker.periodic import PeriodicJob
from tests.guards.source import ROOT, listed, source_files

NAME = re.compile(r"^[a-z_]+\.[a-z_]+$")
# Written for the record; nothing follows from them yet.
NOBODY_FOLLOWS: dict[EventKind, str] = {}


def emitted() -> set[str]:
    """Names of event kinds that some code other than the composition root writes."""
    files = [
        file
        for file in source_files("backend")
        if not file.module.startswith(("backend.bootstrap", "backend.worker.events"))
    ]
    return {name for file in files for name in re.findall(r"EventKind\.([A-Z_]+)", file.text)}


def test_every_event_kind_is_written_somewhere():
    unused = [kind.name for kind in EventKind if kind.name not in emitted()]
    assert not unused, listed(unused)


async def test_every_event_kind_has_somebody_who_follows_it(city: City):
    followed = set(city.bus.all())
    lost = [str(kind) for kind in EventKind if kind not in followed and kind not in NOBODY_FOLLOWS]
    assert not lost, listed(lost)


async def test_subscribers_have_lasting_names_and_are_called_without_blocking(city: City):
    wrong = [
        f"{kind}: {name}"
        for kind, names in city.bus.all().items()
        for name in names
        if not NAME.match(name) or not inspect.iscoroutinefunction(city.bus.handler(kind, name))
    ]
    assert not wrong, listed(wrong)


def test_periodic_jobs_have_lasting_names_of_their_own():
    names = [job.name for job in PERIODIC_JOBS]
    assert len(names) == len(set(names))
    assert not [name for name in names if not NAME.match(name)]
    assert all(job.every_s > 0 for job in PERIODIC_JOBS)


@pytest.mark.parametrize("job", PERIODIC_JOBS, ids=lambda job: job.name)
async def test_a_periodic_job_runs_on_an_empty_city_and_may_run_twice(job: PeriodicJob, city: City):
    await job.run(city.services)
    await job.run(city.services)


async def test_everything_that_runs_by_itself_is_documented(city: City):
    text = (ROOT / "docs" / "jobs.md").read_text()
    names = {job.name for job in PERIODIC_JOBS} | {
        name for names in city.bus.all().values() for name in names
    }
    missing = [name for name in names if f"`{name}`" not in text]
    assert not missing, listed(missing)
