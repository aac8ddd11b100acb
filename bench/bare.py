"""The bare limit: a Tornado POST handler that parses JSON and answers JSON, and nothing else."""

from __future__ import annotations

import asyncio
import json
import sys

import uvloop
from tornado.web import Application, RequestHandler


class BareHandler(RequestHandler):
    """What the ratio is measured against."""

    def post(self) -> None:
        """Parse and answer."""
        body = json.loads(self.request.body)
        self.set_header("Content-Type", "application/json")
        self.finish(json.dumps({"ok": True, "number": body.get("number")}))


async def main(port: int) -> None:
    """Serve until killed."""
    Application([(r"/bare", BareHandler)]).listen(port, address="127.0.0.1")
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1])))
