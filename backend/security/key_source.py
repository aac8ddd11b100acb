"""Where the city's key ring comes from, and who unwraps its keys: what the settings name.

The ring itself is a file (`KEYS_FILE`) or a variable (`HC_KEYS`). `KEYS_KMS` says whether its keys stand
there as they are (empty), wrapped by a master key (`master`), or by a KMS (`package.module:factory`).
"""

from __future__ import annotations

import base64
import binascii
import importlib
import json
from pathlib import Path

from backend.security.key_file import KeyManagement, KeyringError, MasterKeyManagement
from backend.security.keys import Keyring, open_keyring
from backend.settings import Settings

MASTER = "master"
_MASTER_BYTES = 32


def open_city_keyring(settings: Settings) -> Keyring:
    """The ring that the settings name. Raises KeyringError, which says which setting to look at."""
    text = settings.hc_keys.get_secret_value() or None
    return open_keyring(settings.keys_file, text, key_management(settings))


def key_management(settings: Settings) -> KeyManagement | None:
    """What wraps and unwraps the ring's keys; None when they stand in it as they are."""
    chosen = settings.keys_kms
    if not chosen:
        return None
    if chosen == MASTER:
        return MasterKeyManagement(_master_key(settings.keys_master.get_secret_value()))
    return _made_by(chosen)


def unwrapped_keys(settings: Settings) -> list[str]:
    """Ids of keys that stand in the ring as they are: whoever has the ring has them."""
    text = settings.hc_keys.get_secret_value()
    if not text and settings.keys_file is not None:
        text = settings.keys_file.read_text()
    if not text.lstrip().startswith("{"):
        text = base64.b64decode(text).decode()
    return [key["kid"] for key in json.loads(text)["keys"] if "secret" in key]


def _made_by(chosen: str) -> KeyManagement:
    module_name, _, factory_name = chosen.partition(":")
    if not module_name or not factory_name:
        raise KeyringError(f"KEYS_KMS is {chosen!r}: write {MASTER}, or package.module:factory")
    try:
        factory = getattr(importlib.import_module(module_name), factory_name)
        made: KeyManagement = factory()
    except Exception as error:
        # A KMS may fail in any way, and its words may hold a secret: its kind is what can be told.
        raise KeyringError(f"KEYS_KMS: {chosen} made no KMS ({type(error).__name__})") from error
    wanting = [name for name in ("name", "wrap", "unwrap") if not hasattr(made, name)]
    if wanting:
        raise KeyringError(f"KEYS_KMS: what {chosen} made has no {', '.join(wanting)}")
    return made


def _master_key(given: str) -> bytes:
    """32 bytes in hex or base64, or the path of a file that holds them so."""
    text = given.strip()
    try:
        if text.startswith("/"):
            text = Path(text).read_text().strip()
        key = bytes.fromhex(text) if len(text) == 2 * _MASTER_BYTES else base64.b64decode(text, validate=True)
    except OSError as error:
        raise KeyringError(f"KEYS_MASTER names a file that cannot be read ({error.strerror})") from None
    except (ValueError, binascii.Error):
        key = b""
    if len(key) != _MASTER_BYTES:
        raise KeyringError(
            "KEYS_MASTER is no key: 32 random bytes as 64 hex characters or base64, or a file of them"
        )
    return key
