"""The sandbox's key material over the years: what was told stays told, what is new is added."""

from pathlib import Path

import orjson

from sandbox.credentials import load_credentials


def test_a_sandbox_from_before_the_clouds_is_given_accounts_there(tmp_path: Path):
    before = load_credentials(tmp_path).told
    file = tmp_path / "credentials.json"
    old = {name: value for name, value in before.items() if name not in ("aliyun_sms", "tencent_sms")}
    file.write_bytes(orjson.dumps(old))
    now = load_credentials(tmp_path).told
    assert {name: now[name] for name in old} == old
    assert set(now) == set(before)
    assert now["aliyun_sms"] != before["aliyun_sms"]
    assert load_credentials(tmp_path).told == now == orjson.loads(file.read_bytes())


def test_the_clouds_have_the_same_wordings_under_codes_of_their_own(tmp_path: Path):
    told = load_credentials(tmp_path).told
    aliyun, tencent = (told[f"{name}_sms"]["templates"] for name in ("aliyun", "tencent"))
    assert {kind: one["text"] for kind, one in aliyun.items()} == {
        kind: one["text"] for kind, one in tencent.items()
    }
    assert all(one["code"].startswith("SMS_4") for one in aliyun.values())
    assert all(one["code"].isdigit() for one in tencent.values())
