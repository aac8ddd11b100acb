"""`/verify/births/…`: the page behind a printout's QR, for any phone: no signing in, no script."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from backend import clock
from backend.births.verifying import Validity
from backend.errors import ErrorCode
from backend.http.base import APIHandler, as_app_error
from backend.http.endpoint import operation, public

WHY = "whoever is handed a printout may ask whether it holds; its QR bears a secret that nobody can guess"
_POLICY = "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
_FOLDER = Path(__file__).parent / "templates"
# What is said, and how it looks.
WORDS: dict[Validity, tuple[str, str, str]] = {
    Validity.VALID: ("有效", "good", "内容与下面一致的，是本市生成的电子凭证打印件。"),
    Validity.REPLACED: ("已失效", "bad", "办理结果后来有更正，请让对方重新打印。"),
    Validity.IN_QUESTION: ("核实中", "warn", "办理部门正在核实这项结果，请直接向该部门查询。"),
    Validity.REVOKED: ("已作废", "bad", "这项结果已作废，请向办理部门查询。"),
}
_templates = Environment(
    loader=PackageLoader("backend.births", "templates"),
    autoescape=select_autoescape(),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


class VerifyHandler(APIHandler):
    """One printout."""

    def set_default_headers(self) -> None:
        """Nothing is kept, nothing runs, nobody is told where one came from."""
        super().set_default_headers()
        self.set_header("Cache-Control", "no-store")
        self.set_header("X-Robots-Tag", "noindex, nofollow")
        self.set_header("Referrer-Policy", "no-referrer")
        self.set_header("Content-Security-Policy", _POLICY)

    @public(WHY)
    @operation(
        "Check a printout of a birth's result",
        errors=(ErrorCode.NOT_FOUND,),
        tag="births",
        rate_limit="paper_check",
        media="text/html",
    )
    async def get(self, token: str) -> None:
        """Kind, end of the number, date, agency, masked name, and whether it holds; nothing else."""
        found = await self.services.births.verifying.check(token)
        self._page(found=found, words=WORDS[found.validity])

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """A page, too: in the words of the refusal."""
        error = as_app_error(kwargs.get("exc_info", (None, None, None))[1], status_code)
        self.set_status(error.status)
        self.set_error_headers(error)
        missing = error.code is ErrorCode.NOT_FOUND
        told = "没有这张凭证。请核对网址是否完整；仍查不到的，它不是本市生成的。" if missing else error.text
        self._page(found=None, words=("查不到" if missing else "暂时无法核验", "bad", told))

    def _page(self, **values: Any) -> None:
        self.set_header("Content-Type", "text/html; charset=utf-8")
        at = clock.now().astimezone(clock.CITY_ZONE).strftime("%Y-%m-%d %H:%M")
        page = _templates.get_template("verify.html")
        self.finish(page.render(city_name=self.city.settings.city_name, at=at, **values))


class VerifyStyleHandler(APIHandler):
    """The page's style sheet."""

    @public("a style sheet")
    @operation("The style sheet of checked printouts", tag="births", media="text/css")
    async def get(self) -> None:
        """CSS."""
        self.set_header("Content-Type", "text/css; charset=utf-8")
        self.set_header("Cache-Control", "max-age=3600")
        self.finish((_FOLDER / "verify.css").read_bytes())


routes = [
    (r"/verify/births/page\.css", VerifyStyleHandler),
    (r"/verify/births/(?P<token>[^/]{1,200})", VerifyHandler),
]
