"""Names of people as they stand on an ID card, in one form so that equal names compare equal."""

import re
import unicodedata

MIN_LENGTH, MAX_LENGTH = 2, 50
MIDDLE_DOT = "·"

# The dots that keyboards offer for the one between the parts of a name such as 阿依古丽·买买提.
_DOTS = re.compile(r"\s*[·•・･‧∙⋅●．]\s*")
# Words of letters with one joint between them. 〇 is a Chinese character that Unicode counts as a number.
_WORD = r"(?:[^\W\d_]|〇)+"
_HAN = "[\u3400-\u9fff\U00020000-\U0003ffff〇]"
_BETWEEN_HAN = re.compile(f"(?<={_HAN}) (?={_HAN})")
_NAME = re.compile(rf"{_WORD}(?:[{MIDDLE_DOT} '’\-]{_WORD})*")


class PersonNameError(ValueError):
    """The text cannot be a person's name. It never carries the text itself."""

    def __init__(self) -> None:
        super().__init__("not a person's name")


def with_middle_dots(text: str) -> str:
    """The text with whichever dot a keyboard offered as the one that stands in names."""
    return _DOTS.sub(MIDDLE_DOT, text)


def parse_name(text: str) -> str:
    """A name of 2 to 50 characters: letters of any script, with single joints (· - ' or a space) inside."""
    # The dots first: NFKC would turn the full-width one into a full stop.
    name = " ".join(unicodedata.normalize("NFKC", with_middle_dots(text)).split())
    # People put a space between two Chinese characters (张 三) to line names up.
    name = _BETWEEN_HAN.sub("", name)
    if not MIN_LENGTH <= len(name) <= MAX_LENGTH or not _NAME.fullmatch(name):
        raise PersonNameError
    return name
