"""Key ring commands: make, list and rotate keys; a secret is never printed."""

from datetime import timedelta
from pathlib import Path

from rich.table import Table

from backend import clock
from backend.commands.city import read_settings
from backend.commands.terminal import CommandError, out
from backend.security.key_file import USES, Key, KeyringError, Use
from backend.security.keys import Keyring, open_keyring


def generate(file: Path) -> None:
    """Make a new key ring file with a first key for every use."""
    settings = read_settings()
    try:
        Keyring.generate(file, algorithms={"code": settings.sign_algorithm})
    except KeyringError as error:
        raise CommandError(f"{error}: a key ring is never overwritten.") from None
    out.print(f"{file} holds a key for each of {len(USES)} uses. Back it up apart from the database.")


def list_keys() -> None:
    """Print every key but its secret."""
    ring = _open()
    table = Table("use", "key id", "algorithm", "state", "signs from", "made")
    for use in USES:
        for key in ring.all(use):
            table.add_row(use, key.kid, key.alg, _state(key), _day(key.active_from_at), _day(key.created_at))
    out.print(table)


def rotate(use: str, algorithm: str | None, ahead_days: int) -> None:
    """Add a key that signs or seals from now, or from a stated number of days on."""
    if read_settings().hc_keys.get_secret_value():
        raise CommandError(
            "HC_KEYS holds the ring, and a variable cannot be changed from here: write its text to a file, "
            "rotate that with KEYS_FILE, and put the new text into HC_KEYS."
        )
    ring = _open()
    key = ring.rotate(known_use(use), alg=algorithm, ahead=timedelta(days=ahead_days))
    out.print(
        f"{key.kid} ({key.alg}) is used from {_day(key.active_from_at)}; older keys still open and verify."
    )


def known_use(use: str) -> Use:
    """The use of this name."""
    for known in USES:
        if known == use:
            return known
    raise CommandError(f"{use} is no use of a key; the uses are {', '.join(USES)}.")


def _open() -> Keyring:
    settings = read_settings()
    try:
        return open_keyring(settings.keys_file, settings.hc_keys.get_secret_value() or None)
    except KeyringError as error:
        raise CommandError(f"The key ring cannot be used: {error}.") from None


def _state(key: Key) -> str:
    return "announced" if key.state == "active" and key.active_from_at > clock.now() else key.state


def _day(at: object) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
