"""Key ring commands: make, list, rotate, follow up and drop keys; a secret is never printed."""

import base64
import binascii
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path

from rich.table import Table

from backend import clock
from backend.bootstrap import City
from backend.commands.city import in_city, read_settings
from backend.commands.terminal import CommandError, out, progress_bar
from backend.security.key_file import USES, Key, KeyringError, Use
from backend.security.key_source import key_management, open_city_keyring
from backend.security.keys import Keyring
from backend.security.resealing import KeyInUseError, Standing

# Every process has read the ring by then: none meets a key that it does not know.
LEAD = timedelta(seconds=10)
OLD_AFTER = timedelta(days=365)
# The authority decides about these.
NATIONAL: tuple[Use, ...] = ("national_root", "national_protection")
RESEALED = {"field": "every sealed field", "blind": "every blind index"}


def generate(file: Path) -> None:
    """Make a new key ring file with a first key for every use."""
    settings = read_settings()
    try:
        kms = key_management(settings)
    except KeyringError as error:
        raise CommandError(f"{error}.") from None
    try:
        Keyring.generate(file, kms=kms, algorithms={"code": settings.sign_algorithm})
    except KeyringError as error:
        raise CommandError(f"{error}: a key ring is never overwritten.") from None
    out.print(f"{file} holds a key for each of {len(USES)} uses. Back it up apart from the database.")


def list_keys() -> None:
    """Print every key but its secret."""
    ring = _open()
    table = Table("use", "key id", "algorithm", "state", "signs from", "made")
    for use in USES:
        for key in ring.all(use):
            table.add_row(
                use, key.kid, key.alg, _state(ring, key), _day(key.active_from_at), _day(key.created_at)
            )
    out.print(table)


def rotate(use: str, algorithm: str | None, ahead_days: int) -> None:
    """Add a key that signs or seals from now, or from a stated number of days on."""
    ring = _open_to_change()
    ahead = max(timedelta(days=ahead_days), LEAD)
    key = ring.rotate(known_use(use), alg=algorithm, ahead=ahead)
    out.print(
        f"{key.kid} ({key.alg}) is used from {_day(key.active_from_at)}; older keys still open and verify."
    )
    if use in RESEALED:
        out.print(
            f"The worker makes {RESEALED[use]} anew with it; `healthycity keys reseal --status` says how far."
        )


def wrap() -> None:
    """Write the ring anew, every key wrapped by what KEYS_KMS names."""
    settings = read_settings()
    if not settings.keys_kms:
        raise CommandError("KEYS_KMS is empty: it says by what the keys are wrapped.")
    ring = _open_to_change()
    ring.rewrite()
    out.print(
        f"{settings.keys_file} is wrapped. Copies from before are not: destroy those that are not needed."
    )


def put(use: str, file: Path) -> None:
    """Take in a key that the national authority issued, as 32 hex characters or base64."""
    known = known_use(use)
    if known not in NATIONAL:
        raise CommandError(f"{use} keys are made here, by `healthycity keys rotate {use}`.")
    secret = _secret_in(file)
    key = _open_to_change().put(known, secret)
    out.print(f"{key.kid} is used from now on. Remove {file}.")


def reseal(status_only: bool) -> None:
    """Make everything anew with the active keys now, or only say how far the worker has come."""

    async def work(city: City) -> tuple[int, list[Standing]]:
        resealing = city.services.resealing
        if status_only:
            return 0, await resealing.standings()
        with progress_bar("re-sealing") as advance:
            return await resealing.run_to_the_end(_counting(advance)), await resealing.standings()

    changed, standings = in_city(work)
    _tell(standings)
    if not status_only:
        out.print(f"{changed} documents were made anew.")


def drop(use: str, kid: str) -> None:
    """Forget a retired key for good, once nothing needs it any more."""
    known = known_use(use)
    _open_to_change()

    async def work(city: City) -> None:
        await city.services.resealing.drop(known, kid)

    try:
        in_city(work)
    except KeyInUseError as refused:
        raise CommandError(*refused.reasons) from None
    out.print(f"{kid} is forgotten. What was made with it, in backups too, can never be opened again.")


def old_keys(ring: Keyring) -> list[str]:
    """A sentence for each key that has been in use for more than a year."""
    active = [ring.active(use) for use in USES if use not in NATIONAL and ring.all(use)]
    return [
        f"{key.kid} has been in use since {key.active_from_at:%Y-%m-%d}: `healthycity keys rotate {key.use}`."
        for key in active
        if key.active_from_at + OLD_AFTER < clock.now()
    ]


def _counting(advance: Callable[[int, int], None]) -> Callable[[int], None]:
    seen = 0

    def count(more: int) -> None:
        nonlocal seen
        seen += more
        advance(seen, seen)

    return count


def _tell(standings: Sequence[Standing]) -> None:
    table = Table("what", "keys", "state", "made anew", "as of")
    for each in standings:
        place = each.place
        state = "done" if each.current else "under way" if place and not place.done_at else "due"
        table.add_row(
            each.name,
            each.use,
            state,
            str(place.total) if place else "",
            _day(place.updated_at) if place else "",
        )
    out.print(table)


def _secret_in(file: Path) -> bytes:
    text = file.read_text().strip()
    try:
        secret = bytes.fromhex(text) if len(text) == 32 else base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        secret = b""
    if len(secret) != 16:
        raise CommandError(f"{file} holds no SM4 key: 32 hex characters, or 16 bytes in base64.")
    return secret


def known_use(use: str) -> Use:
    """The use of this name."""
    for known in USES:
        if known == use:
            return known
    raise CommandError(f"{use} is no use of a key; the uses are {', '.join(USES)}.")


def _open() -> Keyring:
    settings = read_settings()
    try:
        return open_city_keyring(settings)
    except KeyringError as error:
        raise CommandError(f"The key ring cannot be used: {error}.") from None


def _open_to_change() -> Keyring:
    if read_settings().hc_keys.get_secret_value():
        raise CommandError(
            "HC_KEYS holds the ring, and a variable cannot be changed from here: write its text to a file, "
            "change that with KEYS_FILE, and put the new text into HC_KEYS."
        )
    return _open()


def _state(ring: Keyring, key: Key) -> str:
    if key.active_from_at > clock.now():
        return "announced"
    return "active" if key == ring.active(key.use) else "retired"


def _day(at: object) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
