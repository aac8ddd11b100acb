"""`/dicomweb`: hospitals store, find and fetch their images (STOW, QIDO and WADO of PS3.18, a subset)."""

from __future__ import annotations

from typing import Any

import orjson
from pydantic import Field
from tornado.httputil import HTTPServerRequest

from backend.errors import AppError, ErrorCode
from backend.http.base import APIHandler
from backend.http.endpoint import operation, requires
from backend.http.schema import Query
from backend.http.streaming import send_chunks
from backend.ids import new_id
from backend.patient_index.models import ChartNumber
from backend.permissions import Permission
from backend.records.asking import read_asked
from backend.records.gate import organization_of
from backend.reports import dicomweb
from backend.reports.dicom import DicomError
from backend.reports.image_models import ImageQuery, Stored
from backend.reports.images import Drawn, Treated
from backend.reports.multipart import MultipartError, boundary_of, read_parts, stream_parts, write_parts

UID = r"[0-9.]{1,64}"
LARGEST_UPLOAD = 128 * 1024 * 1024
RELATED = "multipart/related"
MOST_FRAMES_AT_ONCE = 100


class StudiesQuery(Query):
    """What studies are looked for, in DICOM's words."""

    study_instance_uid: str | None = Field(None, alias="StudyInstanceUID", pattern=rf"^{UID}$")
    patient_id: str | None = Field(None, alias="PatientID", max_length=64)
    issuer: str = Field("", alias="IssuerOfPatientID", max_length=200)
    study_date: str | None = Field(None, alias="StudyDate", pattern=r"^[0-9]{0,8}-?[0-9]{0,8}$")
    accession: str | None = Field(None, alias="AccessionNumber", max_length=64)
    modality: str | None = Field(None, alias="ModalitiesInStudy", max_length=16)
    limit: int = Field(100, ge=1, le=500)
    offset: int = Field(0, ge=0, le=100_000)


class UploadQuery(Query):
    """`issuer`: who gives out the patient numbers, where the files do not say (PID-3.4 of the hospital)."""

    issuer: str = Field("", max_length=200)


class RenderQuery(Query):
    """How a picture is wanted: `window` is center,width; `viewport` is the longest side."""

    window: str | None = Field(None, pattern=r"^-?[0-9.]{1,12},[0-9.]{1,12}(,.*)?$")
    viewport: int | None = Field(None, ge=16, le=2048)


class DicomHandler(APIHandler):
    """What the handlers of DICOMweb share."""

    @property
    def base(self) -> str:
        """Where DICOMweb is reached."""
        return f"{self.city.settings.public_url}/dicomweb"

    def tell(self, status: int, answer: Any) -> None:
        """DICOM JSON."""
        self.set_status(status)
        self.set_header("Content-Type", dicomweb.DICOM_JSON)
        self.set_header("Cache-Control", "no-store")
        self.finish(orjson.dumps(answer))

    def tell_bytes(self, content: bytes, content_type: str) -> None:
        """A file or a picture: kept by nobody on the way."""
        self.set_header("Content-Type", content_type)
        self.set_header("Cache-Control", "no-store")
        self.finish(content)

    def tell_parts(self, parts: list[tuple[str, bytes]]) -> None:
        """multipart/related."""
        boundary = new_id()
        self.set_header(
            "Content-Type", f'{RELATED}; type="{parts[0][0].partition(";")[0]}"; boundary={boundary}'
        )
        self.set_header("Cache-Control", "no-store")
        for piece in write_parts(parts, boundary):
            self.write(piece)
        self.finish()

    async def tell_whole(self, study: str, series: str | None = None) -> None:
        """multipart/related of however many files, a piece of one of them in memory."""
        files = await self.services.reports.images.retrieve(self.actor, self.treated, study, series)
        boundary = new_id()
        self.set_header("Content-Type", f'{RELATED}; type="{dicomweb.DICOM}"; boundary={boundary}')
        self.set_header("Cache-Control", "no-store")
        parts = ((f"{dicomweb.DICOM}; transfer-syntax={one.syntax}", one.pieces) async for one in files)
        await send_chunks(self, stream_parts(parts, boundary))

    def wants(self, content_type: str) -> bool:
        """Whether the caller asked for this type alone, and not for parts."""
        accept = self.request.headers.get("Accept", "")
        return accept.partition(";")[0].strip() == content_type

    @property
    def treated(self) -> Treated | None:
        """Whom X-Patient names, over all hospitals; None: the hospital's own images are meant."""
        patient = self.request.headers.get("X-Patient", "").strip()
        if not patient:
            return None
        try:
            return Treated(patient, read_asked(self.request.headers))
        except ValueError:
            raise AppError(ErrorCode.BAD_REQUEST, "X-Purpose") from None

    async def of_study(
        self, study: str, series: str | None = None, instance: str | None = None
    ) -> list[Stored]:
        """A study's images: the hospital's own, or those of the person whom it names."""
        images, treated = self.services.reports.images, self.treated
        if treated is None:
            return await images.of_study(self.actor, study, series, instance)
        return await images.of_treated_study(self.actor, treated, study, series, instance)

    async def one(self, study: str, series: str, instance: str) -> Stored:
        """One instance."""
        return (await self.of_study(study, series, instance))[0]


class Storing(DicomHandler):
    """Taking files in."""

    @classmethod
    def larger_body(cls, request: HTTPServerRequest, city: Any) -> int:
        """Large bodies are read only from those who may store images."""
        may = cls.bearer_may(request, city, Permission.HOSPITAL_IMAGES_WRITE)
        return LARGEST_UPLOAD if may else 0

    async def keep(self, issuer: str, study: str | None) -> None:
        """Take the files in, one by one, and tell the record of the studies they belong to."""
        organization_id, source_id = organization_of(self.actor), self.idempotency_key or new_id()
        images = self.services.reports.images
        kept: list[Stored] = []
        refused: list[str] = []
        for data in self._files():
            try:
                one = await images.keep(
                    organization_id, data, issuer=issuer, source_id=source_id, study=study
                )
            except DicomError as error:
                refused.append(error.reason)
            else:
                kept.append(one)
        await images.tell_record(organization_id, kept, source_id)
        status = 200 if not refused else 202 if kept else 409
        self.tell(status, dicomweb.stored_out(kept, refused, self.base))

    def _files(self) -> list[bytes]:
        kind = self.request.headers.get("Content-Type", "")
        if kind.partition(";")[0].strip().lower() == dicomweb.DICOM:
            return [self.request.body]
        try:
            parts = read_parts(self.request.body, boundary_of(kind))
        except MultipartError as error:
            raise AppError(ErrorCode.IMAGE_UNREADABLE, str(error)) from None
        return [content for content_type, content in parts if content_type in ("", dicomweb.DICOM)]


class StudyListHandler(Storing):
    """All studies of the asking hospital."""

    @requires(Permission.HOSPITAL_IMAGES_READ)
    @operation("Find studies (QIDO-RS)", tag="dicomweb", media="application/dicom+json")
    async def get(self, query: StudiesQuery) -> bytes | None:
        """What the hospital itself has sent, or of whom X-Patient names, the latest first."""
        found = await self._find(query)
        self.tell(
            200, [dicomweb.study_out(images, self.base) for images in dicomweb.by_study(found).values()]
        )
        return None

    @requires(Permission.HOSPITAL_IMAGES_WRITE)
    @operation(
        "Store images (STOW-RS)",
        errors=(ErrorCode.IMAGE_UNREADABLE, ErrorCode.BODY_TOO_LARGE),
        tag="dicomweb",
        media="application/dicom+json",
    )
    async def post(self, query: UploadQuery) -> bytes | None:
        """multipart/related of application/dicom, or one file; 200 all, 202 some, 409 none got in."""
        await self.keep(query.issuer, None)
        return None

    async def _find(self, query: StudiesQuery) -> list[Stored]:
        try:
            since, until = dicomweb.day_range(query.study_date) if query.study_date else (None, None)
        except ValueError:
            raise AppError(ErrorCode.BAD_REQUEST, "StudyDate") from None
        number = ChartNumber(query.issuer, query.patient_id) if query.patient_id else None
        wanted = ImageQuery(
            study_uids=(query.study_instance_uid,) if query.study_instance_uid else None,
            modality=query.modality,
            since=since,
            until=until,
            limit=query.limit,
        )
        images, treated = self.services.reports.images, self.treated
        if treated is None:
            return await images.of_hospital(
                self.actor, wanted, number=number, accession=query.accession, offset=query.offset
            )
        if number is not None:
            raise AppError(ErrorCode.BAD_REQUEST, "PatientID beside X-Patient")
        found = await images.of_treated(self.actor, treated, wanted, accession=query.accession)
        uids = list(dicomweb.by_study(found))[query.offset : query.offset + query.limit]
        return [image for image in found if image.study_uid in uids]


class StudyHandler(Storing):
    """Storing into one study: files of another are refused."""

    @requires(Permission.HOSPITAL_IMAGES_WRITE)
    @operation(
        "Store images of one study (STOW-RS)",
        errors=(ErrorCode.IMAGE_UNREADABLE, ErrorCode.BODY_TOO_LARGE),
        tag="dicomweb",
        media="application/dicom+json",
    )
    async def post(self, study: str, query: UploadQuery) -> bytes | None:
        """As above."""
        await self.keep(query.issuer, study)
        return None

    @requires(Permission.HOSPITAL_IMAGES_READ)
    @operation(
        "Fetch a study (WADO-RS)", errors=(ErrorCode.NOT_FOUND,), tag="dicomweb", media="multipart/related"
    )
    async def get(self, study: str) -> bytes | None:
        """All of its instances as multipart/related, as they came."""
        await self.tell_whole(study)
        return None


class SeriesHandler(DicomHandler):
    """One series."""

    @requires(Permission.HOSPITAL_IMAGES_READ)
    @operation(
        "Fetch a series (WADO-RS)", errors=(ErrorCode.NOT_FOUND,), tag="dicomweb", media="multipart/related"
    )
    async def get(self, study: str, series: str) -> bytes | None:
        """All of its instances as multipart/related, as they came."""
        await self.tell_whole(study, series)
        return None


class SeriesListHandler(DicomHandler):
    """The series of a study."""

    @requires(Permission.HOSPITAL_IMAGES_READ)
    @operation(
        "List the series of a study (QIDO-RS)",
        errors=(ErrorCode.NOT_FOUND,),
        tag="dicomweb",
        media="application/dicom+json",
    )
    async def get(self, study: str) -> bytes | None:
        """In order."""
        found = await self.of_study(study)
        self.tell(200, [dicomweb.series_out(one, self.base) for one in dicomweb.by_series(found).values()])
        return None


class InstanceListHandler(DicomHandler):
    """The instances of a study or a series."""

    @requires(Permission.HOSPITAL_IMAGES_READ)
    @operation(
        "List instances (QIDO-RS)",
        errors=(ErrorCode.NOT_FOUND,),
        tag="dicomweb",
        media="application/dicom+json",
    )
    async def get(self, study: str, series: str | None = None) -> bytes | None:
        """In order."""
        found = await self.of_study(study, series)
        self.tell(200, [dicomweb.instance_out(image, self.base) for image in found])
        return None


class MetadataHandler(DicomHandler):
    """Whole headers."""

    @requires(Permission.HOSPITAL_IMAGES_READ)
    @operation(
        "Read metadata (WADO-RS)",
        errors=(ErrorCode.NOT_FOUND,),
        tag="dicomweb",
        media="application/dicom+json",
    )
    async def get(self, study: str, series: str | None = None, instance: str | None = None) -> bytes | None:
        """Of a study, a series or an instance."""
        found = await self.of_study(study, series, instance)
        self.tell(200, [dicomweb.metadata_out(image, self.base) for image in found])
        return None


class InstanceHandler(DicomHandler):
    """One file."""

    @requires(Permission.HOSPITAL_IMAGES_READ)
    @operation(
        "Fetch an instance (WADO-RS)",
        errors=(ErrorCode.NOT_FOUND,),
        tag="dicomweb",
        media="multipart/related",
    )
    async def get(self, study: str, series: str, instance: str) -> bytes | None:
        """As it came: alone with `Accept: application/dicom`, else as multipart/related."""
        image = await self.one(study, series, instance)
        data = await self.services.reports.images.content(image)
        if self.wants(dicomweb.DICOM):
            self.tell_bytes(data, dicomweb.DICOM)
        else:
            self.tell_parts([(f"{dicomweb.DICOM}; transfer-syntax={image.syntax}", data)])
        return None


class FramesHandler(DicomHandler):
    """Frames as they are packed."""

    @requires(Permission.HOSPITAL_IMAGES_READ)
    @operation(
        "Fetch frames (WADO-RS)", errors=(ErrorCode.NOT_FOUND,), tag="dicomweb", media="multipart/related"
    )
    async def get(self, study: str, series: str, instance: str, frames: str) -> bytes | None:
        """One or several, by their numbers from 1."""
        image = await self.one(study, series, instance)
        numbers = [int(number) for number in frames.split(",") if number and len(number) < 6]
        if not 1 <= len(numbers) <= MOST_FRAMES_AT_ONCE:
            raise AppError(ErrorCode.BAD_REQUEST, "frames")
        images = self.services.reports.images
        packed = [await images.frame(image, number) for number in numbers]
        self.tell_parts(
            [(f"application/octet-stream; transfer-syntax={syntax}", one) for one, syntax in packed]
        )
        return None


class RenderedHandler(DicomHandler):
    """A picture for eyes."""

    @requires(Permission.HOSPITAL_IMAGES_READ)
    @operation(
        "Draw an instance or a frame (WADO-RS)",
        errors=(ErrorCode.NOT_FOUND, ErrorCode.IMAGE_NOT_DISPLAYABLE),
        tag="dicomweb",
        media="image/jpeg",
    )
    async def get(
        self, query: RenderQuery, study: str, series: str, instance: str, number: str | None = None
    ) -> bytes | None:
        """JPEG, windowed as asked or as the file says."""
        image = await self.one(study, series, instance)
        center, width = (
            (float(part) for part in query.window.split(",")[:2]) if query.window else (None, None)
        )
        how = Drawn(int(number or 1), center, width, query.viewport)
        self.tell_bytes(await self.services.reports.images.draw(image, how), "image/jpeg")
        return None


_STUDY = rf"/dicomweb/studies/(?P<study>{UID})"
_SERIES = rf"{_STUDY}/series/(?P<series>{UID})"
_INSTANCE = rf"{_SERIES}/instances/(?P<instance>{UID})"

routes = [
    (r"/dicomweb/studies", StudyListHandler),
    (_STUDY, StudyHandler),
    (rf"{_STUDY}/metadata", MetadataHandler),
    (rf"{_STUDY}/series", SeriesListHandler),
    (rf"{_STUDY}/instances", InstanceListHandler),
    (rf"{_SERIES}/instances", InstanceListHandler),
    (rf"{_SERIES}/metadata", MetadataHandler),
    (_SERIES, SeriesHandler),
    (_INSTANCE, InstanceHandler),
    (rf"{_INSTANCE}/metadata", MetadataHandler),
    (rf"{_INSTANCE}/frames/(?P<frames>[0-9,]+)", FramesHandler),
    (rf"{_INSTANCE}/frames/(?P<number>[0-9]{{1,5}})/rendered", RenderedHandler),
    (rf"{_INSTANCE}/rendered", RenderedHandler),
]
