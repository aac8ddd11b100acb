"""The survey page as a phone sees it: no script, no sign-in, one run."""

from __future__ import annotations

import re

from backend.surveys.models import RunState
from tests.backend.surveys.conftest import Ward


async def test_a_run_is_answered_on_the_page_question_by_question(ward: Ward):
    await ward.campaign()
    run = await ward.asked()
    city = ward.city
    [text] = await ward.texts()
    path = re.search(r"/s/\w+", text)
    assert path is not None
    url = city.url + path[0]
    page = await city.http.get(url)
    assert (page.status_code, page.headers["Cache-Control"]) == (200, "no-store")
    assert "script-src" not in page.headers["Content-Security-Policy"]
    assert "<script" not in page.text
    assert "您对这次就诊满意吗？" in page.text
    contact = await city.city.services.residents.contact(run.patient_id)
    assert contact.phone is not None
    for personal in (contact.phone, run.patient_id, "李"):
        assert personal not in page.text

    async def send(**form: str | list[str]) -> str:
        answered = await city.http.post(url, data=form, follow_redirects=True)
        return answered.text

    assert "这道题需要回答" in await send(question="overall", key="k0", action="answer")
    assert "这道题需要回答" in await send(question="overall", key="k0", action="skip")
    for _ in range(2):
        assert "哪里做得不好？" in await send(question="overall", answer="1", key="k1", action="answer")
    assert "还有什么想说的" in await send(question="why", answer=["talk", "wait"], key="k2", action="answer")
    back = await city.http.get(f"{url}?at=why")
    assert back.text.count(" checked") == 2
    assert "谢谢您。" in await send(question="words", key="k3", action="skip")
    assert "谢谢您。" in await send(question="overall", answer="5", key="k4", action="answer")
    [after] = await ward.runs()
    assert (after.state, after.answers["overall"], after.answers["why"]) == (
        RunState.COMPLETED, "1", ("wait", "talk"),
    )  # fmt: skip
    assert after.percent == 0


async def test_nobody_is_asked_again_who_says_no_and_a_wrong_address_says_nothing(ward: Ward):
    await ward.campaign()
    run = await ward.asked()
    url = f"{ward.city.url}/s/{ward.service.links.token(run.id)}"
    no = await ward.city.http.post(url, data={"action": "refuse"}, follow_redirects=True)
    assert "不再打扰您" in no.text
    assert (await ward.runs())[0].state is RunState.REFUSED
    wrong = await ward.city.http.get(url[:-1] + "!")
    assert wrong.status_code == 404
    other = await ward.city.http.get(url[:-16] + "0" * 16)
    assert (other.status_code, "链接无效" in other.text) == (404, True)
    long = await ward.city.http.post(url, data={"question": "words", "answer": "长" * 3000})
    assert long.status_code == 303
