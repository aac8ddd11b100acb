"""What PDFs say: words however they are set, nothing of pictures, and no guess where they cannot be read."""

from __future__ import annotations

import zlib

import pytest

from backend.records.papers import plain, words_of_pdf
from backend.records.sensitivity import is_special_text
from backend.worker.confined import Confined
from tests.factories.papers import a_pdf, a_scan, carrying, locked, titled

HARMLESS = a_pdf("血常规报告：白细胞5.6，未见明显异常，建议定期复查。")


def test_words_are_found_also_where_a_line_ends_within_them():
    # The column is narrow: some of these are cut.
    for padding in range(6):
        words = words_of_pdf(a_pdf("一" * padding + "该患者既往诊断艾滋病，现规律服药。" * 4))
        assert words is not None
        assert is_special_text(words), padding
    assert words_of_pdf(a_pdf("Patient is HIV positive")) == "Patient is HIV positive"


def test_what_says_nothing_special_is_read_and_no_more():
    words = words_of_pdf(HARMLESS)
    assert words is not None
    assert "白细胞5.6" in words
    assert not is_special_text(words)


def test_pictures_say_nothing():
    assert words_of_pdf(a_scan()) == ""


def test_titles_and_files_within_are_words_too():
    assert is_special_text(words_of_pdf(titled(HARMLESS, "HIV抗体确证报告")) or "")
    assert is_special_text(words_of_pdf(carrying(HARMLESS, "a.xml", "<a>梅<b/>毒</a>".encode())) or "")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"%PDF-1.4",
        b"%PDF-1.7 " + bytes(range(256)) * 40,
        HARMLESS[: len(HARMLESS) // 2],
        locked(HARMLESS),
        carrying(HARMLESS, "a.docx", b"PK\x03\x04\0\0"),
    ],
    # A locked file is another each time, and every process has to call its tests the same.
    ids=["empty", "beginning", "bytes", "half", "locked", "carrying"],
)
def test_what_cannot_be_read_is_not_guessed(content: bytes):
    assert words_of_pdf(content) is None


def test_letters_of_other_forms_are_those_of_the_table():
    assert plain("⽀⽓管 ＨＩＶ\x00阳\u200b性") == "支气管 HIV阳性"
    assert plain("梅\n 毒 and  so\non") == "梅毒 and so on"


def a_bomb() -> bytes:
    """A page whose few kilobytes unpack to gigabytes."""
    packer = zlib.compressobj(9)
    packed = b"".join(packer.compress(b" " * (1 << 20)) for _ in range(2048)) + packer.flush()
    head = b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
    head += b"2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
    page = b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Contents 4 0 R>>endobj\n"
    stream = b"4 0 obj<</Filter/FlateDecode/Length %d>>stream\n" % len(packed)
    return head + page + stream + packed + b"\nendstream endobj\ntrailer<</Root 1 0 R>>\n%%EOF"


async def test_a_bomb_is_not_read_and_holds_nothing_up():
    confined = Confined(1, within_s=20.0)
    try:
        assert await confined.run(words_of_pdf, a_bomb()) is None
        assert await confined.run(words_of_pdf, HARMLESS) is not None
    finally:
        await confined.close()
