"""Large documents taken out of a body and put in again: nothing else of it changes."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from backend.records.apart import LARGE, MARK, names, put_in, take_out
from backend.records.models import Body

LONG = b"%PDF-1.7 " + bytes(range(256)) * 4_000
DATA = base64.b64encode(LONG).decode()
NAME = f"{hashlib.sha256(LONG).hexdigest()}/{len(LONG)}"


def attachment(data: str, **more: Any) -> dict[str, Any]:
    return {"contentType": "application/pdf", "data": data} | more


def test_a_large_document_leaves_its_name_and_comes_back_as_it_was():
    assert len(DATA) > LARGE
    body: Body = {
        "resourceType": "DocumentReference",
        "content": [{"attachment": attachment(DATA, title="出院小结")}, {"attachment": attachment("AAAA")}],
        "contained": [{"resourceType": "Binary", **attachment(DATA)}],
    }
    taken = take_out(body)
    assert taken.contents == {NAME: LONG}
    first, second = taken.body["content"]
    assert first["attachment"] == {
        "contentType": "application/pdf",
        "title": "出院小结",
        "_data": {"extension": [{"url": MARK, "valueString": NAME}]},
    }
    assert second == {"attachment": attachment("AAAA")}
    assert names(taken.body) == (NAME,)
    assert body["content"][0]["attachment"]["data"] == DATA, "what was given stays as it was"
    assert put_in(taken.body, {NAME: DATA}) == body
    assert put_in(taken.body, {}) == taken.body


def test_line_breaks_in_base64_make_no_other_document():
    broken = "\r\n".join(DATA[at : at + 76] for at in range(0, len(DATA), 76))
    assert take_out({"data": broken}).contents == {NAME: LONG}


def test_what_is_no_document_stays_where_it_is():
    curve = {"resourceType": "Observation", "valueSampledData": {"data": "1.5 E U " * LARGE}}
    assert take_out(curve).body is curve


def test_what_the_sender_says_beside_the_data_stays():
    own = {"url": "urn:x:own", "valueString": "1"}
    body = {"data": DATA, "_data": {"id": "d1", "extension": [own]}}
    taken = take_out(body).body
    assert taken["_data"] == {"id": "d1", "extension": [own, {"url": MARK, "valueString": NAME}]}
    assert put_in(taken, {NAME: DATA}) == body


def test_a_name_counts_only_where_the_data_is_missing():
    mark = {"extension": [{"url": MARK, "valueString": NAME}]}
    assert names({"data": "AAAA", "_data": mark}) == ()
    for wrong in ("", NAME[:-1] + "x", f"../{NAME}", 7, None, NAME + "\n"):
        assert names({"_data": {"extension": [{"url": MARK, "valueString": wrong}]}}) == ()
    assert names({"_data": {"extension": "x"}, "more": [{"_data": []}]}) == ()
