"""Where WeChat calls the official account's chat."""

from __future__ import annotations

from backend.errors import AppError, ErrorCode
from backend.http.base import APIHandler
from backend.http.endpoint import operation, public

_WHY_PUBLIC = "WeChat signs every call with the account's token; an unsigned or old one is refused."
_REFUSALS = (ErrorCode.FORBIDDEN, ErrorCode.NOT_FOUND)


class OfficialAccountHandler(APIHandler):
    """The one address of an official account's server settings."""

    @public(_WHY_PUBLIC)
    @operation("Answer WeChat's echo", errors=_REFUSALS, tag="callbacks")
    async def get(self) -> None:
        """WeChat asks once, when the address is entered."""
        self._finish(self.services.bots.official_account.echo(self._query()).encode(), "text/plain")

    @public(_WHY_PUBLIC)
    @operation("Receive a chat message", errors=(*_REFUSALS, ErrorCode.BAD_REQUEST), tag="callbacks")
    async def post(self) -> None:
        """Answers XML within five seconds, or `success` when the answer follows.

        503 without a body when neither was certain in time: WeChat then asks again.
        """
        answer = await self.services.bots.official_account.receive(self._query(), self.request.body)
        if answer is None:
            self.set_status(503)
            self._finish(b"", "text/plain")
            return
        self._finish(answer, "text/xml" if answer.startswith(b"<xml") else "text/plain")

    def _query(self) -> dict[str, str]:
        try:
            return {name: values[-1].decode() for name, values in self.request.query_arguments.items()}
        except UnicodeDecodeError:
            raise AppError(ErrorCode.BAD_REQUEST, "query is not UTF-8") from None

    def _finish(self, content: bytes, kind: str) -> None:
        self.set_header("Content-Type", f"{kind}; charset=utf-8")
        self.set_header("Cache-Control", "no-store")
        self.finish(content)


routes = [(r"/callbacks/wechat/official-account", OfficialAccountHandler)]
