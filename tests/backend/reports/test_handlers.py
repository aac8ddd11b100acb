"""A resident's reports over HTTP: whose they are, how they lie, and what stays closed."""

import base64
import random
from collections.abc import AsyncIterator

import httpx
import pytest

from backend.db.client import Database
from tests.backend.reports.reading_samples import a_result
from tests.factories.papers import a_pdf, in_base64
from tests.factories.records import make_chart, make_report, make_resources
from tests.support.city import Caller, Surroundings, TestCity, open_test_city


@pytest.fixture
async def town(surroundings: Surroundings, mongo_uri: str, db: Database) -> AsyncIterator[TestCity]:
    async with open_test_city(surroundings, mongo_uri, db) as city:
        yield city


async def chart_of(town: TestCity, owner: Caller, organization_id: str | None = None):
    return await make_chart(
        town.city.services,
        organization_id or town.hospital.id,
        name=owner.name,
        id_number=owner.id_number,
    )


async def test_a_resident_reads_a_report_of_any_hospital(town: TestCity):
    owner, other = await town.resident(), await town.resident()
    services = town.city.services
    chart = await chart_of(town, owner)
    glucose = a_result("14749-6", 9.8, "mmol/L", low=3.9, high=6.1, flag="H", name="葡萄糖")
    report_id = await make_report(services, chart, [glucose, a_result("2160-0", 70, "umol/L", high=97)])
    await make_report(
        services,
        chart,
        [],
        title="胸部CT平扫",
        category=[{"coding": [{"code": "RAD"}]}],
        conclusion="未见异常。",
    )
    await make_report(services, chart, [glucose], title="HIV抗体检测", key="hiv")
    mine = f"/api/v1/reports?patient_id={owner.id}"

    listed = (await town.call("GET", mine, as_=owner))["items"]
    by_title = {one["title"]: one for one in listed}
    assert set(by_title) == {"生化检验", "胸部CT平扫", "一份需单独打开的报告"}
    assert by_title["生化检验"]["notable"] == 1
    assert by_title["生化检验"]["organization_name"] == town.hospital.name
    imaging = (await town.call("GET", f"{mine}&kind=imaging", as_=owner))["items"]
    assert [one["title"] for one in imaging] == ["胸部CT平扫"]

    one = await town.call("GET", f"/api/v1/reports/{report_id}", as_=owner)
    high, normal = sorted(one["items"], key=lambda item: item["flag"])
    assert (high["name"], high["value"], high["unit"], high["range"]) == (
        "葡萄糖",
        "9.8",
        "mmol/L",
        "3.9–6.1",
    )
    assert high["words"].startswith("偏高。常见原因有")
    assert (normal["flag"], normal["computed"], normal["words"]) == ("normal", True, "")

    sensitive = by_title["一份需单独打开的报告"]["id"]
    closed = await town.call("GET", f"/api/v1/reports/{sensitive}", as_=owner)
    assert (closed["hidden"], closed["items"], closed["title"]) == (True, [], "一份需单独打开的报告")
    opened = await town.call("GET", f"/api/v1/reports/{sensitive}?open=true", as_=owner)
    assert (opened["hidden"], opened["title"]) == (False, "HIV抗体检测")

    for path in (
        mine,
        f"/api/v1/reports/{report_id}",
        f"/api/v1/reports/trend?patient_id={owner.id}&analyte=alt",
    ):
        await town.call("GET", path, as_=other, expect=404)


async def test_a_preliminary_report_says_so_and_a_corrected_one_too(town: TestCity):
    owner = await town.resident()
    chart = await chart_of(town, owner)
    services = town.city.services
    report_id = await make_report(
        services, chart, [a_result("2823-3", 5.9, "mmol/L")], key="k", status="preliminary"
    )
    assert (await town.call("GET", f"/api/v1/reports/{report_id}", as_=owner))["state"] == "preliminary"
    again = await make_report(
        services, chart, [a_result("2823-3", 4.9, "mmol/L")], key="k", status="corrected"
    )
    assert again == report_id
    now = await town.call("GET", f"/api/v1/reports/{report_id}", as_=owner)
    assert (now["state"], now["items"][0]["value"]) == ("corrected", "4.9")
    await make_report(services, chart, [], key="k", status="entered-in-error")
    await town.call("GET", f"/api/v1/reports/{report_id}", as_=owner, expect=404)
    assert (await town.call("GET", f"/api/v1/reports?patient_id={owner.id}", as_=owner))["items"] == []


async def test_a_trend_goes_over_hospitals_in_one_unit(town: TestCity):
    owner = await town.resident()
    services = town.city.services
    here, there = await chart_of(town, owner), await chart_of(town, owner, "01J8ZK3Q5V9X2M4N6P8R0T1S2V")
    await make_report(
        services,
        here,
        [a_result("14749-6", 5.5, "mmol/L", low=3.9, high=6.1, at="2026-03-01T08:00:00+08:00")],
    )
    in_mg = a_result("2345-7", 180, "mg/dL", low=70, high=110, at="2026-06-01T08:00:00+08:00")
    odd = a_result("2345-7", 3, "级", at="2026-07-01T08:00:00+08:00")
    early = a_result("2345-7", 400, "mg/dL", at="2026-08-01T08:00:00+08:00", status="preliminary")
    await make_report(services, there, [in_mg, odd, early])
    trend = await town.call("GET", f"/api/v1/reports/trend?patient_id={owner.id}&analyte=glucose", as_=owner)
    assert trend["unit"] == "mmol/L"
    assert [(p["value"], p["original"], p["low"], p["flag"]) for p in trend["points"]] == [
        (5.5, "5.5 mmol/L", 3.9, "normal"),
        (9.99, "180 mg/dL", 3.885, "high"),
    ]
    assert [(one["value"], one["unit"]) for one in trend["apart"]] == [("3", "级")]
    assert {p["organization_name"] for p in trend["points"]} == {town.hospital.name, "医疗机构"}
    await town.call(
        "GET", f"/api/v1/reports/trend?patient_id={owner.id}&analyte=nothing", as_=owner, expect=404
    )


async def test_every_reading_is_written_down_before_it_is_answered(town: TestCity):
    owner = await town.resident()
    chart = await chart_of(town, owner)
    report_id = await make_report(town.city.services, chart, [])
    entries = town.city.db.collection("audit")
    before = await entries.count_documents({"action": "records.read"})
    await town.call("GET", f"/api/v1/reports/{report_id}", as_=owner)
    assert await entries.count_documents({"action": "records.read", "actor_id": owner.id}) == before + 1


async def test_a_person_is_told_once_that_a_report_is_ready_and_never_of_what(town: TestCity):
    owner = await town.resident()
    chart = await chart_of(town, owner)
    services = town.city.services
    await make_report(services, chart, [], title="梅毒螺旋体抗体", key="k", status="preliminary")
    await town.work()
    assert (await town.call("GET", "/api/v1/messages", as_=owner))["items"] == []
    await make_report(services, chart, [], title="梅毒螺旋体抗体", key="k")
    await town.work()
    await make_report(services, chart, [], title="梅毒螺旋体抗体", key="k", status="corrected")
    await town.work()
    (told,) = (await town.call("GET", "/api/v1/messages", as_=owner))["items"]
    assert (told["kind"], told["title"]) == ("report_ready", "报告已出")
    assert town.hospital.name in told["body"]
    texts = [sms["content"] for sms in (await town.outside.get("sms", phone=owner.phone))["items"]]
    assert sum("报告已出" in text for text in texts) == 1
    assert not any("梅毒" in text for text in [*texts, told["body"]])


async def test_a_chart_of_nobody_known_tells_nobody(town: TestCity):
    chart = await make_chart(town.city.services, town.hospital.id, name="李四")
    await make_report(town.city.services, chart, [])
    await town.work()
    assert await town.city.db.collection("messages").count_documents({}) == 0


async def test_a_report_comes_as_its_hospital_issued_it_and_as_a_pdf_of_ours(town: TestCity):
    owner, other = await town.resident(), await town.resident()
    services = town.city.services
    chart = await chart_of(town, owner)
    (binary,) = await make_resources(
        services, chart, {"resourceType": "Binary", "contentType": "text/html", "data": "PGI+"}
    )
    forms = [
        {"contentType": "application/pdf", "data": in_base64(a_pdf("检验报告单")), "title": "检验报告单"},
        {"contentType": "text/html", "url": f"Binary/{binary.id}"},
    ]
    report_id = await make_report(
        services, chart, [a_result("718-7", 100, "g/L", low=115)], presentedForm=forms
    )
    await town.work()
    path = f"{town.url}/api/v1/reports/{report_id}"
    one = await town.call("GET", f"/api/v1/reports/{report_id}", as_=owner)
    assert [each["title"] for each in one["documents"]] == ["检验报告单", ""]
    issued = await town.http.get(f"{path}/documents/1", headers=owner.headers)
    assert (issued.content, issued.headers["Content-Type"]) == (a_pdf("检验报告单"), "application/pdf")
    # A page of a hospital's own never runs as a page of ours.
    html = await town.http.get(f"{path}/documents/2", headers=owner.headers)
    assert (html.content, html.headers["Content-Type"]) == (b"<b>", "application/octet-stream")
    ours = await town.http.get(f"{path}/pdf", headers=owner.headers)
    assert ours.content.startswith(b"%PDF-")
    for tail in ("documents/1", "documents/2", "pdf"):
        assert (await town.http.get(f"{path}/{tail}", headers=other.headers)).status_code == 404
    await town.call("GET", f"/api/v1/reports/{report_id}/documents/3", as_=owner, expect=404)


async def test_a_large_original_is_read_like_any_other(town: TestCity):
    owner, other = await town.resident(), await town.resident()
    services, chart = town.city.services, await chart_of(town, owner)
    content = b"%PDF-1.7 " + random.Random(3).randbytes(5 << 20)
    form = {"contentType": "application/pdf", "data": base64.b64encode(content).decode(), "title": "CT报告"}
    (binary,) = await make_resources(services, chart, {"resourceType": "Binary", **form, "_key": "b"})
    forms = [form, {"contentType": "application/pdf", "url": f"Binary/{binary.id}"}]
    report_id = await make_report(services, chart, [], presentedForm=forms)
    stored = await town.city.db.collection("resources").find({"chart": chart.id}).to_list(None)
    assert max(len(str(doc)) for doc in stored) < 20_000
    path = f"{town.url}/api/v1/reports/{report_id}"
    listed = await town.call("GET", f"/api/v1/reports/{report_id}?open=true", as_=owner)
    assert [each["title"] for each in listed["documents"]] == ["CT报告", ""]
    for number in (1, 2):
        issued = await town.http.get(f"{path}/documents/{number}?open=true", headers=owner.headers)
        assert issued.content == content
        assert issued.headers["Content-Length"] == str(len(content))
        assert issued.headers["Cache-Control"] == "no-store"
        stranger = await town.http.get(f"{path}/documents/{number}?open=true", headers=other.headers)
        assert stranger.status_code == 404
    # What leaves the city leaves whole: a link, and the file that is taken away.
    order = {"patient_id": owner.id, "form": "fhir"}
    export = await town.call("POST", "/api/v1/records/exports", as_=owner, json=order)
    await town.work()
    file = await town.http.get(
        f"{town.url}/api/v1/records/exports/{export['id']}/file", headers=owner.headers
    )
    assert file.text.count(form["data"][-1000:]) == 2


async def test_a_document_that_breaks_off_is_never_taken_for_a_whole_one(town: TestCity):
    owner = await town.resident()
    services, chart = town.city.services, await chart_of(town, owner)
    content = random.Random(4).randbytes(5 << 20)
    form = {"contentType": "image/png", "data": base64.b64encode(content).decode()}
    report_id = await make_report(services, chart, [], presentedForm=[form])
    pieces = town.city.db.collection("blob_pieces")
    await pieces.delete_one({"number": 2})
    with pytest.raises(httpx.RemoteProtocolError):
        await town.http.get(f"{town.url}/api/v1/reports/{report_id}/documents/1", headers=owner.headers)
    await pieces.delete_many({})
    await town.call("GET", f"/api/v1/reports/{report_id}/documents/1", as_=owner, expect=503)
