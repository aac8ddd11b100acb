"""PID, PD1, NK1, IN1: the patient, who stands by them, who pays."""

from __future__ import annotations

from datetime import date

from backend import clock
from backend.exchange.v2.mapping.building import Building, Json, tidy, unique
from backend.exchange.v2.mapping.codes import Codes
from backend.exchange.v2.mapping.datatypes import (
    ID_NUMBER,
    addresses,
    coded,
    coded_all,
    each,
    identifier,
    names,
    of_table,
    organization,
    period,
    practitioner,
    quantity,
    telecoms,
    time_of,
)
from backend.exchange.v2.mapping.times import birth_date, fhir_date
from backend.exchange.v2.segments import Rep, Segment
from backend.patient_index.models import ChartNumber, Demographics, Sex
from backend.residents.id_numbers import IDNumberError, parse_id_number

_MARITAL = "http://terminology.hl7.org/CodeSystem/v3-MaritalStatus"
# CX-5 of what names a person everywhere; what is left is the hospital's own number.
_NOT_OWN = frozenset(
    ["NI", "NNCHN", "NN", "SS", "SB", "PPN", "DL", "MC", "MA", "HC", "AN", "VN", "XX", "JHN"]
)
_OWN_FIRST = ("MR", "PI", "PT", "PN", "")


def chart_number(segment: Segment) -> ChartNumber | None:
    """The hospital's own number of the patient, and who in the hospital gave it."""
    found = (number for field_number in (3, 2, 4) for number in chart_numbers(segment, field_number))
    return next(found, None)


def chart_numbers(segment: Segment, field_number: int) -> list[ChartNumber]:
    """The hospital's own numbers in one field, the likeliest first."""
    reps = [rep for rep in segment.reps(field_number) if rep.c(1)]
    own = [rep for rep in reps if rep.c(5) not in _NOT_OWN and not _id_number(rep.c(1))]
    own.sort(key=lambda rep: _OWN_FIRST.index(rep.c(5)) if rep.c(5) in _OWN_FIRST else 9)
    return [ChartNumber(rep.c(4, 2) or rep.c(4), rep.c(1)[:200]) for rep in own or reps[:1]]


def id_number(segment: Segment) -> str:
    """The person's ID number: wherever in PID-3, PID-2, PID-4 or PID-19 a valid one stands."""
    for number in (3, 19, 4, 2):
        for rep in segment.reps(number):
            if found := _id_number(rep.c(1)):
                return found
    return ""


def _id_number(text: str) -> str:
    if len(text) not in (15, 18):
        return ""
    try:
        return parse_id_number(text, today=clock.today()).text
    except IDNumberError:
        return ""


_SEXES: dict[str, Sex] = {"male": "male", "female": "female", "other": "other"}


def demographics(segment: Segment, codes: Codes) -> Demographics:
    """Who the hospital says it is, for the patient index."""
    number = id_number(segment)
    sex = codes.look_up("sex", segment.text(8)) or "unknown"
    phones = [_phone(rep) for number_ in (13, 14, 40) for rep in segment.reps(number_)]
    home = segment.rep(11)
    return Demographics(
        name=_name(segment.rep(5)),
        sex=_SEXES.get(sex, "unknown"),
        birth_on=birth_date(segment.text(7)) or _born(number),
        id_number=number,
        phone=next((phone for phone in phones if phone), ""),
        address="".join(home.c(part) for part in (4, 3, 9, 1, 2)),
    )


def _born(number: str) -> date | None:
    return parse_id_number(number, today=clock.today()).birth_on if number else None


def _name(rep: Rep) -> str:
    whole = "".join(rep.c(part) for part in (1, 2, 3))
    if not whole.isascii():
        # Some forms part the family name with a comma, inside the first component.
        return whole.replace(",", "").replace("，", "")
    return " ".join(filter(None, (rep.c(2), rep.c(3), rep.c(1))))


def _phone(rep: Rep) -> str:
    said = rep.c(1) or rep.c(12) or "".join(rep.c(part) for part in (6, 7))
    return "".join(c for c in said if c.isdigit() or c == "+")[:20] if "@" not in said else ""


def build_patient(b: Building, segment: Segment, *, only_new: bool) -> Json:
    """The Patient resource; its id is the chart's."""
    sex = segment.text(8)
    numbers = [identifier(b, rep) for number in (3, 2, 4) for rep in segment.reps(number)]
    numbers += _other_numbers(b, segment)
    for one in numbers:
        # Whoever the hospital says gave it out, and as whatever it is typed.
        if _id_number(one.get("value", "")):
            one["system"] = ID_NUMBER
    languages = coded_all(b, segment, 15)
    dead, died = segment.text(30).upper(), time_of(b, segment, 29)
    body = {
        "identifier": unique(n for n in numbers if n.get("value")),
        "active": True,
        "name": _names(b, segment),
        "gender": b.code("sex", sex, segment, 8),
        "_gender": {"extension": [_original_sex(sex)]} if sex in ("0", "1", "2", "9") else None,
        "birthDate": (time_of(b, segment, 7) or "")[:10],
        "address": addresses(b, segment, 11),
        "telecom": [
            tidy({**told, "use": told.get("use") or use})
            for number, use in ((13, "home"), (14, "work"), (40, None))
            for told in telecoms(b, segment, number)
        ],
        "maritalStatus": _marital(b, segment),
        "communication": [{"language": language, "preferred": True} for language in languages],
        "deceasedDateTime": died,
        "deceasedBoolean": dead in ("Y", "1") if dead and not died else None,
        "multipleBirthInteger": _whole(segment.text(25)),
        "multipleBirthBoolean": True if segment.text(24) == "Y" and not segment.text(25) else None,
        "extension": _extensions(b, segment),
        **_of_pd1(b),
    }
    ref = b.add("Patient", "", body, only_new=only_new, fills=_staying(segment))
    ref["reference"] = f"Patient/{b.chart_id}"
    return ref


def _staying(segment: Segment) -> tuple[str, ...]:
    """What of the patient a message does not touch because it says nothing of it."""
    said_in = {
        "birthDate": (7,), "gender": (8,), "address": (11,), "telecom": (13, 14, 40), "communication": (15,),
        "maritalStatus": (16,),
    }  # fmt: skip
    if not segment.has(29) and not segment.has(30):
        said_in |= {"deceasedDateTime": (29, 30), "deceasedBoolean": (29, 30)}
    return tuple(name for name, numbers in said_in.items() if not segment.deletes(*numbers))


def _original_sex(code: str) -> Json:
    coding = {"system": "urn:oid:2.16.156.10011.2.3.3.4", "code": code}
    return {"url": "urn:healthycity:gb-t-2261.1", "valueCoding": coding}


def _other_numbers(b: Building, segment: Segment) -> list[Json]:
    found: list[Json] = []
    if ssn := segment.text(19):
        found.append({"value": ssn, "type": of_table("0203", "NI" if _id_number(ssn) else "SB")})
    licence = segment.rep(20)
    if licence.c(1):
        said = {"value": licence.c(1), "type": of_table("0203", "DL")}
        found.append({**said, "period": tidy({"end": fhir_date(licence.c(3))})})
    if account := segment.rep(18):
        found.append(identifier(b, account))
    return [tidy(one) for one in found]


def _names(b: Building, segment: Segment) -> list[Json]:
    return unique(names(b, segment, 5) + names(b, segment, 9))


def _marital(b: Building, segment: Segment) -> Json | None:
    said = segment.rep(16)
    if not said:
        return None
    known = b.code("marital", said.c(1), segment, 16)
    if known is None:
        return coded(b, said)
    return {"coding": [tidy({"system": _MARITAL, "code": known, "display": said.c(2)})]}


def _extensions(b: Building, segment: Segment) -> list[Json]:
    found: list[Json] = []
    maiden = segment.rep(6)
    if maiden:
        url = "http://hl7.org/fhir/StructureDefinition/patient-mothersMaidenName"
        found.append({"url": url, "valueString": _name(maiden)})
    for number, url in (
        (17, "http://hl7.org/fhir/StructureDefinition/patient-religion"),
        (10, "urn:healthycity:ethnicity"),
        (22, "urn:healthycity:ethnic-group"),
    ):
        found += [{"url": url, "valueCodeableConcept": said} for said in coded_all(b, segment, number)]
    if birthplace := segment.text(23):
        url = "http://hl7.org/fhir/StructureDefinition/patient-birthPlace"
        found.append({"url": url, "valueAddress": {"text": birthplace}})
    for number in (26, 28):
        url = "http://hl7.org/fhir/StructureDefinition/patient-citizenship"
        for said in coded_all(b, segment, number):
            found.append({"url": url, "extension": [{"url": "code", "valueCodeableConcept": said}]})
    return found


def _of_pd1(b: Building) -> Json:
    extra = b.content.first("PD1")
    if extra is None:
        return {}
    doctors = each(extra.reps(4), lambda rep: practitioner(b, rep))
    places = each(extra.reps(3), lambda rep: organization(b, rep))
    return {"generalPractitioner": [*doctors, *places]}


def _whole(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 4 else None


def build_coverage(b: Building) -> list[Json]:
    """IN1: who pays."""
    found = []
    for segment in b.content.each("IN1"):
        plan, group = segment.rep(2), segment.text(8)
        payors = each(segment.reps(4), lambda rep: organization(b, rep))
        policy = segment.text(36)
        classes = [
            {"type": _class("plan"), "value": plan.c(1), "name": plan.c(2)} if plan.c(1) else {},
            {"type": _class("group"), "value": group, "name": segment.text(9)} if group else {},
        ]
        kind, copay = segment.rep(15), segment.rep(37)
        found.append(b.add("Coverage", f"in1:{segment.text(1) or segment.at}:{plan.c(1)}", {
            "status": "active",
            "identifier": [
                {"value": policy, "type": of_table("0203", "PLN")} if policy else {},
                *each(segment.reps(3), lambda rep: identifier(b, rep)),
            ],
            "type": coded(b, kind),
            "subscriberId": segment.text(49) or None,
            **_of_in2(b, segment),
            "beneficiary": b.subject,
            "relationship": coded(b, segment.rep(17)),
            "period": period(fhir_date(segment.text(12)), fhir_date(segment.text(13))),
            "payor": payors or [{"display": plan.c(2) or plan.c(1) or "未说明"}],
            "class": classes,
            "network": plan.c(2),
            "costToBeneficiary": [
                {"type": of_table("0205", copay.c(2)), "valueMoney": money(copay.c(1), copay.c(1, 2))}
            ] if quantity(copay.c(1)) else None,
        }))  # fmt: skip
    return found


def _of_in2(b: Building, segment: Segment) -> Json:
    """What IN2 adds: the numbers of other insurances."""
    extras = list(b.content.each("IN2"))
    if segment.at > len(extras):
        return {}
    extra = extras[segment.at - 1]
    policy = segment.text(36)
    said = [(extra.text(6), "MC"), (extra.text(8), "MA"), (extra.text(10), "MI")]
    numbers: list[Json] = [{"value": value, "type": of_table("0203", kind)} for value, kind in said if value]
    numbers += each(extra.reps(61), lambda rep: identifier(b, rep))
    own = [{"value": policy, "type": of_table("0203", "PLN")}] if policy else []
    return {"identifier": [*own, *each(segment.reps(3), lambda rep: identifier(b, rep)), *numbers]}


def money(amount: str, currency: str) -> Json:
    """A sum: yuan where no currency is said."""
    value = quantity(amount).get("value")
    return {"value": value, "currency": currency or "CNY"} if value is not None else {}


def _class(code: str) -> Json:
    return {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/coverage-class", "code": code}]}
