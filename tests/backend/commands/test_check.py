"""`healthycity check` and starting agree: what is said to serve a city serves it, what would not is named."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from backend.commands import check, serving
from backend.commands.terminal import CommandError
from backend.security.keys import Keyring
from backend.settings import Settings
from backend.settings_checks import REQUIRED_IN_PRODUCTION

MAS = ("EC_NAME", "AP_ID", "SECRET_KEY", "SIGN_CODE", "CALLBACK_SECRET")
Problems = Callable[[Callable[[], None], dict[str, str]], str]


@pytest.fixture(scope="module")
def complete(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment with everything that production asks for."""
    folder = tmp_path_factory.mktemp("production")
    Keyring.generate(folder / "keys.json")
    (folder / "index.html").write_text("app")
    key = generate_private_key(65537, 2048)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "merchant.pem").write_bytes(private)
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return {name.upper(): "a-value-of-some-length" for name in REQUIRED_IN_PRODUCTION} | {
        "ENVIRONMENT": "production",
        "CITY_CODE": "371300",
        "PUBLIC_URL": "https://jk.example.org",
        "MONGODB_URI": "mongodb://127.0.0.1:1/?replicaSet=city&serverSelectionTimeoutMS=200",
        "BROKER_URL": "redis://127.0.0.1:1/0",
        "MAS_URL": "https://mas.example.org",
        **{f"MAS_{name}": "a-value-of-some-length" for name in MAS},
        "POPULATION_REGISTER_URL": "https://register.example.org",
        "KEYS_FILE": str(folder / "keys.json"),
        "MINIPROGRAM_DIR": str(folder),
        "WECHAT_PAY_PRIVATE_KEY": str(folder / "merchant.pem"),
        "WECHAT_PAY_PUBLIC_KEY": public.decode(),
        "WECHAT_PAY_API_V3_KEY": "0123456789abcdef0123456789abcdef",
        "WECHAT_PAY_PUBLIC_KEY_ID": "PUB_KEY_ID_0114232134912410000000000000",
    }


@pytest.fixture
def problems(monkeypatch: pytest.MonkeyPatch) -> Problems:
    """What a command says is wrong with an environment, and nothing else."""

    def told(command: Callable[[], None], environment: dict[str, str]) -> str:
        for name in Settings.model_fields:
            monkeypatch.delenv(name.upper(), raising=False)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        try:
            command()
        except CommandError as error:
            return str(error)
        return ""

    return told


def look() -> None:
    check.check(connect=False)


def start() -> None:
    serving.serve(port=1, processes=1)


def test_a_complete_configuration_can_serve_a_city(complete: dict[str, str], problems: Problems):
    assert problems(look, complete) == ""


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("WECHAT_PAY_PRIVATE_KEY", "/nowhere/merchant.pem", "WECHAT_PAY_PRIVATE_KEY is neither"),
        ("WECHAT_PAY_PRIVATE_KEY", "-----BEGIN NONSENSE-----", "WECHAT_PAY_PRIVATE_KEY is neither"),
        ("WECHAT_PAY_PUBLIC_KEY", "nonsense", "WECHAT_PAY_PUBLIC_KEY is neither"),
        ("WECHAT_PAY_API_V3_KEY", "short", "WECHAT_PAY_API_V3_KEY must be 32"),
        ("MINIPROGRAM_DIR", "/nowhere", "MINIPROGRAM_DIR holds no index.html"),
        ("CITY_CODE", "", "CITY_CODE is missing"),
    ],
)
def test_what_would_stop_the_web_server_is_named_by_check_and_by_starting(
    complete: dict[str, str], problems: Problems, name: str, value: str, said: str
):
    wrong = complete | {name: value}
    assert said in problems(look, wrong)
    assert said in problems(start, wrong)


CLOUDS = {
    "ALIYUN_SMS_ACCESS_KEY_ID": "LTAI-some-key",
    "ALIYUN_SMS_ACCESS_KEY_SECRET": "a-value-of-some-length",
    "ALIYUN_SMS_SIGN_NAME": "健康城市",
    "ALIYUN_SMS_TEMPLATES": '{"login_code": "SMS_123456789"}',
    "ALIYUN_SMS_CALLBACK_SECRET": "a-value-of-some-length",
    "TENCENT_SMS_SECRET_ID": "AKID-some-key",
    "TENCENT_SMS_SECRET_KEY": "a-value-of-some-length",
    "TENCENT_SMS_APP_ID": "1400000001",
    "TENCENT_SMS_SIGN_NAME": "健康城市",
    "TENCENT_SMS_TEMPLATES": '{"login_code": "1234567"}',
    "TENCENT_SMS_CALLBACK_SECRET": "a-value-of-some-length",
    "SMS_PUSH_NETWORKS": "198.51.100.0/24, 2001:db8::/32",
}


def test_more_sms_providers_may_be_set_up(complete: dict[str, str], problems: Problems):
    assert problems(look, complete | CLOUDS) == ""


@pytest.mark.parametrize("name", [name for name in CLOUDS if name != "SMS_PUSH_NETWORKS"])
def test_an_sms_provider_is_set_up_wholly_or_not_at_all(
    complete: dict[str, str], problems: Problems, name: str
):
    provider = "Aliyun SMS" if name.startswith("ALIYUN") else "Tencent Cloud SMS"
    halved = {key: value for key, value in CLOUDS.items() if key != name}
    assert problems(look, complete | halved) == f"{name} is missing: {provider} is only half set up."


def test_any_sms_provider_will_do_but_none_will_not(complete: dict[str, str], problems: Problems):
    without = complete | {name: "" for name in complete if name.startswith("MAS_")}
    assert "No SMS provider is set up" in problems(look, without)
    assert problems(look, without | CLOUDS) == ""
    booked = {name: '{"appointment_booked": "1"}' for name in CLOUDS if name.endswith("_TEMPLATES")}
    assert "No SMS provider has a template for login_code" in problems(look, without | CLOUDS | booked)


def test_a_worker_needs_no_resident_app(complete: dict[str, str], problems: Problems):
    said = problems(
        lambda: serving.beat(None), complete | {"MINIPROGRAM_DIR": "/nowhere", "MAS_SIGN_CODE": ""}
    )
    assert said == "MAS_SIGN_CODE is missing: Cloud MAS is only half set up."


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("MONGODB_URI", "localhost:27017", "MONGODB_URI is no address: it begins with mongodb://"),
        ("BROKER_URL", "127.0.0.1:6379", "BROKER_URL is no address: it begins with redis://"),
        ("REDIS_URL", "http://127.0.0.1", "REDIS_URL is no address"),
        ("POPULATION_REGISTER_URL", "register.example.org", "POPULATION_REGISTER_URL is no address"),
        ("MAS_URL", "http://localhost:8100/mas", "MAS_URL points at a sandbox on this machine"),
        ("PUBLIC_URL", "http://jk.example.org", "PUBLIC_URL must begin with https://"),
        ("PUBLIC_URL", "https://jk.example.org/", "PUBLIC_URL ends with the host"),
        ("KEYS_FILE", "/nowhere/keys.json", "no key file at /nowhere/keys.json: `healthycity keys generate`"),
        ("KEYS_KMS", "nothing:here", "KEYS_KMS: nothing:here made no KMS (ModuleNotFoundError)"),
        ("WECHAT_PAY_PUBLIC_KEY_ID", "0114", "WECHAT_PAY_PUBLIC_KEY_ID begins with PUB_KEY_ID_"),
        ("WECHAT_SUBSCRIBE_TEMPLATES", "a=b", "WECHAT_SUBSCRIBE_TEMPLATES is no JSON object"),
        ("WECHAT_SUBSCRIBE_TEMPLATES", '{"bookt": "x"}', "names 'bookt', which is no kind of message; these"),
        ("CITY_CODE", "Linyi", "CITY_CODE must be six digits."),
        ("HOLD_MINUTES", "0", "HOLD_MINUTES must be greater than or equal to 1."),
        ("WEB_PORT", "eighty", "WEB_PORT must be a whole number."),
        ("ENVIRONMENT", "prod", "ENVIRONMENT must be 'demo', 'test' or 'production'."),
        ("MAS_EC_NAME", "", "MAS_EC_NAME is missing: Cloud MAS is only half set up."),
        ("KEYS_FILE", "", "KEYS_FILE or HC_KEYS is missing: `healthycity keys generate`"),
        ("ALIYUN_SMS_URL", "http://dysms.example.org", "ALIYUN_SMS_URL must be https"),
        ("TENCENT_SMS_URL", "https://127.0.0.1:8100/tencent-sms", "TENCENT_SMS_URL points at a sandbox"),
        ("TENCENT_SMS_CALLBACK_SECRET", "short", "TENCENT_SMS_CALLBACK_SECRET is a default or too short"),
        ("SMS_SHARES", '{"mas": "3"}', "SMS_SHARES names 'mas', which is no provider; these are: cloud_mas"),
        ("SMS_SHARES", '{"cloud_mas": "most"}', "SMS_SHARES: the share of cloud_mas is no number"),
        ("MESSAGES_FROM_HOUR", "21", "MESSAGES_FROM_HOUR must be before MESSAGES_UNTIL_HOUR"),
        ("SMS_PUSH_NETWORKS", "198.51.100.0/24,everywhere", "SMS_PUSH_NETWORKS: everywhere is no network"),
        ("ALIYUN_SMS_TEMPLATES", "SMS_1", "ALIYUN_SMS_TEMPLATES is no JSON object"),
        ("ALIYUN_SMS_TEMPLATES", '["SMS_1"]', "ALIYUN_SMS_TEMPLATES is no JSON object"),
        ("TENCENT_SMS_TEMPLATES", '{"bookt": "1"}', "TENCENT_SMS_TEMPLATES names 'bookt', which is no kind"),
        ("AGENCY_SECRETS", '{"mch": "a-long-enough-secret"}', "is of no use without AGENCIES_URL"),
        ("AGENCIES_URL", "https://agencies.example.org", "AGENCY_SECRETS names none for licences"),
    ],
)
def test_each_way_of_being_wrong_is_told_in_one_sentence_that_says_what_to_do(
    complete: dict[str, str], problems: Problems, name: str, value: str, said: str
):
    told = problems(look, complete | CLOUDS | {name: value})
    assert said in told
    assert len(told.splitlines()) == 1, told


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"REDIS_URL": ""}, "REDIS_URL is empty"),
        ({"REDIS_URL": "redis://127.0.0.1:1/0"}, "REDIS_URL and BROKER_URL are the same Redis database"),
        ({"MAS_URL": "http://mas.example.org"}, "MAS_URL is not https"),
        ({"HC_KEYS": "see below"}, "HC_KEYS is used; KEYS_FILE is not read"),
        ({}, "TRUSTED_PROXIES is 0"),
    ],
)
def test_what_is_a_mistake_more_often_is_warned_of(
    complete: dict[str, str],
    problems: Problems,
    capsys: pytest.CaptureFixture[str],
    change: dict[str, str],
    said: str,
):
    if "HC_KEYS" in change:
        change = {"HC_KEYS": Path(complete["KEYS_FILE"]).read_text()}
    assert problems(look, complete | {"REDIS_URL": "redis://127.0.0.1:1/1"} | change) == ""
    assert f"warning: {said}" in capsys.readouterr().err


def test_what_cannot_be_reached_is_told_with_the_reason_and_without_the_password(
    complete: dict[str, str], problems: Problems
):
    unreachable = {
        "MONGODB_URI": "mongodb://u:p@ss@127.0.0.1/",
        "BROKER_URL": "redis://:hunter2@127.0.0.1:1/0",
        "REDIS_URL": "redis://:hunter2@127.0.0.1:1/1",
    }
    told = problems(lambda: check.check(connect=True), complete | unreachable)
    assert "MONGODB_URI: Username and password must be escaped" in told
    assert "BROKER_URL: Error 111 connecting to 127.0.0.1:1" in told
    assert "REDIS_URL: Error 111 connecting to 127.0.0.1:1" in told
    assert len(told.splitlines()) == len(unreachable)
    assert "hunter2" not in told
    assert "p@ss" not in told


def test_agencies_need_long_secrets_and_the_licence_library_one_too(
    complete: dict[str, str], problems: Problems
):
    there = {"AGENCIES_URL": "https://agencies.example.org"}
    long = "a-long-enough-secret"
    short = {"AGENCY_SECRETS": json.dumps({"mch": "short", "licences": long})}
    assert "the one of mch is too short" in problems(look, complete | there | short)
    good = {"AGENCY_SECRETS": json.dumps({"mch": long, "licences": long})}
    assert problems(look, complete | there | good) == ""
