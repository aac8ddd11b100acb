"""The key ring: made, read, rotated, wrapped, and followed when its file changes."""

import base64
import json
import os
import stat
from datetime import timedelta

import pytest

from backend import clock
from backend.security import keys as keys_module
from backend.security.keys import Keyring, KeyringError, MasterKeyManagement, open_keyring


def test_a_new_ring_has_an_active_key_for_every_use(tmp_path):
    ring = Keyring.generate(tmp_path / "keys.json")
    for use in keys_module.DEFAULT_ALGORITHMS:
        assert ring.active(use).kid == f"{use}-1"


def test_the_key_file_is_readable_by_its_owner_only(tmp_path):
    Keyring.generate(tmp_path / "keys.json")
    assert stat.S_IMODE(os.stat(tmp_path / "keys.json").st_mode) == 0o600


def test_a_file_is_never_replaced_by_generating(tmp_path):
    path = tmp_path / "keys.json"
    Keyring.generate(path)
    before = path.read_bytes()
    with pytest.raises(KeyringError):
        Keyring.generate(path)
    assert path.read_bytes() == before


def test_rotating_retires_the_old_key_but_keeps_it_readable(tmp_path):
    ring = Keyring.generate(tmp_path / "keys.json")
    old = ring.active("field")
    new = ring.rotate("field")
    assert ring.active("field") == new
    assert ring.get("field", old.kid).state == "retired"
    assert Keyring.from_file(tmp_path / "keys.json").active("field") == new


def test_a_key_published_ahead_signs_only_when_its_time_has_come():
    ring = Keyring.generate()
    today = ring.active("code")
    tomorrow = ring.rotate("code", ahead=timedelta(days=1))
    assert ring.active("code") == today
    assert tomorrow in ring.all("code")


def test_code_and_group_keys_rotate_together_under_one_number():
    ring = Keyring.generate()
    ring.rotate("code_group")
    ring.rotate("code", alg="SM2")
    assert ring.active("code").number == ring.active("code_group").number == 3
    assert (ring.active("code").alg, ring.active("code_group").alg) == ("SM2", "SM4")
    ring.rotate("code")
    assert (ring.active("code").alg, ring.active("code_group").alg) == ("SM2", "SM4")


def test_code_numbers_fit_one_byte_and_begin_again(monkeypatch):
    ring = Keyring.generate()
    for month in range(260):
        at = clock.now() + timedelta(days=30)
        monkeypatch.setattr(clock, "now", lambda at=at: at)
        ring.rotate("code")
        assert ring.active("code").number == (month + 1) % 255 + 1
        ring.drop("code", ring.all("code")[-1].kid)
    numbers = {key.number for key in ring.all("code")}
    assert numbers <= set(range(1, 256))
    assert numbers == {key.number for key in ring.all("code_group")}


def test_the_active_key_cannot_be_dropped():
    ring = Keyring.generate()
    with pytest.raises(KeyringError):
        ring.drop("blind", ring.active("blind").kid)


def test_another_process_notices_a_rotation(tmp_path, monkeypatch):
    monkeypatch.setattr(keys_module, "_LOOK_EVERY_S", 0.0)
    ring = Keyring.generate(tmp_path / "keys.json")
    other = Keyring.from_file(tmp_path / "keys.json")
    before = other.generation
    new = ring.rotate("token")
    assert other.active("token") == new
    assert other.generation > before


def test_a_ring_goes_on_serving_when_its_file_disappears(tmp_path, monkeypatch):
    monkeypatch.setattr(keys_module, "_LOOK_EVERY_S", 0.0)
    ring = Keyring.generate(tmp_path / "keys.json")
    (tmp_path / "keys.json").unlink()
    assert ring.active("token").kid == "token-1"


def test_two_rings_rotating_one_file_lose_no_key(tmp_path):
    path = tmp_path / "keys.json"
    one = Keyring.generate(path)
    other = Keyring.from_file(path)
    one.rotate("field")
    other.rotate("field")
    assert [key.number for key in Keyring.from_file(path).all("field")] == [3, 2, 1]


def test_a_wrapped_file_opens_only_with_its_master_key(tmp_path):
    path = tmp_path / "keys.json"
    kms = MasterKeyManagement(os.urandom(32))
    secret = Keyring.generate(path, kms=kms).active("field").secret
    assert all("secret" not in key for key in json.loads(path.read_text())["keys"])
    assert Keyring.from_file(path, kms).active("field").secret == secret
    with pytest.raises(KeyringError):
        Keyring.from_file(path)
    with pytest.raises(KeyringError):
        Keyring.from_file(path, MasterKeyManagement(os.urandom(32)))


def test_the_environment_may_carry_the_ring_as_json_or_base64(tmp_path):
    path = tmp_path / "keys.json"
    kid = Keyring.generate(path).active("token").kid
    text = path.read_text()
    assert open_keyring(None, text).active("token").kid == kid
    assert open_keyring(None, base64.b64encode(text.encode()).decode()).active("token").kid == kid


def test_no_keys_at_all_is_said_in_one_sentence():
    with pytest.raises(KeyringError, match="KEYS_FILE or HC_KEYS"):
        open_keyring(None)


@pytest.mark.parametrize("text", ["{}", "nonsense", '{"keys": [{"kid": "x", "secret": "c2VjcmV0LXRleHQ="}]}'])
def test_a_damaged_ring_is_refused_without_quoting_it(text):
    with pytest.raises(KeyringError) as refused:
        Keyring.from_text(text)
    assert "c2VjcmV0" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_a_key_prints_without_its_secret():
    key = Keyring.generate().active("field")
    assert key.secret.hex() not in repr(key)
    assert repr(key.secret) not in repr(key)


def test_a_key_made_elsewhere_is_taken_in():
    ring = Keyring.generate()
    root = bytes.fromhex("0123456789ABCDEFFEDCBA9876543210")
    assert ring.put("national_root", root).secret == root
    assert ring.active("national_root").secret == root
