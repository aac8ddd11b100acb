"""Mobile numbers of mainland China: the one form in which they are kept and looked up."""

import re
import unicodedata

_MOBILE = re.compile(r"1[3-9][0-9]{9}")
_COUNTRY = re.compile(r"(?:\+|00)?86(?=1[3-9][0-9]{9}$)")
_SEPARATORS = re.compile(r"[\s\-\u2010-\u2015()]")


class PhoneError(ValueError):
    """The text is not a mobile number. It never carries the text itself."""

    def __init__(self) -> None:
        super().__init__("not a mobile number")


def parse_phone(text: str) -> str:
    """The eleven digits of a mobile number as people write it (+86, spaces, hyphens, full-width digits)."""
    digits = _SEPARATORS.sub("", unicodedata.normalize("NFKC", text))
    digits = _COUNTRY.sub("", digits)
    if not _MOBILE.fullmatch(digits):
        raise PhoneError
    return digits
