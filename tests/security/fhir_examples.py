"""One real request for every route of the FHIR face (examples.py says how these are read)."""

from __future__ import annotations

from typing import Any

from backend.ids import new_id
from tests.backend.exchange.fhir.conftest import a_patient, an_observation
from tests.security.examples import INSTITUTION, OWN, PUBLIC, Ask, Example, plain
from tests.security.town import Town


async def _patient(town: Town) -> str:
    """A chart of the hospital's."""
    answer = await town.city.http.post(
        f"{town.city.url}/fhir/R4/Patient", json=a_patient(new_id()), headers=town["client"].headers
    )
    assert answer.status_code == 201, answer.text
    return str(answer.headers["Location"].split("/")[-3])


async def _observation(town: Town) -> tuple[str, dict[str, Any]]:
    patient = await _patient(town)
    body = an_observation(f"Patient/{patient}")
    answer = await town.city.http.post(
        f"{town.city.url}/fhir/R4/Observation", json=body, headers=town["client"].headers
    )
    id = str(answer.headers["Location"].split("/")[-3])
    return id, body | {"id": id}


async def _one(town: Town, caller: str) -> Ask:
    id, body = await _observation(town)
    return Ask(path={"type": "Observation", "id": id, "version": "1"}, json=body)


async def _part(town: Town, caller: str) -> Ask:
    """A change of one of them."""
    id, _ = await _observation(town)
    steps = [{"op": "replace", "path": "/status", "value": "amended"}]
    return Ask(path={"type": "Observation", "id": id}, json=steps, media="application/json-patch+json")


async def _whole_chart(town: Town, caller: str) -> Ask:
    return Ask(path={"id": await _patient(town)})


async def _load(town: Town, caller: str) -> Ask:
    answer = await town.city.http.post(
        f"{town.city.url}/fhir/R4/$load",
        content=b"",
        headers=town["client"].headers | {"Content-Type": "application/fhir+ndjson"},
    )
    return Ask(path={"load_id": str(answer.headers["Content-Location"]).rpartition("/")[2]})


_NAME: dict[str, Any] = {"resourceType": "Organization", "name": "检验科"}
_OF_TYPE = {"type": "Organization"}
FHIR_EXAMPLES: dict[str, list[Example]] = {
    "GET /fhir/R4/metadata": [plain(PUBLIC)],
    "POST /fhir/R4": [plain(OWN, json={"resourceType": "Bundle", "type": "batch"})],
    "GET /fhir/R4/{type}": [plain(OWN, path=_OF_TYPE)],
    "POST /fhir/R4/{type}": [plain(OWN, path=_OF_TYPE, json=_NAME)],
    "PUT /fhir/R4/{type}": [plain(OWN, 201, path=_OF_TYPE, query={"identifier": "urn:x|none"}, json=_NAME)],
    "DELETE /fhir/R4/{type}": [plain(OWN, 204, path=_OF_TYPE, query={"identifier": "urn:x|none"})],
    "POST /fhir/R4/{type}/_search": [plain(OWN, path=_OF_TYPE, form={"_count": "1"})],
    "GET /fhir/R4/{type}/{id}": [Example(INSTITUTION, _one)],
    "PUT /fhir/R4/{type}/{id}": [Example(INSTITUTION, _one)],
    "PATCH /fhir/R4/{type}/{id}": [Example(INSTITUTION, _part)],
    "DELETE /fhir/R4/{type}/{id}": [Example(INSTITUTION, _one, 204)],
    "GET /fhir/R4/{type}/{id}/_history": [Example(INSTITUTION, _one)],
    "GET /fhir/R4/{type}/{id}/_history/{version}": [Example(INSTITUTION, _one)],
    # No file: whoever may is told what to send.
    "POST /fhir/R4/$load": [plain(OWN, 415, content=b"{}")],
    "GET /fhir/R4/$load/{load_id}": [Example(INSTITUTION, _load)],
    "GET /fhir/R4/$load/{load_id}/refusals": [Example(INSTITUTION, _load)],
    "GET /fhir/R4/Patient/{id}/$everything": [Example(INSTITUTION, _whole_chart)],
}
