"""The `healthycity` command: names, options, help. What each does: `backend/commands` and `backend/demo`.

Exit codes: 0 done, 1 could not be done (the reason is the last thing printed), 2 wrong usage.
"""

import sys

import typer

from backend.cli import data, keys, looking, people, running
from backend.commands.terminal import CommandError, say_failure
from backend.demo.errors import DemoError

HELP = """Healthy City 健康城市: one open backend that makes all of a city's hospitals behave like one.

Settings come from the environment, named as in backend/settings.py (MONGODB_URI, BROKER_URL, KEYS_FILE, …).
Exit codes: 0 done, 1 could not be done (the reason is printed last), 2 wrong usage."""

app = typer.Typer(
    name="healthycity",
    help=HELP,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for part in (running, data, keys, people, looking):
    app.add_typer(part.app)


def main() -> None:
    """Run a command; what cannot be done is said in a sentence, not in a traceback."""
    try:
        app()
    except CommandError as error:
        say_failure(error.problems)
        sys.exit(1)
    except DemoError as error:
        say_failure((str(error),))
        sys.exit(1)
