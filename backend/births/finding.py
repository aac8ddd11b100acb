"""What is known of the parents without asking them: their licences, their marriage, their household."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

from backend import clock
from backend.births.checking import Case, Findings, other_name, other_number
from backend.births.models import Answers, Birth, Filing, Side
from backend.births.ports import AgencyUnavailableError, LicenceLibrary
from backend.residents.id_numbers import IDNumberError, parse_id_number

IDENTITY = "identity"
FileOf = Callable[[str, str], Awaitable[str]]
# Whether the population register has a name under an ID number; None when it cannot be asked.
IsNamed = Callable[[str, str], Awaitable[bool | None]]


class Finding:
    """Asks the licence library. Of the other parent only what marriage makes the applicant's business too."""

    def __init__(self, library: LicenceLibrary, file_of: FileOf, is_named: IsNamed) -> None:
        self._library = library
        self._file_of = file_of
        self._is_named = is_named

    async def case(self, birth: Birth, answers: Answers, filing: Filing | None) -> Case:
        """Everything that a check looks at."""
        files: dict[str, list[str]] = {}
        for file in filing.files if filing else ():
            files.setdefault(file.kind, []).append(file.id)
        findings, named = await asyncio.gather(
            self._findings(birth, answers), self._other_is_named(birth, answers)
        )
        return Case(birth, answers, replace(findings, other_named=named), files, clock.today())

    async def _other_is_named(self, birth: Birth, answers: Answers) -> bool | None:
        """Of whom the hospital has not written down: whether name and number are one man's, and no more."""
        name, number = other_name(birth, answers), _valid(other_number(birth, answers))
        return await self._is_named(name, number) if birth.other is None and name and number else None

    async def other_parent(self, birth: Birth, answers: Answers) -> list[str]:
        """The other parent as a resident: the marriage register has said that they belong together."""
        name, number = other_name(birth, answers), other_number(birth, answers)
        return [await self._file_of(name, number)] if name and number else []

    async def _findings(self, birth: Birth, answers: Answers) -> Findings:
        mother, other = birth.mother.id_number, _valid(other_number(birth, answers))
        try:
            mothers, married = await asyncio.gather(
                self._library.licence(IDENTITY, mother), self._married(mother, other)
            )
            if not married:
                # Nothing of a man who may be anybody; his papers are brought instead.
                asked = mother if answers.household_with is Side.MOTHER else ""
                household = await self._library.household(asked) if asked else None
                return Findings(mothers is not None, married=False, household=household)
            whose = mother if answers.household_with is Side.MOTHER else other
            others, household = await asyncio.gather(
                self._library.licence(IDENTITY, other), self._library.household(whose)
            )
        except AgencyUnavailableError:
            return Findings(away=True)
        return Findings(mothers is not None, others is not None, married=True, household=household)

    async def _married(self, mother: str, other: str) -> bool:
        return bool(other) and await self._library.are_married(mother, other)


def _valid(number: str) -> str:
    """A number that is one; the library is not asked for others."""
    try:
        return parse_id_number(number, today=clock.today()).text
    except IDNumberError:
        return ""
