"""Sessions: rotating refresh tokens, reuse, signing out, and what other processes learn of it."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from backend import clock
from backend.errors import AppError, ErrorCode
from backend.permissions import Role
from backend.security.keys import Keyring
from backend.security.refresh import RefreshTokens
from tests.backend.security.conftest import signing_in


async def refused(awaitable):
    with pytest.raises(AppError) as error:
        await awaitable
    return error.value.code


def turn_clock(monkeypatch, **by):
    at = clock.now() + timedelta(**by)
    monkeypatch.setattr(clock, "now", lambda: at)


async def test_a_session_opens_with_an_access_and_a_refresh_token(process, resident):
    issued = await process.sessions.open(resident, "iPhone")
    actor = process.issuer.verify(issued.access_token)
    assert actor == replace(resident, session_id=issued.actor.session_id)
    assert issued.expires_in == 1800


async def test_refreshing_gives_new_tokens_each_time(process, resident):
    first = await process.sessions.open(resident)
    second = await process.sessions.refresh(first.refresh_token)
    third = await process.sessions.refresh(second.refresh_token)
    assert len({first.refresh_token, second.refresh_token, third.refresh_token}) == 3
    assert process.issuer.verify(third.access_token).id == resident.id


async def test_a_repeat_within_seconds_gets_the_same_successor(process, resident):
    issued = await process.sessions.open(resident)
    answers = await asyncio.gather(*(process.sessions.refresh(issued.refresh_token) for _ in range(4)))
    assert len({answer.refresh_token for answer in answers}) == 1


async def test_a_used_token_that_comes_back_later_ends_the_session(process, resident, monkeypatch):
    issued = await process.sessions.open(resident)
    successor = await process.sessions.refresh(issued.refresh_token)
    turn_clock(monkeypatch, seconds=30)
    assert await refused(process.sessions.refresh(issued.refresh_token)) is ErrorCode.REFRESH_REUSED
    assert await refused(process.sessions.refresh(successor.refresh_token)) is ErrorCode.UNAUTHENTICATED
    with pytest.raises(AppError):
        process.issuer.verify(successor.access_token)


async def test_a_token_two_steps_old_ends_the_session_at_once(process, resident):
    first = await process.sessions.open(resident)
    second = await process.sessions.refresh(first.refresh_token)
    await process.sessions.refresh(second.refresh_token)
    assert await refused(process.sessions.refresh(first.refresh_token)) is ErrorCode.REFRESH_REUSED


async def test_an_invented_token_ends_nobodys_session(process, resident):
    issued = await process.sessions.open(resident)
    invented = RefreshTokens(Keyring.generate()).first(issued.actor.session_id)
    assert await refused(process.sessions.refresh(invented.text)) is ErrorCode.UNAUTHENTICATED
    assert (await process.sessions.refresh(issued.refresh_token)).actor.id == resident.id


@pytest.mark.parametrize("text", ["", "hcr_", "hcr_!!!!", "hcr_" + "A" * 75, "x" * 5000])
async def test_nonsense_is_refused(process, text):
    assert await refused(process.sessions.refresh(text)) is ErrorCode.UNAUTHENTICATED


async def test_a_session_that_is_not_refreshed_expires(process, resident, monkeypatch):
    issued = await process.sessions.open(resident)
    turn_clock(monkeypatch, days=31)
    assert await refused(process.sessions.refresh(issued.refresh_token)) is ErrorCode.TOKEN_EXPIRED


async def test_no_session_lasts_longer_than_its_limit(process, resident, monkeypatch):
    issued = await process.sessions.open(replace(resident, kind="staff", role=Role.DOCTOR))
    for _ in range(7):
        turn_clock(monkeypatch, minutes=100)
        issued = await process.sessions.refresh(issued.refresh_token)
    turn_clock(monkeypatch, minutes=100)
    assert await refused(process.sessions.refresh(issued.refresh_token)) is ErrorCode.TOKEN_EXPIRED


async def test_signing_out_voids_both_tokens(process, resident):
    issued = await process.sessions.open(resident)
    await process.sessions.end(issued.actor.session_id)
    assert await refused(process.sessions.refresh(issued.refresh_token)) is ErrorCode.UNAUTHENTICATED
    with pytest.raises(AppError):
        process.issuer.verify(issued.access_token)


async def test_another_process_learns_of_a_revocation(process, resident, db):
    other = signing_in(db, process.keyring)
    issued = await process.sessions.open(resident)
    other.issuer.verify(issued.access_token)
    await process.sessions.end(issued.actor.session_id)
    await other.revocations.refresh()
    with pytest.raises(AppError):
        other.issuer.verify(issued.access_token)


async def test_ending_all_sessions_spares_the_one_opened_afterwards(process, resident, monkeypatch):
    old = await process.sessions.open(resident)
    turn_clock(monkeypatch, milliseconds=5)
    await process.sessions.end_all(resident.id)
    turn_clock(monkeypatch, milliseconds=5)
    new = await process.sessions.open(resident)
    with pytest.raises(AppError):
        process.issuer.verify(old.access_token)
    assert process.issuer.verify(new.access_token).id == resident.id
    assert [session.id for session in await process.sessions.list_open(resident)] == [new.actor.session_id]


async def test_a_refresh_takes_in_what_has_changed_about_the_account(process, resident):
    issued = await process.sessions.open(replace(resident, real_name=False))

    async def renew(actor):
        return replace(actor, real_name=True)

    refreshed = await process.sessions.refresh(issued.refresh_token, renew)
    assert process.issuer.verify(refreshed.access_token).real_name
    assert (await process.sessions.refresh(refreshed.refresh_token)).actor.real_name


async def test_an_upgrade_counts_at_once_and_at_the_next_refresh(process, resident):
    issued = await process.sessions.open(replace(resident, real_name=False))
    access = await process.sessions.upgrade(replace(issued.actor, real_name=True))
    assert process.issuer.verify(access).real_name
    assert (await process.sessions.refresh(issued.refresh_token)).actor.real_name


async def test_the_database_holds_no_refresh_token(process, resident, db):
    issued = await process.sessions.open(resident)
    stored = str(await db.collection("sessions").find_one({}))
    assert issued.refresh_token not in stored
    token = RefreshTokens(process.keyring).parse(issued.refresh_token)
    assert token is not None
    assert token.hash in stored


async def test_revocations_are_forgotten_when_no_token_can_be_about(process, resident, monkeypatch):
    issued = await process.sessions.open(resident)
    await process.sessions.end(issued.actor.session_id)
    turn_clock(monkeypatch, hours=1)
    await process.revocations.refresh()
    assert not process.revocations.covers(issued.actor.session_id, resident.id, clock.now())


async def test_the_list_keeps_itself_fresh_in_the_background(process, resident, db):
    from tests.support.polling import poll

    other = signing_in(db, process.keyring)
    other.revocations.start()
    issued = await process.sessions.open(resident)
    await process.sessions.end(issued.actor.session_id)
    await poll(lambda: other.revocations.covers(issued.actor.session_id, "", clock.now()))
    await other.revocations.stop()
