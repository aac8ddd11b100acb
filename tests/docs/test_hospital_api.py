"""The samples of docs/hospital-api.md, run as a hospital's engineer would run them, against a whole city."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.docs.pages import page
from tests.support.city import TestCity

GUIDE = page("docs/hospital-api.md")
WITHIN_S = 60


@dataclass(frozen=True)
class Engineer:
    """Somebody at a hospital with an address, a client id and a secret."""

    environment: dict[str, str]
    folder: Path

    async def run(self, name: str, *command: str) -> str:
        """Run the guide's samples of one language as one program; return what it printed."""
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=self.folder,
            env=self.environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        async with asyncio.timeout(WITHIN_S):
            said = (await process.communicate())[0].decode()
        assert process.returncode == 0, f"{name}: {said}"
        return said

    def program(self, name: str, blocks: list[str]) -> str:
        """Write the samples into a file."""
        file = self.folder / name
        file.write_text("\n".join(blocks))
        return str(file)


@pytest.fixture
async def engineer(city: TestCity, tmp_path: Path) -> AsyncIterator[Engineer]:
    """With a resident's code to scan, in a city whose worker is at work."""
    issued = await city.city.services.clients.register_hospital(city.hospital.id, "HIS")
    resident = await city.resident()
    shown = await city.call(
        "POST", "/api/v1/health-codes/dynamic", as_=resident, json={"patient_id": resident.id}
    )
    environment = {
        "PATH": os.environ["PATH"],
        "CITY": city.url,
        "CLIENT_ID": issued.client.id,
        "CLIENT_SECRET": issued.secret,
        "CODE": shown["text"],
        "PYTHONIOENCODING": "utf-8",
        "LANG": "C.UTF-8",
    }
    async with at_work(city):
        yield Engineer(environment, tmp_path)


@contextlib.asynccontextmanager
async def at_work(city: TestCity) -> AsyncIterator[None]:
    """Jobs run as they come, as beside a worker."""
    stop = asyncio.Event()

    async def work() -> None:
        while not stop.is_set():
            await city.work()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), 0.05)

    worker = asyncio.create_task(work())
    yield
    stop.set()
    await worker


@pytest.mark.skipif(not shutil.which("curl"), reason="the samples are written with curl")
async def test_the_samples_run_from_the_first_token_to_a_verified_code(engineer: Engineer):
    shell = engineer.program("samples.sh", GUIDE.blocks("bash"))
    said = await engineer.run("samples.sh", "bash", "-euo", "pipefail", shell)
    assert '"sold":0' in said
    assert '"channel":"window"' in said

    python = engineer.program("samples.py", GUIDE.blocks("python"))
    said = await engineer.run("samples.py", sys.executable, python)
    assert "1 booked CARD-D1024-" in said
    assert "李建国" in said
    assert "挂号 张" in said


@pytest.mark.skipif(not shutil.which("curl"), reason="the samples are written with curl")
async def test_the_same_samples_again_change_nothing_and_sell_nothing_twice(
    engineer: Engineer, city: TestCity
):
    shell = engineer.program("samples.sh", GUIDE.blocks("bash"))
    for _ in range(2):
        await engineer.run("samples.sh", "bash", "-euo", "pipefail", shell)
    assert await city.city.db.collection("claims").count_documents({}) == 1
    assert (await city.city.db.collection("schedules").find_one({}) or {})["version"] == 1


def test_the_guide_has_samples_in_both_languages():
    assert len(GUIDE.blocks("bash")) >= 4
    assert len(GUIDE.blocks("python")) >= 3
