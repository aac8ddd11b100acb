"""Paper: Chinese comes out as Chinese, long reports break into pages, and a missing font is said."""

import io
import re
import zlib

import pytest

from backend import clock
from backend.reports.models import Report, ReportKind, ReportState
from backend.reports.paper import FontMissingError, as_pdf
from backend.reports.papers import of_report
from backend.reports.reading import observed
from backend.settings import Settings
from tests.backend.reports.reading_samples import AT, HOSPITAL, a_result


def a_report(count: int) -> Report:
    results = [
        a_result("718-7", 100 + n, "g/L", low=115, high=150, name=f"血红蛋白{n}") for n in range(count)
    ]
    items = tuple(item for n, body in enumerate(results) for item in observed(body, str(n), AT))
    return Report(
        "r",
        ReportKind.LAB,
        "血常规",
        HOSPITAL,
        ReportState.FINAL,
        AT,
        AT,
        False,
        "轻度贫血可能。",
        ("王建国",),
        items=items,
    )


def test_a_report_becomes_a_pdf_with_its_own_small_font():
    paper = of_report(a_report(80), city="健康城市", place="市人民医院", patient="张*")
    written = as_pdf(paper, Settings(environment="test").pdf_font)
    assert written.startswith(b"%PDF-")
    # A font of 20 MB is embedded only as far as it is used.
    assert len(written) < 200_000
    assert len(re.findall(rb"/Type /Page\b", written)) > 1
    assert any("Noto" in str(name) or b"+" in name for name in re.findall(rb"/BaseFont /(\S+)", written))
    assert any(len(zlib.decompress(stream)) > 100 for stream in _streams(written))


def _streams(written: bytes) -> list[bytes]:
    found = re.findall(rb"/FlateDecode.*?stream\n(.*?)\nendstream", io.BytesIO(written).getvalue(), re.DOTALL)
    return found[:1]


@pytest.mark.parametrize("font", ["", "/nowhere/font.ttc", __file__])
def test_a_missing_font_says_what_to_do(font):
    paper = of_report(a_report(1), city="健康城市", place="市人民医院", patient="张*")
    with pytest.raises(FontMissingError, match="fonts-noto-cjk"):
        as_pdf(paper, font)


def test_a_paper_says_on_every_page_that_it_is_no_original():
    paper = of_report(a_report(1), city="健康城市", place="市人民医院", patient="张*")
    assert "不是医院签发的原件" in paper.mark
    assert paper.made_at <= clock.now()
