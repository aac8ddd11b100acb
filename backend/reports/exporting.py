"""A person's whole file to take away, made in the background: a FHIR Bundle, or paper."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta

from backend import clock, exact_json
from backend.audit.service import AuditService
from backend.errors import AppError, ErrorCode, not_found
from backend.ids import new_id
from backend.permissions import Actor, Role
from backend.records.apart import size_of
from backend.records.blobs import new_key
from backend.records.models import Basis, Body, RecordQuery, Resource
from backend.reports.documents import Documents
from backend.reports.export_store import Export, ExportStore, Form
from backend.reports.paper import Paper, Part, Row
from backend.reports.papers import moment
from backend.reports.ports import Files, Gate, Reader
from backend.reports.service import ReportService
from backend.reports.timeline import moment_of
from backend.worker.events import BULK, Event, EventKind

KEPT_FOR = timedelta(hours=24)
AT_ONCE = 200
# What is larger than this is no longer one file for a phone.
MOST_RESOURCES = 20_000
MOST_UNDER_WAY = 3
# What lies apart of resources (bytes); what is beyond stays named, and is opened in the app.
MOST_DOCUMENTS = 64 * 1024 * 1024
_PAPER_MARK = "本文件由{city}按各医院上传的数据汇总，不是医院签发的原件。"
KIND_NAMES = {
    "visit": "就诊",
    "diagnosis": "诊断",
    "medicine": "用药",
    "allergy": "过敏",
    "vaccination": "接种",
    "procedure": "手术和操作",
    "lab": "检验",
    "imaging": "检查",
    "measurement": "测量",
    "document": "文书",
    "order": "医嘱",
    "other": "其他",
}


class Exporting:
    """Takes orders, makes files, hands them out."""

    def __init__(
        self,
        store: ExportStore,
        gate: Gate,
        reader: Reader,
        files: Files,
        reports: ReportService,
        documents: Documents,
        audit: AuditService,
        *,
        city_name: str,
        address: str,
        nudge: Callable[[], None],
    ) -> None:
        self._store = store
        self._gate = gate
        self._reader = reader
        self._files = files
        self._reports = reports
        self._documents = documents
        self._audit = audit
        self._city_name = city_name
        self._address = address
        self._nudge = nudge

    async def order(self, actor: Actor, patient_id: str, form: Form) -> Export:
        """Have a file made. Raises CONFLICT while three are under way."""
        await self._gate.own(actor, patient_id)
        lately = await self._store.latest(actor.id, patient_id)
        if sum(one.state in ("due", "running") for one in lately) >= MOST_UNDER_WAY:
            raise AppError(ErrorCode.CONFLICT, "three exports are under way")
        now = clock.now()
        export = Export(new_id(), actor.id, patient_id, form, "due", 0, 0, new_key(), now, now + KEPT_FOR)
        event = Event(EventKind.RECORD_EXPORT_ORDERED, {"export_id": export.id}, priority=BULK)
        await self._store.insert(export, event)
        about, data = f"person/{patient_id}", {"export_id": export.id, "form": form}
        await self._audit.record(actor, "records.export", about, "own", None, data)
        self._nudge()
        return export

    async def access(self, actor: Actor, export_id: str) -> Export:
        """One's own export, while one may still read the file it is of."""
        export = await self._store.find(export_id)
        if export is None or export.resident_id != actor.id or export.expires_at <= clock.now():
            raise not_found(f"export {export_id}")
        await self._gate.own(actor, export.patient_id)
        return export

    async def fetch(self, actor: Actor, export_id: str) -> tuple[bytes, Form]:
        """The file. Raises NOT_FOUND while it is not there."""
        export = await self.access(actor, export_id)
        if export.state != "done":
            raise not_found(f"export {export_id} is not ready")
        about, data = f"person/{export.patient_id}", {"export_id": export.id}
        await self._audit.record(actor, "records.fetch_export", about, "own", None, data)
        return await self._store.content(export), export.form

    async def on_ordered(self, event: Event) -> None:
        """RECORD_EXPORT_ORDERED: make it. A second time makes it anew."""
        export = await self._store.find(event.data["export_id"])
        if export is None or export.state == "done" or export.expires_at <= clock.now():
            return
        # On the basis that whoever ordered has now: a guardian who has lost his right gets nothing.
        orderer = Actor("resident", export.resident_id, Role.RESIDENT, real_name=True)
        try:
            basis = await self._gate.own(orderer, export.patient_id)
            resources = await self._all(basis, export)
            content = await self._made(export, resources)
        except AppError as error:
            if error.code is ErrorCode.UNAVAILABLE:
                raise
            await self._store.fail(export.id)
            return
        await self._store.finish(export, content)

    async def forget(self, resident_id: str) -> None:
        """An account is gone: so are its files."""
        await self._store.delete_of(resident_id)

    async def _all(self, basis: Basis, export: Export) -> list[Resource]:
        resources: list[Resource] = []
        cursor: str | None = None
        total = 0
        while len(resources) < MOST_RESOURCES:
            query = RecordQuery(limit=AT_ONCE, cursor=cursor, count=cursor is None)
            found = await self._reader.search(basis, query)
            total = found.total if found.total is not None else total
            resources += found.items
            await self._store.progress(export.id, len(resources), max(total, len(resources)))
            cursor = found.cursor
            if cursor is None:
                return resources
        raise AppError(ErrorCode.BODY_TOO_LARGE, "a file of too many resources")

    async def _whole(self, resources: list[Resource]) -> list[Resource]:
        """With their large documents, the latest first, as long as it stays one file for a phone."""
        left, found = MOST_DOCUMENTS, []
        for one in resources:
            size = size_of(one)
            fits = 0 < size <= left
            left -= size if fits else 0
            found.append(await self._files.whole(one) if fits else one)
        return found

    async def _made(self, export: Export, resources: list[Resource]) -> bytes:
        if export.form == "fhir":
            return exact_json.dumps(bundle_of(await self._whole(resources), self._address))
        names = await self._reports.places(one.organization_id for one in resources)
        return await self._documents.on_paper(paper_of(resources, names, self._city_name))


def bundle_of(resources: Iterable[Resource], address: str) -> Body:
    """A collection Bundle; under `address` every entry has the URL by which the others refer to it."""
    return {
        "resourceType": "Bundle",
        "type": "collection",
        "timestamp": clock.now().isoformat(),
        "entry": [
            {"fullUrl": f"{address}/{one.type}/{one.id}", "resource": {**one.body, "id": one.id}}
            for one in resources
        ],
    }


def paper_of(resources: list[Resource], names: dict[str, str], city: str) -> Paper:
    """The file on paper, kind by kind. What is private is in it: it is his own."""
    kinds: dict[str, list[Row]] = {}
    for one in resources:
        if one.type in _NOT_ON_PAPER:
            continue
        line = moment_of(one, opened=True)
        row = Row((moment(line.at), line.title, line.note, names.get(line.organization_id, "")))
        kinds.setdefault(line.kind, []).append(row)
    parts = tuple(
        Part(name, columns=("时间", "内容", "说明", "医院"), widths=(26, 34, 40, 28), rows=tuple(kinds[kind]))
        for kind, name in KIND_NAMES.items()
        if kind in kinds
    )
    facts = (("整理时间", moment(clock.now())), ("记录条数", str(len(resources))))
    return Paper("健康档案", _PAPER_MARK.format(city=city), clock.now(), facts, parts)


# What belongs to others and says nothing by itself.
_NOT_ON_PAPER = frozenset({"Patient", "Binary", "Specimen", "Organization", "Practitioner", "Location"})
