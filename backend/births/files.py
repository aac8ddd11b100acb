"""Uploaded materials: limited in size and kind, sealed, and gone some time after the filing is over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from backend import clock
from backend.births.asking import TRIES, Kept
from backend.births.belonging import is_parents
from backend.births.machine import FilingState
from backend.births.models import Filing, MaterialFile
from backend.births.rules import Rules
from backend.errors import AppError, ErrorCode, not_found
from backend.ids import new_id
from backend.permissions import Actor

# What a content says itself, whatever it is called.
_MAGIC = ((b"\xff\xd8\xff", "image/jpeg"), (b"\x89PNG\r\n\x1a\n", "image/png"), (b"%PDF-", "application/pdf"))
_OPEN = (FilingState.DRAFT, FilingState.NEEDS_CORRECTION)


class Files:
    """Takes, shows and forgets files."""

    def __init__(self, kept: Kept, rules: Rules) -> None:
        self._files = kept.files
        self._filings = kept.filings
        self._births = kept.births
        self._rules = rules

    async def add(
        self, actor: Actor, filing_id: str, kind: str, content_type: str, content: bytes, key: str = ""
    ) -> MaterialFile:
        """Upload a material; under a key that is known it is the same one.

        Raises NOT_FOUND, CONFLICT, MATERIAL_UNFIT.
        """
        limits = self._rules.files
        may = any(rule.kind == kind and rule.may_upload for rule in self._rules.materials)
        if not may or content_type not in limits.kinds or kind_of(content) != content_type:
            raise AppError(ErrorCode.MATERIAL_UNFIT, "kind")
        if not content or len(content) > limits.most_bytes:
            raise AppError(
                ErrorCode.MATERIAL_UNFIT,
                "size",
                text=f"文件太大，请压缩到{limits.most_bytes // 1_000_000}MB以内。",
            )
        if known := _of_key(await self._access(actor, filing_id), kind, key):
            return known
        file = MaterialFile(new_id(), filing_id, kind, content_type, len(content), clock.now(), key)
        # The content first: a name without one would be sent to agencies as nothing.
        await self._files.put(file, content)
        try:
            after = await self._change(actor, filing_id, lambda filing: self._with(filing, file))
        except AppError:
            await self._files.delete(file.id)
            raise
        kept = _of_key(after, kind, key) or file
        if kept.id != file.id:
            # The same was sent twice at once; the quicker one stays.
            await self._files.delete(file.id)
        return kept

    async def read(self, actor: Actor, filing_id: str, file_id: str) -> tuple[MaterialFile, bytes]:
        """An uploaded material of one's own. Raises NOT_FOUND."""
        return await self.content(await self._access(actor, filing_id), file_id)

    async def content(self, filing: Filing, file_id: str) -> tuple[MaterialFile, bytes]:
        """A file of a filing that the caller may see. Raises NOT_FOUND."""
        file = next((each for each in filing.files if each.id == file_id), None)
        content = await self._files.content(file_id) if file else None
        if file is None or content is None:
            raise not_found(f"file {file_id}")
        return file, content

    async def remove(self, actor: Actor, filing_id: str, file_id: str) -> None:
        """Take an uploaded material back. Raises NOT_FOUND, CONFLICT."""

        def without(filing: Filing) -> Filing:
            kept = tuple(each for each in filing.files if each.id != file_id)
            if len(kept) == len(filing.files):
                raise not_found(f"file {file_id}")
            return replace(filing, files=kept)

        await self._change(actor, filing_id, without)
        await self._files.delete(file_id)

    def _with(self, filing: Filing, file: MaterialFile) -> Filing:
        if _of_key(filing, file.kind, file.key):
            return filing
        if sum(each.kind == file.kind for each in filing.files) >= self._rules.files.most_each:
            raise AppError(
                ErrorCode.MATERIAL_UNFIT, "many", text="这项材料上传的文件太多，请先删除不需要的。"
            )
        return replace(filing, files=(*filing.files, file), updated_at=clock.now())

    async def _change(self, actor: Actor, filing_id: str, change: Callable[[Filing], Filing]) -> Filing:
        for _ in range(TRIES):
            filing = await self._access(actor, filing_id)
            if filing.state not in _OPEN:
                raise AppError(ErrorCode.CONFLICT, f"filing is {filing.state}")
            after = change(filing)
            if after is filing or await self._filings.write(after):
                return after
        raise AppError(ErrorCode.UNAVAILABLE, "the filing is being changed")

    async def _access(self, actor: Actor, filing_id: str) -> Filing:
        filing = await self._filings.find(filing_id)
        birth = await self._births.find(filing.birth_id) if filing else None
        if filing is None or birth is None or actor.kind != "resident":
            raise not_found(f"filing {filing_id}")
        if not is_parents(filing, birth, actor.id):
            raise not_found(f"filing {filing_id}")
        return filing


def _of_key(filing: Filing, kind: str, key: str) -> MaterialFile | None:
    return next((each for each in filing.files if key and (each.kind, each.key) == (kind, key)), None)


def kind_of(content: bytes) -> str:
    """What a content is, "" when it is nothing that we take."""
    return next((kind for magic, kind in _MAGIC if content.startswith(magic)), "")
