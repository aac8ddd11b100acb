"""The samples of docs/hospital-integration.md, run as an engineer would, against a whole city."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from backend.exchange.v2.models import SenderKind
from backend.exchange.v2.server import MLLPServer
from tests.docs.pages import page
from tests.docs.test_hospital_api import Engineer
from tests.support.city import TestCity

GUIDE = page("docs/hospital-integration.md")


async def test_the_samples_run_from_the_first_message_to_the_result_read_back(
    city: TestCity, tmp_path: Path
) -> None:
    services = city.city.services
    await services.exchange.senders.allow(SenderKind.FACILITY, "DEMO-HOSPITAL", city.hospital.id, "")
    issued = await services.clients.register_hospital(city.hospital.id, "HIS")
    server = MLLPServer(services.exchange.receiver)
    port = await server.listen("127.0.0.1", 0)
    environment = {
        "PATH": os.environ["PATH"],
        "MLLP": f"127.0.0.1:{port}",
        "CITY": city.url,
        "CLIENT_ID": issued.client.id,
        "CLIENT_SECRET": issued.secret,
        "PYTHONIOENCODING": "utf-8",
    }
    engineer = Engineer(environment, tmp_path)
    try:
        program = engineer.program("samples.py", GUIDE.blocks("python"))
        said = await engineer.run("samples.py", sys.executable, program)
        # And a second time: nothing is doubled.
        again = await engineer.run("samples.py", sys.executable, program)
    finally:
        await server.stop(5)
    assert "MSA|AA|A-1" in said
    assert "缺少 OBR 段" in said
    assert "corrected" in said
    assert "corrected" in again
    assert await city.city.db.collection("resources").count_documents({"type": "Observation"}) == 1
