"""Every provider of text messages in one hand: whose message was it that a person answers?"""

from __future__ import annotations

from typing import Any

from sandbox import aliyun_sms, tencent_sms
from sandbox.mas import Mas
from sandbox.sms_cloud import SMSCloud
from sandbox.world import World

NAMES = {"mas": "云MAS", "aliyun": "阿里云", "tencent": "腾讯云"}


class UnknownProviderError(ValueError):
    """No such provider."""


class Gateways:
    """Cloud MAS, Aliyun SMS and Tencent Cloud SMS."""

    def __init__(self, world: World) -> None:
        self.mas = Mas(world)
        self.clouds: dict[str, SMSCloud] = {
            "aliyun": aliyun_sms.open_cloud(world),
            "tencent": tencent_sms.open_cloud(world),
        }

    def cloud(self, name: str) -> SMSCloud:
        """One of the clouds by its name."""
        if name not in self.clouds:
            raise UnknownProviderError(f"provider is one of {', '.join(self.clouds)}")
        return self.clouds[name]

    def reply(self, provider: str, phone: str, content: str, extension: str = "") -> dict[str, Any]:
        """A person answers a text message; the answer goes to whoever the message came from."""
        if provider in ("", "mas"):
            return dict(self.mas.reply(phone, content, extension))
        return self.cloud(provider).reply(phone, content, extension)
