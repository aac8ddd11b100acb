"""Many terminals scan at once: what they all ask the residents area goes there as one question."""

from __future__ import annotations

import asyncio

from backend.errors import AppError, ErrorCode
from backend.healthcodes.ports import Identity, Residents

_LARGEST_QUESTION = 200


class IdentityReader:
    """Answers who patients are. While one question is under way, the next ones gather."""

    def __init__(self, residents: Residents) -> None:
        self._residents = residents
        self._waiting: dict[str, list[asyncio.Future[Identity | None]]] = {}
        self._asker: asyncio.Task[None] | None = None

    async def get(self, patient_id: str) -> Identity:
        """Who the patient of a code is. Raises CODE_REVOKED when the person is gone."""
        future: asyncio.Future[Identity | None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(patient_id, []).append(future)
        if self._asker is None:
            self._asker = asyncio.create_task(self._ask())
        found = await future
        return found if found is not None else await self._get_alone(patient_id)

    async def _get_alone(self, patient_id: str) -> Identity:
        """Somebody whose account has moved meanwhile is found by the longer way."""
        try:
            return await self._residents.get_identity(patient_id)
        except AppError as error:
            if error.code is not ErrorCode.NOT_FOUND:
                raise
            raise AppError(ErrorCode.CODE_REVOKED, "the patient is gone") from None

    async def _ask(self) -> None:
        try:
            while self._waiting:
                wanted = list(self._waiting)[:_LARGEST_QUESTION]
                asked = {patient_id: self._waiting.pop(patient_id) for patient_id in wanted}
                await self._answer(asked)
        finally:
            self._asker = None

    async def _answer(self, asked: dict[str, list[asyncio.Future[Identity | None]]]) -> None:
        try:
            found = await self._residents.identities(asked)
        except BaseException as error:
            for future in (future for futures in asked.values() for future in futures):
                if not future.done():
                    future.set_exception(error if isinstance(error, Exception) else _interrupted())
            if not isinstance(error, Exception):
                raise
            return
        for patient_id, futures in asked.items():
            for future in futures:
                if not future.done():
                    future.set_result(found.get(patient_id))


def _interrupted() -> AppError:
    return AppError(ErrorCode.UNAVAILABLE, "interrupted")
