"""The root path for the vendors' own clients, which are told a host and no path: known by their calls."""

from __future__ import annotations

from typing import Any

from tornado.httputil import HTTPServerRequest
from tornado.routing import Matcher, Rule

from sandbox import aliyun_sms, tencent_sms
from sandbox.gateways import Gateways
from sandbox.world import World


class TencentCalls(Matcher):
    """A call of Tencent Cloud's API 3.0 names its action in a header."""

    def match(self, request: HTTPServerRequest) -> dict[str, Any] | None:
        return {} if request.path == "/" and "X-TC-Action" in request.headers else None


class AliyunCalls(Matcher):
    """A call of Aliyun's RPC gateway, as its own client makes it, has everything in the address."""

    def match(self, request: HTTPServerRequest) -> dict[str, Any] | None:
        return {} if request.path == "/" and "SignatureNonce" in request.arguments else None


def rules(world: World, gateways: Gateways) -> list[Rule]:
    """Before the start page, which has the same path."""
    return [
        Rule(matcher, handler, {"world": world, "cloud": gateways.clouds[name]})
        for matcher, handler, name in (
            (TencentCalls(), tencent_sms.CallHandler, "tencent"),
            (AliyunCalls(), aliyun_sms.CallHandler, "aliyun"),
        )
    ]
