"""What births look like over HTTP: hospitals' notices, and parents' filings as the app shows them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from backend.births.handover_schemas import HandoverOut, handover_out
from backend.births.models import (
    Answers,
    Birth,
    Delivery,
    DeliveryWay,
    FilingView,
    Material,
    MaterialFile,
    Precheck,
    Problem,
    Side,
    Step,
)
from backend.births.rules import Rules
from backend.http.schema import Answer, Instant, Schema
from backend.residents.names import with_middle_dots
from backend.security.masking import mask_id_number, mask_name

# What of an agency's results is shown as it is; an ID number is shown masked.
_MASKED = frozenset({"id_number"})


class DeliveryIn(Schema):
    """How papers and cards reach the parents."""

    way: Literal["pickup", "mail"] = "pickup"
    receiver: str = Field("", max_length=50)
    phone: str = Field("", max_length=20)
    address: str = Field("", max_length=200)


class AnswersIn(Schema):
    """What the parents say."""

    child_name: str = Field("", max_length=50)
    household_with: Literal["mother", "father"] = "mother"
    single_parent: bool = False
    other_name: str = Field("", max_length=50)
    other_id_number: str = Field("", max_length=18)
    wanted: list[Annotated[str, Field(max_length=30)]] = Field([], max_length=10)
    delivery: DeliveryIn = DeliveryIn()
    bank_account: str = Field("", max_length=30)


class OpenIn(Schema):
    """Which birth is to be filed."""

    birth_id: str = Field(min_length=26, max_length=26)


class WithdrawIn(Schema):
    """Why it is taken back."""

    reason: str = Field("", max_length=500)


class FileIn(Schema):
    """A material, its content in base64."""

    kind: str = Field(max_length=30)
    content_type: str = Field(max_length=50)
    content: str
    # Sent again under the same key, it is the same file: whoever heard no answer asks once more.
    key: str = Field("", max_length=64, pattern=r"^[0-9A-Za-z-]*$")


class BirthOut(Answer):
    """A birth that can be filed."""

    id: str
    state: str
    hospital: str
    born_at: Instant
    sex: str
    weight_g: int
    order: int
    of: int
    mother: str
    father: str | None


class ProblemOut(Answer):
    """One thing in the way, in plain words. `kind`: fix, elsewhere, left_out or hint."""

    code: str
    kind: str
    text: str
    what_to_do: str
    field: str
    step: str


class MaterialOut(Answer):
    """A material and where it stands."""

    kind: str
    name: str
    source: str
    state: str
    may_upload: bool
    file_ids: list[str]


class PlannedOut(Answer):
    """A step that the city knows, whether it would be asked for or not."""

    code: str
    name: str
    agency_name: str
    optional: bool


class PrecheckOut(Answer):
    """Whether it can be filed as it is; `steps` would be asked for, `left_out` not."""

    ok: bool
    problems: list[ProblemOut]
    materials: list[MaterialOut]
    steps: list[str]
    left_out: list[str]
    plan: list[PlannedOut]
    promised_days: int


class StepOut(Answer):
    """One step: whose it is, where it stands, what it has yielded."""

    code: str
    name: str
    agency: str
    agency_name: str
    state: str
    optional: bool
    needs: list[str]
    corrects: list[str]
    receipt: str
    due_at: Instant | None
    correct_by: Instant | None
    ended_at: Instant | None
    problems: list[ProblemOut]
    results: dict[str, str]
    # The city's names of them.
    result_names: dict[str, str]
    stopping: bool
    # No printout of it holds any more.
    revoked: bool
    handover: HandoverOut | None


class AnswersOut(Answer):
    """What the parents said, to themselves."""

    child_name: str
    household_with: str
    single_parent: bool
    other_name: str
    other_id_number: str
    wanted: list[str]
    delivery: DeliveryIn
    bank_account: str


class OwnerOut(Answer):
    """Who has to move next: parents, agency or staff, and until when."""

    kind: Literal["parents", "agency", "staff"]
    name: str
    due_at: Instant


class EntryOut(Answer):
    """One line of what has happened."""

    at: Instant
    event: str
    step: str


class FileOut(Answer):
    """An uploaded material."""

    id: str
    kind: str
    content_type: str
    size: int
    created_at: Instant


class FilingOut(Answer):
    """A filing with everything that its parents see."""

    id: str
    state: str
    birth: BirthOut
    answers: AnswersOut
    steps: list[StepOut]
    materials: list[MaterialOut]
    files: list[FileOut]
    remarks: list[ProblemOut]
    owner: OwnerOut | None
    promised_days: int
    child_id: str
    reason: str
    created_at: Instant
    open_until: Instant
    submitted_at: Instant | None
    ended_at: Instant | None
    history: list[EntryOut]


class CallbackOut(Answer):
    """It was heard."""

    heard: bool = True


def answers_of(body: AnswersIn) -> Answers:
    """The parents' answers."""
    delivery = body.delivery
    return Answers(
        child_name=with_middle_dots(body.child_name.strip()),
        household_with=Side(body.household_with),
        single_parent=body.single_parent,
        other_name=with_middle_dots(body.other_name.strip()),
        other_id_number=body.other_id_number.strip().upper(),
        wanted=tuple(body.wanted),
        delivery=Delivery(
            DeliveryWay(delivery.way),
            delivery.receiver.strip(),
            delivery.phone.strip(),
            delivery.address.strip(),
        ),
        bank_account=body.bank_account.replace(" ", ""),
    )


def birth_out(birth: Birth, hospital: str) -> BirthOut:
    """To the parents, whose names stand there masked."""
    facts = birth.facts
    return BirthOut(
        id=birth.id,
        state=birth.state,
        hospital=hospital,
        born_at=facts.born_at,
        sex=facts.sex,
        weight_g=facts.weight_g,
        order=facts.order,
        of=facts.of,
        mother=mask_name(birth.mother.name),
        father=mask_name(birth.other.name) if birth.other else None,
    )


def precheck_out(found: Precheck, rules: Rules) -> PrecheckOut:
    """The result of a check."""
    return PrecheckOut(
        ok=found.ok,
        problems=[problem_out(each) for each in found.problems],
        materials=[_material_out(each) for each in found.materials],
        steps=list(found.steps),
        left_out=list(found.left_out),
        plan=[
            PlannedOut(
                code=rule.code,
                name=rule.name,
                agency_name=rules.agencies[rule.agency],
                optional=rule.optional,
            )
            for rule in rules.steps
        ],
        promised_days=found.promised_days,
    )


def problem_out(problem: Problem) -> ProblemOut:
    """One thing in the way."""
    return ProblemOut(
        code=problem.code,
        kind=problem.kind,
        text=problem.text,
        what_to_do=problem.what_to_do,
        field=problem.field,
        step=problem.step,
    )


def file_out(file: MaterialFile) -> FileOut:
    """An uploaded material."""
    return FileOut(
        id=file.id, kind=file.kind, content_type=file.content_type, size=file.size, created_at=file.created_at
    )


def filing_out(view: FilingView, hospital: str, rules: Rules) -> FilingOut:
    """A filing as its parents see it."""
    filing, answers = view.filing, view.filing.answers
    return FilingOut(
        id=filing.id,
        state=filing.state,
        birth=birth_out(view.birth, hospital),
        answers=AnswersOut(
            child_name=answers.child_name,
            household_with=answers.household_with,
            single_parent=answers.single_parent,
            other_name=answers.other_name,
            other_id_number=answers.other_id_number,
            wanted=list(answers.wanted),
            delivery=DeliveryIn(
                way=answers.delivery.way.value,
                receiver=answers.delivery.receiver,
                phone=answers.delivery.phone,
                address=answers.delivery.address,
            ),
            bank_account=answers.bank_account,
        ),
        steps=[_step_out(view, step, rules) for step in filing.steps],
        materials=[_material_out(each) for each in filing.materials],
        files=[file_out(each) for each in filing.files],
        remarks=[problem_out(each) for each in filing.remarks],
        owner=_owner_out(view, rules),
        promised_days=rules.promised_working_days,
        child_id=filing.child_id,
        reason=filing.reason,
        created_at=filing.created_at,
        open_until=filing.open_until,
        submitted_at=filing.submitted_at,
        ended_at=filing.ended_at,
        history=[EntryOut(at=each.at, event=each.event, step=each.step) for each in filing.history],
    )


def _step_out(view: FilingView, step: Step, rules: Rules) -> StepOut:
    rule = rules.by_code.get(step.code)
    return StepOut(
        code=step.code,
        name=step.name,
        agency=step.agency,
        agency_name=rules.agencies.get(step.agency, step.agency),
        state=step.state,
        optional=step.optional,
        needs=list(step.needs),
        corrects=list(rule.corrects) if rule else [],
        receipt=step.receipt,
        due_at=step.due_at,
        correct_by=step.correct_by,
        ended_at=step.ended_at,
        problems=[problem_out(each) for each in step.problems],
        results={
            name: mask_id_number(value) if name in _MASKED else value for name, value in step.results.items()
        },
        result_names=dict(rule.yields.names) if rule else {},
        stopping=step.stopping,
        revoked=step.revoked_at is not None,
        handover=handover_out(view, step, rules),
    )


def _material_out(material: Material) -> MaterialOut:
    return MaterialOut(
        kind=material.kind,
        name=material.name,
        source=material.source,
        state=material.state,
        may_upload=material.may_upload,
        file_ids=list(material.file_ids),
    )


def _owner_out(view: FilingView, rules: Rules) -> OwnerOut | None:
    owner = view.owner
    if owner is None:
        return None
    if owner.kind == "parents":
        return OwnerOut(kind="parents", name="家长", due_at=owner.due_at)
    if owner.kind == "agency":
        return OwnerOut(kind="agency", name=rules.agencies.get(owner.id, owner.id), due_at=owner.due_at)
    return OwnerOut(kind="staff", name="市级工作人员", due_at=owner.due_at)
