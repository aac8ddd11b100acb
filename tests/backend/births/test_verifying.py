"""The page behind a printout's QR: whether it holds, for anybody who has the paper, and nothing more."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from typing import Any

import httpx
import pytest

from backend import clock
from backend.births.machine import FilingState, StepState
from backend.births.models import Birth, Concern, ConcernKind, Filing
from backend.births.settling import with_concern, with_step
from backend.errors import AppError, ErrorCode
from backend.permissions import SYSTEM, Actor, Role
from backend.reports.paper import Paper, as_pdf
from backend.settings import Settings
from tests.factories.births import a_family, make_filing
from tests.support.city import TestCity

STAFF = Actor("staff", "clerk", Role.CITY_OPERATOR, None)
RESULTS = {"certificate_no": "P370123456", "issued_on": "2026-11-20"}


async def a_done_filing(town: TestCity, number: int = 1) -> tuple[Filing, Birth]:
    """One whose certificate is issued."""
    births, family = town.city.services.births, await a_family(town, number)
    birth = await births.noting.read(SYSTEM, town.hospital.id, family.external_id)
    done, now = {"birth_certificate": StepState.DONE}, clock.now()
    filing = await make_filing(town.city, birth, FilingState.PARTLY_DONE, done, ended_at=now)
    return await put(town, filing.id, results=RESULTS), birth


async def put(town: TestCity, filing_id: str, **changes: Any) -> Filing:
    """Something else stands at the certificate's step."""
    store = town.city.services.births._filings
    filing = await store.find(filing_id)
    step = filing.step("birth_certificate") if filing else None
    assert filing is not None
    assert step is not None
    assert await store.write(with_step(filing, replace(step, **changes)))
    return replace(filing, turn=filing.turn + 1)


async def opened(town: TestCity, address: str, expect: int = 200) -> httpx.Response:
    """The page, as somebody without an account opens it."""
    path = re.sub(r"^https?://[^/]+", "", address)
    answer = await town.http.get(town.url + path)
    assert answer.status_code == expect, answer.text
    return answer


async def test_a_printout_is_checked_by_anybody_who_has_it_and_says_little(town: TestCity):
    births = town.city.services.births
    filing, birth = await a_done_filing(town)
    printed = [births.desk.print(SYSTEM, filing.id, "birth_certificate") for _ in range(3)]
    assert all(content.startswith(b"%PDF-") for content in await asyncio.gather(*printed))
    kept = await births._filings.find(filing.id)
    step = kept.step("birth_certificate") if kept else None
    assert step is not None
    # Printed three times, at once: one secret, and the same QR.
    assert len(step.proofs) == 1
    address = await births.verifying.address_for(filing.id, "birth_certificate")
    assert address.startswith(f"{town.city.settings.public_url}/verify/births/{filing.id}")
    page = await opened(town, address)
    for said in ("有效", "出生医学证明", "陈**", "3456", "2026-11-20", "妇幼保健机构"):
        assert said in page.text
    told = (birth.mother.name, birth.mother.id_number, town.hospital.name)
    for unsaid in ("P370123456", "陈小满", "<script", *told):
        assert unsaid not in page.text
    assert page.headers["Cache-Control"] == "no-store"
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert page.headers["Referrer-Policy"] == "no-referrer"
    secret = address[-32:]
    document = str(await town.city.db.collection("birth_filings").find_one({"_id": filing.id}))
    assert secret not in document
    other, _ = await a_done_filing(town, 2)
    wrong = secret[:-1] + ("0" if secret[-1] != "0" else "1")
    near = (filing.id + wrong, filing.id + "0" * 32, other.id + secret, filing.id + secret + "0")
    for token in (*near, filing.id, secret, "x", "%00", "..%2F..", "%F0%9F%92%8A", "'%22%3E"):
        missing = await opened(town, f"/verify/births/{token}", 404)
        assert "没有这张凭证" in missing.text
        assert "陈" not in missing.text
    await opened(town, f"/verify/births/{filing.id}{secret}".upper(), 404)
    await opened(town, "/verify/births/", 404)
    assert "max-age" in (await opened(town, "/verify/births/page.css")).headers["Cache-Control"]


async def test_what_is_corrected_doubted_or_revoked_does_not_hold_any_more(town: TestCity):
    births, code = town.city.services.births, "birth_certificate"
    filing, _ = await a_done_filing(town)
    first = await births.verifying.address_for(filing.id, code)
    changed = await put(town, filing.id, results=RESULTS | {"certificate_no": "P370999999"})
    assert "已失效" in (await opened(town, first)).text
    second = await births.verifying.address_for(filing.id, code)
    assert second != first
    assert "有效" in (await opened(town, second)).text
    now = clock.now()
    kept = await births._filings.find(changed.id)
    assert kept is not None
    doubt = with_concern(kept, Concern(ConcernKind.CONTRADICTION, code, now, now))
    assert await births._filings.write(doubt)
    assert "核实中" in (await opened(town, second)).text
    with pytest.raises(AppError, match=ErrorCode.REASON_REQUIRED):
        await births.desk.revoke(STAFF, filing.id, code, " ")
    with pytest.raises(AppError, match=ErrorCode.CONFLICT):
        await births.desk.revoke(STAFF, filing.id, "household", "没有办结")
    doctor = Actor("staff", "doctor", Role.DOCTOR, frozenset({town.hospital.id}))
    elsewhere = Actor("staff", "other", Role.HOSPITAL_OPERATOR, frozenset({"another-hospital"}))
    for who, refusal in ((doctor, ErrorCode.FORBIDDEN), (elsewhere, ErrorCode.NOT_FOUND)):
        with pytest.raises(AppError, match=refusal):
            await births.desk.revoke(who, filing.id, code, "不该我做")
    await births.desk.revoke(STAFF, filing.id, code, "妇幼机构已换发新证")
    for address in (first, second):
        text = (await opened(town, address)).text
        assert "已作废" in text
        assert "换发" not in text
    with pytest.raises(AppError, match=ErrorCode.CONFLICT):
        await births.desk.revoke(STAFF, filing.id, code, "再作废一次")
    with pytest.raises(AppError, match=ErrorCode.NOT_FOUND):
        await births.desk.print(SYSTEM, filing.id, code)


async def test_whoever_tries_addresses_is_held_back(town: TestCity):
    answers = [await town.http.get(f"{town.url}/verify/births/{number}") for number in range(70)]
    assert {answer.status_code for answer in answers} == {404, 429}
    assert "请" in answers[-1].text


def test_the_code_stands_on_the_page_and_only_where_there_is_one():
    font = Settings(environment="test").pdf_font
    plain = Paper("户口登记", "打印件", clock.now(), (("编号", "1"),), ())
    coded = replace(plain, address="https://city.test/verify/births/X")
    drawn = [as_pdf(each, font) for each in (plain, coded)]
    assert len(drawn[1]) > len(drawn[0]) + 500
