"""The real-name check: form first, then the city's population register. Errors in the user's words."""

from __future__ import annotations

from backend import clock
from backend.errors import AppError, ErrorCode
from backend.residents.id_numbers import IDNumber, IDNumberError, parse_id_number
from backend.residents.names import PersonNameError, parse_name
from backend.residents.ports import PopulationRegister, RegisterRelation, RegisterUnavailableError

_PHONE_MISMATCH = "手机号与本人在人口库登记的不一致，请用本人手机号，或到医院窗口办理。"


def read_identity(name: str, id_number: str) -> tuple[str, IDNumber]:
    """Name and number in their kept forms, or NAME_INVALID, ID_NUMBER_INVALID with the reason."""
    try:
        return parse_name(name), parse_id_number(id_number, today=clock.today())
    except PersonNameError:
        raise AppError(ErrorCode.NAME_INVALID) from None
    except IDNumberError as error:
        reason = error.problem
        raise AppError(
            ErrorCode.ID_NUMBER_INVALID, data={"reason": str(reason)}, text=f"{reason.text}。"
        ) from None


def phone_mismatch() -> AppError:
    """The phone is not known to be this person's; one answer for all reasons."""
    return AppError(ErrorCode.REAL_NAME_MISMATCH, data={"reason": "phone"}, text=_PHONE_MISMATCH)


class RealNameCheck:
    """Asks the register and judges its answer."""

    def __init__(self, register: PopulationRegister) -> None:
        self._register = register

    async def check(self, name: str, number: IDNumber, phone: str | None) -> None:
        """Raise REAL_NAME_MISMATCH unless the register knows this living person (and not with another phone).

        ID numbers with names have leaked by the million; the phone keeps a stranger from becoming somebody.
        """
        try:
            answer = await self._register.verify(name, number.text, phone)
        except RegisterUnavailableError as error:
            raise AppError(ErrorCode.REGISTER_UNAVAILABLE, str(error)) from error
        if not answer.match or not answer.alive:
            # One answer for all reasons: a death is not ours to tell.
            raise AppError(ErrorCode.REAL_NAME_MISMATCH)
        if phone is not None and answer.phone_match is False:
            raise phone_mismatch()

    async def is_named(self, name: str, number: IDNumber) -> bool | None:
        """Whether somebody of this number, living or not, bears this name; None: the register is away."""
        try:
            return (await self._register.verify(name, number.text, None)).match
        except RegisterUnavailableError:
            return None

    async def check_phone(self, name: str, number: IDNumber, phone: str) -> None:
        """Raise REAL_NAME_MISMATCH unless the register knows this living person by this very phone."""
        try:
            answer = await self._register.verify(name, number.text, phone)
        except RegisterUnavailableError as error:
            raise AppError(ErrorCode.REGISTER_UNAVAILABLE, str(error)) from error
        if not (answer.match and answer.alive and answer.phone_match is True):
            raise phone_mismatch()

    async def is_child(self, guardian: str, dependant: IDNumber) -> bool:
        """Whether the register knows the second person as the first one's child."""
        try:
            relation = await self._register.relation(guardian, dependant.text)
        except RegisterUnavailableError as error:
            raise AppError(ErrorCode.REGISTER_UNAVAILABLE, str(error)) from error
        return relation is RegisterRelation.CHILD
