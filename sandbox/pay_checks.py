"""What WeChat Pay checks in a merchant's parameters, in its own words."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from sandbox.pay_wire import PayError

OUT_TRADE_NO = re.compile(r"^[0-9A-Za-z_\-|*@]{6,32}$")
OUT_REFUND_NO = re.compile(r"^[0-9A-Za-z_\-|*@]{1,64}$")
_CONTROL = re.compile(r"[\x00-\x1f]")
LONGEST_EXPIRY_S = 7 * 86400
SHORTEST_EXPIRY_S = 60


def bad(path: str, value: Any, why: str, errno: str = "") -> PayError:
    """PARAM_ERROR, with the source and the value as the real one tells them."""
    location = path.split("/")[1]
    return PayError("PARAM_ERROR", f"输入源“{path}”{why}", {"location": location, "value": value}, errno)


def _find(body: dict[str, Any], path: str) -> Any:
    found: Any = body
    for name in path.split("/")[2:]:
        if not isinstance(found, dict):
            return None
        found = found.get(name)
    return found


def text(body: dict[str, Any], path: str, label: str, longest: int, *, needed: bool = True) -> str:
    """A string of at most `longest` bytes; `path` is like `/body/amount/currency`."""
    value = _find(body, path)
    if value is None or value == "":
        if needed:
            raise bad(path, "", f"映射到字段“{label}”必填性规则校验失败，此字段为必填项")
        return ""
    if not isinstance(value, str):
        raise bad(path, value, f"映射到值字段“{label}”类型校验失败，应为字符串")
    size = len(value.encode())
    if size > longest:
        raise bad(
            path, value, f"映射到值字段“{label}”字符串规则校验失败，字节数 {size}，大于最大值 {longest}"
        )
    if _CONTROL.search(value):
        raise bad(path, value, f"映射到值字段“{label}”字符串规则校验失败，含有控制字符")
    return value


def fen(body: dict[str, Any], path: str, label: str) -> int:
    """A positive whole number of fen."""
    value = _find(body, path)
    if value is None:
        raise bad(path, "", f"映射到字段“{label}”必填性规则校验失败，此字段为必填项")
    if isinstance(value, bool) or not isinstance(value, int):
        raise bad(path, value, f"映射到值字段“{label}”类型校验失败，应为整型")
    if not 1 <= value <= 100_000_000_00:
        raise bad(path, value, f"映射到值字段“{label}”数值规则校验失败，值超出范围")
    return value


def matching(body: dict[str, Any], path: str, label: str, pattern: re.Pattern[str]) -> str:
    """A string of a published form."""
    value = text(body, path, label, 64)
    if not pattern.match(value):
        raise bad(path, value, f"映射到值字段“{label}”字符串规则校验失败，不符合规定的格式")
    return value


def currency(body: dict[str, Any]) -> None:
    """CNY, or nothing said."""
    value = _find(body, "/body/amount/currency")
    if value not in (None, "CNY"):
        raise bad("/body/amount/currency", value, "映射到值字段“货币类型”枚举值校验失败，仅支持CNY")


def notify_url(body: dict[str, Any], owns: Callable[[str], bool], *, needed: bool = True) -> str:
    """At most 255 bytes, no query, and here: the city's own address."""
    url = text(body, "/body/notify_url", "通知地址", 255, needed=needed)
    if url and ("?" in url or "#" in url):
        raise bad("/body/notify_url", url, "映射到值字段“通知地址”规则校验失败，不能携带参数")
    if url and not owns(url):
        raise bad("/body/notify_url", url, "映射到值字段“通知地址”规则校验失败，沙箱只通知本机上的城市")
    return url


def expiry(body: dict[str, Any], now: float) -> float:
    """When the order closes: the merchant's `time_expire`, else seven days."""
    value = text(body, "/body/time_expire", "交易结束时间", 64, needed=False)
    if not value:
        return now + LONGEST_EXPIRY_S
    try:
        instant = datetime.fromisoformat(value)
        if instant.tzinfo is None or "T" not in value:
            raise ValueError(value)
    except ValueError as error:
        raise bad(
            "/body/time_expire", value, "映射到值字段“交易结束时间”格式校验失败，应为rfc3339格式"
        ) from error
    if not now + SHORTEST_EXPIRY_S - 1 <= instant.timestamp() <= now + LONGEST_EXPIRY_S + 60:
        raise bad("/body/time_expire", value, "映射到值字段“交易结束时间”校验失败，应在1分钟之后、7天之内")
    return instant.timestamp()
