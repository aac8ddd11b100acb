"""JSON whose decimals keep their spelling, and the refusal of what is no clean JSON."""

import time

import orjson
import pytest

from backend.exact_json import JSONProblemError, dumps, loads, strict_loads

WRITTEN = b'{"a":1.00,"b":[1.5,2,-0,1e5,12345678901234567890,0.1,1.10,0.000000001],"c":"x 1.0 y","d":-0.0}'


@pytest.mark.parametrize("read", [loads, strict_loads])
def test_what_was_read_is_written_as_it_was(read):
    assert dumps(read(WRITTEN)) == WRITTEN
    assert loads(dumps(read(WRITTEN)).decode())["a"] == 1


def test_an_exact_number_counts_as_any_other():
    assert strict_loads(b"1.50") + 1 == 2.5
    assert orjson.loads(dumps(strict_loads(b"[1.50]"))) == [1.5]


@pytest.mark.parametrize(
    ("sent", "kind"),
    [
        (b'{"a":1,"b":{"c":1,"c":2}}', "name-twice"),
        (b"[" * 100_000, "too-deep"),
        (b'{"a":' * 70 + b"1" + b"}" * 70, "too-deep"),
        (b"1e999", "number-too-large"),
        (b"[-" + b"9" * 500 + b"]", "number-too-large"),
        (b"[" + b"9" * 5000 + b"]", "number-too-large"),
        (b"NaN", "not-json"),
        (b"", "not-json"),
        (b'{"a"', "not-json"),
        (b"\xff", "not-utf-8"),
        (b'"\\ud800"', "not-utf-8"),
        (b'"\\uD800"', "not-utf-8"),
    ],
)
def test_what_is_no_clean_json_is_refused_in_a_word(sent: bytes, kind: str):
    with pytest.raises(JSONProblemError) as refused:
        strict_loads(sent)
    assert refused.value.kind == kind


def test_brackets_within_strings_are_no_depth_and_pairs_of_surrogates_are_text():
    assert strict_loads(b'["' + b"[{" * 500 + b'\\""]') == ["[{" * 500 + '"']
    assert strict_loads(b'"\\ud83d\\ude00"') == "😀"
    assert strict_loads(b"\xef\xbb\xbf{}") == {}


@pytest.mark.parametrize("sent", [b'"' + b'\\"' * 400_000, b'"' * 400_001, b"[" + b'"\\' * 300_000])
def test_a_text_made_to_be_slow_is_refused_at_once(sent: bytes):
    began = time.monotonic()
    with pytest.raises(JSONProblemError):
        strict_loads(sent)
    assert time.monotonic() - began < 2
