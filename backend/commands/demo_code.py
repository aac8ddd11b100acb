"""The one-time code of a demo login, so that trying the console out needs no authenticator app."""

import json
from pathlib import Path

import pyotp

from backend.commands.terminal import CommandError, out


def print_code(city_file: Path, login: str) -> None:
    """Print the code that is valid now; only a demo has its secrets in a file."""
    try:
        members = json.loads(city_file.read_text())["staff"]
    except FileNotFoundError:
        raise CommandError(f"{city_file} is not there: start a city with `make demo` first.") from None
    secrets = {member["login"]: member["totp_secret"] for member in members}
    if login not in secrets:
        raise CommandError(f"{login} is no login of this city; there are {', '.join(secrets)}.")
    out.print(pyotp.TOTP(secrets[login]).now())
