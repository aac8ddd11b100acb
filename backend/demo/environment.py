"""The settings of the demo city: what its processes find in their environment."""

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backend.seed.directory import demo_directory
from backend.settings import Settings

# What somebody may replace by an own server; everything else of a demo is made here.
REPLACEABLE = (
    "MONGODB_URI", "MONGODB_DATABASE", "BROKER_URL", "REDIS_URL", "MINIPROGRAM_DIR", "LOG_LEVEL",
    "SIGN_ALGORITHM",
)  # fmt: skip
RESIDENT_APP = Path(__file__).resolve().parents[2] / "miniprogram" / "dist" / "h5"
# What a child needs of our own environment to run at all.
INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "SYSTEMROOT", "LD_LIBRARY_PATH", "VIRTUAL_ENV")


@dataclass(frozen=True)
class DemoPlaces:
    """Where the demo keeps its things and where it listens."""

    folder: Path
    web_port: int
    sandbox_port: int
    mllp_port: int = 2575
    his_port: int = 2576

    @property
    def web_url(self) -> str:
        """The city's address."""
        return f"http://127.0.0.1:{self.web_port}"

    @property
    def sandbox_url(self) -> str:
        """The outside world's address."""
        return f"http://127.0.0.1:{self.sandbox_port}"

    @property
    def mllp_address(self) -> str:
        """Where hospitals' HL7 messages come in."""
        return f"127.0.0.1:{self.mllp_port}"

    @property
    def his_address(self) -> str:
        """Where the sandbox's hospital takes HL7 messages."""
        return f"127.0.0.1:{self.his_port}"

    @property
    def sandbox_state(self) -> Path:
        """Where the sandbox keeps its state and credentials."""
        return self.folder / "sandbox"

    @property
    def keys_file(self) -> Path:
        """The city's key ring."""
        return self.folder / "keys.json"

    @property
    def city_file(self) -> Path:
        """What scripts read."""
        return self.folder / "city.json"

    @property
    def logs(self) -> Path:
        """A log file per process."""
        return self.folder / "logs"


def city_environment(
    places: DemoPlaces, servers: Mapping[str, str], given: Mapping[str, str]
) -> dict[str, str]:
    """Settings of web, worker and beat. `servers` are the embedded ones; what is `given` by name wins."""
    credentials = json.loads((places.sandbox_state / "credentials.json").read_text())
    own = {
        "ENVIRONMENT": "demo",
        "WEB_PORT": str(places.web_port),
        "PUBLIC_URL": places.web_url,
        "MLLP_PORT": str(places.mllp_port),
        # Nobody has to be entered in a list to try a message here.
        "MLLP_OPEN_TO": demo_directory().organizations[0].id,
        "MINIPROGRAM_DIR": str(RESIDENT_APP),
        "KEYS_FILE": str(places.keys_file),
        **callback_secrets(places, {"mas": "MAS", "aliyun": "ALIYUN_SMS", "tencent": "TENCENT_SMS"}),
        **vendor_environment(places.sandbox_url, credentials),
        **clouds_environment(places.sandbox_url, credentials),
        **servers,
    }
    return inherited() | own | {name: given[name] for name in REPLACEABLE if given.get(name)}


def inherited() -> dict[str, str]:
    """The part of our environment that any child needs; the rest would be settings by accident."""
    return {name: os.environ[name] for name in INHERITED if name in os.environ}


def settings_of(environment: Mapping[str, str]) -> Settings:
    """The same settings as the children read, for work done in this process."""
    known = {
        name.lower(): value for name, value in environment.items() if name.lower() in Settings.model_fields
    }
    objects = (
        "wechat_subscribe_templates",
        "aliyun_sms_templates",
        "tencent_sms_templates",
        "agency_secrets",
    )
    for name in objects:
        known[name] = json.loads(environment[name.upper()])
    return Settings.model_validate(known)


def vendor_settings(sandbox: str, credentials: dict[str, Any]) -> dict[str, Any]:
    """The outside world's settings by field name, for a city inside this process."""
    named = vendor_environment(sandbox, credentials)
    settings: dict[str, Any] = {name.lower(): text for name, text in named.items()}
    objects = {"wechat_subscribe_templates": credentials["subscribe_templates"]}
    return settings | objects | {"agency_secrets": credentials["agencies"]}


def callback_secrets(places: DemoPlaces, names: Mapping[str, str]) -> dict[str, str]:
    """The secret part of each SMS provider's callbacks, made once, under the names their reader knows."""
    made = {}
    for provider, name in names.items():
        file = places.folder / f"{provider}-callback-secret"
        if not file.is_file():
            file.write_text(secrets.token_urlsafe(24))
            file.chmod(0o600)
        made[f"{name}_CALLBACK_SECRET"] = file.read_text().strip()
    return made


def clouds_environment(sandbox: str, credentials: dict[str, Any]) -> dict[str, str]:
    """Two more providers of text messages, so that the choice between them can be watched."""
    aliyun, tencent = credentials["aliyun_sms"], credentials["tencent_sms"]

    def codes(account: dict[str, Any]) -> str:
        return json.dumps({kind: template["code"] for kind, template in account["templates"].items()})

    return {
        "SMS_EXTENDED": "cloud_mas,aliyun_sms,tencent_sms",
        "ALIYUN_SMS_URL": f"{sandbox}/aliyun-sms",
        "ALIYUN_SMS_ACCESS_KEY_ID": aliyun["access_key_id"],
        "ALIYUN_SMS_ACCESS_KEY_SECRET": aliyun["access_key_secret"],
        "ALIYUN_SMS_SIGN_NAME": aliyun["sign_name"],
        "ALIYUN_SMS_TEMPLATES": codes(aliyun),
        "TENCENT_SMS_URL": f"{sandbox}/tencent-sms",
        "TENCENT_SMS_SECRET_ID": tencent["secret_id"],
        "TENCENT_SMS_SECRET_KEY": tencent["secret_key"],
        "TENCENT_SMS_APP_ID": tencent["sdk_app_id"],
        "TENCENT_SMS_SIGN_NAME": tencent["sign_name"],
        "TENCENT_SMS_TEMPLATES": codes(tencent),
    }


def vendor_environment(sandbox: str, credentials: dict[str, Any]) -> dict[str, str]:
    """The outside world's settings as environment variables."""
    mini, official, pay = (credentials[name] for name in ("wechat_mini", "wechat_oa", "wechat_pay"))
    mas = credentials["mas"]
    return {
        "WECHAT_API_URL": f"{sandbox}/wechat",
        "WECHAT_OPEN_URL": f"{sandbox}/wechat-open",
        "WECHAT_MINI_APP_ID": mini["app_id"],
        "WECHAT_MINI_APP_SECRET": mini["secret"],
        "WECHAT_OA_APP_ID": official["app_id"],
        "WECHAT_OA_APP_SECRET": official["secret"],
        "WECHAT_OA_TOKEN": official["token"],
        "WECHAT_OA_AES_KEY": official["aes_key"],
        "WECHAT_SUBSCRIBE_TEMPLATES": json.dumps(credentials["subscribe_templates"]),
        "WECHAT_PAY_URL": f"{sandbox}/wechat-pay",
        "WECHAT_PAY_MCH_ID": pay["mch_id"],
        "WECHAT_PAY_CERT_SERIAL": pay["cert_serial"],
        "WECHAT_PAY_PRIVATE_KEY": pay["merchant_private_key_pem"],
        "WECHAT_PAY_API_V3_KEY": pay["api_v3_key"],
        "WECHAT_PAY_PUBLIC_KEY": pay["public_key_pem"],
        "WECHAT_PAY_PUBLIC_KEY_ID": pay["public_key_id"],
        "MAS_URL": f"{sandbox}/mas",
        "MAS_EC_NAME": mas["ec_name"],
        "MAS_AP_ID": mas["ap_id"],
        "MAS_SECRET_KEY": mas["secret_key"],
        "MAS_SIGN_CODE": mas["sign_code"],
        "POPULATION_REGISTER_URL": f"{sandbox}/register",
        "POPULATION_REGISTER_SECRET": credentials["register"]["secret"],
        "AGENCIES_URL": f"{sandbox}/agencies",
        "AGENCY_SECRETS": json.dumps(credentials["agencies"]),
    }
