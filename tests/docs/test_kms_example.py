"""The KMS that docs/going-live.md shows is one: a ring is wrapped and opened by it, over HTTP."""

from __future__ import annotations

import base64
import json
import os
import sys
import threading
import types
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from backend.security.key_source import open_city_keyring
from backend.security.keys import Keyring, KeyringError
from backend.settings import Settings
from tests.docs.pages import page

TOKEN = "s.of-the-test"
ROOT = AESGCM(os.urandom(32))


class Transit(BaseHTTPRequestHandler):
    """The two calls of Vault's transit engine that the example makes."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.headers["X-Vault-Token"] != TOKEN:
            return self._answer(403, {"errors": ["permission denied"]})
        data = {name: base64.b64decode(value) for name, value in body.items() if name != "ciphertext"}
        if self.path == "/v1/transit/encrypt/healthycity":
            nonce = os.urandom(12)
            sealed = nonce + ROOT.encrypt(nonce, data["plaintext"], data["associated_data"])
            return self._answer(
                200, {"data": {"ciphertext": f"vault:v1:{base64.b64encode(sealed).decode()}"}}
            )
        sealed = base64.b64decode(body["ciphertext"].removeprefix("vault:v1:"))
        opened = ROOT.decrypt(sealed[:12], sealed[12:], data["associated_data"])
        return self._answer(200, {"data": {"plaintext": base64.b64encode(opened).decode()}})

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _answer(self, status: int, value: object) -> None:
        text = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)


@pytest.fixture
def vault() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Transit)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_the_example_of_a_kms_wraps_and_opens_a_ring(
    vault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    [example] = [block for block in page("docs/going-live.md").blocks("python") if "city_kms" in block]
    module = types.ModuleType("city_kms")
    exec(compile(example, "city_kms.py", "exec"), module.__dict__)
    monkeypatch.setitem(sys.modules, "city_kms", module)
    monkeypatch.setenv("VAULT_ADDR", vault)
    monkeypatch.setenv("VAULT_TOKEN", TOKEN)
    settings = Settings(environment="test", keys_file=tmp_path / "keys.json", keys_kms="city_kms:make")
    made = Keyring.generate(tmp_path / "keys.json", kms=module.make())
    assert '"wrapped_by": "vault-transit"' in (tmp_path / "keys.json").read_text()
    assert open_city_keyring(settings).active("field").secret == made.active("field").secret
    monkeypatch.setenv("VAULT_TOKEN", "s.of-nobody")
    with pytest.raises(KeyringError) as refused:
        open_city_keyring(settings)
    assert "s.of-nobody" not in str(refused.value)
