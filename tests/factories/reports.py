"""What the reports area keeps: an image, a link that was shared and opened, an export, a wish."""

from __future__ import annotations

import base64
import io
from datetime import timedelta
from pathlib import Path

import pydicom

from backend.bootstrap import Services
from backend.ids import new_id
from backend.patient_index.models import Chart
from backend.permissions import Actor
from backend.records.apart import LARGE
from backend.reports.image_models import Stored
from backend.reports.links import Shared
from tests.factories.records import make_report

CT = Path(pydicom.__file__).parent / "data" / "test_files" / "CT_small.dcm"


def a_picture_of(number: str) -> bytes:
    """A hospital's image of its patient of this number."""
    dataset, made = pydicom.dcmread(CT), io.BytesIO()
    dataset.PatientID = number
    dataset.save_as(made)
    return made.getvalue()


async def make_image(services: Services, organization_id: str, content: bytes | None = None) -> Stored:
    """An image of a hospital's, with its study in the record."""
    images, source = services.reports.images, new_id()
    data = content or CT.read_bytes()
    image = await images.keep(organization_id, data, issuer="hospital", source_id=source)
    await images.tell_record(organization_id, [image], source)
    return image


async def make_link(services: Services, actor: Actor, report_id: str, passcode: str | None = None) -> Shared:
    """A shared link."""
    return await services.reports.links.share(
        actor, report_id, lasts=timedelta(hours=1), passcode=passcode, opened=True
    )


async def make_kept_reports(services: Services, chart: Chart, owner: Actor) -> None:
    """One of everything, about the owner's chart."""
    large = {"contentType": "image/png", "data": base64.b64encode(bytes(LARGE)).decode()}
    report_id = await make_report(services, chart, [], presentedForm=[large])
    await make_image(services, chart.organization_id)
    shared = await make_link(services, owner, report_id)
    await services.reports.links.manifest(shared.secret, "王医生", None)
    await services.reports.exporting.order(owner, owner.id, "fhir")
    await services.reports.file.ask(owner, owner.id, chart.id, "phone", "电话不对")
    (asked, *_), *_ = await services.reports.file.asked(owner, owner.id)
    hospital = Actor("client", "h", None, frozenset({chart.organization_id}))
    await services.reports.file.answer(hospital, asked.id, done=True, answer="已改正")
