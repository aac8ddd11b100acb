"""The health code over HTTP, from the phone to the counter."""

import pytest
import segno

from backend import clock
from backend.healthcodes.offline import OfflineVerifier, TrustedKeys
from tests.factories.residents import make_resident

CODES = "/api/v1/health-codes"
HOSPITAL = "/hospital/v1/health-codes"


async def show(api, resident):
    return await api.call("POST", f"{CODES}/dynamic", as_=resident, json={"patient_id": resident.id})


async def test_a_code_goes_from_the_phone_to_the_counter(api, resident, hospital):
    code = await show(api, resident)
    assert (code["ttl_s"], code["refresh_after_s"]) == (60, 45)
    assert code["issued_at"].endswith("Z")
    answer = await api.call(
        "POST",
        f"{HOSPITAL}/verify",
        as_=hospital.window,
        json={"code": code["text"], "step": "10101", "at": clock.now().isoformat()},
    )
    assert answer["patient"]["name"] == resident.name
    assert (answer["step_name"], answer["code_kind"], answer["repeated"]) == ("挂号", "dynamic", False)
    assert answer["clock_off_s"] == 0
    uses = await api.call("GET", f"{CODES}/uses?limit=5", as_=resident)
    assert uses["items"] == [
        {
            "id": answer["use_id"],
            "patient_id": resident.id,
            "organization_name": "健康城市第一人民医院",
            "terminal_name": "1号窗口",
            "step": "10101",
            "step_name": "挂号",
            "at": answer["at"],
            "offline": False,
            "flagged": False,
        }
    ]


async def test_each_refusal_has_its_own_code(api, resident, hospital):
    code = (await show(api, resident))["text"]
    body = {"code": code, "step": "10101"}
    await api.call("POST", f"{HOSPITAL}/verify", as_=hospital.window, json=body)
    replay = await api.call("POST", f"{HOSPITAL}/verify", as_=hospital.other_window, json=body, expect=409)
    assert replay["error"]["code"] == "CODE_REPLAYED"
    garbage = {"code": "hello", "step": "10101"}
    unreadable = await api.call("POST", f"{HOSPITAL}/verify", as_=hospital.window, json=garbage, expect=400)
    assert unreadable["error"]["code"] == "CODE_UNREADABLE"
    forged = {"code": code[:-4] + "0000", "step": "10101"}
    answer = await api.call("POST", f"{HOSPITAL}/verify", as_=hospital.window, json=forged, expect=400)
    assert answer["error"]["code"] == "CODE_FORGED"


@pytest.mark.parametrize(
    "body",
    [{}, {"code": "x"}, {"code": "", "step": "10101"}, {"code": "x" * 301, "step": "10101"},
     {"code": 1, "step": "1"}, {"code": "x", "step": "abc"}, {"code": "x", "step": "0", "more": 1},
     {"code": "x", "step": "0", "second_factor": {"id_last4": "12"}}],
)  # fmt: skip
async def test_a_body_that_is_not_one_is_refused(api, hospital, body):
    answer = await api.call("POST", f"{HOSPITAL}/verify", as_=hospital.window, json=body, expect=400)
    assert answer["error"]["code"] == "BAD_REQUEST"


async def test_residents_do_not_verify_and_terminals_do_not_show(api, resident, hospital):
    await api.call("POST", f"{HOSPITAL}/verify", as_=resident, json={"code": "x", "step": "0"}, expect=403)
    await api.call("POST", f"{HOSPITAL}/verify", as_=None, json={"code": "x", "step": "0"}, expect=401)
    await api.call(
        "POST", f"{CODES}/dynamic", as_=hospital.window, json={"patient_id": resident.id}, expect=403
    )
    await api.call("GET", f"{CODES}/uses", as_=None, expect=401)


async def test_printed_codes_are_made_listed_and_revoked(api, city, resident):
    body, headers = {"patient_id": resident.id}, {"Idempotency-Key": "print-0001"}
    made = await api.call("POST", f"{CODES}/static", as_=resident, json=body, headers=headers, expect=201)
    again = await api.call("POST", f"{CODES}/static", as_=resident, json=body, headers=headers, expect=201)
    assert again["id"] == made["id"]
    assert made["svg"].startswith("<svg")
    assert int(segno.make_qr(made["text"], error="m").version) <= 2
    assert (await api.call("GET", f"{CODES}/static", as_=resident))["items"] == [made]
    stranger = await make_resident(city.services)
    await api.call("DELETE", f"{CODES}/static/{made['id']}", as_=stranger, expect=404)
    await api.call("DELETE", f"{CODES}/static/{made['id']}", as_=resident, expect=204)
    assert (await api.call("GET", f"{CODES}/static", as_=resident))["items"] == []


async def test_a_phone_gets_and_loses_its_secret(api, resident):
    body = {"patient_id": resident.id}
    device = await api.call("POST", f"{CODES}/offline-device", as_=resident, json=body)
    assert (len(device["pseudo_id"]), len(device["secret"]), device["step_s"]) == (16, 64, 30)
    await api.call("DELETE", f"{CODES}/offline-device", as_=resident, params=body, expect=204)
    renewed = await api.call("POST", f"{CODES}/offline-device", as_=resident, json=body)
    assert renewed["pseudo_id"] != device["pseudo_id"]


async def test_a_terminal_goes_offline_and_comes_back(api, resident, hospital):
    keys = TrustedKeys.from_document(await api.call("GET", f"{HOSPITAL}/keys", as_=hospital.window))
    use = OfflineVerifier(keys).verify((await show(api, resident))["text"], "10101")
    answer = await api.call(
        "POST", f"{HOSPITAL}/offline-uses", as_=hospital.window, json={"uses": [use.to_dict()]}
    )
    assert [(item["state"], item["patient"]["name"]) for item in answer["items"]] == [
        ("accepted", resident.name)
    ]


async def test_somebody_elses_code_is_not_there(api, city, resident):
    stranger = await make_resident(city.services)
    body = {"patient_id": resident.id}
    for path in ("dynamic", "offline-device", "static"):
        await api.call("POST", f"{CODES}/{path}", as_=stranger, json=body, expect=404)
