"""A browser without scripts: keeps cookies, reads pages, fills in the forms it finds on them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

import httpx

from backend.bootstrap import City
from backend.permissions import Role
from tests.factories.staff import KnownStaff, make_staff


@dataclass
class Form:
    """A form of a page: where it goes and what it already says."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.links: list[str] = []
        self.scripts_inside = 0
        self.styled = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form":
            self.forms.append(Form(given.get("action") or "", (given.get("method") or "get").lower()))
        if tag == "a" and given.get("href"):
            self.links.append(given["href"] or "")
        if (
            tag == "input"
            and self.forms
            and given.get("name")
            and given.get("type") not in ("radio", "checkbox")
        ):
            self.forms[-1].fields[given["name"] or ""] = given.get("value") or ""
        if (tag == "script" and "src" not in given) or tag == "style":
            self.scripts_inside += 1
        if "style" in given or any(name.startswith("on") for name in given):
            self.styled += 1


class Page:
    """What a request brought."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self.status = response.status_code
        self.html = response.text
        self._reader = _Reader()
        self._reader.feed(self.html)

    @property
    def text(self) -> str:
        """The words on the page, tags and doubled spaces taken out."""
        words = re.sub(r"<(script|style).*?</\1>|<[^>]+>", " ", self.html, flags=re.S)
        return re.sub(r"\s+", " ", words)

    @property
    def path(self) -> str:
        return self.response.url.path

    @property
    def links(self) -> list[str]:
        return self._reader.links

    @property
    def inline_parts(self) -> int:
        """Scripts, styles and handlers that the content security policy would refuse."""
        return self._reader.scripts_inside + self._reader.styled

    def form(self, action: str) -> Form:
        found = [form for form in self._reader.forms if form.action == action]
        assert found, f"no form to {action} on {self.path}: {[form.action for form in self._reader.forms]}"
        return found[0]

    def has_form(self, action: str) -> bool:
        return any(form.action == action for form in self._reader.forms)


class Browser:
    """One person's browser."""

    def __init__(self, address: str) -> None:
        # Plain http on loopback: reading the certificates of the world would take longer than the test.
        self.http = httpx.AsyncClient(base_url=address, follow_redirects=True, timeout=20, verify=False)
        self.page: Page | None = None

    async def get(self, path: str, *, expect: int = 200) -> Page:
        self.page = Page(await self.http.get(path))
        assert self.page.status == expect, f"{path}: {self.page.status} {self.page.text[:300]}"
        return self.page

    async def post(self, path: str, data: dict[str, str | list[str]], *, expect: int = 200) -> Page:
        self.page = Page(await self.http.post(path, data=data))
        assert self.page.status == expect, f"{path}: {self.page.status} {self.page.text[:300]}"
        return self.page

    async def peek(self, path: str) -> httpx.Response:
        """The bare answer, redirects not followed."""
        return await self.http.get(path, follow_redirects=False)

    async def submit(self, action: str, *, expect: int = 200, **fields: str | list[str]) -> Page:
        """Fill in the form of the page in view and send it."""
        assert self.page is not None
        form = self.page.form(action)
        return await self.post(action, {**form.fields, **fields}, expect=expect)


@dataclass
class Console:
    """The running application."""

    city: City
    address: str
    opened: list[Browser] = field(default_factory=list)

    def browser(self) -> Browser:
        browser = Browser(self.address)
        self.opened.append(browser)
        return browser

    async def close(self) -> None:
        """Close every browser."""
        for browser in self.opened:
            await browser.http.aclose()

    async def staff(self, role: Role, organization_ids: frozenset[str] | None = None) -> KnownStaff:
        return await make_staff(self.city.services.staff, role, organization_ids=organization_ids)

    async def sign_in(self, role: Role, organization_ids: frozenset[str] | None = None) -> Browser:
        """A fresh member of this role, signed in as a person would."""
        return await self.sign_in_as(await self.staff(role, organization_ids))

    async def sign_in_as(self, known: KnownStaff, *, expect: int = 200) -> Browser:
        browser = self.browser()
        await browser.get("/admin/sign-in")
        await browser.submit("/admin/sign-in", login=known.login, password=known.password)
        await browser.submit("/admin/sign-in/code", code=known.code(), expect=expect)
        return browser
