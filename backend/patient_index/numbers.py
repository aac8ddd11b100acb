"""Whose ID number a chart carries: the one key by which charts are linked without a human."""

from __future__ import annotations

from dataclasses import dataclass

from backend import clock
from backend.errors import AppError, ErrorCode
from backend.patient_index.demographics import contradicts, id_number_of, phone_of
from backend.patient_index.models import Demographics, NumberState
from backend.patient_index.names import fits, is_newborn
from backend.patient_index.ports import Residents
from backend.residents.id_numbers import IDNumber


@dataclass(frozen=True, slots=True)
class Finding:
    """What an ID number says. `resident_id` with REFUSED is the person of the number, of another name."""

    state: NumberState
    resident_id: str | None = None
    # The register knows the person by this name; the file had another one before.
    renamed: bool = False


NOTHING = Finding(NumberState.NONE)


class Numbers:
    """Asks the residents area who is behind a number."""

    def __init__(self, residents: Residents) -> None:
        self._residents = residents

    async def look_up(self, who: Demographics) -> Finding:
        """Whose chart this is by its ID number; a person new to the city gets a file."""
        number = id_number_of(who, clock.today())
        if number is None or not who.name:
            return NOTHING
        resident_id = await self._residents.search(number.text)
        if resident_id is None:
            return await self._unknown(who, number)
        try:
            identity = await self._residents.get_identity(resident_id)
        except AppError:
            # An account that is just being made, or unmade.
            return Finding(NumberState.DUE)
        if fits(identity.name, who.name):
            state = NumberState.REFUSED if contradicts(who, number) else NumberState.LINKED
            return Finding(state, resident_id)
        if is_newborn(who.name):
            # The mother's number, as maternity wards write it before the child has one.
            return NOTHING
        return await self._renamed(who, number, resident_id)

    async def is_known(self, resident_id: str) -> bool:
        """Whether there is still somebody behind a resident's id."""
        try:
            await self._residents.get_identity(resident_id)
        except AppError:
            return False
        return True

    async def _unknown(self, who: Demographics, number: IDNumber) -> Finding:
        if is_newborn(who.name) or contradicts(who, number):
            return NOTHING
        return await self._file(who, number, None)

    async def _renamed(self, who: Demographics, number: IDNumber, resident_id: str) -> Finding:
        """The number is known under another name: the register may confirm the new one."""
        if contradicts(who, number):
            return Finding(NumberState.REFUSED, resident_id)
        return await self._file(who, number, resident_id)

    async def _file(self, who: Demographics, number: IDNumber, known: str | None) -> Finding:
        try:
            found = await self._residents.find_or_create_file(who.name, number.text, phone_of(who))
        except AppError as error:
            if error.code is ErrorCode.REAL_NAME_MISMATCH:
                return Finding(NumberState.REFUSED, known or await self._residents.search(number.text))
            if error.code in (ErrorCode.REGISTER_UNAVAILABLE, ErrorCode.UNAVAILABLE):
                return Finding(NumberState.DUE)
            # No name that could stand on an ID card.
            return NOTHING
        return Finding(NumberState.LINKED, found, renamed=known is not None)
