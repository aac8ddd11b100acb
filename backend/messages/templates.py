"""The words of each kind as data: versions written by staff, one of them in use; the first stands in code.

A version is never changed, but for what providers call it: every message keeps the number it was written by.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from backend.audit.service import AuditService
from backend.errors import AppError, ErrorCode, not_found
from backend.messages.models import MessageKind
from backend.messages.rendering import facts_of, has_stray_braces
from backend.messages.template_store import TemplateStore
from backend.messages.texts import WORDINGS
from backend.messages.wording import FACTS, TemplateVersion, Wording
from backend.permissions import Actor, Permission

# Who changes a wording sees it everywhere after so long.
_FRESH_S = 5.0
_TRIES = 5
# Words of a conversation come from the conversation.
FIXED_KINDS = frozenset({MessageKind.ANSWER})
# How to stop a message is part of it.
_STOP_WORDS = ("回复T", "回复R")


@dataclass(frozen=True, slots=True)
class Draft:
    """What staff may say differently: everything but the ways, the page and the rules of a kind."""

    title: str
    lines: tuple[tuple[str, str], ...]
    sms: str
    approved: str
    wechat: dict[str, str]
    note: str = ""


class Templates:
    """Finds the version to write by, and lets staff make and choose versions."""

    def __init__(
        self,
        store: TemplateStore,
        audit: AuditService,
        first_ids: Callable[[MessageKind], Mapping[str, str]],
    ) -> None:
        self._store = store
        self._audit = audit
        self._first_ids = first_ids
        self._choices: dict[str, int] = {}
        self._versions: dict[tuple[MessageKind, int], TemplateVersion] = {}
        self._read_at = float("-inf")
        self._reading = asyncio.Lock()

    async def current(self, kind: MessageKind) -> TemplateVersion:
        """The version in use."""
        await self._refresh()
        return await self.version(kind, self._choices.get(kind, 1))

    async def version(self, kind: MessageKind, number: int) -> TemplateVersion:
        """A version by its number; the first in place of one that is not there."""
        await self._refresh()
        known = self._versions.get((kind, number))
        if known is None:
            first = self._first(kind)
            known = (await self._store.find(first, number) if number > 1 else None) or first
            self._versions[kind, number] = known
        return known

    async def _refresh(self) -> None:
        async with self._reading:
            if time.monotonic() - self._read_at > _FRESH_S:
                self._choices, self._versions = await self._store.choices(), {}
                self._read_at = time.monotonic()

    def _first(self, kind: MessageKind) -> TemplateVersion:
        return TemplateVersion(kind, 1, WORDINGS[kind], self._first_ids(kind))

    # What staff see and do.

    async def list_current(self) -> list[TemplateVersion]:
        """The version in use of every kind."""
        return [await self.current(kind) for kind in MessageKind]

    async def list_versions(self, kind: MessageKind) -> list[TemplateVersion]:
        """Every version of a kind, newest first."""
        first = self._first(kind)
        return [*await self._store.list_of(first), first]

    async def read(self, kind: MessageKind, number: int | None) -> TemplateVersion:
        """A version, or the one in use. Raises NOT_FOUND."""
        if number is None:
            return await self.current(kind)
        return next((one for one in await self.list_versions(kind) if one.number == number), None) or _none()

    async def write(self, actor: Actor, kind: MessageKind, draft: Draft) -> TemplateVersion:
        """Keep a new version, not yet in use. Raises BAD_REQUEST saying what is wrong with it."""
        check_writer(actor)
        first = self._first(kind)
        wording = replace(
            first.wording,
            title=draft.title,
            lines=draft.lines,
            sms=draft.sms,
            approved=draft.approved,
            wechat=draft.wechat,
        )
        said = problems(kind, wording)
        if said:
            raise AppError(ErrorCode.BAD_REQUEST, "wording", text="；".join(said) + "。")
        for _ in range(_TRIES):
            number = (await self.list_versions(kind))[0].number + 1
            version = TemplateVersion(kind, number, wording, {}, draft.note)
            if await self._store.add(version, actor.id):
                await self._record(actor, "messages.template_written", version, draft.note)
                return version
        raise AppError(ErrorCode.CONFLICT, "others write versions of it")

    async def choose(self, actor: Actor, kind: MessageKind, number: int, reason: str) -> None:
        """Put a version into use, an older one too. Raises NOT_FOUND, REASON_REQUIRED."""
        check_writer(actor)
        if not reason.strip():
            raise AppError(ErrorCode.REASON_REQUIRED)
        version = await self.read(kind, number)
        await self._store.choose(kind, version.number, actor.id)
        self._read_at = float("-inf")
        await self._record(actor, "messages.template_chosen", version, reason)

    async def set_ids(self, actor: Actor, kind: MessageKind, number: int, ids: Mapping[str, str]) -> None:
        """What providers call a version; the settings say it of the first. Raises NOT_FOUND."""
        check_writer(actor)
        version = await self.read(kind, number)
        given = {name: text for name, text in ids.items() if text}
        if version.number == 1 or not await self._store.set_template_ids(kind, number, given):
            raise not_found(f"version {number} of {kind}")
        self._read_at = float("-inf")
        await self._record(actor, "messages.template_ids_set", version, " ".join(sorted(given)))

    async def _record(self, actor: Actor, action: str, version: TemplateVersion, basis: str) -> None:
        await self._audit.record(
            actor, action, f"message_template/{version.kind}:{version.number}", basis, None
        )


def problems(kind: MessageKind, wording: Wording) -> list[str]:
    """What is wrong with a wording of a kind, in words for who wrote it; it may say less than the first."""
    first = WORDINGS[kind]
    texts = {
        "标题": wording.title,
        "短信": wording.sms,
        "报备模板": wording.approved,
        **dict(wording.lines),
        **wording.wechat,
    }
    said = []
    if kind in FIXED_KINDS:
        said.append("这类消息的内容来自对话，不能修改")
    if not wording.title.strip():
        said.append("请填写标题")
    if not wording.sms and first.sms:
        said.append("请填写短信")
    if set(wording.wechat) != set(first.wechat):
        said.append("微信字段须为：" + ("、".join(first.wechat) or "无"))
    said += [f"“{name}”中有多余的花括号" for name, text in texts.items() if has_stray_braces(text)]
    strange = set(facts_of(wording)) - set(facts_of(first))
    if strange:
        known = "、".join(f"{{{name}}}（{FACTS[name].label}）" for name in facts_of(first))
        said.append(f"没有参数{_listed(strange)}，可以用的是：{known or '无'}")
    if "code" in facts_of(first) and "{code}" not in wording.sms:
        said.append("短信中须有{code}")
    said += [
        f"短信中须保留“{word}”的说明" for word in _STOP_WORDS if word in first.sms and word not in wording.sms
    ]
    return said


def _listed(names: Iterable[str]) -> str:
    return "、".join(f"{{{name}}}" for name in sorted(names))


def check_writer(actor: Actor) -> None:
    """Refuse whoever may not change words. Raises FORBIDDEN."""
    # Every hospital's people read these words: they are the city's to change.
    if actor.organization_ids is not None or not actor.may(Permission.STAFF_TEMPLATES_WRITE):
        raise AppError(ErrorCode.FORBIDDEN, Permission.STAFF_TEMPLATES_WRITE)


def _none() -> TemplateVersion:
    raise not_found("template version")
