"""Made-up people with records as real ones: most have a few visits, some hundreds; always the same ones."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from backend.ids import derived_id, named_id
from backend.records.ids import resource_id
from backend.records.models import Body, Incoming, Source

HOSPITALS = tuple(named_id("bench hospital", str(n)) for n in range(20))
_BEGAN = datetime(2016, 1, 1, tzinfo=UTC)
_DAYS = 3_900
LOINC, ICD, ATC = "http://loinc.org", "http://hl7.org/fhir/sid/icd-10", "http://www.whocc.no/atc"
# Share of people, and how many visits they have: whoever is on dialysis comes three times a week.
_VISITS = ((0.60, 1, 3), (0.90, 4, 12), (0.99, 13, 60), (1.0, 150, 400))
_DIAGNOSES = ("I10", "E11.9", "J06.9", "K29.5", "M54.5", "N18.5", "J18.9", "E78.5", "H10.9", "L20.9")
_MEDICINES = ("C08CA01", "A10BA02", "C10AA05", "J01CA04", "N02BE01", "A02BC01", "B01AC06", "R05CB01")
_RESULTS = (
    ("718-7", "血红蛋白", 120, 160, "g/L"), ("6690-2", "白细胞", 3.5, 9.5, "10*9/L"),
    ("777-3", "血小板", 125, 350, "10*9/L"), ("2345-7", "葡萄糖", 3.9, 6.1, "mmol/L"),
    ("2160-0", "肌酐", 45, 110, "umol/L"), ("1742-6", "丙氨酸氨基转移酶", 9, 50, "U/L"),
    ("2823-3", "钾", 3.5, 5.3, "mmol/L"), ("2093-3", "总胆固醇", 2.8, 5.2, "mmol/L"),
)  # fmt: skip


def _concept(system: str, code: str, display: str = "") -> Body:
    return {"coding": [{"system": system, "code": code} | ({"display": display} if display else {})]}


_LABORATORY = _concept("http://terminology.hl7.org/CodeSystem/observation-category", "laboratory")
_LAB, _RAD = (_concept("http://terminology.hl7.org/CodeSystem/v2-0074", code) for code in ("LAB", "RAD"))


@dataclass(frozen=True)
class Sent:
    """What one hospital sends of one visit, as one message."""

    organization_id: str
    batch: list[Incoming]
    source: Source


def charts_of(person: int) -> list[str]:
    """The charts of a person by his number: at one hospital, or at up to three."""
    count = 1 + (person % 3 == 0) + (person % 7 == 0)
    return [
        derived_id(_BEGAN + timedelta(seconds=person), "chart", str(person), str(n)) for n in range(count)
    ]


def messages_of(person: int) -> Iterator[Sent]:
    """All that hospitals have sent of a person, in the order of his visits."""
    dice = random.Random(person)
    share, charts = dice.random(), charts_of(person)
    _, least, most = next(each for each in _VISITS if share <= each[0])
    for n in range(dice.randint(least, most)):
        place = dice.randrange(len(charts))
        at = _BEGAN + timedelta(days=dice.randrange(_DAYS), minutes=dice.randrange(600))
        hospital = HOSPITALS[(person + 7 * place) % len(HOSPITALS)]
        visit = _Visit(charts[place], f"{n}", at, dice)
        yield Sent(hospital, list(visit.resources()), Source("v2", f"{person}.{n}", hospital, at))


class _Visit:
    """One visit: who sees a doctor has a diagnosis, mostly medicines, and every other time a report."""

    def __init__(self, chart: str, key: str, at: datetime, dice: random.Random) -> None:
        self._chart, self._key, self._dice = chart, key, dice
        self._at = at.isoformat()
        self._about = {
            "subject": {"reference": f"Patient/{chart}"},
            "encounter": {"reference": f"Encounter/{resource_id(chart, 'Encounter', key)}"},
        }

    def resources(self) -> Iterator[Incoming]:
        dice = self._dice
        yield self._make("Encounter", self._key, status="finished", period={"start": self._at},
                         **{"class": {"code": "AMB"}}, encounter=None)  # fmt: skip
        yield self._make(
            "Condition", self._key, code=_concept(ICD, dice.choice(_DIAGNOSES)), recordedDate=self._at
        )
        for n in range(dice.randrange(3)):
            medicine = _concept(ATC, dice.choice(_MEDICINES))
            yield self._make(
                "MedicationRequest", f"{self._key}.{n}", status="completed", authoredOn=self._at,
                medicationCodeableConcept=medicine, dosageInstruction=[{"text": "口服 每日一次"}],
            )  # fmt: skip
        if dice.random() < 0.6:
            yield self._make(
                "ServiceRequest", self._key, status="completed", intent="order", authoredOn=self._at
            )
            yield from self.report(6)
        if dice.random() < 0.15:
            yield from self._imaging()

    def report(self, count: int) -> Iterator[Incoming]:
        """A report of the laboratory after its results."""
        results = []
        for n in range(count):
            code, name, low, high, unit = self._dice.choice(_RESULTS)
            key = f"{self._key}.{n}"
            results.append({"reference": f"Observation/{resource_id(self._chart, 'Observation', key)}"})
            yield self._make(
                "Observation", key, status="final", effectiveDateTime=self._at, category=[_LABORATORY],
                code=_concept(LOINC, code, name),
                valueQuantity={"value": round(self._dice.uniform(low * 0.9, high * 1.1), 1), "unit": unit},
                referenceRange=[{"low": {"value": low}, "high": {"value": high}}],
            )  # fmt: skip
        yield self._make("DiagnosticReport", f"{self._key}.l", status="final", effectiveDateTime=self._at,
                         category=[_LAB], code={"text": "检验报告"}, result=results)  # fmt: skip

    def _imaging(self) -> Iterator[Incoming]:
        yield self._make(
            "ImagingStudy", f"{self._key}.i", status="available", started=self._at, numberOfSeries=2
        )
        yield self._make(
            "DiagnosticReport", f"{self._key}.i", status="final", effectiveDateTime=self._at, category=[_RAD],
            code={"text": "胸部CT平扫"}, conclusion="双肺纹理清晰，未见明显实质性病变。",
        )  # fmt: skip

    def _make(self, type: str, key: str, **said: Any) -> Incoming:
        number = [{"system": "urn:his", "value": f"{self._chart[-8:]}-{key}"}]
        body: Body = {"resourceType": type, "identifier": number, **self._about, **said}
        return Incoming(type, self._chart, {name: value for name, value in body.items() if value}, key=key)


def report_of(chart: str, key: str, results: int = 30) -> list[Incoming]:
    """A laboratory's report with so many results, as one message brings it."""
    visit = _Visit(chart, key, _BEGAN + timedelta(days=_DAYS), random.Random(key))
    return list(visit.report(results))
