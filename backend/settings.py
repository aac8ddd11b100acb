"""Every setting of the city in one frozen object, read from the environment once.

The environment variable of a setting is its name in upper case. What production must have is checked by
`production_problems`, used at start-up and by `healthycity check`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class Settings(BaseSettings):
    """What the processes are told. Secrets are `SecretStr`, so that they never print."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True)

    environment: Literal["demo", "test", "production"] = "production"
    city_code: str = Field("370700", description="GB/T 2260 code of the city; part of every health code.")
    city_name: str = "健康城市"

    # Where the data is.
    mongodb_uri: SecretStr = SecretStr("")
    mongodb_database: str = "healthycity"
    broker_url: SecretStr = SecretStr("")
    redis_url: SecretStr = Field(SecretStr(""), description="Rate limits; empty means in-process limits.")

    # How the city is reached.
    web_host: str = "127.0.0.1"
    web_port: int = 8000
    public_url: str = Field("http://127.0.0.1:8000", description="What residents and callbacks use.")
    trusted_proxies: int = Field(0, description="Reverse proxies in front, for the client's address.")
    miniprogram_dir: Path = Field(Path("miniprogram/dist/h5"), description="The built H5 app.")
    max_body_bytes: int = Field(1_048_576, description="Largest request body accepted.")
    shutdown_grace_s: int = Field(20, description="How long begun requests may finish at shutdown.")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    # Keys and algorithms.
    keys_file: Path | None = Field(None, description="Key ring as a JSON file; or HC_KEYS.")
    hc_keys: SecretStr = Field(SecretStr(""), description="Key ring as JSON text, instead of a file.")
    sign_algorithm: Literal["Ed25519", "SM2"] = "Ed25519"
    field_algorithm: Literal["AES-256-GCM", "SM4-GCM"] = "AES-256-GCM"

    # Booking rules.
    hold_minutes: int = Field(10, description="How long a hold lasts.")
    booking_days: int = Field(14, description="How many days ahead a resident may book.")
    cancel_until_minutes: int = Field(60, description="Last minutes before the session when no cancelling.")

    # WeChat: mini-program and official account.
    wechat_api_url: str = "https://api.weixin.qq.com"
    wechat_open_url: str = "https://open.weixin.qq.com"
    wechat_mini_app_id: str = ""
    wechat_mini_app_secret: SecretStr = SecretStr("")
    wechat_oa_app_id: str = ""
    wechat_oa_app_secret: SecretStr = SecretStr("")
    wechat_subscribe_templates: dict[str, str] = Field(default_factory=dict)

    # WeChat Pay v3, public-key mode.
    wechat_pay_url: str = "https://api.mch.weixin.qq.com"
    wechat_pay_mch_id: str = ""
    wechat_pay_cert_serial: str = ""
    wechat_pay_private_key: SecretStr = Field(
        SecretStr(""), description="PEM text or the path of a PEM file."
    )
    wechat_pay_api_v3_key: SecretStr = SecretStr("")
    wechat_pay_public_key: str = Field("", description="PEM text or the path of a PEM file.")
    wechat_pay_public_key_id: str = ""

    # China Mobile cloud MAS.
    mas_url: str = ""
    mas_ec_name: str = ""
    mas_ap_id: str = ""
    mas_secret_key: SecretStr = SecretStr("")
    mas_sign_code: str = ""
    mas_callback_secret: SecretStr = Field(
        SecretStr(""), description="Secret path part: pushes are unsigned."
    )
    mas_send_secret_key: bool = True

    # The city's population register.
    population_register_url: str = ""
    population_register_secret: SecretStr = SecretStr("")

    @property
    def is_production(self) -> bool:
        """Whether the strict rules hold."""
        return self.environment == "production"


REQUIRED_IN_PRODUCTION = (
    "mongodb_uri", "broker_url", "wechat_mini_app_id", "wechat_mini_app_secret", "wechat_oa_app_id",
    "wechat_oa_app_secret", "wechat_pay_mch_id", "wechat_pay_cert_serial", "wechat_pay_private_key",
    "wechat_pay_api_v3_key", "wechat_pay_public_key", "wechat_pay_public_key_id", "mas_url", "mas_ec_name",
    "mas_ap_id", "mas_secret_key", "mas_sign_code", "mas_callback_secret", "population_register_url",
    "population_register_secret",
)  # fmt: skip
OUTSIDE_ADDRESSES = (
    "wechat_api_url",
    "wechat_open_url",
    "wechat_pay_url",
    "mas_url",
    "population_register_url",
)


def load_settings() -> Settings:
    """Read the environment. Raises pydantic's ValidationError, which names each wrong variable."""
    return Settings()


def production_problems(settings: Settings) -> list[str]:
    """Everything that keeps these settings from being a safe production configuration, a sentence each."""
    problems = [] if settings.keys_file or _plain(settings.hc_keys) else ["KEYS_FILE or HC_KEYS is missing."]
    problems += [
        f"{name.upper()} is missing."
        for name in REQUIRED_IN_PRODUCTION
        if not _plain(getattr(settings, name))
    ]
    for name in OUTSIDE_ADDRESSES:
        address = str(getattr(settings, name))
        if address and urlsplit(address).hostname in LOOPBACK:
            problems.append(f"{name.upper()} points at a sandbox on this machine ({address}).")
    public = urlsplit(settings.public_url)
    if public.scheme != "https":
        problems.append("PUBLIC_URL must be https: residents' tokens travel over it.")
    if public.hostname in LOOPBACK:
        problems.append("PUBLIC_URL must be the address residents use, not this machine's own.")
    for name in ("mas_callback_secret", "population_register_secret"):
        value = _plain(getattr(settings, name))
        if value and (len(value) < 16 or value.startswith(("demo", "sandbox", "changeme", "test"))):
            problems.append(f"{name.upper()} is a default or too short; use at least 16 random characters.")
    return problems


def _plain(value: object) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)
