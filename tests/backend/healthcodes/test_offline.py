"""The verifier that a terminal embeds: alone, without network, and not to be fooled twice."""

import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend import clock
from backend.healthcodes import offline
from backend.healthcodes.code_keys import CodeKeys
from backend.healthcodes.codes import HealthCodes, make_phone_code, make_static_code
from backend.healthcodes.offline import CodeRefusedError, OfflineVerifier, TrustedKeys, verify_ed25519_slowly
from backend.ids import new_id
from backend.security.keys import Keyring
from backend.security.signing import signer_for

CITY = "370700"
PATIENT = new_id()


class Town:
    """A city's codes and a terminal whose clock can be turned."""

    def __init__(self, alg="Ed25519"):
        self.ring = Keyring.generate(algorithms={"code": alg})
        self.keys = CodeKeys(self.ring)
        self.codes = HealthCodes(self.keys, CITY)
        self.at = clock.now()
        self.trusted = TrustedKeys.from_document(self.document())

    def document(self):
        return self.keys.key_list(CITY, clock.now())

    def verifier(self, **more):
        return OfflineVerifier(self.trusted, now=lambda: self.at.timestamp(), **more)

    def text(self):
        return self.codes.make_dynamic(PATIENT, clock.now()).text


def reason(verifier, text):
    with pytest.raises(CodeRefusedError) as refused:
        verifier.verify(text, "10101")
    return refused.value.reason


@pytest.mark.parametrize("alg", ["Ed25519", "SM2"])
def test_a_genuine_code_is_accepted_once(alg):
    town = Town(alg)
    verifier, text = town.verifier(), town.text()
    use = verifier.verify(text, "10101")
    assert use.to_dict() == {"code": text, "step": "10101", "at": use.at}
    assert reason(verifier, text) == "CODE_REPLAYED"


def test_the_memory_of_used_codes_survives_a_restart():
    town = Town()
    text = town.text()
    use = town.verifier().verify(text, "10101")
    assert reason(town.verifier(earlier=[use]), text) == "CODE_REPLAYED"


@pytest.mark.parametrize(("after_s", "good"), [(-40, False), (-25, True), (85, True), (95, False)])
def test_the_terminals_clock_may_be_half_a_minute_off(after_s, good):
    town = Town()
    text = town.text()
    town.at += timedelta(seconds=after_s)
    if good:
        town.verifier().verify(text, "10101")
    else:
        assert reason(town.verifier(), text) == "CODE_EXPIRED"


@settings(max_examples=150, deadline=None)
@given(bit=st.integers(0, 99 * 8 - 1))
def test_any_flipped_bit_is_refused(bit):
    raw = bytearray(offline.base45_decode(TOWN.text()[3:]))
    raw[bit // 8] ^= 1 << bit % 8
    assert reason(TOWN.verifier(), "E1:" + offline.base45_encode(bytes(raw))).startswith("CODE_")


TOWN = Town()


@given(st.text(max_size=320))
def test_random_text_never_crashes_it(text):
    assert reason(TOWN.verifier(), text).startswith("CODE_")


def test_what_means_nothing_without_the_server_says_so():
    for text in (make_phone_code("00" * 8, bytes(32), clock.now()), make_static_code()[0], "AB" * 32 + ":1"):
        assert reason(TOWN.verifier(), text) == "CODE_NEEDS_NETWORK"


def test_a_key_list_that_is_too_old_is_no_longer_trusted():
    town = Town()
    town.at += timedelta(days=4)
    assert reason(town.verifier(), town.text()) == "CODE_NEEDS_NETWORK"


def test_codes_of_other_cities_and_other_keys_are_refused():
    town = Town()
    elsewhere = HealthCodes(town.keys, "370800").make_dynamic(PATIENT, clock.now()).text
    assert reason(town.verifier(), elsewhere) == "CODE_WRONG_CITY"
    assert reason(town.verifier(), Town().text()) == "CODE_FORGED"


def test_a_new_list_is_taken_when_a_known_key_signed_it():
    town = Town()
    town.ring.rotate("code", alg="SM2")
    text = town.text()
    assert reason(town.verifier(), text) == "CODE_FORGED"
    town.trusted = town.trusted.updated(town.document())
    town.verifier().verify(text, "10101")


def test_a_list_signed_by_strangers_or_for_another_city_is_refused():
    town = Town()
    with pytest.raises(ValueError, match="not signed"):
        town.trusted.updated(Town().document())
    with pytest.raises(ValueError, match="another city"):
        town.trusted.updated(town.keys.key_list("370800", clock.now()))
    with pytest.raises(ValueError, match="older"):
        town.trusted.updated(town.keys.key_list(CITY, clock.now() - timedelta(days=1)))


def test_a_key_published_ahead_is_known_before_it_signs(monkeypatch):
    town = Town()
    town.ring.rotate("code", ahead=timedelta(days=1))
    town.trusted = town.trusted.updated(town.document())
    later = clock.now() + timedelta(days=1, minutes=1)
    monkeypatch.setattr(clock, "now", lambda: later)
    town.at = later
    assert town.codes.make_dynamic(PATIENT, later).text
    town.verifier().verify(town.text(), "10101")


@settings(max_examples=25, deadline=None)
@given(message=st.binary(max_size=120), bit=st.integers(0, 511))
def test_plain_python_agrees_with_the_library_about_ed25519(message, bit):
    signer = signer_for(TOWN.ring.active("code"))
    signature = signer.sign(message)
    assert verify_ed25519_slowly(signer.public_key, signature, message)
    altered = bytearray(signature)
    altered[bit // 8] ^= 1 << bit % 8
    assert not verify_ed25519_slowly(signer.public_key, bytes(altered), message)


def test_rfc_8032_holds_in_plain_python():
    public = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
    signature = bytes.fromhex(
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
        "d25bf5f0595bbe24655141438e7a100b"
    )
    assert verify_ed25519_slowly(public, signature, b"")
    assert not verify_ed25519_slowly(public, signature, b"x")
    assert not verify_ed25519_slowly(b"\xff" * 32, signature, b"")


def test_the_file_works_alone_on_a_terminal_without_any_package(tmp_path):
    town = Town()
    (tmp_path / "offline.py").write_text(Path(offline.__file__).read_text())
    document = json.dumps(town.document())
    script = f"""
import json, sys
sys.path.insert(0, {str(tmp_path)!r})
import offline
keys = offline.TrustedKeys.from_document(json.loads({document!r}))
use = offline.OfflineVerifier(keys).verify({town.text()!r}, "10101")
assert "cryptography" not in sys.modules and "backend" not in sys.modules
print(use.step)
"""
    # -I -S: no site packages, no environment, no current directory.
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", script], capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "10101", done.stderr
