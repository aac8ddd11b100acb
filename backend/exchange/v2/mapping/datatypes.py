"""HL7's data types to FHIR's: identifiers, names, addresses, phones, codes, quantities, people, places."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TypeVar

from backend.exact_json import Exact
from backend.exchange.v2.mapping.building import Building, Json, tidy, unique
from backend.exchange.v2.mapping.known import number_of
from backend.exchange.v2.segments import Rep, Segment

V2 = "http://terminology.hl7.org/CodeSystem/v2-"
Said = TypeVar("Said")
ID_NUMBER = "urn:oid:2.16.156.10011.1.3"
_CJK = re.compile(r"[\u3400-\u9fff\U00020000-\U0003ffff]")
_JSON_DECIMAL = re.compile(r"-?(?:0|[1-9]\d*)\.\d+")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)")
# PL: point of care, room, bed, facility, …, building, floor.
_PLACE = (4, 7, 8, 1, 2, 3, 9)


def time_of(
    b: Building, segment: Segment, number: int, rep: Rep | None = None, component: int = 1
) -> str | None:
    """A point in time; one that is none is noted."""
    said = (rep or segment.rep(number)).c(component)
    found = b.time(said) if said else None
    if said and found is None:
        b.not_understood("value", segment, number, said)
    return found


def identifier(b: Building, rep: Rep) -> Json:
    """CX."""
    kind = rep.c(5)
    assigner = rep.c(4)
    system = b.codes.namespace(assigner, rep.c(4, 2), rep.c(4, 3))
    said = rep.c(6) or (assigner if not system.startswith("urn:healthycity") else "")
    return tidy({
        "value": rep.c(1),
        "system": system,
        "type": {"coding": [{"system": f"{V2}0203", "code": kind}]} if kind else None,
        "assigner": {"display": said},
        "period": {"start": b.time(rep.c(7)), "end": b.time(rep.c(8))},
    })  # fmt: skip


def entity(b: Building, rep: Rep, kind: str = "") -> Json:
    """EI: an order's, a document's or a result's number."""
    system, value = number_of(b.codes, rep)
    if not value:
        return {}
    return tidy({
        "value": value,
        "system": system,
        "type": {"coding": [{"system": f"{V2}0203", "code": kind}]} if kind else None,
    })  # fmt: skip


def entity_key(rep: Rep) -> str:
    """An EI as part of a business key: the number and who gave it."""
    # Some put their number elsewhere in the field: two of these must not become one.
    return "^".join(filter(None, (rep.c(1), rep.c(2) or rep.c(3)))) or rep.whole()


def human_name(b: Building, segment: Segment, number: int, rep: Rep) -> Json:
    """XPN: Chinese names are written family name first, often whole in one component."""
    family, given, middle = rep.c(1), rep.c(2), rep.c(3)
    use = rep.c(7)
    if _CJK.search(family + given):
        text = family + given + middle
    else:
        text = " ".join(filter(None, (given, middle, family)))
    return tidy({
        "use": b.code("name_use", use, segment, number) if use else None,
        "text": text,
        "family": family,
        "given": [given, *middle.split()],
        "prefix": [rep.c(5)],
        "suffix": [rep.c(4), rep.c(6)],
        "period": {"start": b.time(rep.c(12)), "end": b.time(rep.c(13))},
    })  # fmt: skip


def address(b: Building, segment: Segment, number: int, rep: Rep) -> Json:
    """XAD."""
    use = rep.c(7)
    lines = [*rep.parts(1), rep.c(2)]
    period = rep.parts(12)
    start, end = (period[0], period[1]) if len(period) > 1 else (rep.c(13), rep.c(14))
    return tidy({
        "use": b.code("address_use", use, segment, number) if use else None,
        "type": "postal" if use == "M" else None,
        "text": "".join(filter(None, (rep.c(4), rep.c(3), *lines))) if _CJK.search(rep.raw) else None,
        "line": [line for line in lines if line],
        "city": rep.c(3),
        "state": rep.c(4),
        "postalCode": rep.c(5),
        "country": rep.c(6),
        "district": rep.c(9) or rep.c(8),
        "period": {"start": b.time(start), "end": b.time(end)},
    })  # fmt: skip


def telecom(b: Building, segment: Segment, number: int, rep: Rep) -> Json:
    """XTN: a number in one piece, an address, or country, area and local number."""
    use, kind = rep.c(2), rep.c(3)
    pieces = [rep.c(5), rep.c(6), rep.c(7)]
    value = rep.c(4) if kind in ("Internet", "X400") and rep.c(4) else ""
    value = value or rep.c(1) or rep.c(12) or " ".join(filter(None, pieces)) or rep.c(4)
    said_use = b.code("telecom_use", use, segment, number) if use else None
    return tidy({
        "system": b.code("telecom_kind", kind, segment, number) if kind else ("phone" if value else None),
        "value": value,
        "use": "mobile" if kind == "CP" and not use else said_use,
        "period": {"start": b.time(rep.c(13)), "end": b.time(rep.c(14))},
        "rank": _positive(rep.c(18)),
    })  # fmt: skip


def _positive(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and 0 < int(text) < 1_000_000 else None


def coded(b: Building, rep: Rep, table: str = "", system: str = "") -> Json:
    """CE, CWE, CNE: the code, its alternate, the text as written; `table` adds the city's code.

    `system` is what another field names the first code's system by.
    """
    codings = []
    for at, version in ((1, 7), (4, 8)):
        code, display = rep.c(at), rep.said(at + 1)
        named = b.codes.system(rep.c(at + 2) or (system if at == 1 else ""))
        if code:
            codings.append({"system": named, "version": rep.c(version), "code": code, "display": display})
    if table and codings and (added := b.codes.added(table, codings[0]["code"])):
        codings.append(added)
    return tidy(
        {"coding": codings, "text": rep.said(9) or (rep.said(2) or rep.said(5) if not codings else "")}
    )


def coded_by(b: Building, segment: Segment, table: str = "") -> Json:
    """DG1-3, PR1-3: up to 2.3.1 the code's system stood alone in the field before."""
    return coded(b, segment.rep(3), table, segment.text(2))


def coded_all(b: Building, segment: Segment, number: int, table: str = "") -> list[Json]:
    """Every repetition."""
    return unique(coded(b, rep, table) for rep in segment.reps(number))


def of_table(number: str, code: str, display: str = "") -> Json:
    """A concept of one of HL7's own tables."""
    return tidy({"coding": [{"system": V2 + number, "code": code, "display": display}]}) if code else {}


def decimal(text: str) -> int | float | None:
    """A number as JSON writes it, with its zeros: 5.10 says more than 5.1. None when it is none."""
    if not _NUMBER.fullmatch(text) or len(text) > 18:
        return None
    # .5 and 5. are numbers of HL7's and none of JSON's.
    spelled = re.sub(r"^(-?)\.", r"\g<1>0.", text.removeprefix("+")).removesuffix(".")
    if _JSON_DECIMAL.fullmatch(spelled) and repr(float(spelled)) != spelled:
        return Exact(spelled)
    return float(spelled) if "." in spelled else int(spelled)


def quantity(value: str, unit: Rep | None = None, b: Building | None = None) -> Json:
    """A number with its unit; UCUM where the sender says so."""
    number = decimal(value)
    if number is None:
        return {}
    if unit is None or not unit:
        return {"value": number}
    code, display, system = unit.c(1), unit.c(2), unit.c(3)
    address = b.codes.system(system) if b and system else ""
    said = {"value": number, "unit": display or code, "system": address}
    return tidy({**said, "code": code if address else None})


def is_name(number: str) -> bool:
    """Whether a name stands where a person's number should."""
    return " " in number or _CJK.search(number) is not None


def practitioner(b: Building, rep: Rep) -> Json:
    """XCN as a reference by number: doctors are told apart by it, and it may come without a name."""
    number = rep.c(1)
    family, given, middle = rep.c(2), rep.c(3), rep.c(4)
    if _CJK.search(family + given):
        name = family + given
    else:
        name = " ".join(filter(None, (rep.c(6), given, middle, family, rep.c(5))))
    if not name and is_name(number):
        number, name = "", number
    if not number and not name:
        return {}
    system = b.codes.namespace(rep.c(9), rep.c(9, 2), rep.c(9, 3))
    system = system or f"urn:healthycity:practitioners:{b.organization_id}"
    kind = rep.c(13)
    return tidy({
        "type": "Practitioner",
        "identifier": {
            "system": system,
            "value": number,
            "type": {"coding": [{"system": f"{V2}0203", "code": kind}]} if kind else None,
        }
        if number
        else None,
        "display": name,
    })  # fmt: skip


def organization(b: Building, rep: Rep) -> Json:
    """XON as a reference by name and number."""
    number = rep.c(10) or rep.c(3)
    system = b.codes.namespace(rep.c(6), rep.c(6, 2), rep.c(6, 3)) if number else ""
    name = rep.c(1)
    if not number and not name:
        return {}
    said = {"system": system, "value": number} if number else None
    return tidy({"type": "Organization", "identifier": said, "display": name})


def place(b: Building, rep: Rep) -> Json:
    """PL as a reference by its words, from the building to the bed, and by the code of the point of care."""
    words = [rep.c(number) for number in _PLACE]
    named = " ".join(word for word in words if word)
    if not named:
        return {}
    system, code = f"urn:healthycity:places:{b.organization_id}", rep.c(1)
    return tidy({
        "type": "Location",
        "identifier": {"system": system, "value": code} if code else None,
        "display": named,
    })  # fmt: skip


def period(start: str | None, end: str | None) -> Json:
    """A period; one that ends before it begins has only its beginning."""
    if start and end and start[:10] > end[:10]:
        end = None
    return tidy({"start": start, "end": end})


def each(reps: Iterable[Rep], make: Callable[[Rep], Said]) -> list[Said]:
    """What is made of every repetition, without what says nothing."""
    return [made for rep in reps if (made := make(rep))]


def names(b: Building, segment: Segment, number: int) -> list[Json]:
    """Every XPN of a field."""
    return [made for rep in segment.reps(number) if (made := human_name(b, segment, number, rep))]


def addresses(b: Building, segment: Segment, number: int) -> list[Json]:
    """Every XAD of a field."""
    return [made for rep in segment.reps(number) if (made := address(b, segment, number, rep))]


def telecoms(b: Building, segment: Segment, *numbers: int) -> list[Json]:
    """Every XTN of some fields that has a value."""
    made = [telecom(b, segment, number, rep) for number in numbers for rep in segment.reps(number)]
    return [one for one in made if one.get("value")]


def notes_of(b: Building, segments: Iterable[Segment]) -> list[Json]:
    """NTE segments as annotations, with who wrote them."""
    found = []
    for segment in segments:
        text = "\n".join(each(segment.reps(3), Rep.whole))
        if text:
            author = next(iter(each(segment.reps(5), lambda rep: practitioner(b, rep))), None)
            found.append(tidy({"text": text, "time": b.time(segment.text(6)), "authorReference": author}))
    return found
