"""The world outside behind our ports: the only module that names an adapter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import orjson
from redis import Redis as SyncRedis

from backend import metrics
from backend.births.agency_http import LICENCES, HTTPAgencyLine, HTTPLicenceLibrary
from backend.bootstrap.core import Close
from backend.messages.lines import SMSLine
from backend.residents.register_http import HTTPPopulationRegister
from backend.security.fields import FieldCipher, SealedFieldError
from backend.security.keys import Keyring
from backend.settings import Settings
from notify.base import Observer
from notify.ports import (
    AccountNotifier,
    MiniProgramMessenger,
    OfficialAccountLine,
    OfficialAccountMessenger,
    WeChatLogin,
)
from notify.sms.aliyun import AliyunSMS, AliyunSMSConfig
from notify.sms.cloud_mas import CloudMAS, CloudMASConfig
from notify.sms.tencent import TencentSMS, TencentSMSConfig
from notify.wechat.client import WeChatApp, WeChatAppConfig
from notify.wechat.customer_service import WeChatCustomerService
from notify.wechat.login import WeChatPlatformLogin
from notify.wechat.messenger import WeChatSubscribeMessenger
from notify.wechat.official_account import OfficialAccountConfig, WeChatOfficialAccount
from notify.wechat.template_messages import WeChatTemplateMessages
from notify.wechat.tokens import MemoryTokenStorage, RedisTokenStorage, TokenStorage
from payment.ports import PaymentGateway
from payment.wechat_pay.gateway import WeChatPayConfig, WeChatPayGateway


@dataclass
class Outside:
    """The world outside, behind our ports."""

    gateways: Sequence[PaymentGateway]
    sms: Sequence[SMSLine]
    messenger: MiniProgramMessenger
    official: OfficialAccountMessenger
    notifier: AccountNotifier
    line: OfficialAccountLine
    wechat: WeChatLogin
    register: HTTPPopulationRegister
    agencies: Mapping[str, HTTPAgencyLine]
    licences: HTTPLicenceLibrary


class SealedTokens:
    """WeChat's tokens as they may lie in Redis."""

    def __init__(self, keyring: Keyring, settings: Settings) -> None:
        self._cipher = FieldCipher(keyring, settings.field_algorithm)

    def seal(self, key: str, text: str) -> bytes:
        """The sealed form, as JSON."""
        sealed = self._cipher.seal("wechat_tokens", "token", key, text)
        return orjson.dumps(sealed | {"n": sealed["n"].hex(), "ct": sealed["ct"].hex()})

    def open(self, key: str, sealed: bytes) -> str | None:
        """The token; None when its key is gone, and WeChat is asked for it again."""
        try:
            form = orjson.loads(sealed)
            form |= {"n": bytes.fromhex(form["n"]), "ct": bytes.fromhex(form["ct"])}
            return self._cipher.open("wechat_tokens", "token", key, form)
        except (SealedFieldError, ValueError, KeyError, TypeError):
            return None


def make_outside(settings: Settings, keyring: Keyring, closers: list[Close]) -> Outside:
    def observe(system: str, call: str, outcome: str, seconds: float) -> None:
        metrics.OUTSIDE_CALLS.labels(system, call, outcome).observe(seconds)

    tokens = _wechat_tokens(settings, keyring, closers)
    mini = WeChatApp(
        WeChatAppConfig(
            settings.wechat_api_url,
            settings.wechat_mini_app_id,
            settings.wechat_mini_app_secret.get_secret_value(),
        ),
        storage=tokens,
        observe=observe,
    )
    official = WeChatApp(
        WeChatAppConfig(
            settings.wechat_api_url,
            settings.wechat_oa_app_id,
            settings.wechat_oa_app_secret.get_secret_value(),
        ),
        storage=tokens,
        observe=observe,
    )
    sms = make_sms_lines(settings, observe, closers)
    register = HTTPPopulationRegister(
        settings.population_register_url,
        settings.population_register_secret.get_secret_value(),
        observe=observe,
    )
    gateways = (
        [WeChatPayGateway(_wechat_pay(settings), observe=observe)] if settings.wechat_pay_mch_id else []
    )
    wechat = WeChatPlatformLogin(mini, official, settings.wechat_open_url)
    gateway = httpx.AsyncClient(timeout=settings.agency_timeout_seconds)
    closers.append(gateway.aclose)
    closers += [register.aclose, wechat.aclose, *(gateway.aclose for gateway in gateways)]
    return Outside(
        gateways=gateways,
        sms=sms,
        messenger=WeChatSubscribeMessenger(mini),
        official=WeChatCustomerService(official),
        notifier=WeChatTemplateMessages(official, settings.wechat_mini_app_id),
        line=WeChatOfficialAccount(_official_account(settings), official),
        wechat=wechat,
        register=register,
        agencies={
            agency: HTTPAgencyLine(agency, settings.agencies_url, secret, gateway, observe=observe)
            for agency, secret in settings.agency_secrets.items()
            if agency != LICENCES
        },
        licences=HTTPLicenceLibrary(
            settings.agencies_url, settings.agency_secrets.get(LICENCES, ""), gateway, observe=observe
        ),
    )


def make_sms_lines(settings: Settings, observe: Observer, closers: list[Close]) -> list[SMSLine]:
    """The SMS providers that are set up, any of them or all."""
    lines = []
    if settings.mas_url:
        lines.append(_cloud_mas(settings, observe, closers))
    if settings.aliyun_sms_access_key_id:
        lines.append(_aliyun(settings, observe, closers))
    if settings.tencent_sms_secret_id:
        lines.append(_tencent(settings, observe, closers))
    return [
        replace(
            line,
            share=float(settings.sms_shares.get(line.name, "1")),
            per_second=settings.sms_per_second,
            per_day=settings.sms_per_day,
            extends=line.name in settings.sms_extended.split(","),
        )
        for line in lines
    ]


def _cloud_mas(settings: Settings, observe: Observer, closers: list[Close]) -> SMSLine:
    mas = CloudMAS(
        CloudMASConfig(
            url=settings.mas_url,
            ec_name=settings.mas_ec_name,
            ap_id=settings.mas_ap_id,
            secret_key=settings.mas_secret_key.get_secret_value(),
            sign_code=settings.mas_sign_code,
            send_secret_key=settings.mas_send_secret_key,
        ),
        observe=observe,
    )
    closers.append(mas.aclose)
    # The gateway knows the signature by its code; the city's name stands for its text when we count.
    return SMSLine(
        mas.name,
        "mas",
        mas,
        settings.mas_callback_secret.get_secret_value(),
        texts=mas,
        signature=settings.city_name,
    )


def _aliyun(settings: Settings, observe: Observer, closers: list[Close]) -> SMSLine:
    aliyun = AliyunSMS(
        AliyunSMSConfig(
            access_key_id=settings.aliyun_sms_access_key_id,
            access_key_secret=settings.aliyun_sms_access_key_secret.get_secret_value(),
            sign_name=settings.aliyun_sms_sign_name,
            url=settings.aliyun_sms_url,
        ),
        observe=observe,
    )
    closers.append(aliyun.aclose)
    return SMSLine(
        aliyun.name,
        "aliyun",
        aliyun,
        settings.aliyun_sms_callback_secret.get_secret_value(),
        by_template=aliyun,
        templates=settings.aliyun_sms_templates,
        tracer=aliyun,
        signature=settings.aliyun_sms_sign_name,
    )


def _tencent(settings: Settings, observe: Observer, closers: list[Close]) -> SMSLine:
    tencent = TencentSMS(
        TencentSMSConfig(
            secret_id=settings.tencent_sms_secret_id,
            secret_key=settings.tencent_sms_secret_key.get_secret_value(),
            sdk_app_id=settings.tencent_sms_app_id,
            sign_name=settings.tencent_sms_sign_name,
            url=settings.tencent_sms_url,
            region=settings.tencent_sms_region,
        ),
        observe=observe,
    )
    closers.append(tencent.aclose)
    return SMSLine(
        tencent.name,
        "tencent",
        tencent,
        settings.tencent_sms_callback_secret.get_secret_value(),
        by_template=tencent,
        templates=settings.tencent_sms_templates,
        tracer=tencent,
        signature=settings.tencent_sms_sign_name,
    )


def _wechat_tokens(settings: Settings, keyring: Keyring, closers: list[Close]) -> TokenStorage:
    """Processes share WeChat's token where there is a Redis to share it in."""
    url = settings.redis_url.get_secret_value()
    if not url:
        return MemoryTokenStorage()
    client = SyncRedis.from_url(url)

    async def close() -> None:
        client.close()

    closers.append(close)
    return RedisTokenStorage(client, SealedTokens(keyring, settings))


def _official_account(settings: Settings) -> OfficialAccountConfig:
    return OfficialAccountConfig(
        app_id=settings.wechat_oa_app_id,
        token=settings.wechat_oa_token.get_secret_value(),
        aes_key=settings.wechat_oa_aes_key.get_secret_value(),
    )


def _wechat_pay(settings: Settings) -> WeChatPayConfig:
    callbacks = f"{settings.public_url.rstrip('/')}/callbacks/wechat-pay"
    return WeChatPayConfig(
        gateway_url=settings.wechat_pay_url,
        merchant_id=settings.wechat_pay_mch_id,
        cert_serial=settings.wechat_pay_cert_serial,
        private_key_pem=_pem(settings.wechat_pay_private_key.get_secret_value()),
        api_v3_key=settings.wechat_pay_api_v3_key.get_secret_value(),
        public_key_pem=_pem(settings.wechat_pay_public_key),
        public_key_id=settings.wechat_pay_public_key_id,
        mini_app_id=settings.wechat_mini_app_id,
        oa_app_id=settings.wechat_oa_app_id,
        notice_url=f"{callbacks}/notice",
        refund_notice_url=f"{callbacks}/refund-notice",
    )


def _pem(text_or_path: str) -> str:
    return text_or_path if "-----BEGIN" in text_or_path else Path(text_or_path).read_text()
