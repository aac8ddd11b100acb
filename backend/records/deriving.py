"""What a body says of itself: kind, clinical time, codes, identifiers, references, sensitivity. Pure."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from backend.records.ids import is_resource_id
from backend.records.models import Body, Derived, Kind, Sensitivity
from backend.records.narratives import is_paper, words_of_attachment, words_of_markup
from backend.records.sensitivity import VERSION, is_special, is_special_text
from backend.records.times import read_instant
from backend.records.types import LOOKED_AT, MEASURED, TYPES, TypeRule

# Raised when anything here, in types.py or in the table of codes is read otherwise than before: all that is
# stored is then derived anew (reindexing.py).
RULES = f"4/{VERSION}"

_LOOKED_AT_WORDS = re.compile(
    r"影像|放射|超声|彩超|心电|内镜|胃镜|肠镜|核磁|磁共振|X线|CT|MRI|imaging|radiolog|ultrasound|x-ray|endoscop",
    re.IGNORECASE,
)
_RESTRICTED = frozenset({"R", "V"})
_SPOKEN = (
    "display", "text", "conclusion", "title", "description", "valueString", "comment", "contentString",
    "patientInstruction", "summary", "valueMarkdown",
)  # fmt: skip


def derive(type: str, body: Body, received_at: datetime) -> Derived:
    """Everything the indexes want to know of a body. `received_at` stands in for a time it does not say."""
    rule = TYPES[type]
    inside = _Inside(body)
    kind, shown = _kind(type, rule, body)
    codes = (pair for path in rule.codes for value in _values(body, path) for pair in _codings(value))
    encounters = (_ref(each) for each in _values(body, rule.encounter))
    return Derived(
        kind=kind,
        at=_at(rule, body) or received_at,
        status=_status(rule, body),
        sensitivity=Sensitivity.SPECIAL if inside.special else rule.sensitivity,
        shown=shown,
        codes=_pairs(codes),
        business=_pairs(
            (str(each.get("system", "")), str(each["value"]))
            for path in ("identifier", "masterIdentifier")
            for each in _values(body, path)
            if isinstance(each, dict) and each.get("value")
        ),
        refs=tuple(dict.fromkeys(inside.refs)),
        attached=tuple(dict.fromkeys(inside.attached)),
        papers=inside.papers,
        encounter_id=next((id for id in encounters if id is not None), None),
    )


def class_of(body: Body) -> str:
    """The class of an Encounter (AMB, EMER, IMP …), as its sender wrote it; empty for anything else."""
    if body["resourceType"] != "Encounter":
        return ""
    return next((code for value in _values(body, "class") for _, code in _codings(value)), "")


def is_addressed(body: Body) -> bool:
    """Whether it is an order that names who is asked to carry it out."""
    return body["resourceType"] == "ServiceRequest" and bool(body.get("performer"))


class _Inside:
    """One walk through a body, for what may stand anywhere in it."""

    def __init__(self, body: Body) -> None:
        self.refs: list[str] = []
        self.attached: list[str] = []
        self.special = False
        self.papers = False
        # No recursion: bodies come as deep as their senders like. A report's results stay in their order.
        ahead: deque[Any] = deque([body])
        while ahead:
            value = ahead.popleft()
            if isinstance(value, dict):
                self._look_at(value)
                value = value.values()
            ahead.extend(each for each in value if isinstance(each, dict | list))

    def _look_at(self, value: Body) -> None:
        if "reference" in value and (ref := _ref(value)) is not None:
            self.refs.append(ref)
        # An Attachment names the file it is by an address, not by a Reference.
        address = value.get("url")
        if isinstance(address, str) and "Binary/" in address and (id := _ref({"reference": address})):
            self.attached.append(id)
        self.papers = self.papers or is_paper(value)
        if self.special:
            return
        code, system = value.get("code"), value.get("system")
        if isinstance(code, str) and isinstance(system, str):
            confidential = system.endswith("Confidentiality") and code in _RESTRICTED
            self.special = confidential or is_special(system, code)
        for name in _SPOKEN:
            said = value.get(name)
            if isinstance(said, str) and is_special_text(said):
                self.special = True
        self.special = self.special or _tells_special(value)


def _tells_special(value: Body) -> bool:
    """Whether a narrative or a document that is text names what needs more than an ordinary basis."""
    div = value.get("div")
    if isinstance(div, str) and is_special_text(words_of_markup(div)):
        return True
    return "data" in value and is_special_text(words_of_attachment(value))


def _ref(value: Any) -> str | None:
    """The id of one of our resources that a Reference names; None for anything else."""
    reference = value.get("reference") if isinstance(value, dict) else None
    if not isinstance(reference, str):
        return None
    type, _, id = reference.partition("/_history/")[0].rpartition("/")
    return id if type.rpartition("/")[2] in TYPES and is_resource_id(id) else None


def _values(body: Any, path: str) -> Iterator[Any]:
    """What stands at a dotted path; lists are gone through."""
    head, _, rest = path.partition(".")
    found = body.get(head) if isinstance(body, dict) else None
    for each in found if isinstance(found, list) else [found]:
        if each is not None:
            if rest:
                yield from _values(each, rest)
            else:
                yield each


def _codings(value: Any) -> Iterator[tuple[str, str]]:
    """The codes of a CodeableConcept, or of a Coding by itself."""
    if not isinstance(value, dict):
        return
    codings = value.get("coding", [value])
    for each in codings if isinstance(codings, list) else ():
        if isinstance(each, dict) and isinstance(each.get("code"), str) and each["code"]:
            yield str(each.get("system", "")), each["code"]


def _pairs(found: Iterator[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    return tuple(dict.fromkeys(found))


def _at(rule: TypeRule, body: Body) -> datetime | None:
    times = (read_instant(value) for path in rule.at for value in _values(body, path))
    return next((time for time in times if time is not None), None)


def _status(rule: TypeRule, body: Body) -> str:
    found = next(_values(body, rule.status), "")
    if isinstance(found, bool):
        return "active" if found else "inactive"
    return found if isinstance(found, str) else ""


def _kind(type: str, rule: TypeRule, body: Body) -> tuple[Kind, bool]:
    """The kind, and whether it stands in the timeline: a laboratory's single result stands in its report."""
    if type == "Observation":
        codes = _categories(body)
        if codes & MEASURED:
            return Kind.LAB, False
        return (Kind.IMAGING, False) if codes & LOOKED_AT else (rule.kind, rule.shown)
    if type == "DiagnosticReport":
        return (Kind.IMAGING if _is_looked_at(body) else Kind.LAB), rule.shown
    return rule.kind, rule.shown


def _is_looked_at(report: Body) -> bool:
    codes = _categories(report)
    if codes & (LOOKED_AT | MEASURED):
        return not codes & MEASURED
    if report.get("imagingStudy") or report.get("media"):
        return True
    said = [value for path in _WORDS_OF_REPORT for value in _values(report, path) if isinstance(value, str)]
    return any(_LOOKED_AT_WORDS.search(text) for text in said)


_WORDS_OF_REPORT = ("category.text", "category.coding.display", "code.text", "code.coding.display")


def _categories(body: Body) -> set[str]:
    return {code for value in _values(body, "category") for _, code in _codings(value)}
