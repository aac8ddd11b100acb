"""What a request of a hospital's comes to: whose each resource is, what it is called, where it leads. Pure
planning: nothing is written here, so a request that is refused leaves nothing behind.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl

from backend.exchange.fhir.finding import Finder
from backend.exchange.fhir.intake_models import Wanted
from backend.exchange.fhir.issues import Issue, Refused, RefusedError
from backend.exchange.fhir.names_store import PatientNames
from backend.exchange.fhir.patients import chart_number, demographics
from backend.exchange.fhir.ports import Index, Records
from backend.exchange.fhir.references import Reference, places, read, rewritten, subject_of
from backend.exchange.fhir.searching import is_of_organization
from backend.exchange.fhir.values import token_fits, values
from backend.ids import new_id
from backend.patient_index.models import ChartNumber, Demographics
from backend.permissions import Actor
from backend.records.ids import fresh_resource_id, is_resource_id, owner_of, resource_id

# These may be about nobody: then they are the organization's.
_MAY_BE_NOBODYS = frozenset(
    {"Binary", "PaymentNotice", "List", "Provenance", "Invoice", "Task", "Communication"}
)


@dataclass(slots=True)
class Plan:
    """What has been found out about one wanted thing."""

    wanted: Wanted
    owner: str = ""
    id: str = ""
    # It is there already, and stays as it is (conditional create).
    matched: bool = False
    body: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Person:
    """A chart that a request says something of; `is_new` when it is still to be made, under this id."""

    chart_id: str
    number: ChartNumber
    who: Demographics
    is_new: bool


@dataclass(frozen=True, slots=True)
class Parts:
    """What planning asks."""

    records: Records
    index: Index
    finder: Finder
    names: PatientNames
    base: str


class Planning:
    """One request on its way. What it finds: `plans`, `people` and the sender's `names` for them."""

    def __init__(self, parts: Parts, actor: Actor, organization_id: str, trusting: bool) -> None:
        self._parts = parts
        self._actor = actor
        self._organization_id = organization_id
        self._trusting = trusting
        self.plans: list[Plan] = []
        self.people: dict[ChartNumber, Person] = {}
        self.names: dict[str, str] = {}
        # What the entries are called in the Bundle, and what they will be called here.
        self._named: dict[str, Plan] = {}
        self._issues: list[Issue] = []
        self._found: dict[str, str] = {}

    async def plan(self, wanted: Sequence[Wanted]) -> None:
        """Find out everything. Raises RefusedError with every reason that was found."""
        self.plans = [Plan(each) for each in wanted]
        await self._match()
        for plan in self.plans:
            for name in _names_of(plan.wanted):
                self._named[name] = plan
        await self._look_up()
        self._raise()
        for plan in self.plans:
            if plan.wanted.type == "Patient" and not plan.matched:
                await self._put_patient(plan)
        self._raise()
        for plan in self.plans:
            if plan.wanted.type != "Patient" and not plan.matched:
                self._put(plan)
        self._raise()
        for plan in self.plans:
            if not plan.matched:
                self._rewrite(plan)
        await self._check_references()
        self._raise()

    def _raise(self) -> None:
        if self._issues:
            raise RefusedError(*self._issues)

    def _refuse(self, plan: Plan, refused: Refused, diagnostics: str, place: str = "") -> None:
        where = ".".join(filter(None, (plan.wanted.where or plan.wanted.type, place)))
        self._issues.append(Issue(refused, diagnostics, where))

    # -- what is there already -------------------------------------------------------------------------

    async def _match(self) -> None:
        """Conditional creates and updates, and updates of what must be there."""
        for plan in self.plans:
            wanted = plan.wanted
            if wanted.criteria:
                found = await self._parts.finder.ids(self._actor, wanted.type, wanted.criteria)
                if len(found) > 1:
                    self._refuse(plan, Refused.CONDITION_MANY, "More than one resource fits the condition.")
                plan.id = found[0] if found else ""
                plan.matched = bool(found) and wanted.method == "POST"
        ids = [plan.wanted.id for plan in self.plans if is_resource_id(plan.wanted.id)]
        standing = await self._parts.records.standing(self._organization_id, ids) if ids else {}
        for plan in self.plans:
            wanted = plan.wanted
            if wanted.id in standing and standing[wanted.id].type == wanted.type:
                plan.id = wanted.id
                if wanted.body.get("id") != wanted.id:
                    told = "The id in the address and in the resource differ."
                    self._refuse(plan, Refused.ID_MISMATCH, told, "id")
            elif wanted.id and not (wanted.local and not is_resource_id(wanted.id)):
                told = f"There is no {wanted.type} of this id to update: ids are given here. POST it, or PUT"
                told += f" {wanted.type}?identifier=system|value."
                self._refuse(plan, Refused.NOT_FOUND, told)

    # -- whom it is about ------------------------------------------------------------------------------

    async def _look_up(self) -> None:
        """Everything that references of other places lead to: conditional ones, and the sender's own ids."""
        for plan in self.plans:
            if plan.matched:
                continue
            for node, place in places(plan.wanted.body, ""):
                reference = read(node["reference"], self._parts.base)
                if reference.text in self._found or self._in_bundle(plan, reference) is not None:
                    continue
                if reference.query:
                    await self._look_up_conditional(plan, reference, place.removeprefix("."))
                elif reference.type == "Patient" and not is_resource_id(reference.id):
                    chart_id = await self._parts.names.find(self._organization_id, reference.id)
                    if chart_id:
                        self._found[reference.text] = f"Patient/{chart_id}"

    async def _look_up_conditional(self, plan: Plan, reference: Reference, place: str) -> None:
        try:
            found = await self._parts.finder.ids(self._actor, reference.type, reference.query)
        except RefusedError as error:
            self._issues += [
                issue.at(f"{plan.wanted.where or plan.wanted.type}.{place}") for issue in error.issues
            ]
            return
        coming = [] if found else self._coming(reference)
        if len(found) == 1:
            self._found[reference.text] = f"{reference.type}/{found[0]}"
        elif len(coming) == 1:
            self._named[reference.text] = coming[0]
        else:
            several = found or coming
            refused = Refused.CONDITION_MANY if several else Refused.CONDITION_NONE
            told = f"{len(several)} resources fit the conditional reference."
            told += "" if several else " Send the resource first, or in the same transaction."
            self._refuse(plan, refused, told, place)

    def _coming(self, reference: Reference) -> list[Plan]:
        """What of this request an identifier refers to: R4 resolves such references after the writes."""
        wanted = parse_qsl(reference.query)
        if [name for name, _ in wanted] != ["identifier"]:
            return []
        return [
            plan
            for plan in self.plans
            if plan.wanted.type == reference.type
            and any(token_fits(wanted[0][1], one) for one in values(plan.wanted.body, "identifier"))
        ]

    async def _put_patient(self, plan: Plan) -> None:
        body = plan.wanted.body
        number = chart_number(body, self._organization_id)
        if number is None:
            told = "A Patient needs an identifier that is the hospital's own number (type MR, with a system)."
            self._refuse(plan, Refused.IDENTIFIER_MISSING, told, "identifier")
            return
        if plan.id:
            chart = await self._parts.index.chart(plan.id)
            if chart is None or chart.number != number:
                told = "The hospital's number of this Patient is another one: a chart keeps its number."
                self._refuse(plan, Refused.CHART_FIXED, told, "identifier")
                return
        person = await self._person(number, demographics(body))
        plan.owner = plan.id = person.chart_id
        if plan.wanted.local and plan.wanted.id and not is_resource_id(plan.wanted.id):
            self.names[plan.wanted.id] = person.chart_id

    async def _person(self, number: ChartNumber, who: Demographics) -> Person:
        """The chart of this number; a new one gets its id here, and is made when nothing is refused."""
        before = self.people.get(number)
        if before is None:
            chart = await self._parts.index.find_chart(self._organization_id, number)
            before = Person(chart.id if chart else new_id(), number, who, is_new=chart is None)
        self.people[number] = replace(before, who=who)
        return before

    def _put(self, plan: Plan) -> None:
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

    def _owner(self, plan: Plan) -> str | None:
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
        told = "The patient is none of yours: send the Patient first, or within the same transaction."
        self._refuse(plan, Refused.SUBJECT_UNKNOWN, told, element)
        return None

    # -- references ------------------------------------------------------------------------------------

    def _in_bundle(self, plan: Plan, reference: Reference) -> Plan | None:
        found = self._named.get(reference.text)
        # A version of the sender's is none of ours.
        if found is None and reference.id and not is_resource_id(reference.id) and not reference.version:
            beside = _root(plan.wanted.full_url)
            name = f"{reference.type}/{reference.id}"
            found = self._named.get(f"{beside}/{name}" if beside else name)
        return found

    def _target(self, plan: Plan, text: str) -> Reference | None:
        """Where a reference leads among our resources; None when it leads elsewhere."""
        reference = read(text, self._parts.base)
        inside = self._in_bundle(plan, reference)
        if inside is not None:
            return Reference(text, inside.wanted.type, inside.id) if inside.id else None
        found = self._found.get(text)
        if found:
            return read(found, self._parts.base)
        return reference if is_resource_id(reference.id) else None

    def _rewrite(self, plan: Plan) -> None:
        wanted = plan.wanted

        def new(text: str) -> str | None:
            target = self._target(plan, text)
            if target is not None:
                return target.relative
            reference = read(text, self._parts.base)
            return self._elsewhere(plan, reference) if reference.id else None

        said = {name: value for name, value in wanted.body.items() if name != "id"}
        plan.body = rewritten(said, new)
        for node, place in places(plan.body, ""):
            text = node["reference"]
            if text.startswith("urn:uuid:"):
                told = "No entry of the Bundle has this fullUrl."
                self._refuse(plan, Refused.REFERENCE_UNKNOWN, told, place.removeprefix("."))

    def _elsewhere(self, plan: Plan, reference: Reference) -> str:
        """A sender's own id that this request does not explain."""
        if self._trusting and reference.type != "Patient":
            owner = self._organization_id if is_of_organization_safely(reference.type) else plan.owner
            return f"{reference.type}/{resource_id(owner, reference.type, f'id/{reference.id}')}"
        root = _root(plan.wanted.full_url)
        # Relative to where the resource came from: a place of the sender's, not ours.
        return f"{root}/{reference.relative}" if root else reference.text

    async def _check_references(self) -> None:
        """Every reference to a resource of ours leads to one that is there and is the sender's."""
        led: list[tuple[Plan, str, Reference]] = []
        for plan in self.plans:
            if not plan.matched:
                led += self._leads(plan)
        coming = {plan.id for plan in self.plans}
        wanted = {reference.id for _, _, reference in led} - coming
        ours = [id for id in wanted if is_resource_id(id)]
        standing = await self._parts.records.standing(self._organization_id, ours) if ours else {}
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

    def _leads(self, plan: Plan) -> list[tuple[Plan, str, Reference]]:
        found = []
        for node, place in places(plan.body, ""):
            reference = read(node["reference"], self._parts.base)
            if reference.id and not (self._trusting and "-" in reference.id):
                found.append((plan, place.removeprefix("."), reference))
        return found

    async def _is_own_chart(self, id: str, known: dict[str, bool]) -> bool:
        if id not in known:
            chart = await self._parts.index.chart(id)
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
