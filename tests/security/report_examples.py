"""Requests for reports, images, links and the life-long file (examples.py says how they are read)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from backend import clock
from backend.reports.measuring import Measurement
from tests.factories.records import make_chart, make_report, make_resources
from tests.factories.reports import make_image, make_link
from tests.security.examples import INSTITUTION, OWN, PATIENT, PUBLIC, Ask, Example, Make, plain
from tests.security.town import Town

SHARED = "a link of the owner"


async def _chart(town: Town) -> Any:
    owner = town.residents["owner"]
    return await make_chart(
        town.services, town.mine.organization.id, name=owner.name, id_number=owner.id_number
    )


async def _report_id(town: Town) -> str:
    forms = [{"contentType": "image/png", "data": "iVBORw=="}]
    return await make_report(town.services, await _chart(town), [], presentedForm=forms)


def _of_owner(**query: str) -> Make:
    async def make(town: Town, caller: str) -> Ask:
        return Ask(query={"patient_id": town["owner"].id, **query})

    return make


def _report(json: Any = None, **path: str) -> Make:
    async def make(town: Town, caller: str) -> Ask:
        return Ask({"report_id": await _report_id(town), **path}, json=json)

    return make


def _said(**said: Any) -> Make:
    async def make(town: Town, caller: str) -> Ask:
        return Ask(json={"patient_id": town["owner"].id, **said})

    return make


async def _image(town: Town, caller: str) -> Ask:
    chart = await _chart(town)
    image = await make_image(town.services, town.mine.organization.id)
    # Stored under a number of its own: from now on it is the owner's.
    stored = await town.services.patient_index.chart(image.chart)
    owner = town.residents["owner"]
    assert stored is not None
    await make_chart(
        town.services, chart.organization_id, number=stored.number, name=owner.name, id_number=owner.id_number
    )
    return Ask({"image_id": image.id})


async def _link(town: Town, caller: str) -> Ask:
    shared = await make_link(town.services, town.residents["owner"].actor, await _report_id(town))
    await town.services.reports.links.revoke(town.residents["owner"].actor, shared.link.id)
    return Ask({"link_id": shared.link.id})


async def _opened(town: Town, caller: str) -> Ask:
    shared = await make_link(town.services, town.residents["owner"].actor, await _report_id(town))
    await town.city.city.db.collection("report_links").update_many(
        {"_id": {"$ne": shared.link.id}}, {"$set": {"revoked_at": clock.now()}}
    )
    return Ask({"secret": shared.secret}, json={"recipient": "somebody"})


async def _correction(town: Town, caller: str) -> Ask:
    owner, chart = town.residents["owner"].actor, await _chart(town)
    asked = await town.services.reports.file.ask(owner, owner.id, chart.id, "phone", "电话不对")
    return Ask({"correction_id": asked.id}, json={"done": True})


async def _an_entry(town: Town, caller: str) -> Ask:
    return Ask({"entry_id": await _report_id(town)}, query={"patient_id": town["owner"].id})


async def _a_paper(town: Town, caller: str) -> Ask:
    content = [{"attachment": {"contentType": "text/plain", "data": "T0s="}}]
    document = {"resourceType": "DocumentReference", "status": "current", "content": content}
    (kept,) = await make_resources(town.services, await _chart(town), document)
    return Ask({"entry_id": kept.id, "number": "1"}, query={"patient_id": town["owner"].id})


async def _measured(town: Town, caller: str) -> Ask:
    owner, now = town.residents["owner"].actor, clock.now()
    kept = await town.services.reports.file.measure(
        owner, owner.id, Measurement.WEIGHT, (Decimal("61.5"),), now, None
    )
    return Ask({"measurement_id": kept}, query={"patient_id": owner.id})


async def _wish(town: Town, caller: str) -> Ask:
    await town.city.city.db.collection("record_corrections").delete_many({})
    chart = await _chart(town)
    said = {"patient_id": town["owner"].id, "chart_id": chart.id, "field": "phone", "wish": "电话不对"}
    return Ask(json=said)


async def _export(town: Town, caller: str) -> Ask:
    owner = town.residents["owner"].actor
    export = await town.services.reports.exporting.order(owner, owner.id, "fhir")
    await town.city.work()
    return Ask({"export_id": export.id})


def _study(*names: str, **more: str) -> Make:
    async def make(town: Town, caller: str) -> Ask:
        image = await make_image(town.services, town.mine.organization.id)
        uids = {"study": image.study_uid, "series": image.series_uid, "instance": image.instance_uid}
        return Ask({name: uids[name] for name in ("study", *names)} | more)

    return make


_STUDY = "/dicomweb/studies/{study}"
_SERIES = f"{_STUDY}/series/{{series}}"
_INSTANCE = f"{_SERIES}/instances/{{instance}}"

REPORT_EXAMPLES: dict[str, list[Example]] = {
    "GET /api/v1/reports": [Example(PATIENT, _of_owner())],
    "GET /api/v1/reports/trend": [Example(PATIENT, _of_owner(analyte="glucose"))],
    "GET /api/v1/reports/{report_id}": [Example(PATIENT, _report())],
    "GET /api/v1/reports/{report_id}/documents/{number}": [Example(PATIENT, _report(number="1"))],
    "GET /api/v1/reports/{report_id}/pdf": [Example(PATIENT, _report())],
    "GET /api/v1/reports/{report_id}/images": [Example(PATIENT, _report())],
    "POST /api/v1/reports/{report_id}/links": [Example(PATIENT, _report(json={"hours": 1}))],
    "GET /api/v1/images/{image_id}/rendered": [Example(PATIENT, _image)],
    "GET /api/v1/images/{image_id}/file": [Example(PATIENT, _image)],
    "GET /api/v1/report-links": [plain(OWN)],
    "DELETE /api/v1/report-links/{link_id}": [Example(SHARED, _link)],
    "POST /shl/{secret}": [Example(PUBLIC, _opened, costly=True)],
    "GET /shl/view": [plain(PUBLIC)],
    "GET /shl/{name}": [plain(PUBLIC, path={"name": "viewer.js"})],
    "GET /api/v1/records/timeline": [Example(PATIENT, _of_owner())],
    "GET /api/v1/records/keepers": [Example(PATIENT, _of_owner())],
    "GET /api/v1/records/corrections": [Example(PATIENT, _of_owner())],
    "POST /api/v1/records/corrections": [Example(PATIENT, _wish)],
    "POST /api/v1/records/measurements": [
        Example(PATIENT, _said(kind="weight", values=[61.5], at="2026-01-05T08:00:00Z"))
    ],
    "GET /api/v1/records/timeline/{entry_id}": [Example(PATIENT, _an_entry)],
    "GET /api/v1/records/timeline/{entry_id}/documents/{number}": [Example(PATIENT, _a_paper)],
    "DELETE /api/v1/records/measurements/{measurement_id}": [Example(PATIENT, _measured)],
    "GET /hospital/v1/corrections": [plain(OWN)],
    "PUT /hospital/v1/corrections/{correction_id}": [Example(INSTITUTION, _correction)],
    "GET /dicomweb/studies": [plain(OWN)],
    # What is stored, and what is refused, is for test_images.py: here it is who may ask.
    "POST /dicomweb/studies": [plain(OWN, 400, content=b"no image")],
    "POST /dicomweb/studies/{study}": [plain(OWN, 400, path={"study": "1.2.3"}, content=b"no image")],
    "POST /api/v1/records/exports": [Example(PATIENT, _said(form="fhir"))],
    "GET /api/v1/records/exports/{export_id}": [Example(SHARED, _export)],
    "GET /api/v1/records/exports/{export_id}/file": [Example(SHARED, _export)],
    f"GET {_STUDY}": [Example(INSTITUTION, _study())],
    f"GET {_SERIES}": [Example(INSTITUTION, _study("series"))],
    f"GET {_STUDY}/metadata": [Example(INSTITUTION, _study())],
    f"GET {_STUDY}/series": [Example(INSTITUTION, _study())],
    f"GET {_STUDY}/instances": [Example(INSTITUTION, _study())],
    f"GET {_SERIES}/instances": [Example(INSTITUTION, _study("series"))],
    f"GET {_SERIES}/metadata": [Example(INSTITUTION, _study("series"))],
    f"GET {_INSTANCE}": [Example(INSTITUTION, _study("series", "instance"))],
    f"GET {_INSTANCE}/metadata": [Example(INSTITUTION, _study("series", "instance"))],
    f"GET {_INSTANCE}/frames/{{frames}}": [Example(INSTITUTION, _study("series", "instance", frames="1"))],
    f"GET {_INSTANCE}/frames/{{number}}/rendered": [
        Example(INSTITUTION, _study("series", "instance", number="1"))
    ],
    f"GET {_INSTANCE}/rendered": [Example(INSTITUTION, _study("series", "instance"))],
}
