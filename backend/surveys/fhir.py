"""A FHIR R4 Questionnaire in and out: what we do not support is reported by its path, the rest is kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from backend.surveys import fhir_words as words
from backend.surveys.fhir_writing import to_fhir
from backend.surveys.questionnaire import (
    WITH_OPTIONS,
    Code,
    Condition,
    Kind,
    Operator,
    Option,
    Question,
    Questionnaire,
)

__all__ = ["Imported", "NoQuestionnaireError", "Problem", "from_fhir", "to_fhir"]

DEEPEST = 20
MOST_ITEMS = 2000
_CONDITION_FORMS = {
    f"answer{form}": form for form in ("Boolean", "Coding", "Decimal", "Integer", "String", "Date")
}


class NoQuestionnaireError(ValueError):
    """This is no FHIR Questionnaire at all."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that could not be taken over: where it stands, and what becomes of it."""

    path: str
    what: str


@dataclass(frozen=True, slots=True)
class Imported:
    """A questionnaire, and what of the original is not in it."""

    questionnaire: Questionnaire
    problems: tuple[Problem, ...]


def from_fhir(resource: Any) -> Imported:
    """Read a Questionnaire. Raises NoQuestionnaireError."""
    if not isinstance(resource, dict) or resource.get("resourceType") != "Questionnaire":
        raise NoQuestionnaireError("no Questionnaire")
    reading = _Reading()
    top = _Object(resource, "", reading)
    top.take("resourceType")
    about = {name: value for name in words.ABOUT if (value := top.text(name))}
    subjects = top.take("subjectType")
    if isinstance(subjects, list) and all(isinstance(each, str) for each in subjects):
        about["subjectType"] = ",".join(subjects)
    elif subjects is not None:
        reading.problem("subjectType", "未带入")
    title, intro = top.text("title"), top.text("description")
    own = top.own_extensions()
    reading.lists = _contained(top)
    reading.items(top.take("item"), "item", None, 0)
    top.report_rest()
    alarm_below = own.get("alarm_below")
    questionnaire = Questionnaire(
        title=title,
        questions=tuple(reading.questions),
        intro=intro,
        thanks=str(own.get("thanks", "")),
        alarm_below=int(alarm_below) if isinstance(alarm_below, int) else None,
        about=about,
    )
    return Imported(questionnaire, tuple(reading.problems))


@dataclass
class _Reading:
    """What has been read so far."""

    questions: list[Question] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)
    # Lists of options that the resource brings along, by `#id`.
    lists: dict[str, tuple[Option, ...]] = field(default_factory=dict)

    def problem(self, path: str, what: str) -> None:
        self.problems.append(Problem(path, what))

    def items(self, items: Any, path: str, parent: str | None, depth: int) -> None:
        if items is None:
            return
        if not isinstance(items, list) or depth > DEEPEST:
            self.problem(path, "层次太深或格式有误，未带入")
            return
        for n, item in enumerate(items):
            here = f"{path}[{n}]"
            if not isinstance(item, dict) or len(self.questions) >= MOST_ITEMS:
                self.problem(here, "题目太多或格式有误，未带入")
                continue
            self._item(_Object(item, here, self), parent, depth)

    def _item(self, item: _Object, parent: str | None, depth: int) -> None:
        question = _question(item, self._id(item), parent)
        self.questions.append(question)
        children = item.take("item")
        item.report_rest()
        self.items(children, f"{item.path}.item", question.id, depth + 1)

    def _id(self, item: _Object) -> str:
        found = item.text("linkId")
        if found and found not in self.ids:
            self.ids.add(found)
            return found
        number = len(self.ids) + 1
        while f"item-{number}" in self.ids:
            number += 1
        self.ids.add(f"item-{number}")
        self.problem(f"{item.path}.linkId", f"编号缺失或重复，改为 item-{number}")
        return f"item-{number}"


class _Object:
    """A JSON object that is taken apart; what nobody has taken is reported."""

    def __init__(self, value: Mapping[str, Any], path: str, reading: _Reading) -> None:
        self.path = path
        self.reading = reading
        self._rest = dict(value)
        self._extensions: list[tuple[int, Any]] = list(enumerate(self._list("extension")))

    def _list(self, name: str) -> list[Any]:
        found = self._rest.pop(name, None)
        if found is not None and not isinstance(found, list):
            self.problem(name, "格式有误，未带入")
        return found if isinstance(found, list) else []

    def take(self, name: str) -> Any:
        return self._rest.pop(name, None)

    def text(self, name: str) -> str:
        found = self._rest.pop(name, None)
        if found is not None and not isinstance(found, str):
            self.problem(name, "格式有误，未带入")
        return found if isinstance(found, str) else ""

    def objects(self, name: str) -> list[_Object]:
        found = []
        for n, each in enumerate(self._list(name)):
            if isinstance(each, dict):
                found.append(_Object(each, f"{self._at(name)}[{n}]", self.reading))
            else:
                self.problem(f"{name}[{n}]", "格式有误，未带入")
        return found

    def extension(self, url: str, *forms: str) -> Any:
        """The value of one extension, taken off when it has one of these forms and nothing else."""
        for place in self._extensions:
            value = place[1]
            if isinstance(value, dict) and value.get("url") == url and len(value) == 2:
                found = next((value[f"value{form}"] for form in forms if f"value{form}" in value), None)
                if found is not None:
                    self._extensions.remove(place)
                    return found
        return None

    def own_extensions(self) -> dict[str, Any]:
        """What an export of ours has said beyond FHIR."""
        found: dict[str, Any] = {}
        for name in ("spoken", "low_label", "high_label", "thanks"):
            found[name] = self.extension(words.OWN + name, "String")
        for name in ("scored", "reversed", "alarm"):
            found[name] = self.extension(words.OWN + name, "Boolean")
        found["alarm_below"] = self.extension(words.OWN + "alarm_below", "Integer")
        return {name: value for name, value in found.items() if value is not None}

    def problem(self, name: str, what: str) -> None:
        self.reading.problem(self._at(name), what)

    def report_rest(self) -> None:
        for n, value in self._extensions:
            url = value.get("url") if isinstance(value, dict) else None
            self.problem(f"extension[{n}]", words.CHANGING.get(str(url), "不支持的扩展，未带入"))
        for name in self._rest:
            self.problem(name, words.CHANGING.get(name, "不支持，未带入"))

    def _at(self, name: str) -> str:
        return f"{self.path}.{name}" if self.path else name


def _question(item: _Object, question_id: str, parent: str | None) -> Question:
    form = item.text("type")
    kind = words.KINDS.get(form)
    if kind is None:
        item.problem("type", "未知题型，按文字填写")
        form, kind = "text", Kind.TEXT
    elif form in words.PARTLY:
        item.problem("type", f"{form}：{words.PARTLY[form]}")
    kind = _repeated(item, kind)
    value_set = item.text("answerValueSet")
    options = _options(item, form, value_set)
    if not options and value_set in item.reading.lists:
        options, copied = item.reading.lists[value_set], value_set
        item.problem("answerValueSet", f"{copied}的选项已抄入题目")
        value_set = ""
    if kind in WITH_OPTIONS and not options:
        item.problem("answerValueSet" if value_set else "answerOption", "选项不在问卷里，按文字填写")
        if kind is Kind.MULTIPLE:
            item.problem("repeats", "按文字填写，只问一次")
        kind = Kind.TEXT
    minimum, maximum = (_bound(item, url) for url in (words.MINIMUM, words.MAXIMUM))
    if kind is Kind.NUMBER and minimum is not None and maximum is not None and _is_slider(item):
        kind = Kind.SCALE
    own = item.own_extensions()
    longest = item.take("maxLength")
    return Question(
        id=question_id,
        kind=kind,
        text=item.text("text"),
        spoken=str(own.get("spoken", "")),
        required=item.take("required") is True,
        options=options,
        minimum=minimum,
        maximum=maximum,
        low_label=str(own.get("low_label", "")),
        high_label=str(own.get("high_label", "")),
        scored=own.get("scored") is True,
        reversed=own.get("reversed") is True,
        longest=longest if isinstance(longest, int) and longest is not True else None,
        show_if=_conditions(item),
        show_if_any=item.text("enableBehavior") == "any",
        parent=parent,
        prefix=item.text("prefix"),
        codes=tuple(_code(each) for each in item.objects("code")),
        form=form,
        value_set=value_set,
    )


def _contained(top: _Object) -> dict[str, tuple[Option, ...]]:
    """Lists of options that stand in the resource itself: their codes, as listed or as expanded."""
    found: dict[str, tuple[Option, ...]] = {}
    brought = top.take("contained")
    for each in brought if isinstance(brought, list) else []:
        if isinstance(each, dict) and each.get("resourceType") == "ValueSet":
            options = {option.value: option for option in _listed(each)}
            found[f"#{each.get('id')}"] = tuple(options.values())
    if brought is not None:
        top.problem("contained", "选项已抄入用到它们的题目，其余未带入" if found else "不支持，未带入")
    return {name: options for name, options in found.items() if options}


def _listed(value_set: Mapping[str, Any]) -> Iterator[Option]:
    expansion, compose = (_dict(value_set.get(name)) for name in ("expansion", "compose"))
    if compose.get("exclude"):
        compose = {}
    included = [_dict(each) for each in _listing(compose.get("include"))]
    plain = [
        (each.get("system"), each.get("concept"))
        for each in included
        if set(each) <= {"system", "version", "concept"}
    ]
    whole = plain if len(plain) == len(included) else []
    for system, concepts in [(None, expansion.get("contains")), *whole]:
        for concept in map(_dict, _listing(concepts)):
            code, display = concept.get("code"), concept.get("display")
            if isinstance(code, str) and code and not concept.get("abstract"):
                text, of = display if isinstance(display, str) else "", concept.get("system") or system
                yield Option(code, text or code, system=of if isinstance(of, str) else "", named=bool(text))


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _listing(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _repeated(item: _Object, kind: Kind) -> Kind:
    if item.take("repeats") is not True:
        return kind
    if kind is Kind.CHOICE:
        return Kind.MULTIPLE
    item.problem("repeats", "只问一次，不能重复填写")
    return kind


def _is_slider(item: _Object) -> bool:
    control = item.extension(words.CONTROL, "CodeableConcept")
    if control is None:
        return False
    slider = {"coding": [{"system": words.CONTROLS, "code": "slider"}]}
    said = control.get("coding") if isinstance(control, dict) else None
    said = said if isinstance(said, list) else []
    found = any(
        isinstance(each, dict) and {**each, "display": ""} == {**slider["coding"][0], "display": ""}
        for each in said
    )
    if control != slider:
        item.problem("extension", "按滑块使用，写法有改动" if found else "不支持的扩展，未带入")
    return found


def _bound(item: _Object, url: str) -> Decimal | None:
    found = item.extension(url, "Integer", "Decimal")
    return Decimal(str(found)) if isinstance(found, int | float) else None


def _options(item: _Object, form: str, value_set: str) -> tuple[Option, ...]:
    if form == "boolean":
        return words.YES_NO
    found: dict[str, Option] = {}
    for each in item.objects("answerOption"):
        option = _option(each)
        if option is None or option.value in found:
            item.reading.problem(each.path, "重复或不支持的选项，未带入")
            continue
        found[option.value] = option
        each.report_rest()
    return tuple(found.values()) or words.VALUE_SETS.get(value_set, ())


def _option(item: _Object) -> Option | None:
    ordinal = item.extension(words.ORDINAL, "Decimal", "Integer")
    score = Decimal(str(ordinal)) if isinstance(ordinal, int | float) else None
    alarm = item.own_extensions().get("alarm") is True
    for form in ("string", "integer", "date"):
        value = item.take(f"value{form.title()}")
        if value is not None:
            return Option(str(value), str(value), score, alarm, form=form)
    coding = item.take("valueCoding")
    if not isinstance(coding, dict) or not isinstance(coding.get("code"), str):
        return None
    code = _code(_Object(coding, f"{item.path}.valueCoding", item.reading), "version")
    return Option(code.code, code.display or code.code, score, alarm, code.system, named=bool(code.display))


def _code(item: _Object, *refused: str) -> Code:
    for name in refused:
        if item.take(name) is not None:
            item.problem(name, "不支持，未带入")
    code = Code(item.text("code"), item.text("system"), item.text("display"), item.text("version"))
    item.report_rest()
    return code


def _conditions(item: _Object) -> tuple[Condition, ...]:
    found = []
    for each in item.objects("enableWhen"):
        condition = _condition(each)
        if condition is None:
            item.reading.problem(each.path, "不支持的显示条件，未带入：这道题会一直显示")
            continue
        if condition.question_id not in item.reading.ids:
            item.reading.problem(f"{each.path}.question", "条件用到后面的题目，发布前需要调整")
        found.append(condition)
        each.report_rest()
    return tuple(found)


def _condition(item: _Object) -> Condition | None:
    question_id, operator = item.text("question"), item.text("operator")
    answers = {form: item.take(name) for name, form in _CONDITION_FORMS.items()}
    form, value = next(((form, value) for form, value in answers.items() if value is not None), ("", None))
    if value is None or operator not in set(Operator):
        return None
    system = ""
    if form == "Coding":
        if not isinstance(value, dict) or not isinstance(value.get("code"), str):
            return None
        code = _code(_Object(value, f"{item.path}.answerCoding", item.reading), "version", "display")
        value, system = code.code, code.system
    elif isinstance(value, bool):
        value = "true" if value else "false"
    return Condition(question_id, Operator(operator), str(value), system, form)
