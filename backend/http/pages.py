"""What browsers get from the backend itself: the resident app, and a page to read the API's description."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, select_autoescape
from tornado.web import HTTPError, StaticFileHandler

from backend.http.base import HSTS, SECURE_HEADERS, BaseHandler

# Taro and NutUI set styles on elements; nothing in the app is an inline script.
APP_POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "font-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
)
DOCS_POLICY = "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'"
_HASHED = re.compile(r"[-.][0-9a-zA-Z_-]{8,}\.\w+$")
_YEAR_S = 31_536_000

_templates = Environment(
    loader=PackageLoader("backend.http", "templates"),
    autoescape=select_autoescape(),
    trim_blocks=True,
    lstrip_blocks=True,
)


class AppHandler(StaticFileHandler):
    """The built resident app. Files with a hash in their name never change; the rest is asked for again."""

    def set_default_headers(self) -> None:
        """Secure headers on every answer, errors included."""
        self.clear_header("Server")
        for name, value in SECURE_HEADERS:
            self.set_header(name, value)
        self.set_header("Content-Security-Policy", APP_POLICY)
        if self.application.settings["city"].settings.is_production:
            self.set_header(*HSTS)

    def validate_absolute_path(self, root: str, absolute_path: str) -> str | None:
        """The file to give. Raises 404 for what no file can be called."""
        if "\0" in absolute_path:
            raise HTTPError(404)
        return super().validate_absolute_path(root, absolute_path)

    def set_extra_headers(self, path: str) -> None:
        """How long to keep the file."""
        kept = f"public, max-age={_YEAR_S}, immutable" if _HASHED.search(path) else "no-cache"
        self.set_header("Cache-Control", kept)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """A page that is not there, in the resident's words."""
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.finish(_templates.get_template("missing.html").render(status=status_code))


class APIDocsHandler(BaseHandler):
    """The API to read: every endpoint with its inputs, answers, errors and who may call it."""

    def get(self) -> None:
        """One page, no script."""
        document = self.application.settings["openapi"]
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.set_header("Content-Security-Policy", DOCS_POLICY)
        self.finish(_templates.get_template("api.html").render(api=document, groups=_by_tag(document)))


class APIDocsStyleHandler(BaseHandler):
    """The page's style sheet."""

    def get(self) -> None:
        """CSS."""
        self.set_header("Content-Type", "text/css; charset=utf-8")
        self.set_header("Cache-Control", "max-age=3600")
        self.finish((Path(__file__).parent / "templates" / "api.css").read_bytes())


def _by_tag(document: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    groups: dict[str, list[dict[str, Any]]] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            shown = {"path": path, "method": method, **operation}
            groups.setdefault(operation["tags"][0], []).append(shown)
    return dict(sorted(groups.items()))


def type_of(schema: dict[str, Any]) -> str:
    """A schema in a few words: what the page shows beside a field's name."""
    if "$ref" in schema:
        return str(schema["$ref"]).rsplit("/", 1)[1]
    if "anyOf" in schema:
        return " or ".join(type_of(part) for part in schema["anyOf"])
    if "enum" in schema:
        return " | ".join(str(value) for value in schema["enum"])
    if "const" in schema:
        return str(schema["const"])
    if schema.get("type") == "array":
        return f"list of {type_of(schema.get('items', {}))}"
    kind = str(schema.get("type", "any"))
    return f"{kind} ({schema['format']})" if "format" in schema else kind


_templates.filters["type_of"] = type_of
_templates.filters["ref_name"] = lambda ref: str(ref).rsplit("/", 1)[1]


def app_routes(folder: Path) -> list[tuple[str, type, dict[str, Any]]]:
    """The resident app at `/`, and the API page."""
    app = {"path": str(folder), "default_filename": "index.html"}
    return [
        (r"/api/docs", APIDocsHandler, {"route": "/api/docs"}),
        (r"/api/docs\.css", APIDocsStyleHandler, {"route": "/api/docs.css"}),
        (r"/(?!api/|hospital/|callbacks/|oauth2/|dicomweb/|shl/|fhir/|admin)(.*)", AppHandler, app),
    ]
