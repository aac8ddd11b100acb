"""Shared links: residents make and end them; whoever has one opens it in any browser, without sign-in."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from jinja2 import Environment, PackageLoader, select_autoescape
from pydantic import Field

from backend import clock
from backend.errors import ErrorCode
from backend.http.base import APIHandler
from backend.http.endpoint import operation, public, requires
from backend.http.schema import Answer, Instant, Items, Schema
from backend.permissions import Permission
from backend.reports.handlers import READING
from backend.reports.link_store import Link

# The page asks this server only; what it shows is decrypted in the browser, the PDF in a frame of its own.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; frame-src blob:; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
_HERE = Path(__file__).parent / "templates"
_templates = Environment(loader=PackageLoader("backend.reports", "templates"), autoescape=select_autoescape())


class NewLink(Schema):
    """For how long, and whether a passcode is asked for. `open`: the report is sensitive, and meant."""

    hours: int = Field(24, ge=1, le=168)
    passcode: str | None = Field(None, pattern=r"^[0-9]{4,8}$")
    open: bool = False


class NewLinkOut(Answer):
    """A link, told this once."""

    id: str
    uri: str
    expires_at: Instant


class LinkOut(Answer):
    """A link that was made; its address is known nowhere any more."""

    id: str
    label: str
    created_at: Instant
    expires_at: Instant
    live: bool
    passcode: bool
    opened: int
    last_opened_at: Instant | None
    recipient: str


class ManifestRequest(Schema):
    """SMART Health Links: who opens, and with which passcode."""

    recipient: str = Field(min_length=1, max_length=100)
    passcode: str | None = Field(None, max_length=32)
    embedded_length_max: int | None = Field(None, alias="embeddedLengthMax", ge=0)


class FileOut(Answer):
    """One encrypted file."""

    contentType: str  # noqa: N815 as SMART Health Links name it
    embedded: str


class ManifestOut(Answer):
    """All files of a link."""

    files: list[FileOut]


class ShareHandler(APIHandler):
    """Making a link to a report."""

    @requires(Permission.RESIDENT_RECORDS_WRITE)
    @operation(
        "Share a report by a short-lived link",
        status=201,
        errors=(*READING, ErrorCode.CONFLICT, ErrorCode.UNAVAILABLE),
        tag="reports",
    )
    async def post(self, report_id: str, body: NewLink) -> NewLinkOut:
        """A SMART Health Link; its key is told once and kept nowhere."""
        shared = await self.services.reports.links.share(
            self.actor,
            report_id,
            lasts=timedelta(hours=body.hours),
            passcode=body.passcode,
            opened=body.open,
        )
        return NewLinkOut(id=shared.link.id, uri=shared.uri, expires_at=shared.link.expires_at)


class LinkListHandler(APIHandler):
    """One's links."""

    @requires(Permission.RESIDENT_RECORDS_READ)
    @operation("List one's shared links", tag="reports")
    async def get(self) -> Items[LinkOut]:
        """The latest first, with how often each was opened."""
        found = await self.services.reports.links.list_mine(self.actor)
        return Items(items=[_link(link) for link in found])


class LinkHandler(APIHandler):
    """One link."""

    @requires(Permission.RESIDENT_RECORDS_WRITE)
    @operation("End a shared link", errors=(ErrorCode.NOT_FOUND,), tag="reports")
    async def delete(self, link_id: str) -> None:
        """At once; what it opened is forgotten."""
        await self.services.reports.links.revoke(self.actor, link_id)


class ManifestHandler(APIHandler):
    """What a link opens."""

    @public("whoever has the link may open it: its address is a secret, and the key is in none of our hands")
    @operation(
        "Open a shared link",
        errors=(ErrorCode.NOT_FOUND, ErrorCode.LINK_PASSCODE_WRONG),
        tag="reports",
        rate_limit="shared_link",
    )
    async def post(self, secret: str, body: ManifestRequest) -> ManifestOut:
        """The manifest of SMART Health Links, files embedded as JWE."""
        files = await self.services.reports.links.manifest(secret, body.recipient, body.passcode)
        return ManifestOut(
            files=[FileOut(contentType=file.content_type, embedded=jwe) for file, jwe in files]
        )


class ViewerHandler(APIHandler):
    """The page that opens a link."""

    @public("the page itself holds nothing; the link lies in its address, behind the #")
    @operation("The page that opens shared links", tag="reports", media="text/html")
    async def get(self) -> bytes | None:
        """HTML."""
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.set_header("Content-Security-Policy", POLICY)
        self.set_header("Cache-Control", "no-cache")
        page = _templates.get_template("viewer.html")
        self.finish(page.render(city_name=self.city.settings.city_name))
        return None


class ViewerPartHandler(APIHandler):
    """The page's script and style sheet."""

    @public("a script and a style sheet")
    @operation("The viewer's script and style sheet", tag="reports", media="text/plain")
    async def get(self, name: str) -> bytes | None:
        """JavaScript or CSS."""
        kind = "text/javascript" if name.endswith(".js") else "text/css"
        self.set_header("Content-Type", f"{kind}; charset=utf-8")
        self.set_header("Cache-Control", "no-cache")
        self.finish((_HERE / name).read_bytes())
        return None


def _link(link: Link) -> LinkOut:
    return LinkOut(
        id=link.id,
        label=link.label,
        created_at=link.created_at,
        expires_at=link.expires_at,
        live=link.is_live(clock.now()),
        passcode=link.passcode is not None,
        opened=link.opened,
        last_opened_at=link.last_opened_at,
        recipient=link.recipient,
    )


routes = [
    (r"/api/v1/reports/(?P<report_id>[0-9A-Z-]{26,60})/links", ShareHandler),
    (r"/api/v1/report-links", LinkListHandler),
    (r"/api/v1/report-links/(?P<link_id>[0-9A-Z]{26})", LinkHandler),
    (r"/shl/view", ViewerHandler),
    (r"/shl/(?P<name>viewer\.js|viewer\.css)", ViewerPartHandler),
    (r"/shl/(?P<secret>[0-9A-Za-z_-]{43})", ManifestHandler),
]
