"""`healthycity check` and starting agree: what is said to serve a city serves it, what would not is named."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from backend.commands import check, serving
from backend.commands.terminal import CommandError
from backend.security.keys import Keyring
from backend.settings import REQUIRED_IN_PRODUCTION, Settings

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
        "POPULATION_REGISTER_URL": "https://register.example.org",
        "KEYS_FILE": str(folder / "keys.json"),
        "MINIPROGRAM_DIR": str(folder),
        "WECHAT_PAY_PRIVATE_KEY": str(folder / "merchant.pem"),
        "WECHAT_PAY_PUBLIC_KEY": public.decode(),
        "WECHAT_PAY_API_V3_KEY": "0123456789abcdef0123456789abcdef",
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


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("ALIYUN_SMS_URL", "http://dysms.example.org", "ALIYUN_SMS_URL must be https"),
        ("TENCENT_SMS_URL", "https://127.0.0.1:8100/tencent-sms", "TENCENT_SMS_URL points at a sandbox"),
        ("TENCENT_SMS_CALLBACK_SECRET", "short", "TENCENT_SMS_CALLBACK_SECRET is a default or too short"),
        ("SMS_PUSH_NETWORKS", "198.51.100.0/24,everywhere", "SMS_PUSH_NETWORKS: everywhere is no network"),
        ("ALIYUN_SMS_TEMPLATES", "SMS_1", "ALIYUN_SMS_TEMPLATES"),
    ],
)
def test_what_is_wrong_with_an_sms_provider_is_named(
    complete: dict[str, str], problems: Problems, name: str, value: str, said: str
):
    assert said in problems(look, complete | CLOUDS | {name: value})


def test_a_worker_needs_no_resident_app(complete: dict[str, str], problems: Problems):
    said = problems(
        lambda: serving.beat(None), complete | {"MINIPROGRAM_DIR": "/nowhere", "MAS_SIGN_CODE": ""}
    )
    assert said == "MAS_SIGN_CODE is missing."
