"""Which hospital, department or doctor is meant: taken where it is certain, asked where it is not.

What was found out is kept in a dialogue's data: `organization_id`, `department_id`, `practitioner_id`. The
options say what they are: `o:` an institution, `d:` a department, `p:` a doctor.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bots.dialogue import Ask, Option, Talk
from bots.dialogues.asking import MOST_OPTIONS, ask_which, ids_of, only_one, said_yes
from bots.understanding.values import CERTAIN

_WHICH = "您要挂的是哪一个？"
_IS_IT = "您说的是不是这个？回复1或“是”。"
_SUGGESTED = "这些科室一般看这类情况（仅供参考，不是诊断）："
_HOSPITAL = "您要去哪家医院？也可以直接说，例如“市人民医院儿科”。"
_DEPARTMENT = "您要挂哪个科室？"
_MORE = "（还有更多，请直接说名称）"


def names_place(talk: Talk) -> bool:
    """Whether anything said is about where or with whom."""
    slots = talk.understood.slots
    return bool(slots.organizations or slots.departments or slots.practitioners or slots.suggestions)


async def choose(talk: Talk, step: str) -> Ask | None:
    """Take what was chosen or said into the data; a question to `step` where it leaves a choice."""
    choice = talk.chosen or _the_only_offer(talk)
    if choice:
        return await _take(talk, step, choice)
    slots = talk.understood.slots
    departments = await _narrowed(talk, ids_of(slots.departments))
    doctors = ids_of(slots.practitioners)
    if names_place(talk):
        _forget(talk, "department_id", "practitioner_id", "offered")
    sure = all(each.confidence >= CERTAIN for each in (*slots.organizations, *slots.departments))
    if departments and not (len(departments) == 1 and sure):
        return await _ask(talk, step, _WHICH, [f"d:{each}" for each in departments])
    if departments:
        talk.data["department_id"] = departments[0]
    if doctors:
        doctor = only_one(slots.practitioners)
        if not doctor:
            return await _ask(talk, step, _WHICH, [f"p:{each}" for each in doctors])
        return await _take(talk, step, f"p:{doctor}")
    if departments:
        return None
    return await _by_hospital(talk, step)


async def ask_department(talk: Talk, step: str) -> Ask:
    """The departments of the hospital that is known, or the hospitals of the city."""
    organization_id = talk.data.get("organization_id")
    if organization_id:
        offered = await talk.services.directory.list_departments(organization_id)
        return await _ask(talk, step, _DEPARTMENT, [f"d:{each.id}" for each in offered])
    hospitals, _ = await talk.services.directory.list_organizations(limit=MOST_OPTIONS + 1)
    return await _ask(talk, step, _HOSPITAL, [f"o:{each.id}" for each in hospitals])


async def _by_hospital(talk: Talk, step: str) -> Ask | None:
    slots = talk.understood.slots
    suggested = ids_of(slots.suggestions)
    organizations = ids_of(slots.organizations)
    organization = only_one(slots.organizations)
    if organization:
        talk.data["organization_id"] = organization
    elif organizations:
        return await _ask(talk, step, _WHICH, [f"o:{each}" for each in organizations])
    if suggested:
        return await _ask(talk, step, _SUGGESTED, [f"d:{each}" for each in suggested])
    return None if "department_id" in talk.data else await ask_department(talk, step)


async def _take(talk: Talk, step: str, choice: str) -> Ask | None:
    """What was chosen from a list."""
    kind, _, found = choice.partition(":")
    talk.data.pop("offered", None)
    if kind == "o":
        talk.data["organization_id"] = found
        return await ask_department(talk, step)
    if kind == "d":
        talk.data["department_id"] = found
        return None
    talk.data["practitioner_id"] = found
    doctor = await talk.services.directory.get_practitioner(found)
    where = doctor.department_ids
    if talk.data.get("department_id") in where or not where:
        return None if where else await ask_department(talk, step)
    if len(where) > 1:
        return await _ask(talk, step, _DEPARTMENT, [f"d:{each}" for each in where])
    talk.data["department_id"] = where[0]
    return None


def _the_only_offer(talk: Talk) -> str:
    """A yes to 您说的是不是这个."""
    offered = talk.data.get("offered", "")
    return offered if offered and said_yes(talk) else ""


def _forget(talk: Talk, *names: str) -> None:
    for name in names:
        talk.data.pop(name, None)


async def _narrowed(talk: Talk, departments: Sequence[str]) -> list[str]:
    """眼科, said after the hospital was chosen, is that hospital's."""
    organization_id = talk.data.get("organization_id")
    if not organization_id or talk.understood.slots.organizations:
        return list(departments)
    known = await talk.services.directory.departments_by_id(departments)
    there = [each for each in departments if known[each].organization_id == organization_id]
    return there or list(departments)


async def _ask(talk: Talk, step: str, text: str, choices: Sequence[str]) -> Ask:
    texts = await _texts(talk, choices)
    if talk.data.get("organization_id") and text == _DEPARTMENT:
        # Which hospital is settled: its name before every department would only be long.
        texts = {choice: said.partition(" ")[2] or said for choice, said in texts.items()}
    options = [Option(each, texts[each]) for each in choices if each in texts]
    _forget(talk, "offered")
    if len(options) == 1 and text == _WHICH:
        talk.data["offered"] = options[0].value
        text = _IS_IT
    return ask_which(talk, text, step, options, _MORE)


async def _texts(talk: Talk, choices: Iterable[str]) -> dict[str, str]:
    """What is read for each choice."""
    kinds: dict[str, list[str]] = {"o": [], "d": [], "p": []}
    for choice in choices:
        kinds[choice[0]].append(choice[2:])
    directory = talk.services.directory
    doctors = await directory.practitioners_by_id(kinds["p"])
    departments = await directory.departments_by_id(kinds["d"])
    needed = {*kinds["o"], *(each.organization_id for each in doctors.values())}
    needed |= {each.organization_id for each in departments.values()}
    hospitals = await directory.organizations_by_id(needed)
    texts = {f"o:{found}": hospitals[found].name for found in kinds["o"] if found in hospitals}
    for found, department in departments.items():
        texts[f"d:{found}"] = f"{hospitals[department.organization_id].name} {department.name}"
    for found, doctor in doctors.items():
        texts[f"p:{found}"] = f"{hospitals[doctor.organization_id].name} {doctor.name} {doctor.title}".strip()
    return texts
