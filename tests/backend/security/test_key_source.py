"""Who unwraps the key ring is a setting: nobody, a master key, or a KMS that somebody else has written."""

from __future__ import annotations

import base64
import json
import os
import sys
import types
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import SecretStr

from backend.security import keys as keys_module
from backend.security.key_source import key_management, open_city_keyring, unwrapped_keys
from backend.security.keys import Keyring, KeyringError
from backend.settings import Settings
from tests.support.commands import Run


class EnvelopeKMS:
    """As clouds do it: a data key for each secret, wrapped by a root key that only the KMS has."""

    name = "envelope"

    def __init__(self) -> None:
        self._root = AESGCM(os.urandom(32))
        self.asked = 0
        self.away = False

    def wrap(self, secret: bytes, context: str) -> bytes:
        data_key = os.urandom(32)
        return self._seal(self._root, data_key, context) + self._seal(AESGCM(data_key), secret, context)

    def unwrap(self, wrapped: bytes, context: str) -> bytes:
        if self.away:
            raise ConnectionError("kms.example.org: token s.1234 refused")
        self.asked += 1
        data_key = self._open(self._root, wrapped[:60], context)
        return self._open(AESGCM(data_key), wrapped[60:], context)

    def _seal(self, key: AESGCM, text: bytes, context: str) -> bytes:
        nonce = os.urandom(12)
        return nonce + key.encrypt(nonce, text, context.encode())

    def _open(self, key: AESGCM, sealed: bytes, context: str) -> bytes:
        return key.decrypt(sealed[:12], sealed[12:], context.encode())


@pytest.fixture
def kms(monkeypatch: pytest.MonkeyPatch) -> EnvelopeKMS:
    """Installed as the module `city_envelope`."""
    made, module = EnvelopeKMS(), types.ModuleType("city_envelope")
    vars(module).update(make=lambda: made, nothing=lambda: None)
    monkeypatch.setitem(sys.modules, "city_envelope", module)
    return made


def settings(**given: Any) -> Settings:
    # Said in full: a command that ran before has left its variables.
    return Settings(**{"environment": "test", "keys_kms": "", "hc_keys": SecretStr(""), **given})


def secrets_in(path: Path) -> list[str]:
    return [key["kid"] for key in json.loads(path.read_text())["keys"] if "secret" in key]


def test_a_ring_is_made_opened_and_rotated_by_a_kms_that_a_setting_names(
    tmp_path: Path, run: Run, kms: EnvelopeKMS
):
    path = tmp_path / "keys.json"
    chosen = {"KEYS_FILE": str(path), "KEYS_KMS": "city_envelope:make", "ENVIRONMENT": "test"}
    assert run("keys", "generate", str(path), **chosen).returncode == 0
    assert run("keys", "rotate", "field", **chosen).returncode == 0
    assert secrets_in(path) == []
    ring = open_city_keyring(settings(keys_file=path, keys_kms="city_envelope:make"))
    assert len(ring.all("field")) == 2
    assert kms.asked
    with pytest.raises(KeyringError, match="wrapped by 'envelope', which is not configured"):
        open_city_keyring(settings(keys_file=path))
    # The variable instead of the file.
    text = base64.b64encode(path.read_bytes()).decode()
    again = open_city_keyring(settings(hc_keys=SecretStr(text), keys_kms="city_envelope:make"))
    assert again.active("blind").secret == ring.active("blind").secret


def test_a_ring_that_lay_open_is_wrapped_later_with_the_same_keys(tmp_path: Path, run: Run, kms: EnvelopeKMS):
    path = tmp_path / "keys.json"
    before = Keyring.generate(path).active("field").secret
    chosen = settings(keys_file=path, keys_kms="city_envelope:make")
    assert len(unwrapped_keys(chosen)) == len(keys_module.DEFAULT_ALGORITHMS)
    done = run("keys", "wrap", KEYS_FILE=str(path), KEYS_KMS="city_envelope:make", ENVIRONMENT="test")
    assert done.returncode == 0, done.stderr
    assert unwrapped_keys(chosen) == secrets_in(path) == []
    assert open_city_keyring(chosen).active("field").secret == before


def test_a_secret_moved_to_another_place_of_the_ring_does_not_open(tmp_path: Path, kms: EnvelopeKMS):
    path = tmp_path / "keys.json"
    Keyring.generate(path, kms=kms)
    ring = json.loads(path.read_text())
    ring["keys"][0]["wrapped"], ring["keys"][1]["wrapped"] = (
        ring["keys"][1]["wrapped"],
        ring["keys"][0]["wrapped"],
    )
    path.write_text(json.dumps(ring))
    with pytest.raises(KeyringError, match="cannot be read"):
        open_city_keyring(settings(keys_file=path, keys_kms="city_envelope:make"))


def test_a_running_city_outlives_a_kms_that_is_away(
    tmp_path: Path, kms: EnvelopeKMS, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    path = tmp_path / "keys.json"
    other = Keyring.generate(path, kms=kms)
    ring = open_city_keyring(settings(keys_file=path, keys_kms="city_envelope:make"))
    other.rotate("field")
    monkeypatch.setattr(keys_module, "_LOOK_EVERY_S", 0.0)
    kms.away, ring._look_at = True, 0.0
    assert ring.active("field").kid == "field-1"
    assert "key_ring_not_reloaded" in caplog.text
    assert "s.1234" not in caplog.text
    kms.away, ring._look_at = False, 0.0
    assert ring.active("field").kid == "field-2"


@pytest.mark.parametrize("form", ["hex", "base64", "file"])
def test_a_master_key_wraps_where_there_is_no_kms(tmp_path: Path, form: str):
    key = os.urandom(32)
    given = key.hex() if form == "hex" else base64.b64encode(key).decode()
    if form == "file":
        (tmp_path / "master").write_text(given + "\n")
        given = str(tmp_path / "master")
    path = tmp_path / "keys.json"
    chosen = settings(keys_file=path, keys_kms="master", keys_master=SecretStr(given))
    made = Keyring.generate(path, kms=key_management(chosen))
    assert open_city_keyring(chosen).active("code").secret == made.active("code").secret
    assert secrets_in(path) == []


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"keys_kms": "city_envelope"}, "write master, or package.module:factory"),
        ({"keys_kms": "no_such_module:make"}, r"made no KMS \(ModuleNotFoundError\)"),
        ({"keys_kms": "city_envelope:absent"}, r"made no KMS \(AttributeError\)"),
        ({"keys_kms": "city_envelope:nothing"}, "has no name, wrap, unwrap"),
        ({"keys_kms": "master"}, "KEYS_MASTER is no key: 32 random bytes"),
        ({"keys_kms": "master", "keys_master": SecretStr("ab" * 31)}, "KEYS_MASTER is no key"),
        ({"keys_kms": "master", "keys_master": SecretStr("/nowhere/master")}, "KEYS_MASTER names a file"),
        ({"keys_kms": "master", "keys_master": SecretStr("00" * 32)}, "its wrapping key is another"),
    ],
)
def test_what_is_wrong_with_the_choice_is_said_and_no_secret_is(
    tmp_path: Path, kms: EnvelopeKMS, given: dict[str, Any], said: str
):
    path = tmp_path / "keys.json"
    Keyring.generate(path, kms=kms)
    with pytest.raises(KeyringError, match=said):
        open_city_keyring(settings(keys_file=path, **given))
