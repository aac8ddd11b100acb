"""The specification's invariants: most by their own FHIRPath, the commonest in Python for their speed.

An expression that the FHIRPath library cannot evaluate on what was sent is no reason to refuse it.
"""

from __future__ import annotations

import functools
import logging
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from backend.exchange.fhir.definitions import Constraint
from backend.exchange.fhir.issues import Issue, Refused

log = logging.getLogger(__name__)

# In Chinese what the commonest ones ask; the others are told by their key.
TEXTS = {
    "obs-6": "有检验值时不能再写缺失原因。",
    "obs-7": "组成项目与主项目编码相同时，主项目不能有值。",
    "obs-3": "参考范围至少要有下限、上限或文字说明。",
    "ait-1": "过敏记录应有临床状态（错误录入的除外）。",
    "ait-2": "错误录入的过敏记录不能有临床状态。",
    "con-4": "已缓解或结束的诊断，临床状态应为 resolved、remission 或 inactive。",
    "con-5": "错误录入的诊断不能有临床状态。",
    "per-1": "时间段的开始不能晚于结束。",
    "rng-2": "范围的下限不能大于上限。",
    "qty-3": "写了单位代码就要写单位体系。",
    "cpt-2": "联系方式写了内容就要写类型。",
    "org-1": "机构至少要有标识或名称。",
    "pat-1": "联系人至少要有姓名、电话、地址或机构之一。",
    "att-1": "附件有数据时要写内容类型。",
    "rat-1": "比值的分子和分母要同时有。",
    "mdd-1": "发药时间不能早于配药时间。",
    "ref-1": "引用了不存在的内含资源。",
}


# What is asked only of an element that is there.
_ABSENT = re.compile(r"(\w+)\.(?:empty\(\) or|exists\(\) implies) ")


def holds(rule: Constraint, node: dict[str, Any], resource: dict[str, Any]) -> bool:
    """Whether a rule holds of an object within a resource."""
    own = _OWN.get(rule.key)
    if own is not None:
        return own(node, resource)
    trivially = _ABSENT.match(rule.expression)
    if trivially is not None and not any(name.lstrip("_").startswith(trivially[1]) for name in node):
        return True
    try:
        said = _compiled(rule.expression)(node, {"resource": resource, "rootResource": resource})
    except Exception as error:
        # The library raises whatever comes up where it does not know a function or a mix of types.
        log.info("fhirpath_not_evaluated", extra={"key": rule.key, "error": type(error).__name__})
        return True
    return not said or all(value is not False for value in said)


def issue(rule: Constraint, where: str) -> Issue:
    """What is said when it does not."""
    return Issue(
        Refused.INVARIANT, f"{rule.key}: {rule.human}", where, TEXTS.get(rule.key, f"（{rule.key}）")
    )


@functools.cache
def _compiled(expression: str) -> Callable[[Any, dict[str, Any]], list[Any]]:
    """Parsed once. The library takes as long to load as a short command, so only who checks loads it."""
    import fhirpathpy
    from fhirpathpy.models import models

    return fhirpathpy.compile(expression, models["r4"])


def instant(text: Any) -> datetime | None:
    """The earliest instant that a FHIR date or time may mean; None of what is no full day."""
    if not isinstance(text, str) or len(text) < 10:
        return None
    try:
        at = datetime.fromisoformat(text.replace(":60", ":59"))
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _period(node: dict[str, Any], _resource: dict[str, Any]) -> bool:
    start, end = node.get("start"), node.get("end")
    if not isinstance(start, str) or not isinstance(end, str):
        return True
    # A day against a time of that day cannot be told; of what both say, the end must not be less.
    if "T" not in start or "T" not in end:
        common = min(len(start.partition("T")[0]), len(end.partition("T")[0]))
        return start[:common] <= end[:common]
    begun, ended = instant(start), instant(end)
    return begun is None or ended is None or begun <= ended


def _range(node: dict[str, Any], _resource: dict[str, Any]) -> bool:
    low, high = node.get("low"), node.get("high")
    if not isinstance(low, dict) or not isinstance(high, dict):
        return True
    if (low.get("code"), low.get("unit")) != (high.get("code"), high.get("unit")):
        return True
    least, most = low.get("value"), high.get("value")
    return least is None or most is None or bool(least <= most)


def _quantity(node: dict[str, Any], _resource: dict[str, Any]) -> bool:
    return "code" not in node or "system" in node or "_system" in node


def _contact_point(node: dict[str, Any], _resource: dict[str, Any]) -> bool:
    return "value" not in node or "system" in node or "_system" in node


def _contained_reference(node: dict[str, Any], resource: dict[str, Any]) -> bool:
    reference = node.get("reference")
    if not isinstance(reference, str) or not reference.startswith("#") or reference == "#":
        return True
    return any(inner.get("id") == reference[1:] for inner in resource.get("contained", ()))


def _positive_age(node: dict[str, Any], _resource: dict[str, Any]) -> bool:
    return _ucum(node) and (node.get("value") is None or node["value"] > 0)


def _whole_count(node: dict[str, Any], _resource: dict[str, Any]) -> bool:
    whole = node.get("value") is None or node["value"] == int(node["value"])
    return _ucum(node) and node.get("code", "1") == "1" and whole


def _ucum(node: dict[str, Any]) -> bool:
    coded = "code" in node or "value" not in node
    return coded and node.get("system", "http://unitsofmeasure.org") == "http://unitsofmeasure.org"


_OWN: dict[str, Callable[[dict[str, Any], dict[str, Any]], bool]] = {
    "per-1": _period,
    "rng-2": _range,
    "qty-3": _quantity,
    "cpt-2": _contact_point,
    "ref-1": _contained_reference,
    "age-1": _positive_age,
    "cnt-3": _whole_count,
}
