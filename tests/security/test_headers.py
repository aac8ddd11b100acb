"""What stands around every answer: secure headers, a policy, cookies' flags, no open door to other sites."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import httpx
import pytest
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets

from admin.views import routes as console_routes
from backend.app import api_routes, make_app
from backend.errors import ErrorCode
from backend.http.base import SECURE_HEADERS
from backend.http.body_limit import DISCARDED
from tests.factories.staff import make_staff
from tests.security.matrix import operations
from tests.security.town import open_own_city
from tests.support.city import Surroundings, TestCity
from tests.support.databases import Shelf

OTHERS = [
    "/", "/assets/index-a1b2c3d4e5.js", "/assets/missing-a1b2c3d4e5.js", "/../../etc/passwd",
    "/%2e%2e/secret.txt", "/healthz", "/readyz", "/metrics", "/openapi.json", "/api/docs", "/api/docs.css",
    "/api/v1/nowhere", "/api", "/hospital/v1", "/callbacks/x", "/oauth2/", "/admin/nowhere",
    "/admin/static/nowhere.css", "/favicon.ico",
    "/api/v1/departments/%FF", "/api/v1/appointments/%00", "/admin/appointments/%FF",
]  # fmt: skip
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "PROPFIND")
LIMIT = 64_000


@pytest.fixture(scope="module")
async def city(
    mongo_uri: str, surroundings: Surroundings, databases: Shelf, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[TestCity]:
    """A city with a resident app of two files and a secret beside it."""
    folder = tmp_path_factory.mktemp("pages")
    app = folder / "app"
    (app / "assets").mkdir(parents=True)
    (app / "index.html").write_text("<!doctype html><title>app</title>")
    (app / "assets" / "index-a1b2c3d4e5.js").write_text("1")
    (folder / "secret.txt").write_text("secret of the machine")
    pages = {"miniprogram_dir": app, "max_body_bytes": LIMIT}
    async with open_own_city(surroundings, mongo_uri, databases, **pages) as made:
        yield made


def addresses() -> list[str]:
    """One address of every route."""
    routes = {**operations(api_routes()), **operations(console_routes())}
    paths = {re.sub(r"{\w+}", "x", route.partition(" ")[2]).rstrip("?") for route in routes}
    return sorted(paths | set(OTHERS))


async def ask(city: TestCity, method: str, path: str, **headers: str) -> httpx.Response:
    url = httpx.URL(city.url).copy_with(raw_path=path.encode())
    return await city.http.send(city.http.build_request(method, url, headers=headers))


async def test_every_answer_to_every_method_is_wrapped_safely(city: TestCity) -> None:
    for path in addresses():
        for method in METHODS:
            answer = await ask(city, method, path, Origin="https://evil.example")
            what = f"{method} {path}: {answer.status_code}"
            assert answer.status_code < 500, what
            for name, value in SECURE_HEADERS:
                assert answer.headers.get(name) == value, f"{what} {name}"
            policy = answer.headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy or "default-src 'self'" in policy, what
            assert "frame-ancestors 'none'" in policy, what
            assert "unsafe-eval" not in policy, what
            assert "script-src 'unsafe-inline'" not in policy, what
            assert "Server" not in answer.headers, what
            assert not [name for name in answer.headers if name.lower().startswith("access-control-")], what
            assert "secret of the machine" not in answer.text, what
            if answer.status_code >= 400 and method not in ("HEAD",):
                assert_says_it(answer, path, what)
            if answer.status_code == 401:
                scheme = "Basic" if path.startswith("/oauth2/") else "Bearer"
                assert answer.headers["WWW-Authenticate"].startswith(f"{scheme} realm="), what


def assert_says_it(answer: httpx.Response, path: str, what: str) -> None:
    """A refusal says so: pages as a page, the API in its own form."""
    if path.startswith("/oauth2/token"):
        assert answer.json().keys() == {"error", "error_description"}, what
    elif path.startswith("/fhir/"):
        assert answer.headers["Content-Type"].startswith("application/fhir+json"), what
        assert answer.json()["resourceType"] == "OperationOutcome", what
    elif answer.headers["Content-Type"].startswith("application/json"):
        assert answer.json()["error"]["request_id"] == answer.headers["X-Request-Id"], what
    else:
        assert answer.headers["Content-Type"].startswith("text/html"), what
        assert "Traceback" not in answer.text, what


async def test_a_refusal_says_how_to_sign_in_and_whether_the_token_was_wrong(city: TestCity) -> None:
    """RFC 6750, section 3: no error code for who showed nothing."""
    nobody = await ask(city, "GET", "/api/v1/me")
    assert nobody.headers["WWW-Authenticate"] == 'Bearer realm="healthycity"'
    forged = await ask(city, "GET", "/api/v1/me", Authorization="Bearer x.y.z")
    assert forged.headers["WWW-Authenticate"] == 'Bearer realm="healthycity", error="invalid_token"'
    assert (nobody.status_code, forged.status_code) == (401, 401)
    form = {"grant_type": "client_credentials", "client_id": "x", "client_secret": "x"}
    bearer = {"Authorization": "Bearer x.y.z"}
    token = await city.http.post(f"{city.url}/oauth2/token", data=form, headers=bearer)
    assert token.status_code == 401
    assert token.headers["WWW-Authenticate"] == 'Basic realm="healthycity"'


async def test_what_is_personal_is_kept_by_no_cache(city: TestCity) -> None:
    who = await city.resident()
    for path in ("/api/v1/me", "/api/v1/appointments", "/api/v1/patients", "/api/v1/messages"):
        answer = await ask(city, "GET", path, Authorization=f"Bearer {who.token}")
        assert answer.headers["Cache-Control"] == "no-store", path
    refused = await ask(city, "GET", "/api/v1/me")
    assert refused.headers["Cache-Control"] == "no-store"


async def test_in_production_browsers_are_held_to_https(
    city: TestCity, monkeypatch: pytest.MonkeyPatch
) -> None:
    strict = {"environment": "production", "public_url": "https://city.example"}
    monkeypatch.setattr(city.city, "settings", city.city.settings.model_copy(update=strict))
    for path in addresses():
        answer = await ask(city, "GET", path)
        assert "max-age=" in answer.headers.get("Strict-Transport-Security", ""), path
        for cookie in answer.headers.get_list("Set-Cookie"):
            assert "secure" in cookie.lower(), cookie


async def test_cookies_are_out_of_reach_of_scripts_and_other_sites(city: TestCity) -> None:
    member = await make_staff(city.city.services.staff)
    async with httpx.AsyncClient(base_url=city.url) as browser:
        oauth = await browser.get("/api/v1/auth/wechat-oauth")
        sign_in = await browser.get("/admin/sign-in")
        token = city.city.services.csrf.issue(browser.cookies["hc_console_form"])
        form = {"login": member.login, "password": member.password, "_csrf": token}
        half = await browser.post("/admin/sign-in", data=form)
    assert half.status_code == 303
    set_cookies = [(oauth, "hc_login", "/api/v1/auth"), (sign_in, "hc_console_form", "/admin"),
                   (half, "hc_console", "/admin")]  # fmt: skip
    for answer, name, path in set_cookies:
        [cookie] = answer.headers.get_list("Set-Cookie")
        assert cookie.startswith(f"{name}="), cookie
        flags = {part.strip().lower() for part in cookie.split(";")[1:]}
        assert {"httponly", "samesite=lax", f"path={path}"} <= flags, cookie
        assert not [flag for flag in flags if flag.startswith("domain=")], cookie


@pytest.mark.parametrize("given", ["abcd-1234", "A" * 64, "01J0000000000000000000000Z"])
async def test_a_harmless_request_id_comes_back(city: TestCity, given: str) -> None:
    for path in ("/api/v1/config", "/api/v1/me", "/api/v1/nowhere", "/healthz", "/admin/sign-in"):
        answer = await ask(city, "GET", path, **{"X-Request-Id": given})
        assert answer.headers.get_list("X-Request-Id") == [given], path


@pytest.mark.parametrize(
    "given",
    [b"short", b"A" * 65, b"A" * 20_000, b"has space here", b"<script>alert(1)", b"abcdefgh\tx",
     b"\xe4\xb8\xad" * 4, b"abcdefgh\r\n folded", b"abcdefgh\r\n\tfolded", b"abcdefgh,abcdefgh",
     "１２３４５６７８".encode(), b"abcdefgh\x00x"],
)  # fmt: skip
async def test_any_other_request_id_is_replaced(city: TestCity, given: bytes) -> None:
    request = (
        b"GET /api/v1/me HTTP/1.1\r\nHost: x\r\nX-Request-Id: " + given + b"\r\nConnection: close\r\n\r\n"
    )
    head, _, _ = (await raw(city, request)).partition(b"\r\n\r\n")
    status = head.split(b" ")[1]
    # Tornado itself refuses what is no HTTP at all.
    assert status in (b"401", b"400"), head
    if status == b"401":
        ids = re.findall(rb"(?im)^x-request-id: (.*?)\r?$", head)
        assert len(ids) == 1
        assert re.fullmatch(rb"[0-9A-Z]{26}", ids[0]), head
    assert b"folded" not in head
    assert b"script" not in head


@pytest.mark.parametrize(
    "path",
    ["/admin/x%0d%0aSet-Cookie:%20a=b", "/admin/dashboard?x=%0d%0aSet-Cookie:%20a=b",
     "/api/v1/auth/wechat-oauth?return_to=/%0d%0aSet-Cookie:%20a=b",
     "/api/v1/auth/wechat-oauth?return_to=//evil.example",
     "/api/v1/auth/wechat-oauth?return_to=/%5Cevil.example",
     "/api/v1/auth/wechat-oauth/callback?code=x&state=%0d%0a",
     "/admin/sign-in?next=https://evil.example", "/admin//evil.example/"],
)  # fmt: skip
async def test_nobody_is_sent_elsewhere_and_no_header_is_slipped_in(city: TestCity, path: str) -> None:
    answer = await ask(city, "GET", path)
    assert "a=b" not in "".join(answer.headers.get_list("Set-Cookie"))
    location = urlsplit(answer.headers.get("Location", ""))
    assert location.netloc in ("", urlsplit(city.outside.url).netloc), answer.headers["Location"]
    assert "evil" not in location.netloc


@pytest.mark.parametrize(
    ("size", "chunked"), [(LIMIT + 1, False), (LIMIT * 3, False), (LIMIT + 1, True), (LIMIT * 5, True)]
)
@pytest.mark.parametrize(
    "path",
    ["/api/v1/auth/sms", "/callbacks/wechat-pay/notice", "/admin/sign-in", "/oauth2/token", "/nowhere"],
)
async def test_a_body_that_is_too_large_is_refused_in_the_form_of_the_place(
    city: TestCity, path: str, size: int, chunked: bool
) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(0, size, 1000):
            yield b"x" * 1000

    content = pieces() if chunked else b"x" * size
    answer = await city.http.post(city.url + path, content=content)
    assert answer.status_code == 413
    request_id = answer.headers["X-Request-Id"]
    if path == "/oauth2/token":
        # RFC 6749, section 5.2.
        assert answer.json() == {"error": "invalid_request", "error_description": "提交的内容太大。"}
    elif path == "/admin/sign-in":
        assert answer.headers["Content-Type"].startswith("text/html")
        assert "提交的内容太大" in answer.text
        assert request_id in answer.text
    else:
        error = answer.json()["error"]
        assert (error["code"], error["request_id"]) == (ErrorCode.BODY_TOO_LARGE, request_id)
    fine = await city.http.get(f"{city.url}/healthz")
    assert fine.status_code == 200


async def test_a_body_that_is_far_too_large_is_refused_before_it_comes(city: TestCity) -> None:
    length = LIMIT * DISCARDED * 2
    request = f"POST /api/v1/auth/sms HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n".encode()
    answer = await raw(city, request)
    assert answer.startswith(b"HTTP/1.1 413"), answer[:200]
    assert ErrorCode.BODY_TOO_LARGE.encode() in answer


@pytest.mark.parametrize("announced", [b"Content-Length: 100", b"Transfer-Encoding: chunked"])
async def test_who_does_not_send_what_was_announced_is_hung_up_on(city: TestCity, announced: bytes) -> None:
    app = make_app(city.city)
    app.settings["body_within_s"] = 0.1
    server = HTTPServer(app)
    [socket] = bind_sockets(0, "127.0.0.1")
    server.add_socket(socket)
    reader, writer = await asyncio.open_connection(*socket.getsockname())
    writer.write(b"POST /api/v1/auth/sms HTTP/1.1\r\nHost: x\r\n" + announced + b"\r\n\r\n5\r\n{")
    assert await asyncio.wait_for(reader.read(), 10) == b""
    writer.close()
    server.stop()
    assert await app.settings["in_flight"].until_idle(5)


async def test_as_much_as_is_allowed_is_read(city: TestCity) -> None:
    answer = await city.http.post(f"{city.url}/api/v1/auth/sms", content=b"x" * LIMIT)
    assert answer.status_code == 400


async def test_requests_tornado_refuses_leave_nothing_behind(city: TestCity) -> None:
    """The count of requests under way comes back to nothing, or a shutdown would wait for ever."""
    app = make_app(city.city)
    server = HTTPServer(app)
    [socket] = bind_sockets(0, "127.0.0.1")
    server.add_socket(socket)
    url = httpx.URL(f"http://127.0.0.1:{socket.getsockname()[1]}")
    wrong: list[tuple[str, str, dict[str, str], bytes]] = [
        ("PROPFIND", "/api/v1/me", {}, b""),
        ("GET", "/api/v1/appointments/%FF", {}, b""),
        ("POST", "/api/v1/auth/sms", {"Content-Type": "multipart/form-data; boundary=x"}, b"x"),
        ("POST", "/admin/sign-in", {"Content-Type": "multipart/form-data"}, b"x"),
        ("POST", "/api/v1/auth/sms", {}, b"x" * (LIMIT + 1)),
        ("GET", "/api/v1/me", {}, b""),
    ]
    for method, path, headers, body in wrong:
        there = url.copy_with(raw_path=path.encode())
        request = city.http.build_request(method, there, headers=headers, content=body)
        answer = await city.http.send(request)
        assert 400 <= answer.status_code < 500, path
        assert re.fullmatch("[0-9A-Z]{26}", answer.headers["X-Request-Id"]), path
    async with asyncio.timeout(2):
        await app.settings["in_flight"].until_idle(30)
    server.stop()
    await server.close_all_connections()


async def raw(city: TestCity, request: bytes) -> bytes:
    """What comes back for these very bytes."""
    where = urlsplit(city.url)
    reader, writer = await asyncio.open_connection(where.hostname, where.port)
    writer.write(request)
    await writer.drain()
    answer = b""
    async with asyncio.timeout(10):
        while piece := await reader.read(65_536):
            answer += piece
    writer.close()
    await writer.wait_closed()
    return answer
