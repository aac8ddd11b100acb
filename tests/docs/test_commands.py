"""Every `healthycity …` and `make …` that a page names is a command there is, with options it has."""

from __future__ import annotations

import re
from typing import Any

import pytest
import typer

from backend.cli import app
from docs.generate import settings_table, stale_pages
from tests.docs.pages import Page, pages, shell_lines
from tests.guards.source import ROOT, listed

PAGES = pages()
_CITY = re.compile(r"(?:^|[\s/;&|`(=])healthycity((?: [^\n`|;&)]*)?)")
_MAKE = re.compile(r"(?:^|&& |; )make((?: [\w=./\" -]+)?)$")


def ids(page: Page) -> str:
    return page.name


def command_tree() -> Any:
    """The command line as click sees it."""
    return typer.main.get_command(app)


def problem_of(text: str) -> str | None:
    """What is wrong with the words after `healthycity`; None when it is a command."""
    here: Any = command_tree()
    for word in text.split():
        commands = getattr(here, "commands", {})
        if word.startswith("-"):
            known = {name for parameter in here.params for name in parameter.opts} | {"--help", "-h"}
            if word.partition("=")[0] not in known:
                return f"{here.name} has no {word}"
        elif word in commands:
            here = commands[word]
        elif commands and word not in ("…", "command"):
            return f"{here.name} has no {word}"
        elif word == "…":
            return None
    return None


def city_commands(page: Page) -> list[str]:
    texts = [*page.words(), *shell_lines(page)]
    return [match[1].strip() for text in texts for match in _CITY.finditer(text)]


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_every_command_of_healthycity_exists(page: Page):
    wrong = [
        f"healthycity {text}: {problem}" for text in city_commands(page) if (problem := problem_of(text))
    ]
    assert not wrong, listed(wrong)


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_every_make_target_exists(page: Page):
    targets = set(re.findall(r"^([a-z][a-z0-9-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = [
        match[1].split() for text in [*page.words(), *shell_lines(page)] if (match := _MAKE.search(text))
    ]
    wrong = [words[0] for words in named if words and "=" not in words[0] and words[0] not in targets]
    assert not wrong, listed(wrong)


def test_the_reader_of_commands_notices_what_does_not_exist():
    assert problem_of("keys rotate code") is None
    assert problem_of("keys rotte code")
    assert problem_of("serve --processes 4") is None
    assert problem_of("serve --proceses 4")


def test_the_table_of_settings_says_what_the_code_says():
    assert "going-live.md" not in stale_pages(), "docs/going-live.md is stale: run `make docs`"


def test_every_setting_says_what_it_is():
    silent = [row for row in settings_table()[2:] if row.endswith("|  |")]
    assert not silent, listed(silent)
