"""What keeps settings from being a safe production configuration."""

from __future__ import annotations

import re
from ipaddress import ip_network
from urllib.parse import urlsplit

from pydantic import SecretStr

from backend.settings import LOOPBACK, Settings

REQUIRED_IN_PRODUCTION = (
    "mongodb_uri", "broker_url", "wechat_mini_app_id", "wechat_mini_app_secret", "wechat_oa_app_id",
    "wechat_oa_app_secret", "wechat_pay_mch_id", "wechat_pay_cert_serial", "wechat_pay_private_key",
    "wechat_pay_api_v3_key", "wechat_pay_public_key", "wechat_pay_public_key_id", "population_register_url",
    "population_register_secret",
)  # fmt: skip
OUTSIDE_ADDRESSES = (
    "wechat_api_url", "wechat_open_url", "wechat_pay_url", "mas_url", "aliyun_sms_url", "tencent_sms_url",
    "population_register_url", "agencies_url",
)  # fmt: skip
# Not even within a closed network.
HTTPS_ONLY = ("aliyun_sms_url", "tencent_sms_url")
# An SMS provider is used with all of these or with none; a city needs one.
SMS_PROVIDERS = {
    "Cloud MAS": (
        "mas_url", "mas_ec_name", "mas_ap_id", "mas_secret_key", "mas_sign_code", "mas_callback_secret",
    ),
    "Aliyun SMS": (
        "aliyun_sms_access_key_id", "aliyun_sms_access_key_secret", "aliyun_sms_sign_name",
        "aliyun_sms_templates", "aliyun_sms_callback_secret",
    ),
    "Tencent Cloud SMS": (
        "tencent_sms_secret_id", "tencent_sms_secret_key", "tencent_sms_app_id", "tencent_sms_sign_name",
        "tencent_sms_templates", "tencent_sms_callback_secret",
    ),
}  # fmt: skip
# Their names in our records.
SMS_NAMES = ("cloud_mas", "aliyun_sms", "tencent_sms")
OWN_SECRETS = (
    "mas_callback_secret",
    "aliyun_sms_callback_secret",
    "tencent_sms_callback_secret",
    "population_register_secret",
)
# How an address begins.
SCHEMES = {
    "mongodb_uri": ("mongodb", "mongodb+srv"),
    "broker_url": ("redis", "rediss", "amqp", "amqps"),
    "redis_url": ("redis", "rediss"),
    **dict.fromkeys(OUTSIDE_ADDRESSES, ("https", "http")),
}
_NO_RING = "KEYS_FILE or HC_KEYS is missing: `healthycity keys generate` makes a key ring."


def production_problems(settings: Settings) -> list[str]:
    """Everything that keeps these settings from being a safe production configuration, a sentence each."""
    problems = [] if settings.keys_file or _plain(settings.hc_keys) else [_NO_RING]
    problems += [_missing(name) for name in REQUIRED_IN_PRODUCTION if not _plain(getattr(settings, name))]
    problems += _address_problems(settings)
    # The default is a real city's, and every health code carries it.
    if "city_code" not in settings.model_fields_set:
        problems.append("CITY_CODE is missing: say which city this is.")
    problems += _sms_problems(settings) + _chat_problems(settings) + _exchange_problems(settings)
    problems += _agency_problems(settings)
    for name in OWN_SECRETS:
        value = _plain(getattr(settings, name))
        if value and (len(value) < 16 or value.startswith(("demo", "sandbox", "changeme", "test"))):
            problems.append(f"{name.upper()} is a default or too short; use at least 16 random characters.")
    return problems


def _missing(name: str) -> str:
    described = Settings.model_fields[name].description or ""
    return f"{name.upper()} is missing ({described.rstrip('.')})."


def _address_problems(settings: Settings) -> list[str]:
    problems = []
    for name, schemes in SCHEMES.items():
        address = urlsplit(_plain(getattr(settings, name)))
        if address.geturl() and (address.scheme not in schemes or not address.netloc):
            beginnings = " or ".join(f"{scheme}://" for scheme in schemes)
            problems.append(f"{name.upper()} is no address: it begins with {beginnings}, then the host.")
        elif name in OUTSIDE_ADDRESSES and address.hostname in LOOPBACK:
            problems.append(
                f"{name.upper()} points at a sandbox on this machine ({address.geturl()}): name the real one."
            )
    public = urlsplit(settings.public_url)
    if public.scheme != "https":
        problems.append("PUBLIC_URL must begin with https://: residents' tokens travel over it.")
    if public.hostname in LOOPBACK:
        problems.append("PUBLIC_URL must be the address residents use, not this machine's own.")
    if public.netloc and (public.path or public.query):
        problems.append("PUBLIC_URL ends with the host, without a slash: callbacks put their own path there.")
    return problems


def _sms_problems(settings: Settings) -> list[str]:
    problems, begun = [], 0
    for provider, names in SMS_PROVIDERS.items():
        missing = [
            name for name in names if not getattr(settings, name) or not _plain(getattr(settings, name))
        ]
        begun += len(missing) < len(names)
        if 0 < len(missing) < len(names):
            problems += [f"{name.upper()} is missing: {provider} is only half set up." for name in missing]
    if not begun:
        problems.append(f"No SMS provider is set up: {', '.join(SMS_PROVIDERS)}; a city needs one.")
    elif not settings.mas_url and "login_code" not in {
        *settings.aliyun_sms_templates,
        *settings.tencent_sms_templates,
    }:
        problems.append("No SMS provider has a template for login_code: nobody could sign in by phone.")
    known = ", ".join(SMS_NAMES)
    for name, share in settings.sms_shares.items():
        if name not in SMS_NAMES:
            problems.append(f"SMS_SHARES names {name!r}, which is no provider; these are: {known}.")
        elif not share.replace(".", "", 1).isdigit():
            problems.append(f"SMS_SHARES: the share of {name} is no number.")
    if settings.messages_from_hour >= settings.messages_until_hour:
        problems.append("MESSAGES_FROM_HOUR must be before MESSAGES_UNTIL_HOUR.")
    for name in HTTPS_ONLY:
        if urlsplit(getattr(settings, name)).scheme == "http":
            problems.append(f"{name.upper()} must be https: phone numbers travel over it.")
    for network in filter(None, map(str.strip, settings.sms_push_networks.split(","))):
        try:
            ip_network(network)
        except ValueError:
            problems.append(f"SMS_PUSH_NETWORKS: {network} is no network; write 198.51.100.0/24.")
    return problems


def _chat_problems(settings: Settings) -> list[str]:
    token, key = _plain(settings.wechat_oa_token), _plain(settings.wechat_oa_aes_key)
    problems = []
    if token and not re.fullmatch(r"[A-Za-z0-9]{16,32}", token):
        problems.append("WECHAT_OA_TOKEN must be 16 to 32 letters and digits: it is all that signs messages.")
    if token and not key:
        problems.append("WECHAT_OA_AES_KEY is missing: choose 安全模式 in the account's server settings.")
    if key and not re.fullmatch(r"[A-Za-z0-9]{43}", key):
        problems.append("WECHAT_OA_AES_KEY must be the 43 letters and digits of EncodingAESKey.")
    return problems


def _exchange_problems(settings: Settings) -> list[str]:
    certificate, key = settings.mllp_certificate, settings.mllp_certificate_key
    wrong = {
        "MLLP_OPEN_TO is for demonstrations: allow each sender in the console.": settings.mllp_open_to,
        "MLLP_CERTIFICATE and MLLP_CERTIFICATE_KEY belong together.": bool(certificate) != bool(key),
        "MLLP_CLIENT_CA is of no use without MLLP_CERTIFICATE.": settings.mllp_client_ca and not certificate,
    }
    return [problem for problem, holds in wrong.items() if holds]


def _agency_problems(settings: Settings) -> list[str]:
    if not settings.agencies_url:
        return ["AGENCY_SECRETS is of no use without AGENCIES_URL."] if settings.agency_secrets else []
    weak = [name for name, secret in sorted(settings.agency_secrets.items()) if len(secret) < 16]
    problems = [
        f"AGENCY_SECRETS: the one of {name} is too short; use at least 16 characters." for name in weak
    ]
    if "licences" not in settings.agency_secrets:
        problems.append("AGENCY_SECRETS names none for licences: nothing could be looked up for a birth.")
    return problems


def _plain(value: object) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)
