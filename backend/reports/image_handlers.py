"""A resident's images: which there are to a report, a picture of each, the file itself."""

from __future__ import annotations

from pydantic import Field

from backend.errors import ErrorCode
from backend.http.base import APIHandler
from backend.http.endpoint import operation, requires
from backend.http.schema import Answer, Instant, Items, Query
from backend.permissions import Permission
from backend.reports import dicomweb
from backend.reports.handlers import READING
from backend.reports.image_models import Stored
from backend.reports.images import Drawn
from backend.reports.schemas import OpenQuery


class InstanceOut(Answer):
    """One image of a series; `center` and `width` are the window it comes with."""

    id: str
    frames: int
    rows: int
    columns: int
    center: float | None
    width: float | None
    bytes: int


class SeriesOut(Answer):
    """Images that belong together."""

    description: str
    modality: str
    instances: list[InstanceOut]


class StudyOut(Answer):
    """One examination."""

    description: str
    at: Instant
    series: list[SeriesOut]


class DrawQuery(Query):
    """How a picture is wanted."""

    frame: int = Field(1, ge=1, le=10_000)
    center: float | None = Field(None, ge=-100_000, le=100_000)
    width: float | None = Field(None, ge=1, le=200_000)
    side: int | None = Field(None, ge=16, le=2048)


class ReportImagesHandler(APIHandler):
    """The images of a report."""

    @requires(Permission.RESIDENT_RECORDS_READ)
    @operation("List the images of a report", errors=READING, tag="reports")
    async def get(self, report_id: str, query: OpenQuery) -> Items[StudyOut]:
        """Study by study; of a sensitive report only once it is opened."""
        opened = await self.services.reports.service.open(self.actor, report_id, opened=query.open)
        if opened.hidden:
            return Items(items=[])
        found = await self.services.reports.images.of_report(opened.basis, opened.report)
        return Items(items=[_study(images) for images in dicomweb.by_study(found).values()])


class ImageRenderedHandler(APIHandler):
    """A picture of an image."""

    @requires(Permission.RESIDENT_RECORDS_READ)
    @operation(
        "Draw an image of one's own",
        errors=(*READING, ErrorCode.IMAGE_NOT_DISPLAYABLE),
        tag="reports",
        media="image/jpeg",
    )
    async def get(self, image_id: str, query: DrawQuery) -> bytes | None:
        """JPEG."""
        images = self.services.reports.images
        image = await images.access(self.actor, image_id)
        picture = await images.draw(image, Drawn(query.frame, query.center, query.width, query.side))
        self.set_header("Content-Type", "image/jpeg")
        self.set_header("Cache-Control", "no-store")
        self.finish(picture)
        return None


class ImageFileHandler(APIHandler):
    """The file itself."""

    @requires(Permission.RESIDENT_RECORDS_READ)
    @operation("Download an image of one's own", errors=READING, tag="reports", media="application/dicom")
    async def get(self, image_id: str) -> bytes | None:
        """DICOM, as the hospital sent it."""
        images = self.services.reports.images
        image = await images.access(self.actor, image_id)
        self.set_header("Content-Type", dicomweb.DICOM)
        self.set_header("Content-Disposition", 'attachment; filename="image.dcm"')
        self.set_header("Cache-Control", "no-store")
        self.finish(await images.content(image))
        return None


def _study(images: list[Stored]) -> StudyOut:
    return StudyOut(
        description=images[0].text("00081030"),
        at=images[0].at,
        series=[
            SeriesOut(
                description=of_series[0].text("0008103E"),
                modality=of_series[0].modality,
                instances=[_instance(image) for image in of_series if image.frames],
            )
            for of_series in dicomweb.by_series(images).values()
        ],
    )


def _instance(image: Stored) -> InstanceOut:
    return InstanceOut(
        id=image.id,
        frames=image.frames,
        rows=image.rows,
        columns=image.columns,
        center=image.center,
        width=image.width,
        bytes=image.size,
    )


_ID = r"[0-9A-Z-]{26,60}"
routes = [
    (rf"/api/v1/reports/(?P<report_id>{_ID})/images", ReportImagesHandler),
    (rf"/api/v1/images/(?P<image_id>{_ID})/rendered", ImageRenderedHandler),
    (rf"/api/v1/images/(?P<image_id>{_ID})/file", ImageFileHandler),
]
