"""Each precondition of the demo fails with one sentence that says what to do."""

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from typer.testing import CliRunner

from backend.cli import app
from backend.demo import embedded, preconditions
from backend.demo.errors import DemoError
from backend.demo.preconditions import (
    check_given_broker,
    check_port,
    check_ports,
    check_resident_app,
    check_servers,
    only_one_demo,
)


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        yield taken.getsockname()[1]


def test_a_busy_port_is_named_with_its_option(taken_port: int):
    with pytest.raises(DemoError) as failure:
        check_port(taken_port, "WEB_PORT", "--port")
    text = str(failure.value)
    assert text.startswith(f"Port {taken_port} is taken")
    assert f"make demo WEB_PORT={taken_port + 1}" in text
    assert f"--port {taken_port + 1}" in text


def test_one_port_for_both_is_refused_with_another_to_choose():
    with pytest.raises(DemoError, match=r"both listen on port 9000: .*SANDBOX_PORT=9001"):
        check_ports(9000, 9000)


def test_a_port_that_only_an_administrator_may_open_is_named(monkeypatch: pytest.MonkeyPatch):
    def refuse(port: int) -> bool:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(preconditions, "is_port_free", refuse)
    with pytest.raises(DemoError, match=r"Port 80 may be opened by an administrator only: .*WEB_PORT=8080"):
        check_ports(80, 8100)


@pytest.mark.parametrize("port", ["0", "-1", "65536", "http"])
def test_a_port_that_is_none_is_wrong_usage(port: str):
    told = CliRunner().invoke(app, ["demo", "--port", port])
    assert told.exit_code == 2
    assert "--port" in told.output


def test_an_unbuilt_resident_app_is_named(tmp_path: Path):
    with pytest.raises(DemoError, match="npm run build:h5"):
        check_resident_app(tmp_path)


def test_given_servers_need_no_embedded_ones(monkeypatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(embedded, "_packaged", lambda *_: None)
    check_servers({"MONGODB_URI": "mongodb://db.internal", "BROKER_URL": "redis://queue.internal"})
    with pytest.raises(DemoError, match="BROKER_URL"):
        check_servers({"MONGODB_URI": "mongodb://db.internal"})


@pytest.fixture
def ready() -> Iterator[str]:
    """A city that is ready but for its broker."""

    class Ready(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"status": "degraded", "missing": [], "degraded": ["broker"]}')

        def log_message(self, *_: object) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Ready) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_given_broker_that_does_not_answer_is_named(ready: str):
    check_given_broker({}, ready)
    with pytest.raises(DemoError, match="cannot be reached at BROKER_URL"):
        check_given_broker({"BROKER_URL": "redis://queue.internal"}, ready)


def test_a_second_demo_in_the_same_folder_is_refused(tmp_path: Path):
    refused = pytest.raises(DemoError, match=r"already runs from .* \(process \d+\)")
    with only_one_demo(tmp_path), refused, only_one_demo(tmp_path):
        pass
    with only_one_demo(tmp_path):
        pass
