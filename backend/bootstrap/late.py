"""What the ground floor needs of higher ones, put in once they exist: imports go down only."""

from __future__ import annotations

from datetime import datetime

from backend.errors import AppError, ErrorCode
from backend.residents.ports import CodeSender
from backend.slotpool.claims import ClaimService


class Late:
    """The gap between the floors; a question that comes too early is refused."""

    codes: CodeSender | None = None
    claims: ClaimService | None = None

    async def send_code(self, phone: str, code: str) -> None:
        """Residents' sign-in codes go out as messages."""
        if self.codes is None:
            raise AppError(ErrorCode.UNAVAILABLE, "no sender of codes")
        await self.codes.send_code(phone, code)

    async def send_consent_code(self, phone: str, code: str, guardian: str) -> None:
        """And so do codes by which somebody lets another act for him."""
        if self.codes is None:
            raise AppError(ErrorCode.UNAVAILABLE, "no sender of codes")
        await self.codes.send_consent_code(phone, code, guardian)

    async def has_appointments(self, resident_id: str) -> bool:
        """An account with somewhere to go is not deleted."""
        if self.claims is None:
            raise AppError(ErrorCode.UNAVAILABLE, "no claims")
        return await self.claims.has_live_future([resident_id])

    async def last_visit(self, resident_id: str) -> datetime | None:
        """A file is kept for a time after its person's last appointment."""
        if self.claims is None:
            raise AppError(ErrorCode.UNAVAILABLE, "no claims")
        latest, _ = await self.claims.of_patients([resident_id], upcoming=None, cursor=None, limit=1)
        return latest[0].end_at if latest else None
