"""The inbox: people who have asked for a person, and the talk with each of them, renewed while it is open."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import Field

from admin.base import PageHandler, page
from admin.forms import Form
from admin.lookups import organization_names
from backend.conversations.inbox import LONGEST
from backend.conversations.inbox_models import Handover, Line
from backend.errors import ErrorCode
from backend.http.endpoint import requires
from backend.ids import new_id
from backend.permissions import Permission


class AnswerForm(Form):
    """What staff say; `key` is the same when the browser sends a form twice."""

    text: str = Field("", max_length=2 * LONGEST, title="回复内容")
    key: str = Field("", max_length=40, title="编号")


class InboxHandler(PageHandler):
    """The list."""

    @requires(Permission.STAFF_CONVERSATIONS_ANSWER)
    @page("The inbox")
    async def get(self) -> None:
        """Who waits, who is being answered."""
        self.show_page("inbox/list.html", **await _listed(self))


class InboxRowsHandler(PageHandler):
    """The list's rows for the page's script."""

    by_a_person = False

    @requires(Permission.STAFF_CONVERSATIONS_ANSWER)
    @page("The inbox's rows")
    async def get(self) -> None:
        """The table alone."""
        self.show_page("inbox/table.html", **await _listed(self))


class InboxCountsHandler(PageHandler):
    """Who waits, for the menu."""

    by_a_person = False

    @requires(Permission.STAFF_CONVERSATIONS_ANSWER)
    @page("How many wait in the inbox")
    async def get(self) -> None:
        """JSON."""
        self.finish({"waits": await self.services.inbox.count_waiting(self.actor)})


class TalkHandler(PageHandler):
    """One talk."""

    @requires(Permission.STAFF_CONVERSATIONS_ANSWER)
    @page("A talk")
    async def get(self, handover_id: str) -> None:
        """The words, and what may be done; the look is on record."""
        await self.show(handover_id=handover_id)

    async def show(self, **path: str) -> None:
        """The talk, with a new key for the next answer."""
        await _show_talk(self, path["handover_id"])


class TalkLinesHandler(PageHandler):
    """A talk's words for the page's script."""

    by_a_person = False

    @requires(Permission.STAFF_CONVERSATIONS_ANSWER)
    @page("A talk's lines")
    async def get(self, handover_id: str) -> None:
        """The words alone."""
        handover, lines = await self.services.inbox.follow(self.actor, handover_id)
        self.show_page("inbox/lines.html", **await _shown(self, handover, lines))


class TakeHandler(PageHandler):
    """Taking a talk."""

    @requires(Permission.STAFF_CONVERSATIONS_ANSWER)
    @page("Take a talk", errors=(ErrorCode.CONFLICT,))
    async def post(self, handover_id: str) -> None:
        """From now on this member answers."""
        await self.services.inbox.take(self.actor, handover_id)
        self.go(f"/admin/inbox/{handover_id}", "talk-taken")


class AnswerHandler(PageHandler):
    """Saying something."""

    @requires(Permission.STAFF_CONVERSATIONS_ANSWER)
    @page("Answer in a talk", errors=(ErrorCode.CONFLICT,), again=True)
    async def post(self, body: AnswerForm, handover_id: str) -> None:
        """Once, however often the form arrives."""
        await self.services.inbox.answer(self.actor, handover_id, body.text, body.key)
        self.go(f"/admin/inbox/{handover_id}")

    async def show(self, **path: str) -> None:
        """The talk again, with what was typed."""
        await _show_talk(self, path["handover_id"])


class GiveBackHandler(PageHandler):
    """Giving a talk back."""

    @requires(Permission.STAFF_CONVERSATIONS_ANSWER)
    @page("Give a talk back", errors=(ErrorCode.CONFLICT,))
    async def post(self, handover_id: str) -> None:
        """A colleague may take it."""
        await self.services.inbox.give_back(self.actor, handover_id)
        self.go("/admin/inbox", "talk-given-back")


class CloseHandler(PageHandler):
    """Ending a talk."""

    @requires(Permission.STAFF_CONVERSATIONS_ANSWER)
    @page("End a talk", errors=(ErrorCode.CONFLICT,))
    async def post(self, handover_id: str) -> None:
        """The machine answers again."""
        await self.services.inbox.close(self.actor, handover_id)
        self.go("/admin/inbox", "talk-closed")


async def _listed(handler: PageHandler) -> dict[str, Any]:
    services = handler.services
    talks = await services.inbox.list_open(handler.actor)
    return {
        "talks": talks,
        "lines": await services.inbox.callers(talks),
        "names": await services.residents.names({talk.resident_id for talk in talks if talk.resident_id}),
        "places": await organization_names(services, [talk.organization_id or "" for talk in talks]),
        "members": await services.staff.names({talk.taken_by for talk in talks if talk.taken_by}),
    }


async def _show_talk(handler: PageHandler, handover_id: str) -> None:
    handover, lines = await handler.services.inbox.read(handler.actor, handover_id)
    handler.show_page(
        "inbox/talk.html", key=new_id(), longest=LONGEST, **await _shown(handler, handover, lines)
    )


async def _shown(handler: PageHandler, handover: Handover, lines: Sequence[Line]) -> dict[str, Any]:
    services = handler.services
    members = {line.staff_id for line in lines if line.staff_id} | ({handover.taken_by} - {None})
    return {
        "talk": handover,
        "said": lines,
        "caller": (await services.inbox.callers([handover])).get(handover.id, ""),
        "names": await services.residents.names([handover.resident_id] if handover.resident_id else []),
        "places": await organization_names(services, [handover.organization_id or ""]),
        "members": await services.staff.names({member for member in members if member}),
    }


_TALK = r"/admin/inbox/(?P<handover_id>[0-9A-Z]{26})"
routes = [
    (r"/admin/inbox", InboxHandler),
    (r"/admin/inbox/rows", InboxRowsHandler),
    (r"/admin/inbox/counts", InboxCountsHandler),
    (_TALK, TalkHandler),
    (rf"{_TALK}/lines", TalkLinesHandler),
    (rf"{_TALK}/take", TakeHandler),
    (rf"{_TALK}/answer", AnswerHandler),
    (rf"{_TALK}/give-back", GiveBackHandler),
    (rf"{_TALK}/close", CloseHandler),
]
