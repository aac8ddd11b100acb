"""Citizen identity numbers (GB 11643): reading, checking and what a number says about its holder."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK_DIGITS = "10X98765432"
_CURRENT = re.compile(r"[0-9]{17}[0-9X]")
_LEGACY = re.compile(r"[0-9]{15}")
_OLDEST_AGE = 150

# GB/T 2260: the first two digits are the province. 71, 81 and 82 are Taiwan, Hong Kong and Macao, and 83 is
# the residence permit of people from Taiwan.
_PROVINCE_RANGES = ((11, 15), (21, 23), (31, 37), (41, 46), (50, 54), (61, 65), (71, 71), (81, 83))
PROVINCES = frozenset(str(code) for first, last in _PROVINCE_RANGES for code in range(first, last + 1))
# The permanent residence card of foreigners (2023 form) opens with 9, then the province that issued it.
_FOREIGNER = "9"


class Sex(StrEnum):
    """What digit 17 says: odd is male, even is female."""

    MALE = "male"
    FEMALE = "female"


class IDNumberProblem(StrEnum):
    """Why a text is not an ID number."""

    LENGTH = "length"
    CHARACTERS = "characters"
    REGION = "region"
    BIRTH_DATE = "birth_date"
    CHECK_DIGIT = "check_digit"

    @property
    def text(self) -> str:
        """What the user is told."""
        return _PROBLEM_TEXTS[self]


_PROBLEM_TEXTS = {
    IDNumberProblem.LENGTH: "身份证号应为18位",
    IDNumberProblem.CHARACTERS: "身份证号只能由数字组成，最后一位可以是X",
    IDNumberProblem.REGION: "身份证号前六位的地区不存在",
    IDNumberProblem.BIRTH_DATE: "身份证号中的出生日期不正确",
    IDNumberProblem.CHECK_DIGIT: "身份证号校验位不正确，请核对是否输错",
}


class IDNumberError(ValueError):
    """The text is not an ID number. It never carries the text itself."""

    def __init__(self, problem: IDNumberProblem) -> None:
        super().__init__(problem.value)
        self.problem = problem


@dataclass(frozen=True, slots=True)
class IDNumber:
    """A checked ID number of 18 characters."""

    text: str

    @property
    def region(self) -> str:
        """The six-digit county code (GB/T 2260) of first registration."""
        return self.text[:6]

    @property
    def birth_on(self) -> date:
        """The date of birth in digits 7 to 14."""
        return date(int(self.text[6:10]), int(self.text[10:12]), int(self.text[12:14]))

    @property
    def sex(self) -> Sex:
        """The sex in digit 17."""
        return Sex.MALE if int(self.text[16]) % 2 else Sex.FEMALE

    def __repr__(self) -> str:
        # A number must not reach a log by way of a traceback.
        return f"IDNumber('{self.text[:3]}…{self.text[-4:]}')"

    __str__ = __repr__


def normalise_id_number(text: str) -> str:
    """Bring full-width digits, a lower-case x and copied-in spaces to the form on the card."""
    return "".join(unicodedata.normalize("NFKC", text).split()).upper()


def check_digit(first_17: str) -> str:
    """The 18th character of a number, by ISO 7064 MOD 11-2."""
    total = sum(int(digit) * weight for digit, weight in zip(first_17, _WEIGHTS, strict=True))
    return _CHECK_DIGITS[total % 11]


def from_legacy(text: str) -> str:
    """The 18-character form of a 15-digit number, which left out the century and the check digit."""
    first_17 = f"{text[:6]}19{text[6:]}"
    return first_17 + check_digit(first_17)


def parse_id_number(text: str, *, today: date) -> IDNumber:
    """Read an ID number as people type it; raise IDNumberError with the first thing that is wrong."""
    number = normalise_id_number(text)
    if _LEGACY.fullmatch(number):
        number = from_legacy(number)
    _check_shape(number)
    _check_region(number)
    _check_birth_date(number, today)
    if number[17] != check_digit(number[:17]):
        raise IDNumberError(IDNumberProblem.CHECK_DIGIT)
    return IDNumber(number)


def age_on(birth_on: date, on: date) -> int:
    """Full years of age. Someone born on 29 February has the birthday on 1 March in common years."""
    return on.year - birth_on.year - ((on.month, on.day) < (birth_on.month, birth_on.day))


def _check_shape(number: str) -> None:
    if len(number) not in (15, 18):
        raise IDNumberError(IDNumberProblem.LENGTH)
    if not _CURRENT.fullmatch(number):
        raise IDNumberError(IDNumberProblem.CHARACTERS)


def _check_region(number: str) -> None:
    if number[0] == _FOREIGNER:
        known = number[1:3] in PROVINCES
    else:
        known = number[:2] in PROVINCES and number[2:6] != "0000"
    if not known:
        raise IDNumberError(IDNumberProblem.REGION)


def _check_birth_date(number: str, today: date) -> None:
    try:
        birth_on = IDNumber(number).birth_on
    except ValueError:
        raise IDNumberError(IDNumberProblem.BIRTH_DATE) from None
    if birth_on > today or today.year - birth_on.year > _OLDEST_AGE:
        raise IDNumberError(IDNumberProblem.BIRTH_DATE)
