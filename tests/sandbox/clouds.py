"""Calls to the sandbox's Aliyun and Tencent Cloud SMS, signed by hand: not by the code that the city uses."""

import base64
import contextlib
import hashlib
import hmac
import json
import time
import urllib.parse
import uuid
from collections.abc import AsyncIterator
from typing import Any

import httpx

from tests.support.outside import Listener, Outside

JSON = "application/json; charset=utf-8"


@contextlib.asynccontextmanager
async def pushing_to(
    city: Listener, outside: Outside, cloud: str, secret: str, answer: bytes
) -> AsyncIterator[None]:
    """The cloud has an address to push to, where somebody answers as it wants."""
    await outside.post("city", {f"{cloud}_callback_secret": secret})
    city.status, city.answer = 200, answer
    yield
    city.answer = b""
    await outside.post("city", {f"{cloud}_callback_secret": ""})


def aliyun_call(outside: Outside, action: str, fields: dict[str, str], **changes: str) -> dict[str, str]:
    """A signed call; `changes` are made before it is signed."""
    account = outside.credentials["aliyun_sms"]
    params = {
        "AccessKeyId": account["access_key_id"],
        "Action": action,
        "Format": "JSON",
        "RegionId": "cn-hangzhou",
        "SignatureMethod": "HMAC-SHA1",
        "SignatureNonce": str(uuid.uuid4()),
        "SignatureVersion": "1.0",
        "Timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "Version": "2017-05-25",
    }
    params |= fields | changes
    return params | {"Signature": aliyun_signature("POST", params, account["access_key_secret"])}


def aliyun_signature(method: str, params: dict[str, str], secret: str) -> str:
    def escape(text: str) -> str:
        return urllib.parse.quote_plus(text).replace("+", "%20").replace("%7E", "~")

    query = "&".join(f"{escape(k)}={escape(v)}" for k, v in sorted(params.items()))
    text = f"{method}&%2F&{escape(query)}".encode()
    return base64.b64encode(hmac.new(f"{secret}&".encode(), text, "sha1").digest()).decode()


def aliyun_message(
    outside: Outside, phone: str, kind: str = "visit_reminder", **changes: str
) -> dict[str, str]:
    """The fields of a SendSms that is right in every way."""
    account = outside.credentials["aliyun_sms"]
    params = {"code": "123456"} if kind == "login_code" else {"patient": "张*", "when": "明天上午"}
    return {
        "PhoneNumbers": phone,
        "SignName": account["sign_name"],
        "TemplateCode": account["templates"][kind]["code"],
        "TemplateParam": json.dumps(params),
    } | changes


async def aliyun(web: httpx.AsyncClient, params: dict[str, str]) -> tuple[int, dict[str, Any]]:
    answer = await web.post("/aliyun-sms/", data=params)
    return answer.status_code, answer.json()


def tencent_headers(outside: Outside, action: str, body: bytes, **changes: Any) -> dict[str, str]:
    """The headers of a signed call; `changes`: at, secret_id, secret_key, version, service."""
    account = outside.credentials["tencent_sms"]
    host = outside.url.removeprefix("http://")
    at = int(changes.get("at", time.time()))
    day, service = time.strftime("%Y-%m-%d", time.gmtime(at)), changes.get("service", "sms")
    request = f"POST\n/\n\ncontent-type:{JSON}\nhost:{host}\n\ncontent-type;host\n{sha256(body)}"
    text = f"TC3-HMAC-SHA256\n{at}\n{day}/{service}/tc3_request\n{sha256(request.encode())}"
    key = ("TC3" + changes.get("secret_key", account["secret_key"])).encode()
    for part in (day, service, "tc3_request"):
        key = hmac.new(key, part.encode(), "sha256").digest()
    signature = hmac.new(key, text.encode(), "sha256").hexdigest()
    credential = f"{changes.get('secret_id', account['secret_id'])}/{day}/{service}/tc3_request"
    return {
        "Authorization": f"TC3-HMAC-SHA256 Credential={credential}, SignedHeaders=content-type;host, "
        f"Signature={signature}",
        "Content-Type": JSON,
        "X-TC-Action": action,
        "X-TC-Version": changes.get("version", "2021-01-11"),
        "X-TC-Timestamp": str(at),
        "X-TC-Region": changes.get("region", "ap-guangzhou"),
    }


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def tencent_message(
    outside: Outside, phone: str, kind: str = "visit_reminder", **changes: Any
) -> dict[str, Any]:
    """The parameters of a SendSms that is right in every way."""
    account = outside.credentials["tencent_sms"]
    return {
        "PhoneNumberSet": [f"+86{phone}"],
        "SmsSdkAppId": account["sdk_app_id"],
        "SignName": account["sign_name"],
        "TemplateId": account["templates"][kind]["code"],
        "TemplateParamSet": ["123456"] if kind == "login_code" else ["张*", "明天上午"],
    } | changes


async def tencent(
    web: httpx.AsyncClient, outside: Outside, action: str, params: Any, **changes: Any
) -> dict[str, Any]:
    """What stands in `Response`."""
    body = params if isinstance(params, bytes) else json.dumps(params).encode()
    headers = tencent_headers(outside, action, body, **changes)
    answer = await web.post("/tencent-sms/", content=body, headers=headers)
    assert answer.status_code == 200
    inner: dict[str, Any] = answer.json()["Response"]
    assert inner["RequestId"]
    return inner
