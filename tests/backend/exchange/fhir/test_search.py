"""Searching: what each parameter finds, pages, what comes along, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from tests.backend.exchange.fhir.conftest import NUMBERS, Face, an_observation

LOINC = "http://loinc.org"
SOME_ID = "01J8ZK3Q5V9X2M4N6P8R0T1S2V"


@pytest.fixture(scope="module")
async def chart(face: Face) -> dict[str, str]:
    """A patient with a visit and some results; ids by name."""
    patient = await face.one.patient(number="P-SEARCH")
    who = {"reference": f"Patient/{patient}"}
    visit = await face.one.create({
        "resourceType": "Encounter", "status": "finished", "subject": who,
        "class": {"code": "AMB"}, "period": {"start": "2026-01-10T08:00:00+08:00", "end": "2026-01-12"},
    })  # fmt: skip
    doctor = await face.one.create({"resourceType": "Practitioner", "name": [{"text": "李医生"}]})
    made = {"patient": patient, "visit": visit, "doctor": doctor}
    results: dict[str, dict[str, Any]] = {
        "glucose": {"encounter": {"reference": f"Encounter/{visit}"}},
        "later": {"effectiveDateTime": "2026-04-02", "status": "amended"},
        "span": {"effectiveDateTime": None, "effectivePeriod": {"start": "2026-02-01", "end": "2026-05-01"}},
        "sodium": {
            "code": {"coding": [{"system": LOINC, "code": "2951-2"}]},
            "effectiveDateTime": "2025",
            "identifier": [{"system": "urn:lab", "value": "77"}],
            "performer": [{"reference": f"Practitioner/{doctor}"}],
        },
        "pressure": {
            "category": [{"coding": [{"code": "vital-signs"}]}],
            "code": {"coding": [{"system": LOINC, "code": "85354-9"}]},
            "component": [{"code": {"coding": [{"system": LOINC, "code": "8480-6"}]}}],
            "valueQuantity": None,
            "effectiveDateTime": "2026-03-01T23:30:00+08:00",
        },
    }
    for name, more in results.items():
        body = an_observation(f"Patient/{patient}") | more
        made[name] = await face.one.create({k: v for k, v in body.items() if v is not None})
    made["report"] = await face.one.create({
        "resourceType": "DiagnosticReport", "status": "final", "code": {"text": "生化"}, "subject": who,
        "result": [{"reference": f"Observation/{made[name]}"} for name in ("glucose", "sodium")],
        "effectiveDateTime": "2026-03-01",
    })  # fmt: skip
    return made


ALL = {"glucose", "later", "span", "sodium", "pressure"}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("patient={patient}", ALL),
        ("subject=Patient/{patient}", ALL),
        ("subject:Patient={patient}", ALL),
        (f"patient.identifier={NUMBERS}|P-SEARCH", ALL),
        (f"patient.identifier={NUMBERS}|P-NOBODY", set()),
        ("patient={patient}&code=2345-7", {"glucose", "later", "span"}),
        (f"patient={{patient}}&code={LOINC}|2951-2,{LOINC}|85354-9", {"sodium", "pressure"}),
        ("patient={patient}&code=urn:other|2951-2", set()),
        ("patient={patient}&code=8480-6", set()),
        ("patient={patient}&combo-code=8480-6", {"pressure"}),
        ("patient={patient}&category=vital-signs", {"pressure"}),
        ("patient={patient}&status=amended", {"later"}),
        ("patient={patient}&status=amended,final&code=2345-7", {"glucose", "later", "span"}),
        ("patient={patient}&encounter={visit}", {"glucose"}),
        ("patient={patient}&encounter=Encounter/{visit}", {"glucose"}),
        ("patient={patient}&performer=Practitioner/{doctor}", {"sodium"}),
        ("patient={patient}&identifier=urn:lab|77", {"sodium"}),
        ("patient={patient}&identifier=77", {"sodium"}),
        ("patient={patient}&identifier=urn:other|77", set()),
        ("patient={patient}&date=2026-03-01", {"glucose", "pressure"}),
        ("patient={patient}&date=2026-03", {"glucose", "pressure"}),
        ("patient={patient}&date=ge2026-03-02", {"later", "span"}),
        ("patient={patient}&date=gt2026-04-02", {"span"}),
        ("patient={patient}&date=lt2026-02-01", {"sodium"}),
        ("patient={patient}&date=le2026-02-01", {"sodium", "span"}),
        ("patient={patient}&date=eb2026-02-01", {"sodium"}),
        ("patient={patient}&date=sa2026-03-01", {"later"}),
        ("patient={patient}&date=ge2026-01-01&date=lt2026-03-02", {"glucose", "pressure", "span"}),
        ("patient={patient}&date=lt2026-03-01T12:00:00Z", {"glucose", "sodium", "span"}),
        ("patient={patient}&_id={glucose},{later}", {"glucose", "later"}),
        ("_id={glucose}", {"glucose"}),
        ("_id=unknown", set()),
        ("patient={patient}&_lastUpdated=ge2020", ALL),
        ("patient={patient}&_lastUpdated=lt2020", set()),
        ("patient=01J0000000000000000000000Z", None),
    ],
)
async def test_a_search_finds_what_it_asks_for(
    face: Face, chart: dict[str, str], query: str, expected: set[str] | None
):
    asked = "/Observation?" + query.format(**chart)
    if expected is None:
        await face.one.refused("GET", asked, None, 404, "not-found")
        return
    found = await face.one.get(asked)
    names = {id: name for name, id in chart.items()}
    got = {names.get(each["resource"]["id"], "other") for each in found.get("entry", ())}
    assert got == expected
    assert found["total"] == len(expected)
    assert all(each["search"] == {"mode": "match"} for each in found.get("entry", ()))


async def test_pages_lead_to_each_other_and_hold_everything_once(face: Face, chart: dict[str, str]):
    page = await face.one.get(f"/Observation?patient={chart['patient']}&_count=2&_sort=date")
    assert "total" not in page
    seen: list[Any] = []
    while True:
        seen += [each["resource"] for each in page["entry"]]
        following = [link["url"] for link in page["link"] if link["relation"] == "next"]
        if not following:
            break
        page = await face.one.get(following[0].removeprefix(face.base))
    assert {each["id"] for each in seen} == {chart[name] for name in ALL}
    assert [each["id"] for each in seen][:1] == [chart["sodium"]]
    assert len(seen) == 5


async def test_what_a_result_refers_to_comes_along(face: Face, chart: dict[str, str]):
    found = await face.one.get(
        f"/DiagnosticReport?patient={chart['patient']}&_include=DiagnosticReport:result"
        "&_include=DiagnosticReport:subject"
    )
    modes = [(each["search"]["mode"], each["resource"]["resourceType"]) for each in found["entry"]]
    assert sorted(modes) == [
        ("include", "Observation"),
        ("include", "Observation"),
        ("include", "Patient"),
        ("match", "DiagnosticReport"),
    ]
    assert found["total"] == 1


async def test_what_refers_to_it_comes_along(
    face: Face, chart: dict[str, str], monkeypatch: pytest.MonkeyPatch
):
    said = await face.one.create({
        "resourceType": "Provenance", "recorded": "2026-03-01T08:00:00Z",
        "target": [{"reference": f"Observation/{chart['glucose']}"}],
        "agent": [{"who": {"display": "检验科"}}],
    })  # fmt: skip
    by_number = f"/Patient?identifier={NUMBERS}|P-SEARCH"
    alone = f"/Observation?patient={chart['patient']}&_id={chart['glucose']}"
    cases: list[tuple[str, set[str]]] = [
        (f"{by_number}&_revinclude=Observation:patient", ALL),
        (f"/Patient?_id={chart['patient']}&_revinclude=DiagnosticReport:subject:Patient", {"report"}),
        (f"{by_number}&_revinclude=Encounter:subject&_revinclude=DiagnosticReport:patient",
         {"visit", "report"}),
        (f"{alone}&_revinclude=DiagnosticReport:result", {"report"}),
        (f"{alone}&_revinclude=Provenance:target", {"said"}),
        (f"/Encounter?patient={chart['patient']}&_revinclude=Observation:encounter", {"glucose"}),
        (f"{alone}&_revinclude=Observation:has-member", set()),
        (f"/Observation?_id={chart['later']}&_revinclude=DiagnosticReport:result", set()),
    ]  # fmt: skip
    known = chart | {"said": said}
    for path, names in cases:
        found = await face.one.get(path)
        modes = {each["resource"]["id"]: each["search"]["mode"] for each in found["entry"]}
        assert {id for id, mode in modes.items() if mode == "include"} == {known[name] for name in names}
        assert sum(mode == "match" for mode in modes.values()) == 1
    await face.one.patient()
    for path in (
        "/Patient?_revinclude=Observation:patient",
        f"{by_number}&_revinclude=DiagnosticReport:performer",
        f"{by_number}&_revinclude=Observation:patient:Group",
        "/Practitioner?_revinclude=Observation:performer",
    ):
        await face.one.refused("GET", path, None, 400, "parameter-value")
    await face.one.ask("DELETE", f"/Provenance/{said}", expect=204)
    monkeypatch.setattr("backend.exchange.fhir.finding._MOST_INCLUDED", 2)
    found = await face.one.get(f"{by_number}&_revinclude=Observation:patient")
    assert [each["search"]["mode"] for each in found["entry"]] == ["match", "include", "include", "outcome"]
    assert found["entry"][-1]["resource"]["issue"][0]["code"] == "incomplete"
    told = await face.one.get("/metadata")
    offered = {each["type"]: each.get("searchRevInclude", []) for each in told["rest"][0]["resource"]}
    wanted = {"Observation:patient", "DiagnosticReport:patient", "Encounter:patient", "Provenance:target"}
    assert wanted <= set(offered["Patient"])
    assert offered["Practitioner"] == []


async def test_a_form_asks_what_an_address_asks_and_its_number_stays_out_of_links(
    face: Face, chart: dict[str, str]
):
    form = {"patient.identifier": f"{NUMBERS}|P-SEARCH", "_count": "2"}
    answer = await face.one.ask(
        "POST",
        "/Observation/_search",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
        data=form,
    )
    found = answer.json()
    assert len(found["entry"]) == 2
    assert "P-SEARCH" not in answer.text.partition('"entry"')[0]
    following = next(link["url"] for link in found["link"] if link["relation"] == "next")
    assert len((await face.one.get(following.removeprefix(face.base)))["entry"]) == 2
    await face.one.refused("POST", "/Observation/_search", {}, 415, "media-type")


async def test_everything_of_a_chart_comes_in_pages(face: Face, chart: dict[str, str]):
    path = f"/Patient/{chart['patient']}/$everything"
    kinds = [each["resource"]["resourceType"] for each in (await face.one.get(path))["entry"]]
    assert sorted(kinds) == ["DiagnosticReport", "Encounter", *["Observation"] * 5, "Patient"]
    part = await face.one.get(f"{path}?_type=Observation,Encounter&start=2026-02-01&end=2026-03-31")
    assert {each["resource"]["id"] for each in part["entry"]} == {
        chart["glucose"], chart["pressure"], chart["span"]
    }  # fmt: skip
    page = await face.one.get(f"{path}?_count=5")
    following = next(link["url"] for link in page["link"] if link["relation"] == "next")
    assert len((await face.one.get(following.removeprefix(face.base)))["entry"]) == 3
    await face.one.refused("GET", f"{path}?_wrong=1", None, 400, "parameter-value")


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("name=王", 400, "parameter-unknown"),
        ("code:text=x", 400, "parameter-unknown"),
        ("code=", 400, "parameter-value"),
        ("code=http://loinc.org|", 400, "parameter-value"),
        ("date=yesterday", 400, "parameter-value"),
        ("_count=-1", 400, "parameter-value"),
        ("_sort=value", 400, "parameter-value"),
        ("_sort=date", 400, "parameter-value"),
        ("_include=Observation:nothing", 400, "parameter-value"),
        ("_summary=true", 400, "parameter-value"),
        ("_cursor=made-up", 400, "BAD_REQUEST"),
        ("encounter=none", 404, "not-found"),
        ("patient=Patient/1", 404, "not-found"),
        ("_has:x=1", 400, "parameter-unknown"),
        (f"patient={SOME_ID}&subject={SOME_ID}", 400, "parameter-value"),
        (f"patient={SOME_ID}&patient.identifier=urn:x|1", 400, "parameter-value"),
        (f"encounter={SOME_ID}-{SOME_ID}&encounter={SOME_ID}", 400, "parameter-value"),
    ],
)
async def test_a_search_that_cannot_be_carried_out_is_refused(face: Face, query: str, status: int, code: str):
    await face.one.refused("GET", f"/Observation?{query}", None, status, code)


async def test_all_that_a_hospital_has_sent_is_found_as_it_came(face: Face, chart: dict[str, str]):
    found = await face.one.get("/Observation?_sort=-_lastUpdated&_count=3")
    assert len(found["entry"]) == 3
    assert (await face.two.get("/Observation"))["total"] == 0
    counted = await face.one.get("/Practitioner?_summary=count")
    assert counted["total"] == 1
