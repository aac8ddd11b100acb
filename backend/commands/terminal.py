"""How commands talk to the person at the terminal: results to stdout, progress and trouble to stderr."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


class CommandError(Exception):
    """The command cannot do what it was asked; the text is a sentence, or one for each problem."""

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class Advance(Protocol):
    """Moves a progress bar to `done` of `total`."""

    def __call__(self, done: int, total: int) -> None: ...


@contextmanager
def progress_bar(what: str) -> Iterator[Advance]:
    """A bar for long work. Not a terminal: nothing is drawn."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(
        *columns, TimeElapsedColumn(), console=err, transient=True, disable=not err.is_terminal
    ) as progress:
        task = progress.add_task(what, total=None)

        def advance(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)

        yield advance


def say_failure(problems: tuple[str, ...]) -> None:
    """Write problems as the last thing a person reads."""
    if len(problems) == 1:
        err.print(f"[bold red]error:[/] {_plain(problems[0])}")
        return
    err.print(f"[bold red]{len(problems)} problems:[/]")
    for problem in problems:
        err.print(f"  • {_plain(problem)}")


def _plain(text: str) -> str:
    return text.replace("[", r"\[")
