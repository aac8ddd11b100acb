"""Every error code has a status and a text, is documented, translated in the resident app, and used."""

import re

import pytest

from backend.errors import ERRORS, ErrorCode
from docs.generate import stale_pages
from tests.guards.source import ROOT, listed, source_files

TEXTS = ROOT / "miniprogram" / "src" / "texts" / "errors.ts"
REGISTRY = "backend.errors"


def test_every_error_code_has_a_status_and_a_text_that_is_a_sentence():
    assert set(ERRORS) == set(ErrorCode)
    bare = [str(code) for code, kind in ERRORS.items() if not kind.text.endswith("。") or kind.status < 400]
    assert not bare, listed(bare)


def test_every_error_code_is_its_own_name():
    assert [code.name for code in ErrorCode] == [code.value for code in ErrorCode]


@pytest.mark.parametrize("page", ["errors.md", "permissions.md", "limits.md"])
def test_generated_pages_say_what_the_code_says(page: str):
    assert page not in stale_pages(), f"docs/{page} is stale: run `make docs`"


def test_every_error_code_is_translated_in_the_resident_app():
    translated = set(re.findall(r"^\s*([A-Z][A-Z0-9_]+)\s*:", TEXTS.read_text(), re.MULTILINE))
    missing = {str(code) for code in ErrorCode} - translated
    assert not missing, listed(sorted(missing))


def test_every_error_code_is_raised_somewhere():
    text = "\n".join(
        file.text for file in source_files("backend", "admin", "bots") if file.module != REGISTRY
    )
    unused = [code.name for code in ErrorCode if not re.search(rf"ErrorCode\.{code.name}\b", text)]
    # These two are raised by the functions of the registry itself.
    unused = [name for name in unused if name not in ("NOT_FOUND",)]
    assert not unused, listed(unused)
