"""Signatures behind one interface: Ed25519, or SM2 with tongsuopy. The key says which, never a header."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from backend.security.keys import Key

SIGNATURE_BYTES = 64


class Signer(Protocol):
    """Signs with one private key."""

    kid: str
    alg: str
    public_key: bytes

    def sign(self, data: bytes) -> bytes:
        """Return the 64-byte signature (for SM2: r and s side by side)."""


class Verifier(Protocol):
    """Verifies with one public key."""

    def verify(self, signature: bytes, data: bytes) -> bool:
        """Whether the signature is this key's over exactly this data."""


class Ed25519Signer:
    """Ed25519 from a 32-byte seed."""

    alg = "Ed25519"

    def __init__(self, kid: str, seed: bytes) -> None:
        self.kid = kid
        self.private = Ed25519PrivateKey.from_private_bytes(seed)
        self.public = self.private.public_key()
        self.public_key = self.public.public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.sign = self.private.sign


class Ed25519Verifier:
    """Ed25519 from a 32-byte public key."""

    def __init__(self, public_key: bytes) -> None:
        self._verify = Ed25519PublicKey.from_public_bytes(public_key).verify

    def verify(self, signature: bytes, data: bytes) -> bool:
        """Whether the signature is this key's over exactly this data."""
        try:
            self._verify(signature, data)
        except InvalidSignature:
            return False
        return True


class SM2Signer:
    """SM2 with SM3 (GB/T 32918), default user id, from a 32-byte scalar; public key: a 65-byte point."""

    alg = "SM2"

    def __init__(self, kid: str, scalar: bytes) -> None:
        ec, hashes = _tongsuo()
        self.kid = kid
        self._private = ec.derive_private_key(int.from_bytes(scalar, "big"), ec.SM2())
        numbers = self._private.public_key().public_numbers()
        self.public_key = b"\x04" + numbers.x.to_bytes(32, "big") + numbers.y.to_bytes(32, "big")
        self._with = ec.ECDSA(hashes.SM3())

    def sign(self, data: bytes) -> bytes:
        """Return r and s side by side, 32 bytes each."""
        r, s = decode_dss_signature(self._private.sign(data, self._with))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")


class SM2Verifier:
    """SM2 with SM3 from the 65-byte public point."""

    def __init__(self, public_key: bytes) -> None:
        ec, hashes = _tongsuo()
        self._public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SM2(), public_key)
        self._with = ec.ECDSA(hashes.SM3())

    def verify(self, signature: bytes, data: bytes) -> bool:
        """Whether the signature is this key's over exactly this data."""
        if len(signature) != SIGNATURE_BYTES:
            return False
        r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
        try:
            self._public.verify(encode_dss_signature(r, s), data, self._with)
        except Exception:
            # tongsuopy has its own InvalidSignature, and an OpenSSL error for an r or s out of range.
            return False
        return True


def _tongsuo() -> tuple[Any, Any]:
    try:
        from tongsuopy.crypto import hashes
        from tongsuopy.crypto.asymciphers import ec
    except ImportError:
        raise RuntimeError("SM2 needs the package tongsuopy: pip install 'healthycity[sm]'") from None
    return ec, hashes


@lru_cache(maxsize=64)
def _signer(alg: str, kid: str, secret: bytes) -> Signer:
    if alg == "Ed25519":
        return Ed25519Signer(kid, secret)
    if alg == "SM2":
        return SM2Signer(kid, secret)
    raise ValueError(f"{kid} is no signing key")


def signer_for(key: Key) -> Signer:
    """Return the signer of a key of the ring."""
    return _signer(key.alg, key.kid, key.secret)


@lru_cache(maxsize=256)
def verifier_for(alg: str, public_key: bytes) -> Verifier:
    """Return the verifier of a public key from a trusted list."""
    if alg == "Ed25519":
        return Ed25519Verifier(public_key)
    if alg == "SM2":
        return SM2Verifier(public_key)
    raise ValueError("unknown signing algorithm")
