"""What stands behind a report in the record window: the original as issued, and its images.

The same session and the same ground as the window's other pages; each look is a reading of its own.
"""

from __future__ import annotations

from backend.errors import ErrorCode, not_found
from backend.http.endpoint import operation, public
from backend.http.streaming import send_chunks
from backend.records.models import Basis
from backend.records.sharing_models import Launch
from backend.records.window_page import WHY, WINDOW, WindowHandler
from backend.reports.documents import SHOWN
from backend.reports.images import Drawn
from backend.reports.models import Report, ReportState
from backend.reports.reading import report_of

# As large as a workstation's screen shows; a diagnosis is made on the hospital's own.
_SIDE = 1280
_SHOWN_IMAGES = 60


class _Handler(WindowHandler):
    """What the pages here share."""

    async def opened(self, launch_id: str, report_id: str) -> tuple[Launch, Basis, Report]:
        """A report that this window's ground covers. Raises NOT_FOUND."""
        launch = await self.launch_of(launch_id)
        basis = await self.basis_of(launch)
        found = await self.services.record_reader.read(basis, report_id)
        if found is None or found.deleted or found.type != "DiagnosticReport":
            raise not_found("report of this window")
        report = report_of(found)
        if report.state is ReportState.VOID:
            raise not_found("a report that was taken back")
        return launch, basis, report


class OriginalsHandler(_Handler):
    """What there is."""

    @public(WHY)
    @operation(
        "Originals and images of a report in its record window", tag="records", rate_limit="record_window"
    )
    async def get(self, launch_id: str, resource_id: str) -> None:
        """Links to the papers, and the images drawn."""
        launch, basis, report = await self.opened(launch_id, resource_id)
        images = [
            image for image in await self.services.reports.images.of_report(basis, report) if image.frames
        ]
        await self.show(
            "window_originals.html",
            launch,
            shown=True,
            report=report,
            images=images[:_SHOWN_IMAGES],
            more=max(0, len(images) - _SHOWN_IMAGES),
        )


class OriginalHandler(_Handler):
    """One paper."""

    @public(WHY)
    @operation(
        "A report as issued in its record window",
        tag="records",
        rate_limit="record_window",
        media="application/octet-stream",
    )
    async def get(self, launch_id: str, resource_id: str, number: str) -> bytes | None:
        """Shown where browsers know the type, else handed out; kept by no cache."""
        _, basis, report = await self.opened(launch_id, resource_id)
        original = await self.services.reports.documents.of_basis(basis, report, int(number))
        shown = original.kind in SHOWN
        self.set_header("Content-Type", original.kind if shown else "application/octet-stream")
        self.set_header("Content-Length", str(original.content.size))
        self.set_header("Content-Disposition", "inline" if shown else "attachment")
        await send_chunks(self, original.content.chunks)
        return None


class PictureHandler(_Handler):
    """One image."""

    @public(WHY)
    @operation(
        "An image of a report in its record window",
        errors=(ErrorCode.IMAGE_NOT_DISPLAYABLE,),
        tag="records",
        rate_limit="record_window",
        media="image/jpeg",
    )
    async def get(self, launch_id: str, image_id: str) -> bytes | None:
        """A JPEG, of whatever study the ground covers."""
        basis = await self.basis_of(await self.launch_of(launch_id))
        images = self.services.reports.images
        picture = await images.draw(await images.of_basis(basis, image_id), Drawn(side=_SIDE))
        self.set_header("Content-Type", "image/jpeg")
        self.finish(picture)
        return None


_ITEM = rf"{WINDOW}/items/(?P<resource_id>[0-9A-Z-]{{26,53}})"
routes = [
    (rf"{_ITEM}/originals", OriginalsHandler),
    (rf"{_ITEM}/originals/(?P<number>[0-9]{{1,3}})", OriginalHandler),
    (rf"{WINDOW}/images/(?P<image_id>[0-9A-Z-]{{26,60}})", PictureHandler),
]
