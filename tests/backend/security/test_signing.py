"""Both signature algorithms behind one interface."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.security.keys import Keyring
from backend.security.signing import SIGNATURE_BYTES, signer_for, verifier_for

RING = Keyring.generate()
SIGNERS = {alg: signer_for(RING.rotate("code", alg=alg)) for alg in ("Ed25519", "SM2")}


@pytest.mark.parametrize("alg", SIGNERS)
def test_a_signature_is_64_bytes_and_verifies(alg):
    signer = SIGNERS[alg]
    signature = signer.sign(b"message")
    assert len(signature) == SIGNATURE_BYTES
    assert verifier_for(alg, signer.public_key).verify(signature, b"message")


@pytest.mark.parametrize("alg", SIGNERS)
@settings(max_examples=60, deadline=None)
@given(bit=st.integers(0, SIGNATURE_BYTES * 8 - 1))
def test_any_flipped_bit_of_the_signature_is_refused(alg, bit):
    signer = SIGNERS[alg]
    signature = bytearray(signer.sign(b"message"))
    signature[bit // 8] ^= 1 << bit % 8
    assert not verifier_for(alg, signer.public_key).verify(bytes(signature), b"message")


@pytest.mark.parametrize("alg", SIGNERS)
@pytest.mark.parametrize("signature", [b"", bytes(64), b"\xff" * 64, bytes(63)])
def test_nonsense_is_refused_without_an_exception(alg, signature):
    assert not verifier_for(alg, SIGNERS[alg].public_key).verify(signature, b"message")


def test_the_same_key_gives_the_same_signer():
    key = RING.active("code")
    assert signer_for(key) is signer_for(key)


def test_a_key_that_cannot_sign_is_refused():
    with pytest.raises(ValueError, match="no signing key"):
        signer_for(RING.active("field"))
