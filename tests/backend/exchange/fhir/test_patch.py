"""PATCH of a hospital's own resource by JSON Patch: RFC 6902, over the version that stands, or not at all."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from backend.exact_json import dumps, loads
from backend.exchange.fhir.issues import RefusedError
from backend.exchange.fhir.patching import patched
from tests.backend.exchange.fhir.conftest import Face, a_patient, an_observation

PATCH = {"Content-Type": "application/json-patch+json"}

# Of RFC 6902, appendix A, with what stands in front: before, the steps, and after (None: refused).
RFC: list[tuple[Any, list[Any], Any]] = [
    ({"foo": "bar"}, [{"op": "add", "path": "/baz", "value": "qux"}], {"baz": "qux", "foo": "bar"}),
    ({"foo": ["bar", "baz"]}, [{"op": "add", "path": "/foo/1", "value": "q"}], {"foo": ["bar", "q", "baz"]}),
    ({"baz": "qux", "foo": "bar"}, [{"op": "remove", "path": "/baz"}], {"foo": "bar"}),
    ({"foo": ["bar", "qux", "baz"]}, [{"op": "remove", "path": "/foo/1"}], {"foo": ["bar", "baz"]}),
    ({"baz": "qux"}, [{"op": "replace", "path": "/baz", "value": "boo"}], {"baz": "boo"}),
    (
        {"foo": {"bar": "baz", "waldo": "fred"}, "qux": {"corge": "grault"}},
        [{"op": "move", "from": "/foo/waldo", "path": "/qux/thud"}],
        {"foo": {"bar": "baz"}, "qux": {"corge": "grault", "thud": "fred"}},
    ),
    (
        {"foo": ["all", "grass", "cows", "eat"]},
        [{"op": "move", "from": "/foo/1", "path": "/foo/3"}],
        {"foo": ["all", "cows", "eat", "grass"]},
    ),
    (
        {"baz": "qux", "foo": ["a", 2, "c"]},
        [{"op": "test", "path": "/baz", "value": "qux"}, {"op": "test", "path": "/foo/1", "value": 2.0}],
        {"baz": "qux", "foo": ["a", 2, "c"]},
    ),
    ({"baz": "qux"}, [{"op": "test", "path": "/baz", "value": "bar"}], None),
    ({"foo": "b"}, [{"op": "add", "path": "/child", "value": {"a": {}}}], {"foo": "b", "child": {"a": {}}}),
    ({"foo": "bar"}, [{"op": "add", "path": "/baz", "value": "qux", "xyz": 1}], {"foo": "bar", "baz": "qux"}),
    ({"foo": "bar"}, [{"op": "add", "path": "/baz/bat", "value": "qux"}], None),
    ({"/": 9, "~1": 10}, [{"op": "test", "path": "/~01", "value": 10}], {"/": 9, "~1": 10}),
    ({"/": 9, "~1": 10}, [{"op": "test", "path": "/~01", "value": "10"}], None),
    ({"foo": ["bar"]}, [{"op": "add", "path": "/foo/-", "value": ["abc"]}], {"foo": ["bar", ["abc"]]}),
    (
        {"foo": [1]},
        [{"op": "copy", "from": "/foo", "path": "/two"}, {"op": "add", "path": "/two/-", "value": 2}],
        {"foo": [1], "two": [1, 2]},
    ),
    ({"foo": True}, [{"op": "test", "path": "/foo", "value": 1}], None),
    ({"foo": ["bar"]}, [{"op": "add", "path": "/foo/2", "value": "x"}], None),
    ({"foo": ["bar"]}, [{"op": "add", "path": "/foo/00", "value": "x"}], None),
    ({"foo": {"bar": 1}}, [{"op": "move", "from": "/foo", "path": "/foo/bar"}], None),
    ({"foo": 1}, [{"op": "remove", "path": ""}], None),
    ({"id": "a"}, [{"op": "replace", "path": "/id", "value": "b"}], None),
    ({"foo": 1}, [{"op": "grow", "path": "/foo"}], None),
    ({"foo": 1}, [{"op": "add", "path": "foo", "value": 1}], None),
    ({"foo": 1}, [{"op": "add", "path": "/foo"}], None),
    ({"foo": 1}, ["add"], None),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(RFC)))
def test_a_patch_is_carried_out_as_the_rfc_has_it(number: int):
    before, steps, after = RFC[number]
    if after is not None:
        assert patched(before, steps) == after
        return
    with pytest.raises(RefusedError) as refused:
        patched(before, steps)
    assert refused.value.status in (400, 422)


def test_a_patch_neither_fills_the_memory_nor_digs_without_end():
    doubling = [{"op": "copy", "from": "/a", "path": f"/a/{n}"} for n in range(40)]
    digging = [{"op": "add", "path": "/a" + "/b" * n, "value": {"b": {}}} for n in range(100)]
    for steps, before in ((doubling, {"a": {"0": 1}}), (digging, {"a": {}}), ([{}] * 1001, {}), ("", {})):
        with pytest.raises(RefusedError):
            patched(before, steps)
    kept = loads(b'{"value":5.600}')
    assert b"5.600" in dumps(patched(kept, [{"op": "add", "path": "/unit", "value": "mmol/L"}]))


async def test_part_of_a_resource_is_changed_over_the_version_that_stands(face: Face):
    patient = await face.one.patient()
    id = await face.one.create(an_observation(f"Patient/{patient}"))
    path = f"/Observation/{id}"
    steps: list[dict[str, Any]] = [
        {"op": "test", "path": "/status", "value": "final"},
        {"op": "replace", "path": "/status", "value": "amended"},
        {"op": "add", "path": "/note", "value": [{"text": "复查"}]},
    ]
    told = {"Prefer": "return=representation"}
    changed = await face.one.ask("PATCH", path, steps, headers=PATCH | told | {"If-Match": 'W/"1"'})
    assert changed.headers["ETag"] == 'W/"2"'
    assert changed.json()["status"] == "amended"
    assert changed.json()["note"] == [{"text": "复查"}]
    assert changed.json()["valueQuantity"]["value"] == 5.6
    for more, status, code in (
        ({"If-Match": 'W/"1"'}, 412, "version-conflict"),
        ({}, 422, "patch-unfit"),
        ({"Content-Type": "application/fhir+json"}, 415, "media-type"),
        ({"Content-Type": "application/xml-patch+xml"}, 415, "media-type"),
        ({"Accept": "application/fhir+xml"}, 406, "format"),
    ):
        await face.one.refused("PATCH", path, steps, status, code, headers=PATCH | more)
    wrong: list[tuple[list[dict[str, Any]], int, str]] = [
        ([{"op": "remove", "path": "/status"}], 422, "required"),
        ([{"op": "replace", "path": "/subject/reference", "value": f"Patient/{await face.one.patient()}"}],
         409, "chart-fixed"),
        ([{"op": "replace", "path": "/resourceType", "value": "Condition"}], 422, "patch-unfit"),
        ([{"path": "/status"}], 400, "patch"),
    ]  # fmt: skip
    for each, status, code in wrong:
        await face.one.refused("PATCH", path, each, status, code, headers=PATCH)
    assert (await face.one.ask("GET", path)).headers["ETag"] == 'W/"2"'
    same = [{"op": "replace", "path": "/status", "value": "amended"}]
    reads = face.city.city.db.collection("audit")
    before = await reads.count_documents({"action": "records.read"})
    assert (await face.one.ask("PATCH", path, same, headers=PATCH)).headers["ETag"] == 'W/"2"'
    assert await reads.count_documents({"action": "records.read"}) == before + 1, "it was read, once"
    await face.two.refused("PATCH", path, same, 404, "not-found", headers=PATCH)
    await face.one.refused("PATCH", "/Observation/none", same, 404, "not-found", headers=PATCH)
    await face.two.refused(
        "PATCH", path, same, 404, "not-found", headers=PATCH | {"X-Practitioner": "D-1", "X-Purpose": "TREAT"}
    )
    assert await reads.count_documents({"action": "records.read"}) == before + 1, "what is refused was not"
    await face.one.ask("DELETE", path, expect=204)
    await face.one.refused("PATCH", path, same, 410, "gone", headers=PATCH)


async def test_of_many_patches_at_once_none_is_lost(face: Face):
    patient = await face.one.patient()
    id = await face.one.create(an_observation(f"Patient/{patient}", note=[{"text": "一"}]))
    path = f"/Observation/{id}"

    async def add(text: str) -> None:
        step = {"op": "add", "path": "/note/-", "value": {"text": text}}
        await face.one.ask("PATCH", path, [step], headers=PATCH)

    await asyncio.gather(*map(add, "二三四"))
    found = await face.one.get(path)
    assert sorted(each["text"] for each in found["note"]) == sorted("一二三四")
    assert found["meta"]["versionId"] == "4"


async def test_a_patient_keeps_the_number_whatever_is_patched(face: Face):
    id = await face.one.create(a_patient())
    path = f"/Patient/{id}"
    born = [{"op": "add", "path": "/birthDate", "value": "1990-01-01"}]
    await face.one.ask("PATCH", path, born, headers=PATCH)
    chart = await face.city.city.services.patient_index.chart(id)
    assert chart is not None
    assert str(chart.who.birth_on) == "1990-01-01"
    other = [{"op": "replace", "path": "/identifier/0/value", "value": "ANOTHER"}]
    await face.one.refused("PATCH", path, other, 409, "chart-fixed", headers=PATCH)
    told = await face.one.get("/metadata")
    assert told["patchFormat"] == ["application/json-patch+json"]
    assert all({"code": "patch"} in each["interaction"] for each in told["rest"][0]["resource"])
