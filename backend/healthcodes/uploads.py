"""Uses that terminals made offline and upload later: checked anew, told, double uses flagged."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from backend import clock
from backend.errors import AppError, ErrorCode
from backend.healthcodes.codes import HealthCodes
from backend.healthcodes.models import CodeKind, OfflineUpload, Presented, Uploaded, UploadState, Use
from backend.healthcodes.offline import SKEW_S
from backend.healthcodes.store import HealthCodeStore
from backend.healthcodes.verification import (
    Verification,
    get_step,
    new_use,
    replayed_event,
    tell,
    used_event,
)
from backend.permissions import Actor
from backend.security.lasting import declare_lapse

# A terminal that has been offline for longer has had no key list either.
_LATEST = timedelta(days=7)
declare_lapse("code", "uses of codes that terminals upload later", _LATEST)


class OfflineUploads:
    """Takes in what terminals accepted by themselves."""

    def __init__(self, store: HealthCodeStore, codes: HealthCodes, verification: Verification) -> None:
        self._store = store
        self._codes = codes
        self._verification = verification

    async def upload(self, actor: Actor, uploads: Sequence[OfflineUpload]) -> list[Uploaded]:
        """Take in uses in their order; one that is refused does not stop the others. Safe to repeat."""
        return [await self._take(actor, upload) for upload in uploads]

    async def _take(self, actor: Actor, upload: OfflineUpload) -> Uploaded:
        try:
            return await self._take_genuine(actor, upload)
        except AppError as error:
            if error.status >= 500:
                raise
            return Uploaded(UploadState.REFUSED, error=error.code)

    async def _take_genuine(self, actor: Actor, upload: OfflineUpload) -> Uploaded:
        uploaded_at = clock.now()
        step = get_step(upload.step)
        terminal = await self._verification.access_terminal(actor, step)
        if not uploaded_at - _LATEST <= upload.at <= uploaded_at + timedelta(seconds=SKEW_S):
            raise AppError(ErrorCode.CODE_EXPIRED, "scanned too long ago, or in the future")
        code = self._codes.read_late(upload.code, upload.at)
        identity = await self._verification.get_identity(code.patient_id)
        presented = Presented(CodeKind.DYNAMIC, code.patient_id, code.claim_key)
        use = new_use(presented, terminal, step, upload.at, uploaded_at=uploaded_at)
        earlier = await self._store.claim(use, used_event(use))
        if earlier is None:
            return Uploaded(UploadState.ACCEPTED, use_id=use.id, told=tell(step, identity))
        if _is_same(earlier, use):
            return Uploaded(UploadState.DUPLICATE, use_id=earlier.id, told=tell(step, identity))
        # Whoever was second is not told who it was: that is for people to find out.
        await self._store.flag(earlier, use, replayed_event(earlier, use))
        return Uploaded(UploadState.DOUBLE_USE, error=ErrorCode.CODE_REPLAYED, use_id=earlier.id)


def _is_same(earlier: Use, use: Use) -> bool:
    """Whether this use is there already: uploaded before, or verified online just before the network went."""
    same_place = earlier.terminal_id == use.terminal_id and earlier.step == use.step
    return same_place and (earlier.at == use.at or not earlier.offline)
