"""What a hospital writes: checked, put into its charts, its references made ours, and written in one step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from backend import clock
from backend.errors import AppError
from backend.exchange.fhir.finding import Finder
from backend.exchange.fhir.intake_models import Done, Wanted
from backend.exchange.fhir.issues import Issue, Refused, RefusedError, refuse
from backend.exchange.fhir.names_store import PatientNames
from backend.exchange.fhir.patients import chart_number, demographics
from backend.exchange.fhir.ports import Index, Records
from backend.exchange.fhir.references import Reference, places, read, rewritten, subject_of
from backend.exchange.fhir.searching import is_of_organization
from backend.ids import new_id
from backend.permissions import Actor
from backend.records.gate import organization_of
from backend.records.ids import fresh_resource_id, is_resource_id, owner_of, resource_id
from backend.records.models import Incoming, Outcome, Source, SourceKind

# These may be about nobody: then they are the organization's.
_MAY_BE_NOBODYS = frozenset(
    {"Binary", "PaymentNotice", "List", "Provenance", "Invoice", "Task", "Communication"}
)


@dataclass(slots=True)
class _Plan:
    """What has been found out about one wanted thing."""

    wanted: Wanted
    owner: str = ""
    id: str = ""
    # It is there already, and stays as it is (conditional create).
    matched: bool = False
    body: dict[str, Any] = field(default_factory=dict)


class Intake:
    """Writes for one hospital what its system sends."""

    def __init__(
        self, records: Records, index: Index, finder: Finder, names: PatientNames, base: str
    ) -> None:
        self._records = records
        self._index = index
        self._finder = finder
        self._names = names
        self._base = base

    async def write(
        self,
        actor: Actor,
        wanted: Sequence[Wanted],
        *,
        gone: Sequence[str] = (),
        kind: SourceKind = "fhir",
        trusting: bool = False,
    ) -> list[Done]:
        """Write all of it or nothing. Raises RefusedError with every reason that was found.

        `trusting`: references by the sender's own ids may lead to what comes later (files).
        """
        organization_id = organization_of(actor)
        source = Source(kind, new_id(), organization_id, clock.now())
        work = _Work(self, actor, organization_id, source, trusting)
        plans = await work.plan(wanted)
        incoming = [
            Incoming(plan.wanted.type, plan.owner, plan.body, id=plan.id, if_version=plan.wanted.if_version)
            for plan in plans
            if not plan.matched
        ]
        try:
            written = iter(await self._records.write(organization_id, incoming, source, gone=gone))
        except AppError as error:
            raise translated(error) from error
        return [self._done(plan, None if plan.matched else next(written)) for plan in plans]

    def _done(self, plan: _Plan, written: Any) -> Done:
        if written is None:
            return Done(plan.wanted.type, plan.id, 0, Outcome.UNCHANGED)
        return Done(plan.wanted.type, written.id, written.version, written.outcome)

    async def delete(self, actor: Actor, type: str, id: str, if_version: int | None) -> int:
        """Take a resource back; answers the version of its absence. Raises NOT_FOUND."""
        await self.check_deletable(actor, type, id)
        organization_id = organization_of(actor)
        source = Source("fhir", new_id(), organization_id, clock.now())
        try:
            return (await self._records.delete(organization_id, id, source, if_version=if_version)).version
        except AppError as error:
            raise translated(error) from error

    async def check_deletable(self, actor: Actor, type: str, id: str) -> None:
        """Raise unless this is a resource of the sender's that may be taken back."""
        standing = await self._records.standing(organization_of(actor), [id]) if is_resource_id(id) else {}
        if id not in standing or standing[id].type != type:
            raise refuse(Refused.NOT_FOUND, f"There is no {type} of this id.")
        if type == "Patient":
            raise refuse(
                Refused.CHART_FIXED,
                "A Patient is not deleted: mark it inactive, or merge it (HL7 v2 ADT^A40).",
            )


def translated(error: AppError) -> Exception:
    """What the record refuses, as this face says it."""
    match str(error.code):
        case "VERSION_CONFLICT":
            return refuse(Refused.VERSION_CONFLICT, "The resource has another version by now: read it again.")
        case "NOT_FOUND":
            return refuse(Refused.NOT_FOUND, "There is no such resource of yours.")
    return error


class _Work:
    """One request on its way: finds owners, ids and references."""

    def __init__(
        self, intake: Intake, actor: Actor, organization_id: str, source: Source, trusting: bool
    ) -> None:
        self._intake = intake
        self._actor = actor
        self._organization_id = organization_id
        self._source = source
        self._trusting = trusting
        self._plans: list[_Plan] = []
        # What the entries are called in the Bundle, and what they will be called here.
        self._named: dict[str, _Plan] = {}
        self._issues: list[Issue] = []
        self._found: dict[str, str] = {}

    async def plan(self, wanted: Sequence[Wanted]) -> list[_Plan]:
        self._plans = [_Plan(each) for each in wanted]
        await self._match()
        for plan in self._plans:
            for name in _names_of(plan.wanted):
                self._named[name] = plan
        await self._look_up()
        self._raise()
        for plan in self._plans:
            if plan.wanted.type == "Patient" and not plan.matched:
                await self._put_patient(plan)
        self._raise()
        for plan in self._plans:
            if plan.wanted.type != "Patient" and not plan.matched:
                self._put(plan)
        self._raise()
        for plan in self._plans:
            if not plan.matched:
                self._rewrite(plan)
        await self._check_references()
        self._raise()
        return self._plans

    def _raise(self) -> None:
        if self._issues:
            raise RefusedError(*self._issues)

    def _refuse(self, plan: _Plan, refused: Refused, diagnostics: str, place: str = "") -> None:
        where = ".".join(filter(None, (plan.wanted.where or plan.wanted.type, place)))
        self._issues.append(Issue(refused, diagnostics, where))

    # -- what is there already -------------------------------------------------------------------------

    async def _match(self) -> None:
        """Conditional creates and updates, and updates of what must be there."""
        for plan in self._plans:
            wanted = plan.wanted
            if wanted.criteria:
                found = await self._intake._finder.ids(self._actor, wanted.type, wanted.criteria)
                if len(found) > 1:
                    self._refuse(plan, Refused.CONDITION_MANY, "More than one resource fits the condition.")
                plan.id = found[0] if found else ""
                plan.matched = bool(found) and wanted.method == "POST"
        ids = [plan.wanted.id for plan in self._plans if is_resource_id(plan.wanted.id)]
        standing = await self._intake._records.standing(self._organization_id, ids) if ids else {}
        for plan in self._plans:
            wanted = plan.wanted
            if wanted.id in standing and standing[wanted.id].type == wanted.type:
                plan.id = wanted.id
                if wanted.body.get("id") != wanted.id:
                    told = "The id in the address and in the resource differ."
                    self._refuse(plan, Refused.ID_MISMATCH, told, "id")
            elif wanted.id and not (wanted.local and not is_resource_id(wanted.id)):
                self._refuse(plan, Refused.NOT_FOUND, f"There is no {wanted.type} of this id to update.")

    # -- whom it is about ------------------------------------------------------------------------------

    async def _look_up(self) -> None:
        """Everything that references of other places lead to: conditional ones, and the sender's own ids."""
        for plan in self._plans:
            if plan.matched:
                continue
            for node, place in places(plan.wanted.body, ""):
                reference = read(node["reference"], self._intake._base)
                if reference.text in self._found or self._in_bundle(plan, reference) is not None:
                    continue
                if reference.query:
                    await self._look_up_conditional(plan, reference, place.removeprefix("."))
                elif reference.type == "Patient" and not is_resource_id(reference.id):
                    chart_id = await self._intake._names.find(self._organization_id, reference.id)
                    if chart_id:
                        self._found[reference.text] = f"Patient/{chart_id}"

    async def _look_up_conditional(self, plan: _Plan, reference: Reference, place: str) -> None:
        try:
            found = await self._intake._finder.ids(self._actor, reference.type, reference.query)
        except RefusedError as error:
            self._issues += [
                issue.at(f"{plan.wanted.where or plan.wanted.type}.{place}") for issue in error.issues
            ]
            return
        if len(found) == 1:
            self._found[reference.text] = f"{reference.type}/{found[0]}"
        else:
            refused = Refused.CONDITION_MANY if found else Refused.CONDITION_NONE
            self._refuse(plan, refused, f"{len(found)} resources fit the conditional reference.", place)

    async def _put_patient(self, plan: _Plan) -> None:
        body = plan.wanted.body
        number = chart_number(body, self._organization_id)
        if number is None:
            told = "A Patient needs an identifier that is the hospital's own number (type MR, with a system)."
            self._refuse(plan, Refused.IDENTIFIER_MISSING, told, "identifier")
            return
        if plan.id:
            chart = await self._intake._index.chart(plan.id)
            if chart is None or chart.number != number:
                told = "The hospital's number of this Patient is another one: a chart keeps its number."
                self._refuse(plan, Refused.CHART_FIXED, told, "identifier")
                return
        chart = await self._intake._index.chart_for(
            self._organization_id, number, demographics(body), self._source
        )
        plan.owner = plan.id = chart.id
        if plan.wanted.local and plan.wanted.id and not is_resource_id(plan.wanted.id):
            await self._intake._names.keep(self._organization_id, plan.wanted.id, chart.id)

    def _put(self, plan: _Plan) -> None:
        wanted = plan.wanted
        owner = self._owner(plan)
        if owner is None:
            return
        if plan.id and owner_of(plan.id) != owner:
            told = "The resource is about another patient: its patient cannot be changed."
            self._refuse(plan, Refused.CHART_FIXED, told)
            return
        plan.owner = owner
        if not plan.id:
            key = f"id/{wanted.id}" if wanted.id else wanted.key
            plan.id = resource_id(owner, wanted.type, key) if key else fresh_resource_id(owner)

    def _owner(self, plan: _Plan) -> str | None:
        """The chart the resource is about, or the organization; None when it was refused."""
        body, type_ = plan.wanted.body, plan.wanted.type
        subject = subject_of(body)
        if subject is None:
            if is_of_organization(type_) or type_ in _MAY_BE_NOBODYS:
                return self._organization_id
            told = "It must say whom it is about: subject or patient, as Patient/<id> or Patient?identifier=…"
            self._refuse(plan, Refused.SUBJECT_MISSING, told)
            return None
        text, element = subject
        target = self._target(plan, text)
        if target and (target.type == "Patient" or "-" in target.id):
            return owner_of(target.id)
        if is_of_organization(type_) or type_ in _MAY_BE_NOBODYS:
            return self._organization_id
        told = "The patient is none of yours: send the Patient first, or within the same Bundle."
        self._refuse(plan, Refused.SUBJECT_UNKNOWN, told, element)
        return None

    # -- references ------------------------------------------------------------------------------------

    def _in_bundle(self, plan: _Plan, reference: Reference) -> _Plan | None:
        found = self._named.get(reference.text)
        # A version of the sender's is none of ours.
        if found is None and reference.id and not is_resource_id(reference.id) and not reference.version:
            beside = _root(plan.wanted.full_url)
            name = f"{reference.type}/{reference.id}"
            found = self._named.get(f"{beside}/{name}" if beside else name)
        return found

    def _target(self, plan: _Plan, text: str) -> Reference | None:
        """Where a reference leads among our resources; None when it leads elsewhere."""
        reference = read(text, self._intake._base)
        inside = self._in_bundle(plan, reference)
        if inside is not None:
            return Reference(text, inside.wanted.type, inside.id) if inside.id else None
        found = self._found.get(text)
        if found:
            return read(found, self._intake._base)
        return reference if is_resource_id(reference.id) else None

    def _rewrite(self, plan: _Plan) -> None:
        wanted = plan.wanted

        def new(text: str) -> str | None:
            target = self._target(plan, text)
            if target is not None:
                return target.relative
            reference = read(text, self._intake._base)
            return self._elsewhere(plan, reference) if reference.id else None

        said = {name: value for name, value in wanted.body.items() if name != "id"}
        plan.body = rewritten(said, new)
        for node, place in places(plan.body, ""):
            text = node["reference"]
            if text.startswith("urn:uuid:"):
                told = "No entry of the Bundle has this fullUrl."
                self._refuse(plan, Refused.REFERENCE_UNKNOWN, told, place.removeprefix("."))

    def _elsewhere(self, plan: _Plan, reference: Reference) -> str:
        """A sender's own id that this request does not explain."""
        if self._trusting and reference.type != "Patient":
            owner = self._organization_id if is_of_organization_safely(reference.type) else plan.owner
            return f"{reference.type}/{resource_id(owner, reference.type, f'id/{reference.id}')}"
        root = _root(plan.wanted.full_url)
        # Relative to where the resource came from: a place of the sender's, not ours.
        return f"{root}/{reference.relative}" if root else reference.text

    async def _check_references(self) -> None:
        """Every reference to a resource of ours leads to one that is there and is the sender's."""
        led: list[tuple[_Plan, str, Reference]] = []
        for plan in self._plans:
            if not plan.matched:
                led += self._leads(plan)
        coming = {plan.id for plan in self._plans}
        wanted = {reference.id for _, _, reference in led} - coming
        ours = [id for id in wanted if is_resource_id(id)]
        standing = await self._intake._records.standing(self._organization_id, ours) if ours else {}
        charts: dict[str, bool] = {}
        for plan, place, reference in led:
            id = reference.id
            there = id in coming or (id in standing and standing[id].type == reference.type)
            if not there and reference.type == "Patient" and is_resource_id(id):
                there = await self._is_own_chart(id, charts)
            if not there:
                subject = place.split(".")[0].split("[")[0] in ("subject", "patient", "beneficiary", "for")
                refused = Refused.SUBJECT_UNKNOWN if subject else Refused.REFERENCE_UNKNOWN
                told = f"There is no {reference.type} of this id among the resources you have sent."
                self._refuse(plan, refused, told, place)

    def _leads(self, plan: _Plan) -> list[tuple[_Plan, str, Reference]]:
        found = []
        for node, place in places(plan.body, ""):
            reference = read(node["reference"], self._intake._base)
            if reference.id and not (self._trusting and "-" in reference.id):
                found.append((plan, place.removeprefix("."), reference))
        return found

    async def _is_own_chart(self, id: str, known: dict[str, bool]) -> bool:
        if id not in known:
            chart = await self._intake._index.chart(id)
            known[id] = chart is not None and chart.organization_id == self._organization_id
        return known[id]


def is_of_organization_safely(kind: str) -> bool:
    """Also for a type that is not kept at all."""
    try:
        return is_of_organization(kind)
    except KeyError:
        return False


def _names_of(wanted: Wanted) -> list[str]:
    """What other entries may call this one."""
    names = [wanted.full_url] if wanted.full_url else []
    if wanted.local and wanted.id:
        names.append(f"{wanted.type}/{wanted.id}")
    return names


def _root(full_url: str) -> str:
    """The server that a RESTful fullUrl names, in front of type and id."""
    if not full_url.startswith(("http://", "https://")) or full_url.count("/") < 4:
        return ""
    return full_url.rsplit("/", 2)[0]
