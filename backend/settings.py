"""Every setting of the city in one frozen object, read from the environment once.

The environment variable of a setting is its name in upper case. What production must have is checked by
`production_problems`, used at start-up and by `healthycity check`.
"""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, SecretStr
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


def days(count: int) -> timedelta | None:
    """A retention period of the settings; None is for ever."""
    return timedelta(days=count) if count else None


def _json_object(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        read = json.loads(value)
    except ValueError:
        read = None
    if not isinstance(read, dict):
        raise PydanticCustomError("json_object", 'is no JSON object: write {"name": "value", …}')
    return read


# Read by ourselves, so that a mistyped one is named with every other wrong setting.
JSONObject = Annotated[dict[str, str], NoDecode, BeforeValidator(_json_object)]


class Settings(BaseSettings):
    """What the processes are told. Secrets are `SecretStr`, so that they never print."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True)

    environment: Literal["demo", "test", "production"] = Field(
        "production", description="With anything but production the strict rules are off."
    )
    city_code: str = Field(
        "370700", pattern=r"^[0-9]{6}$", description="GB/T 2260 code of the city; part of every health code."
    )
    city_name: str = Field("健康城市", description="What residents and staff read.")

    # Where the data is.
    mongodb_uri: SecretStr = Field(SecretStr(""), description="A replica set or a sharded cluster.")
    mongodb_database: str = Field("healthycity", description="The database's name.")
    broker_url: SecretStr = Field(SecretStr(""), description="Redis or RabbitMQ; wakes the workers.")
    redis_url: SecretStr = Field(SecretStr(""), description="Rate limits; empty means in-process limits.")

    # How the city is reached.
    web_host: str = Field("127.0.0.1", description="Where the web server listens.")
    web_port: int = Field(8000, ge=0, le=65_535, description="Its port; `healthycity serve --port` wins.")
    public_url: str = Field("http://127.0.0.1:8000", description="What residents and callbacks use.")
    trusted_proxies: int = Field(0, ge=0, description="Reverse proxies in front, for the client's address.")
    miniprogram_dir: Path = Field(Path("miniprogram/dist/h5"), description="The built H5 app.")
    max_body_bytes: int = Field(1_048_576, ge=1024, description="Largest request body accepted.")
    shutdown_grace_s: int = Field(20, ge=0, description="How long begun requests may finish at shutdown.")
    metrics_host: str = Field("127.0.0.1", description="Where worker and beat answer `/metrics`.")
    metrics_port: int = Field(
        0, ge=0, le=65_535, description="On which port, 0 for none; `--metrics-port` of worker and beat wins."
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="DEBUG writes a line for every request."
    )

    # HL7 v2 from hospitals.
    mllp_host: str = Field("127.0.0.1", description="Where `healthycity mllp` listens.")
    mllp_port: int = Field(2575, ge=0, le=65_535, description="Its port; `healthycity mllp --port` wins.")
    mllp_certificate: Path | None = Field(None, description="PEM of its TLS certificate; empty: no TLS.")
    mllp_certificate_key: Path | None = Field(None, description="PEM of that certificate's key.")
    mllp_client_ca: Path | None = Field(
        None, description="PEM of who signs client certificates: needed then."
    )
    mllp_hospitals_ca: Path | None = Field(
        None, description="PEM of who signs the certificates of hospitals we send to; empty: the system's."
    )
    mllp_answer_s: int = Field(30, ge=1, le=60, description="How long a hospital may take for its answer.")
    mllp_idle_s: int = Field(300, ge=1, description="A connection silent for so long is closed.")
    mllp_open_to: str = Field("", description="Demo only: the organization that unknown senders stand for.")

    pdf_font: str = Field(
        "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
        description="A font with Chinese characters, for what is printed (Debian: fonts-noto-cjk).",
    )

    # Keys and algorithms.
    keys_file: Path | None = Field(None, description="Key ring as a JSON file; or HC_KEYS.")
    hc_keys: SecretStr = Field(SecretStr(""), description="Key ring as JSON text, instead of a file.")
    keys_kms: str = Field(
        "", description="Who unwraps the ring's keys: empty, `master`, or `package.module:factory` of a KMS."
    )
    keys_master: SecretStr = Field(
        SecretStr(""), description="With `master`: 32 bytes in hex or base64, or the path of a file of them."
    )
    sign_algorithm: Literal["Ed25519", "SM2"] = Field(
        "Ed25519", description="Of the first health code key that `healthycity keys generate` makes."
    )
    field_algorithm: Literal["AES-256-GCM", "SM4-GCM"] = Field(
        "AES-256-GCM", description="By which personal data is sealed from now on."
    )

    # Booking rules.
    hold_minutes: int = Field(10, ge=1, description="How long a hold lasts.")
    booking_days: int = Field(14, ge=1, description="How many days ahead a resident may book.")
    cancel_until_minutes: int = Field(60, ge=0, description="Until so long before it, residents may cancel.")

    # Reading shared records.
    break_glass_minutes: int = Field(120, ge=5, le=1440, description="How long an emergency opens a record.")
    record_session_minutes: int = Field(15, ge=1, le=120, description="How long a record window stays open.")
    consent_request_days: int = Field(7, ge=1, description="After so long a request for consent ends.")
    record_question_days: int = Field(10, ge=1, description="How long a question about a reading may wait.")

    # How long things about people are kept, in days; 0 is for ever (docs/privacy.md).
    keep_code_uses_days: int = Field(1095, ge=0, description="Uses of health codes, since the use.")
    keep_revoked_codes_days: int = Field(30, ge=0, description="Printed codes, since they were revoked.")
    keep_hl7_messages_days: int = Field(1095, ge=0, description="HL7 messages, since they were received.")
    keep_birth_files_days: int = Field(
        30, ge=0, description="Materials uploaded for a birth filing, since the filing was over."
    )
    keep_birth_filings_days: int = Field(
        1095, ge=0, description="Birth filings, and births that nobody filed, since their last change."
    )
    keep_files_days: int = Field(
        1095, ge=0, description="Files of people without account, since their last visit or link."
    )

    # WeChat: mini-program and official account.
    wechat_api_url: str = Field("https://api.weixin.qq.com", description="WeChat's API.")
    wechat_open_url: str = Field("https://open.weixin.qq.com", description="WeChat's page authorisation.")
    wechat_mini_app_id: str = Field("", description="AppID of the mini-program.")
    wechat_mini_app_secret: SecretStr = Field(SecretStr(""), description="Its AppSecret.")
    wechat_oa_app_id: str = Field("", description="AppID of the official account (service account).")
    wechat_oa_app_secret: SecretStr = Field(SecretStr(""), description="Its AppSecret.")
    wechat_oa_token: SecretStr = Field(
        SecretStr(""), description="Token of the account's server settings; empty: it does not chat."
    )
    wechat_oa_aes_key: SecretStr = Field(
        SecretStr(""), description="EncodingAESKey, 43 characters; empty: messages come in plain."
    )
    wechat_subscribe_templates: JSONObject = Field(
        default_factory=dict, description="Template ids by kind of message, as a JSON object."
    )

    wechat_oa_templates: JSONObject = Field(
        default_factory=dict,
        description="Template ids of the official account by kind of message; empty: it sends none.",
    )

    # WeChat Pay v3, public-key mode.
    wechat_pay_url: str = Field("https://api.mch.weixin.qq.com", description="WeChat Pay's API.")
    wechat_pay_mch_id: str = Field("", description="Merchant number.")
    wechat_pay_cert_serial: str = Field("", description="Serial number of the merchant's API certificate.")
    wechat_pay_private_key: SecretStr = Field(
        SecretStr(""), description="The merchant's key: PEM text or the path of a PEM file."
    )
    wechat_pay_api_v3_key: SecretStr = Field(SecretStr(""), description="APIv3 key, 32 characters.")
    wechat_pay_public_key: str = Field(
        "", description="WeChat Pay's public key: PEM text or the path of a PEM file."
    )
    wechat_pay_public_key_id: str = Field("", description="Its id, PUB_KEY_ID_….")

    # China Mobile cloud MAS.
    mas_url: str = Field("", description="The gateway, up to what stands before /sms/norsubmit.")
    mas_ec_name: str = Field("", description="ecName: the enterprise's name at the gateway.")
    mas_ap_id: str = Field("", description="apId: the interface account.")
    mas_secret_key: SecretStr = Field(SecretStr(""), description="Its password.")
    mas_sign_code: str = Field("", description="Code of the signature (not its text).")
    mas_callback_secret: SecretStr = Field(
        SecretStr(""), description="Secret path part: pushes are unsigned."
    )
    mas_send_secret_key: bool = Field(
        True, description="False for a gateway that answers InvalidUsrOrPwd when the password is in the body."
    )

    # Aliyun SMS, not used unless it is set up.
    aliyun_sms_url: str = Field("https://dysmsapi.aliyuncs.com", description="Aliyun SMS' API.")
    aliyun_sms_access_key_id: str = Field(
        "", description="AccessKey ID of a RAM user who may send SMS; empty: not used."
    )
    aliyun_sms_access_key_secret: SecretStr = Field(SecretStr(""), description="Its secret.")
    aliyun_sms_sign_name: str = Field("", description="The approved signature's text, without 【】.")
    aliyun_sms_templates: JSONObject = Field(
        default_factory=dict, description="Template codes (SMS_…) by kind of message, as a JSON object."
    )
    aliyun_sms_callback_secret: SecretStr = Field(
        SecretStr(""), description="Secret path part: pushes are unsigned."
    )

    # Tencent Cloud SMS, not used unless it is set up.
    tencent_sms_url: str = Field("https://sms.tencentcloudapi.com", description="Tencent Cloud SMS' API.")
    tencent_sms_region: str = Field("ap-guangzhou", description="The region that is called.")
    tencent_sms_secret_id: str = Field(
        "", description="SecretId of a CAM user who may send SMS; empty: not used."
    )
    tencent_sms_secret_key: SecretStr = Field(SecretStr(""), description="Its SecretKey.")
    tencent_sms_app_id: str = Field("", description="SdkAppId of the SMS application, 1400….")
    tencent_sms_sign_name: str = Field("", description="The approved signature's text, without 【】.")
    tencent_sms_templates: JSONObject = Field(
        default_factory=dict, description="Template ids (digits) by kind of message, as a JSON object."
    )
    tencent_sms_callback_secret: SecretStr = Field(
        SecretStr(""), description="Secret path part: pushes are unsigned."
    )

    sms_push_networks: str = Field(
        "", description="From where SMS pushes come, `198.51.100.0/24,…`; empty: anywhere."
    )

    # How text messages are spread and paced.
    sms_shares: JSONObject = Field(
        default_factory=dict,
        description="Each provider's part by its name: cloud_mas, aliyun_sms, tencent_sms; 1 unless named.",
    )
    sms_extended: str = Field("", description="Providers, by comma, whose numbers we may lengthen.")
    sms_per_second: float = Field(50, ge=0, description="Most SMS a second to one provider; 0: no limit.")
    sms_per_day: int = Field(0, ge=0, description="Most SMS a day to one provider; 0: no limit.")
    messages_from_hour: int = Field(9, ge=0, le=23, description="Surveys are sent by SMS from this hour on.")
    messages_until_hour: int = Field(21, ge=1, le=24, description="And until this one.")

    # The agencies that a birth filing goes to, behind one gateway.
    agencies_url: str = Field("", description="The gateway, before /mch/v1/applications; empty: none.")
    agency_secrets: JSONObject = Field(
        default_factory=dict,
        description="The secret shared with each: mch, civil, social, insurance, licences; a JSON object.",
    )
    agency_timeout_seconds: float = Field(
        10.0,
        gt=0,
        le=60,
        description="So long an agency's answer is waited for; then nobody knows what it did.",
    )
    agency_query_after_seconds: int = Field(
        60, ge=1, description="An agency that does not answer is queried after so long."
    )
    agency_query_every_minutes: int = Field(
        30, ge=1, description="One that is at work is queried so often, should it never call back."
    )
    birth_rules: Path | None = Field(
        None, description="The city's own rules of filing births, a JSON file; ours where it names none."
    )

    # The city's population register.
    population_register_url: str = Field("", description="The register, before /v1/verify.")
    population_register_secret: SecretStr = Field(
        SecretStr(""), description="Shared secret by which questions are signed."
    )

    @property
    def is_production(self) -> bool:
        """Whether the strict rules hold."""
        return self.environment == "production"


def load_settings() -> Settings:
    """Read the environment. Raises pydantic's ValidationError, which names each wrong variable."""
    return Settings()
