"""Whose message it is: certificates, ports, names; whoever contradicts himself is nobody."""

from __future__ import annotations

import asyncio
import ssl
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from backend import clock
from backend.bootstrap import City
from backend.exchange.v2.framing import framed, read_block
from backend.exchange.v2.models import Link, SenderKind
from backend.exchange.v2.server import TLS, MLLPServer
from backend.ids import new_id
from tests.factories.exchange import RESULT


def named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def issue(folder: Path, name: str, issuer: tuple[str, ec.EllipticCurvePrivateKey] | None = None) -> Path:
    """A certificate with its key in one file, signed by the issuer or by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    signer, signing = issuer or (name, key)
    builder = x509.CertificateBuilder().subject_name(named(name)).issuer_name(named(signer))
    builder = builder.public_key(key.public_key()).serial_number(x509.random_serial_number())
    now = clock.now()
    builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    builder = builder.add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
    certificate = builder.sign(signing, hashes.SHA256())
    file = folder / f"{name}.pem"
    file.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return file


def key_of(file: Path) -> ec.EllipticCurvePrivateKey:
    key = serialization.load_pem_private_key(file.read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return key


def client(ca: Path, own: Path | None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(ca))
    context.check_hostname = False
    if own is not None:
        context.load_cert_chain(own)
    return context


async def ask(port: int, context: ssl.SSLContext) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    try:
        writer.write(framed(RESULT))
        return await asyncio.wait_for(read_block(reader), 10) or b""
    except (ssl.SSLError, ConnectionError):
        return b""
    finally:
        writer.close()


async def test_a_client_certificate_says_who_one_is(city: City, tmp_path: Path) -> None:
    ca = issue(tmp_path, "city-ca")
    signer = ("city-ca", key_of(ca))
    server_side, known, other = (issue(tmp_path, name, signer) for name in ("hub", "his.qy", "his.else"))
    exchange, hospital = city.services.exchange, new_id()
    await exchange.senders.allow(SenderKind.CERTIFICATE, "his.qy", hospital, "")
    server = MLLPServer(exchange.receiver, tls=TLS(server_side, server_side, ca))
    port = await server.listen("127.0.0.1", 0)
    try:
        assert b"MSA|AA|" in await ask(port, client(ca, known))
        assert b"MSA|AR|" in await ask(port, client(ca, other))
        assert await ask(port, client(ca, None)) == b""
    finally:
        await server.stop(2)
    kept = await city.db.collection("hl7_messages").find_one({})
    assert kept is not None
    assert kept["organization_id"] == hospital


@pytest.mark.parametrize(
    ("said", "link", "taken"),
    [
        ([(SenderKind.FACILITY, "QY", 0)], Link(), True),
        ([], Link(), False),
        ([(SenderKind.PORT, "2601", 0)], Link(port=2601), True),
        ([(SenderKind.PORT, "2601", 0)], Link(port=2602), False),
        # A hospital's own line with another hospital's name on the message.
        ([(SenderKind.PORT, "2601", 0), (SenderKind.FACILITY, "QY", 1)], Link(port=2601), False),
        # A certificate that nobody entered is not made good by a name that anybody may write.
        ([(SenderKind.FACILITY, "QY", 0)], Link(certificate=("his.else",)), False),
    ],
)
async def test_a_name_is_believed_only_where_nothing_speaks_against_it(
    city: City, said: list[tuple[SenderKind, str, int]], link: Link, taken: bool
) -> None:
    exchange, hospitals = city.services.exchange, (new_id(), new_id())
    for kind, value, whose in said:
        await exchange.senders.allow(kind, value, hospitals[whose], "")
    [answer] = await exchange.receiver.take(RESULT, link)
    assert (b"MSA|AA|" in answer) is taken
    assert (b"MSA|AR|" in answer) is not taken


async def test_a_blocked_sender_is_refused(city: City) -> None:
    exchange, hospital = city.services.exchange, new_id()
    await exchange.senders.allow(SenderKind.PORT, "2601", hospital, "")
    await exchange.senders.block(SenderKind.FACILITY, "QY", hospital)
    [answer] = await exchange.receiver.take(RESULT, Link(port=2601))
    assert b"MSA|AR|" in answer
