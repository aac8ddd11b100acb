"""Images: taken in from hospitals, found by their studies, handed out and drawn on a basis.

Whoever reads an image reads the ImagingStudy it belongs to: the record decides on that, and writes it down.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Protocol

from backend import clock
from backend.errors import AppError, ErrorCode, not_found
from backend.patient_index.models import Chart, ChartNumber, Demographics, Origin
from backend.permissions import Actor
from backend.records.blobs import BlobError, Blobs, blob_name, new_key
from backend.records.ids import is_resource_id, owner_of, resource_id
from backend.records.models import Basis, Incoming, RecordQuery, Resource, Source
from backend.records.sharing_models import Asked
from backend.reports.dicom import DicomError, Header, frame, read_header, rendered
from backend.reports.image_models import ImageQuery, Stored
from backend.reports.image_store import ImageStore
from backend.reports.models import Report
from backend.reports.ports import Gate, People, Reader, Writer
from backend.reports.studies import study_body, study_id, uids_of
from backend.worker.confined import Confined

# The largest file that is taken in at once; longer series come as many files.
LARGEST_FILE = 64 * 1024 * 1024
MOST_OF_STUDY = 5_000


class Charts(People, Protocol):
    """The patient index, as far as images need it."""

    async def chart_for(
        self, organization_id: str, number: ChartNumber, who: Demographics | None, source: Origin
    ) -> Chart:
        """A hospital's chart, made if it is new."""

    async def find_chart(self, organization_id: str, number: ChartNumber) -> Chart | None:
        """A hospital's chart by its number, or None."""

    async def chart(self, chart_id: str) -> Chart | None:
        """A chart, or None."""


@dataclass(frozen=True, slots=True)
class Treated:
    """Whose images are asked for over all hospitals (a chart or the person); by whom, and what for."""

    patient: str
    asked: Asked


@dataclass(frozen=True, slots=True)
class Whole:
    """A file on its way out: its transfer syntax, and its pieces."""

    syntax: str
    pieces: AsyncIterator[bytes]


@dataclass(frozen=True, slots=True)
class Drawn:
    """How a frame is to be drawn; None is as the file says."""

    frame: int = 1
    center: float | None = None
    width: float | None = None
    side: int | None = None


class Images:
    """Takes in, finds and draws."""

    def __init__(
        self,
        store: ImageStore,
        blobs: Blobs,
        drawing: Confined,
        charts: Charts,
        writer: Writer,
        gate: Gate,
        reader: Reader,
    ) -> None:
        self._store = store
        self._blobs = blobs
        self._drawing = drawing
        self._charts = charts
        self._writer = writer
        self._gate = gate
        self._reader = reader

    # -- from hospitals --------------------------------------------------------------------------------

    async def keep(
        self, organization_id: str, data: bytes, *, issuer: str, source_id: str, study: str | None = None
    ) -> Stored:
        """Take a file in; the same again changes nothing. Raises DicomError, also for another content."""
        if len(data) > LARGEST_FILE:
            raise DicomError("too-large")
        header = await self._drawing.run(read_header, data)
        if study is not None and header.study_uid != study:
            raise DicomError("another-study")
        source = Source("fhir", source_id, organization_id, clock.now())
        number = ChartNumber(header.issuer or issuer, header.patient_number)
        chart = await self._charts.chart_for(organization_id, number, None, source)
        image = _stored(header, chart, data)
        there = await self._store.find(image.id)
        if there is not None and there.digest != image.digest:
            raise DicomError("another-content")
        if there is None:
            # The pieces first: whoever finds the image finds all of it.
            await self._blobs.put(_blob(image), image.key, data)
            if not await self._store.insert(image):
                # Somebody else was quicker: what he kept is what counts.
                await self._blobs.delete(_blob(image))
                return await self.keep(organization_id, data, issuer=issuer, source_id=source_id)
        return there or image

    async def tell_record(self, organization_id: str, kept: list[Stored], source_id: str) -> None:
        """Say in the record which studies there are: one ImagingStudy for each that something came to."""
        source = Source("fhir", source_id, organization_id, clock.now())
        for chart, study_uid in dict.fromkeys((image.chart, image.study_uid) for image in kept):
            query = ImageQuery(charts=(chart,), study_uids=(study_uid,), limit=MOST_OF_STUDY)
            body = study_body(await self._store.search(query))
            incoming = Incoming("ImagingStudy", chart, body, key=study_uid)
            await self._writer.write(organization_id, [incoming], source)

    # -- finding ---------------------------------------------------------------------------------------

    async def of_hospital(
        self,
        actor: Actor,
        wanted: ImageQuery,
        *,
        number: ChartNumber | None = None,
        accession: str | None = None,
        offset: int = 0,
    ) -> list[Stored]:
        """What the asking hospital itself has sent, by study; `limit` and `offset` count studies."""
        basis = await self._gate.origin(actor)
        organization_id = basis.organization_id or ""
        wanted = replace(wanted, organization_id=organization_id)
        if number is not None:
            chart = await self._charts.find_chart(organization_id, number)
            wanted = replace(wanted, charts=(chart.id,) if chart else ())
        query = RecordQuery(types=("ImagingStudy",), business=(accession,) if accession else (), limit=200)
        # Asked of the record in any case: looking for studies is a reading, and is written down there.
        studies = await self._reader.search(basis, query)
        if accession:
            named = {uid for study in studies.items for uid in uids_of(study)}
            asked = set(wanted.study_uids) if wanted.study_uids is not None else named
            wanted = replace(wanted, study_uids=tuple(named & asked))
        uids = await self._store.study_uids(wanted, offset)
        if not uids:
            return []
        # Two patients may have images under one UID: who asks for one of them is answered of one.
        found = ImageQuery(
            organization_id=organization_id,
            charts=wanted.charts,
            study_uids=tuple(uids),
            limit=MOST_OF_STUDY,
        )
        return await self._store.search(found)

    async def of_study(
        self, actor: Actor, study_uid: str, series_uid: str | None = None, instance_uid: str | None = None
    ) -> list[Stored]:
        """A hospital's own images of a study. Raises NOT_FOUND; the reading is written down."""
        basis = await self._gate.origin(actor)
        found = await self._store.search(
            ImageQuery(
                organization_id=basis.organization_id,
                study_uids=(study_uid,),
                series_uid=series_uid,
                instance_uid=instance_uid,
                limit=MOST_OF_STUDY,
            )
        )
        if not found:
            raise not_found(f"study {study_uid}")
        await self._read_study(basis, found[0])
        return found

    async def of_treated(
        self, actor: Actor, treated: Treated, wanted: ImageQuery, *, accession: str | None = None
    ) -> list[Stored]:
        """Images of a person over all hospitals, as far as consent or care covers their studies.

        Raises NOT_FOUND without a ground, like of nobody. The reading is written down.
        """
        basis = await self._basis_of(actor, treated)
        query = RecordQuery(types=("ImagingStudy",), business=(accession,) if accession else (), limit=200)
        studies = {study.id for study in (await self._reader.search(basis, query)).items}
        found = await self._store.search(replace(wanted, charts=basis.chart_ids, limit=MOST_OF_STUDY))
        return [image for image in found if study_id(image) in studies]

    async def of_treated_study(
        self,
        actor: Actor,
        treated: Treated,
        study_uid: str,
        series_uid: str | None = None,
        instance_uid: str | None = None,
    ) -> list[Stored]:
        """The same of one study. Raises NOT_FOUND, also when its level is above what the ground covers."""
        basis = await self._basis_of(actor, treated)
        wanted = ImageQuery(
            charts=basis.chart_ids,
            study_uids=(study_uid,),
            series_uid=series_uid,
            instance_uid=instance_uid,
            limit=MOST_OF_STUDY,
        )
        found = await self._store.search(wanted)
        if not found:
            raise not_found(f"study {study_uid}")
        # One person's study lies in one chart; were it in two, the first one's hospital is whom it is from.
        of_one = [image for image in found if image.chart == found[0].chart]
        await self._read_study(basis, of_one[0])
        return of_one

    async def retrieve(
        self, actor: Actor, treated: Treated | None, study_uid: str, series_uid: str | None = None
    ) -> AsyncIterator[Whole]:
        """A whole study or series, a hospital's own or that of whom it treats, one file after another.

        Raises NOT_FOUND, before the first; the reading is written down once, as of the study.
        """
        basis = await (self._basis_of(actor, treated) if treated else self._gate.origin(actor))
        wanted = ImageQuery(
            charts=basis.chart_ids if treated else None,
            organization_id=None if treated else basis.organization_id,
            study_uids=(study_uid,),
            series_uid=series_uid,
            limit=1,
        )
        found = await self._store.search(wanted)
        if not found:
            raise not_found(f"study {study_uid}")
        await self._read_study(basis, found[0])
        # Two patients may have images under one UID: it is one of them who has been read.
        return self._each(await self._store.ids_of(found[0].chart, study_uid, series_uid))

    async def _each(self, image_ids: list[str]) -> AsyncIterator[Whole]:
        for image_id in image_ids:
            image = await self._store.find(image_id)
            if image is not None:
                yield Whole(image.syntax, self._pieces_of(image))

    async def _pieces_of(self, image: Stored) -> AsyncIterator[bytes]:
        try:
            async for piece in self._blobs.stream(_blob(image), image.key, image.size):
                yield piece
        except BlobError as error:
            raise AppError(ErrorCode.UNAVAILABLE, str(error)) from error

    async def _basis_of(self, actor: Actor, treated: Treated) -> Basis:
        """On what ground. Raises NOT_FOUND for whatever it is refused for."""
        chart = await self._charts.chart(treated.patient) if is_resource_id(treated.patient) else None
        person_id = chart.person_id if chart else treated.patient
        try:
            return await self._gate.care(actor, person_id, treated.asked)
        except AppError as error:
            if error.status >= 500:
                raise
            raise not_found("images of this person") from error

    async def of_report(self, basis: Basis, report: Report) -> list[Stored]:
        """The images that a report is about: of the studies it names, and those of its order's number."""
        studies = await self._studies(basis, report)
        uids = tuple(dict.fromkeys(uid for study in studies for uid in uids_of(study)))
        if not uids:
            return []
        return await self._store.search(
            ImageQuery(charts=basis.chart_ids, study_uids=uids, limit=MOST_OF_STUDY)
        )

    async def _studies(self, basis: Basis, report: Report) -> list[Resource]:
        found: list[Resource] = []
        refs = tuple(id for id in report.study_refs if is_resource_id(id))
        if refs:
            found += (await self._reader.search(basis, RecordQuery(ids=refs))).items
        if report.accessions:
            query = RecordQuery(types=("ImagingStudy",), business=report.accessions)
            of_report = owner_of(report.id)
            # Numbers of orders are a hospital's own: another's may be the same.
            found += [
                one for one in (await self._reader.search(basis, query)).items if one.owner == of_report
            ]
        return [one for one in found if one.type == "ImagingStudy"]

    # -- one image -------------------------------------------------------------------------------------

    async def access(self, actor: Actor, image_id: str) -> Stored:
        """An image of the resident's own record, or of whom he acts for; another's is 404."""
        image = await self._store.find(image_id) if is_resource_id(image_id) else None
        if image is None:
            raise not_found(f"image {image_id}")
        basis = await self._gate.own(actor, await self._charts.person_of(image.chart))
        await self._read_study(basis, image)
        return image

    async def of_basis(self, basis: Basis, image_id: str) -> Stored:
        """An image whose study a basis covers. Raises NOT_FOUND; the reading is written down."""
        image = await self._store.find(image_id) if is_resource_id(image_id) else None
        if image is None:
            raise not_found(f"image {image_id}")
        await self._read_study(basis, image)
        return image

    async def content(self, image: Stored) -> bytes:
        """The file as it came."""
        try:
            return await self._blobs.get(_blob(image), image.key)
        except BlobError as error:
            raise AppError(ErrorCode.UNAVAILABLE, str(error)) from error

    async def draw(self, image: Stored, how: Drawn) -> bytes:
        """A frame as a JPEG. Raises NOT_FOUND, and IMAGE_NOT_DISPLAYABLE where we have no decoder."""
        data = await self.content(image)
        try:
            return await self._drawing.run(rendered, data, how.frame, how.center, how.width, how.side)
        except DicomError as error:
            raise _refused(error) from None

    async def frame(self, image: Stored, number: int) -> tuple[bytes, str]:
        """A frame as it is packed, and its transfer syntax."""
        data = await self.content(image)
        try:
            return await self._drawing.run(frame, data, number)
        except DicomError as error:
            raise _refused(error) from None

    async def _read_study(self, basis: Basis, image: Stored) -> None:
        study = await self._reader.read(basis, study_id(image))
        if study is None or study.deleted:
            raise not_found(f"image {image.id}")


def _stored(header: Header, chart: Chart, data: bytes) -> Stored:
    return Stored(
        id=resource_id(chart.id, "Instance", header.instance_uid),
        chart=chart.id,
        organization_id=chart.organization_id,
        study_uid=header.study_uid,
        series_uid=header.series_uid,
        instance_uid=header.instance_uid,
        class_uid=header.class_uid,
        modality=header.modality,
        syntax=header.syntax,
        series_number=header.series_number,
        number=header.number,
        frames=header.frames,
        rows=header.rows,
        columns=header.columns,
        size=len(data),
        at=_instant(header.study_on, header.study_time),
        created_at=clock.now(),
        digest=hashlib.sha256(data).hexdigest(),
        tags=header.tags,
        key=new_key(),
        center=header.center,
        width=header.width,
    )


def _blob(image: Stored) -> str:
    return blob_name(image.id, image.key)


def _instant(on: str, at: str) -> datetime:
    """DICOM's date and time, in the city's zone; what cannot be read is now."""
    try:
        read = datetime.strptime((on + at[:6].ljust(6, "0"))[:14], "%Y%m%d%H%M%S")  # noqa: DTZ007
    except ValueError:
        return clock.now()
    return read.replace(tzinfo=clock.CITY_ZONE).astimezone(UTC)


def _refused(error: DicomError) -> AppError:
    if error.reason == "no-such-frame":
        return not_found("frame")
    data = {"reason": error.reason, "transfer_syntax": error.syntax}
    return AppError(ErrorCode.IMAGE_NOT_DISPLAYABLE, error.reason, data=data)
