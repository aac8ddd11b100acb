"""Schemathesis over the running city, as a process of its own: it knows the address, the document, a token.

The document it gets names real ids where the city's own says only "a string": what is made up is not found,
and most of what can go wrong lies behind that.
"""

from __future__ import annotations

import asyncio
import copy
import sys
import tempfile
from pathlib import Path
from typing import Any

import orjson

from backend.residents.models import LinkState
from tests.security.town import Town
from tests.support.city import MAS_SECRET

Things = dict[str, list[str]]


async def things_of(town: Town) -> Things:
    """Real ids by the name under which requests carry them; most are consumed by being asked about."""
    owner, actor, codes = town["owner"].id, town.residents["owner"].actor, town.services.healthcodes
    printed = await codes.list_static(actor)
    bookable = [await town.schedule(), await town.schedule(fee_fen=700)]
    claims = [
        await town.claim(owner, fee_fen=fee, hold=hold) for fee, hold in ((0, False), (0, True), (500, True))
    ]
    asking = [await town.resident() for _ in range(2)]
    return {
        "patient_id": [owner, await town.child("owner"), await town.child("owner")],
        "schedule_id": [schedule.id for schedule in bookable],
        "schedule": [schedule.external_id for schedule in bookable],
        "appointment_id": [claim.id for claim in claims],
        "hold_id": [claim.id for claim in claims],
        "message_id": [await town.message(owner)],
        "link_id": [await town.link(each.id, owner, LinkState.PENDING) for each in asking],
        "code_id": [code.id for code in printed or [await codes.make_static(actor, owner)]],
        "organization_id": [town.mine.organization.id],
        "department_id": [town.mine.department.id],
        "practitioner_id": [town.mine.practitioner.id],
        "department": [town.mine.department.external.value],
        "practitioner": [town.mine.practitioner.external.value],
        "secret": [MAS_SECRET],
    }


def with_things(document: Any, things: Things) -> Any:
    """The document with real ids for every parameter and field that carries one."""
    told = copy.deepcopy(document)
    for methods in told["paths"].values():
        for operation in methods.values():
            for parameter in operation["parameters"]:
                _name(parameter["name"], parameter["schema"], things)
            for content in operation.get("requestBody", {}).get("content", {}).values():
                schema = told["components"]["schemas"][content["schema"]["$ref"].rpartition("/")[2]]
                for name, part in schema.get("properties", {}).items():
                    _name(name, part, things)
    return told


def _name(name: str, schema: dict[str, Any], things: Things) -> None:
    """A plain text becomes one of the real ones."""
    if name not in things:
        return
    if schema.get("type") == "string":
        schema.update({"enum": things[name]})
    elif "anyOf" in schema:
        schema["anyOf"] = [
            {"enum": things[name]} if part.get("type") == "string" else part for part in schema["anyOf"]
        ]


async def fuzz(
    document: Any, url: str, *, token: str, examples: int, only: tuple[str, ...]
) -> tuple[int, str]:
    """Run schemathesis; its exit code and what it said."""
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        described = Path(folder) / "openapi.json"
        described.write_bytes(orjson.dumps(document))
        process = await asyncio.create_subprocess_exec(
            *(str(Path(sys.executable).with_name("schemathesis")), "run", str(described), "--url", url),
            *("--phases", "examples,coverage,fuzzing", "--max-examples", str(examples)),
            # The same requests in every run: what they hold follows from the document alone.
            *("--generation-deterministic", "--no-shrink", "--continue-on-failure"),
            # Rules no schema can say (a checksum, a known department) are refused with 400 as well.
            *("--checks", "all", "--exclude-checks", "positive_data_acceptance"),
            *("--no-color", "--suppress-health-check", "all", "--warnings", "off"),
            *(("--header", f"Authorization: Bearer {token}") if token else ()),
            *only,
            cwd=folder,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        said, _ = await process.communicate()
    return process.returncode or 0, said.decode()
