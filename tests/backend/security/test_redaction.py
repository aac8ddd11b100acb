"""Nothing personal and nothing secret passes the redaction; what a reader of logs needs does."""

import pytest

from backend.security.masking import mask_id_number, mask_name, mask_phone
from backend.security.redaction import redact, redact_fields

SECRETS = [
    "13812345678",
    "+86 138 1234 5678",
    "11010020171225006X",
    "110100201712250065",
    "110100850101003",
    "eyJhbGciOiJFZERTQSIsImtpZCI6InQifQ.eyJzdWIiOiIwMSJ9.c2lnbmF0dXJl",
    "hcr_AZm1c2lnbmF0dXJlc2lnbmF0dXJlc2ln",
    "oABCDEFGHIJKLMNOPQRSTUVWXYZ0",
    "98FF9F2C05145CB9305E9D8A57E072BB51180CA49E5BE5E9D41BCE3A9A571928",
    "98ff9f2c05145cb9305e9d8a57e072bb51180ca49e5be5e9d41bce3a9a571928:0:92FD69141DFE1553A42251E2B0196148",
    "E2:6BFOXN5$F/9L2%AB ZZ0*12345",
]


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("around", ["{}", "said {}, then left", '{{"x": "{}"}}', "电话{}。"])
def test_a_secret_does_not_pass_whatever_is_around_it(secret, around):
    assert secret not in redact(around.format(secret))


@pytest.mark.parametrize(
    ("line", "hidden"),
    [
        ("password=hunter2!", "hunter2!"),
        ('{"password": "two words"}', "two words"),
        ("Authorization: Bearer abcdefghijklmnop", "abcdefghijklmnop"),
        ("Authorization: Basic dXNlcjpwYXNz", "dXNlcjpwYXNz"),
        ("/callback?js_code=0a1b2c3d&state=1", "0a1b2c3d"),
        ("wechat_mini_app_secret: 'abc'", "abc"),
        ("-----BEGIN PRIVATE KEY-----\nMIIEvg\n-----END PRIVATE KEY-----", "MIIEvg"),
        ("access_token=xyz; session_key=k1", "k1"),
    ],
)
def test_a_labelled_secret_does_not_pass(line, hidden):
    assert hidden not in redact(line)


@pytest.mark.parametrize(
    "line",
    [
        "request 01J8ZK3V5W6X7Y8Z9A0B1C2D3E took 12.5 ms",
        "2025-11-21T19:51:00.123Z POST /api/v1/appointments 201",
        "amount_fen=1250 schedule 20251121 number 17",
        "1732190000000",
    ],
)
def test_ordinary_log_lines_stay_as_they_are(line):
    assert redact(line) == line


def test_fields_are_hidden_by_name_at_any_depth():
    fields = {
        "name": "张三",
        "inner": {"refresh_token": "abc", "count": 3},
        "list": ["13812345678"],
        "ok": True,
    }
    assert redact_fields(fields) == {
        "name": "[redacted]",
        "inner": {"refresh_token": "[redacted]", "count": 3},
        "list": ["[phone]"],
        "ok": True,
    }


def test_a_phone_passed_as_a_number_is_hidden():
    assert redact_fields({"caller": 13812345678, "status": 200}) == {"caller": "[phone]", "status": 200}


@pytest.mark.parametrize(
    ("mask", "whole", "masked"),
    [
        (mask_phone, "13812345678", "138****5678"),
        (mask_phone, "123", "***"),
        (mask_name, "张三", "张*"),
        (mask_name, "张三丰", "张**"),
        (mask_name, "欧阳修", "欧阳*"),
        (mask_name, "欧阳", "欧*"),
        (mask_name, "张", "张*"),
        (mask_name, "", ""),
        (mask_id_number, "11010020171225006X", "110***********006X"),
        (mask_id_number, "123", "***"),
    ],
)
def test_masks_show_only_the_ends(mask, whole, masked):
    assert mask(whole) == masked
