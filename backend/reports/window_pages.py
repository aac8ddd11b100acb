"""What stands behind a report or a document in the record window: originals as issued, and images.

The same session and the same ground as the window's other pages; each look is a reading of its own.
"""

from __future__ import annotations

from backend.errors import ErrorCode, not_found
from backend.http.endpoint import operation, public
from backend.records.models import Basis, Resource
from backend.records.sharing_models import Launch
from backend.records.window_page import WHY, WINDOW, WindowHandler
from backend.records.window_view import title_of
from backend.reports.document_handlers import send_original
from backend.reports.images import Drawn
from backend.reports.models import ReportState
from backend.reports.reading import documents_of, report_of, state_of

# As large as a workstation's screen shows; a diagnosis is made on the hospital's own.
_SIDE = 1280
_SHOWN_IMAGES = 60
_WITH_PAPERS = frozenset({"DiagnosticReport", "DocumentReference"})


class _Handler(WindowHandler):
    """What the pages here share."""

    async def opened(self, launch_id: str, resource_id: str) -> tuple[Launch, Basis, Resource]:
        """A report or a document that this window's ground covers. Raises NOT_FOUND."""
        launch = await self.launch_of(launch_id)
        basis = await self.basis_of(launch)
        found = await self.services.record_reader.read(basis, resource_id)
        if found is None or found.deleted or found.type not in _WITH_PAPERS:
            raise not_found("report or document of this window")
        if state_of(found.body) is ReportState.VOID:
            raise not_found("what was taken back")
        return launch, basis, found


class OriginalsHandler(_Handler):
    """What there is."""

    @public(WHY)
    @operation(
        "Originals and images of a report or document in its record window",
        tag="records",
        rate_limit="record_window",
    )
    async def get(self, launch_id: str, resource_id: str) -> None:
        """Links to the papers, and the images drawn."""
        launch, basis, found = await self.opened(launch_id, resource_id)
        reports, papers = self.services.reports, documents_of(found)
        images = []
        if found.type == "DiagnosticReport":
            drawn = await reports.images.of_report(basis, report_of(found))
            images = [image for image in drawn if image.frames]
        await self.show(
            "window_originals.html",
            launch,
            shown=True,
            item=found,
            title=title_of(found),
            papers=list(zip(papers, await reports.documents.opened_by(basis, papers), strict=True)),
            images=images[:_SHOWN_IMAGES],
            more=max(0, len(images) - _SHOWN_IMAGES),
        )


class OriginalHandler(_Handler):
    """One paper."""

    @public(WHY)
    @operation(
        "A report or document as issued in its record window",
        tag="records",
        rate_limit="record_window",
        media="application/octet-stream",
    )
    async def get(self, launch_id: str, resource_id: str, number: str) -> bytes | None:
        """Shown where browsers know the type, else handed out; kept by no cache."""
        _, basis, found = await self.opened(launch_id, resource_id)
        documents = self.services.reports.documents
        await send_original(
            self, await documents.of_basis(basis, documents_of(found), int(number)), inline=True
        )
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
