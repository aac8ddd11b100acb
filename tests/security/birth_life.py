"""The part of a life that is a birth: noted by the hospital, filed with a photograph, seen to by agencies."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any

from backend import clock
from tests.factories.births import A_PHOTO, let_pass
from tests.security.people import FATHER, MOTHER, Life
from tests.support.city import Caller


async def a_child_is_born(life: Life, mother: Caller, hospital: Caller) -> None:
    """The parents are not married to each other, say the registers; so they bring their papers."""
    city, call = life.city, life.city.call
    await city.outside.post("switches", {"agencies_correct": "household"})
    notice: dict[str, Any] = {
        "born_at": (clock.now() - timedelta(days=3)).isoformat(),
        "sex": "male",
        "weight_g": 3456,
        "place": life.keep("note", "产科二病区三号产房"),
        "attendant": life.keep("name", "钟离助产"),
        "mother": {name: MOTHER[name] for name in ("name", "id_number", "phone")},
        "father": {name: FATHER[name] for name in ("name", "id_number")},
    }
    noted = await call("PUT", "/hospital/v1/births/NB-1", as_=hospital, json=notice)
    opened = await call(
        "POST", "/api/v1/birth-filings", as_=mother, json={"birth_id": noted["id"]}, expect=201
    )
    path = f"/api/v1/birth-filings/{opened['id']}"
    for kind in ("parents_identity", "parentage_statement"):
        photo = base64.b64encode(A_PHOTO + kind.encode()).decode()
        body = {"kind": kind, "content_type": "image/jpeg", "content": photo}
        await call("POST", f"{path}/files", as_=mother, json=body, expect=201)
    answers = {
        "child_name": life.keep("name", "欧阳星澜"),
        "wanted": ["maternity_claim"],
        "bank_account": life.keep("bank account", "6222021234567890123"),
        "delivery": {
            "way": "mail",
            "receiver": MOTHER["name"],
            "phone": MOTHER["phone"],
            "address": life.keep("address", "幸福里花园九号楼二单元一一〇三"),
        },
    }
    await call("PUT", path, as_=mother, json=answers)
    await call("POST", f"{path}/submit", as_=mother)

    async def sent_back() -> Any:
        await let_pass(city)
        filing = await call("GET", path, as_=mother)
        return filing if filing["state"] == "needs_correction" else None

    await city.until(sent_back)
    await call("POST", f"{path}/steps/household/correct", as_=mother, json=answers)

    async def over() -> Any:
        await let_pass(city)
        filing = await call("GET", path, as_=mother)
        return filing if filing["state"] == "completed" and filing["child_id"] else None

    await city.until(over)
    for one in (await city.outside.get("agencies"))["items"]:
        for name, value in one["results"].items():
            if name in ("id_number", "certificate_no", "card_no", "booklet_no", "insurance_no"):
                life.keep(name, value)
