"""The console's own files: styles, scripts, pictures. Read once; only what is there at start is served."""

from __future__ import annotations

import mimetypes
from functools import cache

from admin.base import page
from admin.templating import STATIC_FOLDER
from backend.errors import not_found
from backend.http.base import APIHandler
from backend.http.endpoint import public

_KINDS = frozenset({".css", ".js", ".svg", ".png", ".ico"})


class StaticHandler(APIHandler):
    """One file."""

    @public("styles, scripts and pictures hold nothing private")
    @page("A style, script or picture")
    async def get(self, name: str) -> None:
        """The file, kept by browsers for a year when its address names its content."""
        content = _files().get(name)
        if content is None:
            raise not_found("static file")
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        self.set_header("Content-Type", f"{kind}; charset=utf-8")
        kept = "public, max-age=31536000, immutable" if self.request.query else "public, max-age=300"
        self.set_header("Cache-Control", kept)
        self.finish(content)


@cache
def _files() -> dict[str, bytes]:
    return {
        path.relative_to(STATIC_FOLDER).as_posix(): path.read_bytes()
        for path in STATIC_FOLDER.rglob("*")
        if path.suffix in _KINDS
    }


routes = [(r"/admin/static/(?P<name>[\w./-]+)", StaticHandler)]
