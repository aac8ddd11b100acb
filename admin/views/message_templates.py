"""The words of messages: every version previewed with examples, written anew, put into use, rolled back."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from admin.base import PageHandler, page
from admin.forms import Form, ReasonForm
from backend.errors import AppError, ErrorCode, not_found
from backend.http.endpoint import requires
from backend.messages.models import MessageKind
from backend.messages.previews import preview_of
from backend.messages.templates import FIXED_KINDS, Draft, check_writer
from backend.permissions import Permission

_READ, _WRITE = Permission.STAFF_MESSAGES_READ, Permission.STAFF_TEMPLATES_WRITE
_MARK = "｜"


def _without_carriage_returns(text: str) -> str:
    return text.replace("\r", "")


_Text = Annotated[str, AfterValidator(_without_carriage_returns)]


class WordingForm(Form):
    """The words of a version: the list's lines and WeChat's fields as `名称｜文字`, one in a line."""

    title: str = Field("", max_length=20, title="标题")
    lines: _Text = Field("", max_length=4000, title="消息列表")
    sms: _Text = Field("", max_length=500, title="短信")
    approved: _Text = Field("", max_length=500, title="报备模板")
    wechat: _Text = Field("", max_length=1000, title="微信字段")
    note: str = Field("", max_length=100, title="说明")

    def draft(self) -> Draft:
        """What was typed."""
        return Draft(
            title=self.title,
            lines=tuple(_pairs(self.lines, "消息列表")),
            sms=self.sms,
            approved=self.approved,
            wechat=dict(_pairs(self.wechat, "微信字段")),
            note=self.note,
        )


class IdsForm(Form):
    """What providers call a version."""

    aliyun_sms: str = Field("", max_length=40, pattern=r"^[\w-]*$", title="阿里云模板编号")
    tencent_sms: str = Field("", max_length=40, pattern=r"^[\w-]*$", title="腾讯云模板编号")


class TemplatesHandler(PageHandler):
    """The words of every kind."""

    @requires(_READ)
    @page("Message templates")
    async def get(self) -> None:
        """A list of the versions in use."""
        current = await self.services.messages.templates.list_current()
        self.show_page("messages/templates.html", previews=[preview_of(version) for version in current])


class TemplateHandler(PageHandler):
    """The words of one kind."""

    @requires(_READ)
    @page("Preview a message template")
    async def get(self, kind: str) -> None:
        """Filled with examples, as each channel shows it, and what to apply for at each provider."""
        await _show_one(self, kind, None)


class VersionHandler(PageHandler):
    """One version of the words of a kind."""

    @requires(_READ)
    @page("Preview a version of a message template")
    async def get(self, kind: str, number: str) -> None:
        """The same, of a version that need not be in use."""
        await _show_one(self, kind, int(number))


class WriteHandler(PageHandler):
    """A new version, begun from another."""

    @requires(_WRITE)
    @page("Write a version of a message template")
    async def get(self, kind: str, number: str) -> None:
        """The form."""
        check_writer(self.actor)
        await self.show(kind=kind, number=number)

    async def show(self, **path: str) -> None:
        """The form; what was typed is kept when it was refused."""
        found = _kind(path["kind"])
        if found in FIXED_KINDS:
            raise not_found(f"a changeable {found}")
        version = await self.services.messages.templates.read(found, int(path["number"]))
        wording = version.wording
        filled = {
            "title": wording.title,
            "lines": "\n".join(f"{label}{_MARK}{text}" for label, text in wording.lines),
            "sms": wording.sms,
            "approved": wording.approved,
            "wechat": "\n".join(f"{name}{_MARK}{text}" for name, text in wording.wechat.items()),
            "note": "",
        }
        self.show_page("messages/write.html", preview=preview_of(version), filled=filled | self.typed)

    @requires(_WRITE)
    @page("Save a version of a message template", errors=(ErrorCode.BAD_REQUEST,), again=True)
    async def post(self, body: WordingForm, kind: str, number: str) -> None:
        """Keep it; it is put into use apart."""
        made = await self.services.messages.templates.write(self.actor, _kind(kind), body.draft())
        self.go(f"/admin/messages/templates/{kind}/{made.number}", "template-written")


class ChooseHandler(PageHandler):
    """Putting a version into use, an older one too."""

    async def show(self, **path: str) -> None:
        """The version again, with the reason why not."""
        await _show_one(self, path["kind"], int(path["number"]))

    @requires(_WRITE)
    @page("Put a version of a message template into use", errors=(ErrorCode.REASON_REQUIRED,), again=True)
    async def post(self, body: ReasonForm, kind: str, number: str) -> None:
        """From now on, everywhere."""
        reason = body.given()
        await self.services.messages.templates.choose(self.actor, _kind(kind), int(number), reason)
        self.go(f"/admin/messages/templates/{kind}", "template-chosen")


class IdsHandler(PageHandler):
    """What providers call a version."""

    async def show(self, **path: str) -> None:
        """The version again, with the reason why not."""
        await _show_one(self, path["kind"], int(path["number"]))

    @requires(_WRITE)
    @page("Say what providers call a message template", errors=(ErrorCode.BAD_REQUEST,), again=True)
    async def post(self, body: IdsForm, kind: str, number: str) -> None:
        """Kept with the version."""
        ids = {"aliyun_sms": body.aliyun_sms, "tencent_sms": body.tencent_sms}
        await self.services.messages.templates.set_ids(self.actor, _kind(kind), int(number), ids)
        self.go(f"/admin/messages/templates/{kind}/{number}", "template-ids")


async def _show_one(handler: PageHandler, kind: str, number: int | None) -> None:
    templates, found = handler.services.messages.templates, _kind(kind)
    handler.show_page(
        "messages/template.html",
        preview=preview_of(await templates.read(found, number)),
        versions=await templates.list_versions(found),
        current=(await templates.current(found)).number,
        changeable=found not in FIXED_KINDS and handler.actor.organization_ids is None,
    )


def _pairs(text: str, name: str) -> list[tuple[str, str]]:
    pairs = []
    for line in filter(None, (line.strip() for line in text.splitlines())):
        label, mark, words = line.partition(_MARK)
        if not mark or not label.strip():
            raise AppError(ErrorCode.BAD_REQUEST, "line", text=f"{name}：每行须写成“名称{_MARK}文字”。")
        pairs.append((label.strip(), words.strip()))
    return pairs


def _kind(text: str) -> MessageKind:
    try:
        return MessageKind(text)
    except ValueError:
        raise not_found(f"kind {text}") from None


_KIND = r"(?P<kind>[a-z_]+)"
_VERSION = rf"{_KIND}/(?P<number>[0-9]{{1,4}})"
routes = [
    (r"/admin/messages/templates", TemplatesHandler),
    (rf"/admin/messages/templates/{_KIND}", TemplateHandler),
    (rf"/admin/messages/templates/{_VERSION}", VersionHandler),
    (rf"/admin/messages/templates/{_VERSION}/write", WriteHandler),
    (rf"/admin/messages/templates/{_VERSION}/choose", ChooseHandler),
    (rf"/admin/messages/templates/{_VERSION}/ids", IdsHandler),
]
