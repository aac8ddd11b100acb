"""Uses made offline: told and kept when they are uploaded, double uses found out."""

from datetime import timedelta

import pytest

from backend import clock
from backend.errors import ErrorCode
from backend.healthcodes.models import OfflineUpload, UploadState
from backend.healthcodes.offline import OfflineVerifier, TrustedKeys
from tests.backend.healthcodes.conftest import turn_clock


@pytest.fixture
def codes(city):
    return city.services.healthcodes


def offline_use(codes, text, step="10101"):
    """What a terminal without network makes of a code."""
    verifier = OfflineVerifier(
        TrustedKeys.from_document(codes.key_list()), now=lambda: clock.now().timestamp()
    )
    return OfflineUpload(verifier.verify(text, step).code, step, clock.now())


async def test_an_offline_use_is_taken_in_and_told(codes, hospital, resident, monkeypatch):
    code = await codes.make_dynamic(resident.actor, resident.id)
    use = offline_use(codes, code.text)
    turn_clock(monkeypatch, hours=5)
    [answer] = await codes.uploads.upload(hospital.window, [use])
    assert answer.state is UploadState.ACCEPTED
    assert answer.told.name == resident.name
    [seen], _ = await codes.list_uses(resident.actor, 10, None)
    assert (seen.use.offline, seen.use.at, seen.use.flagged) == (True, use.at, False)


async def test_uploading_twice_is_harmless(codes, hospital, resident):
    use = offline_use(codes, (await codes.make_dynamic(resident.actor, resident.id)).text)
    answers = await codes.uploads.upload(hospital.window, [use, use])
    again = await codes.uploads.upload(hospital.window, [use])
    assert [answer.state for answer in answers + again] == [
        UploadState.ACCEPTED,
        UploadState.DUPLICATE,
        UploadState.DUPLICATE,
    ]
    assert len({answer.use_id for answer in answers + again}) == 1


async def test_a_photo_shown_at_two_offline_terminals_is_found_out(codes, hospital, other_hospital, resident):
    code = await codes.make_dynamic(resident.actor, resident.id)
    one, other = offline_use(codes, code.text), offline_use(codes, code.text)
    await codes.uploads.upload(hospital.window, [one])
    [answer] = await codes.uploads.upload(other_hospital.window, [other])
    assert (answer.state, answer.told) == (UploadState.DOUBLE_USE, None)
    [seen], _ = await codes.list_uses(resident.actor, 10, None)
    assert seen.use.flagged


async def test_an_offline_use_of_a_code_already_used_online_is_flagged(codes, hospital, resident):
    code = await codes.make_dynamic(resident.actor, resident.id)
    await codes.verification.verify(hospital.window, code.text, "10101")
    [answer] = await codes.uploads.upload(hospital.other_window, [offline_use(codes, code.text)])
    assert answer.state is UploadState.DOUBLE_USE
    [same] = await codes.uploads.upload(hospital.window, [offline_use(codes, code.text)])
    assert same.state is UploadState.DUPLICATE


async def test_one_bad_use_does_not_stop_the_others(codes, hospital, resident):
    good = offline_use(codes, (await codes.make_dynamic(resident.actor, resident.id)).text)
    expired = OfflineUpload(good.code, "10101", good.at + timedelta(minutes=-10))
    old = OfflineUpload(good.code, "10101", good.at - timedelta(days=8))
    strange = OfflineUpload("E1:NONSENSE", "10101", good.at)
    not_here = OfflineUpload(good.code, "10101", good.at)
    answers = await codes.uploads.upload(hospital.window, [strange, expired, old, good])
    assert [(answer.state, answer.error) for answer in answers] == [
        (UploadState.REFUSED, ErrorCode.CODE_UNREADABLE),
        (UploadState.REFUSED, ErrorCode.CODE_EXPIRED),
        (UploadState.REFUSED, ErrorCode.CODE_EXPIRED),
        (UploadState.ACCEPTED, None),
    ]
    [answer] = await codes.uploads.upload(hospital.pharmacy, [not_here])
    assert (answer.state, answer.error) == (UploadState.REFUSED, ErrorCode.FORBIDDEN)
