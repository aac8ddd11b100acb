"""The API's description is valid and true: whatever is sent, answers have the described form and no 5xx."""

from __future__ import annotations

from typing import Any

import pytest
from openapi_spec_validator import validate

from backend.app import api_routes
from tests.security.fuzzing import fuzz, things_of, with_things
from tests.security.matrix import operations
from tests.security.town import Town

_EXAMPLES = 3
# What ends the session under test is asked by sessions of its own.
_ENDINGS = ("post_api_v1_auth_sign_out", "delete_api_v1_me")
_PUBLIC = (
    r"^/(api/v1/(auth|config|organizations|departments|practitioners|search|schedules)|callbacks|oauth2)"
)
# Who fuzzes what. Whom the rest refuses, the permission matrix says.
RUNS = {
    "owner": ("--include-path-regex", "^/api/", "--exclude-path-regex", _PUBLIC,
              *(part for name in _ENDINGS for part in ("--exclude-operation-id", name))),
    "client": ("--include-path-regex", "^/hospital/"),
    "terminal": ("--include-path-regex", "^/hospital/v1/health-codes/"),
    "nobody": ("--include-path-regex", _PUBLIC, "--exclude-operation-id", _ENDINGS[0]),
}  # fmt: skip


async def described(town: Town) -> Any:
    answer = await town.city.http.get(f"{town.city.url}/openapi.json")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("application/json")
    return answer.json()


async def test_the_description_is_valid_openapi_and_names_every_operation(town: Town) -> None:
    document = await described(town)
    validate(document)
    told = {
        f"{method.upper()} {path}": operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }
    assert told.keys() == operations(api_routes()).keys()
    ids = [operation["operationId"] for operation in told.values()]
    assert len(ids) == len(set(ids))
    for name, operation in told.items():
        assert operation["summary"], name
        assert bool(operation["security"]) is ("x-permission" in operation), name
        assert {"400", "429", "500", "503"} <= operation["responses"].keys(), name


@pytest.mark.parametrize("caller", RUNS)
async def test_every_answer_has_the_described_form(town: Town, caller: str) -> None:
    document = with_things(await described(town), await things_of(town))
    code, said = await fuzz(
        document, town.city.url, token=town[caller].token, examples=_EXAMPLES, only=RUNS[caller]
    )
    assert code == 0, said


@pytest.mark.parametrize("operation_id", _ENDINGS)
async def test_what_ends_a_session_answers_as_described(town: Town, operation_id: str) -> None:
    someone = await town.resident()
    code, said = await fuzz(
        await described(town),
        town.city.url,
        token=someone.token,
        examples=_EXAMPLES,
        only=("--include-operation-id", operation_id),
    )
    assert code == 0, said
