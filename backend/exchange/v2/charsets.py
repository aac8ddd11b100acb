"""In which characters a message is written: by MSH-18, the hospital's habit, or the look of its bytes."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

# What hospitals write into MSH-18 (table 0211, and what is found in the wild), and Python's codec for it.
# GB2312 and GBK are read as what contains them: their users write characters of the larger set, too.
_CODECS = {
    "UNICODE UTF-8": "utf-8", "UTF-8": "utf-8", "UTF8": "utf-8", "UNICODE": "utf-8",
    "GB 18030-2000": "gb18030", "GB18030-2000": "gb18030", "GB18030": "gb18030", "GB 18030": "gb18030",
    "GB 18030-2022": "gb18030", "GB18030-2022": "gb18030", "GBK": "gb18030", "GB2312": "gb18030",
    "GB 2312": "gb18030", "GB 2312-80": "gb18030", "CP936": "gb18030",
    "ASCII": "ascii", "ISO IR6": "ascii", "BIG-5": "big5", "BIG5": "big5",
    "UNICODE UTF-16": "utf-16", "ISO IR14": "shift_jis", "ISO IR87": "iso2022_jp",
    "WINDOWS-1252": "cp1252", "CP1252": "cp1252", "LATIN1": "iso8859-1", "LATIN-1": "iso8859-1",
    **{
        name.format(part): f"iso8859-{part}"
        for part in (*range(1, 12), 13, 14, 15)
        for name in ("8859/{}", "8859-{}", "ISO8859-{}", "ISO-8859-{}", "ISO 8859-{}", "ISO8859/{}")
    },
}  # fmt: skip
_NAMES = {"utf-8": "UNICODE UTF-8", "gb18030": "GB 18030-2000"}
_SNIFFED = ("utf-8", "gb18030")
_HEADER = re.compile(rb"MSH[^\r\n]{0,4000}")

_ASCII = re.compile("[\x00-\x7f]+")
_HAN = re.compile("[\u3400-\u9fff\U00020000-\U0003ffff]")
# What stands among Chinese characters: punctuation, full-width forms, signs, Greek letters.
_AMONG_HAN = re.compile("[\u2000-\u303f\uff00-\uffef\u0370-\u03ff·×÷±°µ²³]")


@dataclass(frozen=True)
class Charset:
    """How a block was read, and how its answer is written."""

    codec: str
    # What MSH-18 said; the answer says the same.
    declared: str = ""
    # Characters were lost: no codec reads these bytes.
    garbled: bool = False

    @property
    def name(self) -> str:
        """What an answer's MSH-18 says."""
        return self.declared or _NAMES.get(self.codec, "")

    def encode(self, text: str) -> bytes:
        """The answer's bytes; what the sender's characters cannot say becomes a question mark."""
        return text.encode(self.codec, errors="replace")


def decode(block: bytes, default: str = "") -> tuple[str, Charset]:
    """The whole block as text, before anything is split: trail bytes of GB18030 look like | ^ ~ and \\."""
    if block.startswith(codecs.BOM_UTF8):
        block, default = block.removeprefix(codecs.BOM_UTF8), "utf-8"
    elif block.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return block.decode("utf-16", errors="replace"), Charset("utf-16")
    declared = declared_charset(block)
    wanted = [_CODECS.get(declared.upper(), ""), _CODECS.get(default.upper(), default), *_SNIFFED]
    if _is_chinese_utf8(block):
        # Whatever was declared: other characters' bytes do not fall into this form by chance.
        return block.decode("utf-8"), Charset("utf-8", declared)
    for codec in dict.fromkeys(filter(None, wanted)):
        try:
            return block.decode(codec), Charset(codec, declared)
        except UnicodeDecodeError:
            continue
    return block.decode("utf-8", errors="replace"), Charset("utf-8", declared, garbled=True)


def _is_chinese_utf8(block: bytes) -> bool:
    """Whether all above ASCII are Chinese characters in UTF-8, and what stands among them."""
    if block.isascii():
        return False
    try:
        high = set(_ASCII.sub("", block.decode("utf-8")))
    except UnicodeDecodeError:
        return False
    han = {character for character in high if _HAN.match(character)}
    return len(han) > 1 and all(_AMONG_HAN.match(character) for character in high - han)


def declared_charset(block: bytes) -> str:
    """What MSH-18 says, read before the characters are known; empty when nothing known is said."""
    found = _HEADER.search(block)
    if found is None or len(found[0]) < 4:
        return ""
    fields = found[0][4:].split(found[0][3:4])
    # Counted from MSH-2; a Chinese name further left may hold a byte that looks like a separator.
    for field in [*fields[16:17], *fields[13:]]:
        said = [one.strip().decode("ascii", errors="replace") for one in field.split(b"~")]
        known = [one for one in said if one.upper() in _CODECS]
        if known:
            # Of several the first may be plain ASCII, which each of the others contains.
            return next((one for one in known if _CODECS[one.upper()] != "ascii"), known[0])
    return ""


def known_charset(name: str) -> bool:
    """Whether a hospital's habit may be set to this name."""
    return name.upper() in _CODECS
