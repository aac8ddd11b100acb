"""The reader of QR pictures, held against an encoder that nobody here wrote."""

from __future__ import annotations

import pytest
import segno

from tests.browser.qr import read


@pytest.mark.parametrize(
    "text", ["weixin://wxpay/bizpayurl?pr=x", "健康码", "E1:" + "A0 $%*+-./:" * 8, "HC1"]
)
@pytest.mark.parametrize("mask", range(8))
def test_every_mask_is_read(text: str, mask: int):
    code = segno.make_qr(text, error="m", mask=mask, boost_error=False, encoding="utf-8")
    assert read([list(row) for row in code.matrix]) == text


@pytest.mark.parametrize("version", range(1, 7))
def test_every_version_is_read(version: int):
    code = segno.make_qr("ABC-123", error="m", version=version, boost_error=False)
    assert read([list(row) for row in code.matrix]) == "ABC-123"
