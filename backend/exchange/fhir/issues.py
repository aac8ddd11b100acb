"""Why something is refused: issues as an OperationOutcome has them, and the refusals of the whole face.

Every refusal has a lasting code (`details.coding`), an HTTP status, a Chinese sentence for people
(`details.text`) and plain English for the one who writes the sending program (`diagnostics`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

REFUSAL_SYSTEM = "urn:healthycity:fhir-refusal"
# Beyond these, nobody reads on.
MOST_ISSUES = 50


class Kind(NamedTuple):
    """What a refusal is over HTTP, in FHIR's words, and in Chinese."""

    status: int
    issue: str
    text: str


class Refused(StrEnum):
    """Every refusal of this face that is not one of the whole city's (backend/errors.py)."""

    # What was sent is no clean JSON.
    NOT_JSON = "not-json"
    NOT_UTF_8 = "not-utf-8"
    NAME_TWICE = "name-twice"
    TOO_DEEP = "too-deep"
    NUMBER_TOO_LARGE = "number-too-large"
    # What was sent is no resource of R4.
    STRUCTURE = "structure"
    REQUIRED = "required"
    UNKNOWN_ELEMENT = "unknown-element"
    VALUE = "value"
    CODE = "code"
    INVARIANT = "invariant"
    # It does not fit in.
    TYPE_UNKNOWN = "type-unknown"
    TYPE_MISMATCH = "type-mismatch"
    ID_MISMATCH = "id-mismatch"
    SUBJECT_MISSING = "subject-missing"
    SUBJECT_UNKNOWN = "subject-unknown"
    IDENTIFIER_MISSING = "identifier-missing"
    REFERENCE_UNKNOWN = "reference-unknown"
    REFERENCE_TYPE = "reference-type"
    CONDITION_NONE = "condition-none"
    CONDITION_MANY = "condition-many"
    CHART_FIXED = "chart-fixed"
    # The request.
    MEDIA_TYPE = "media-type"
    FORMAT = "format"
    PARAMETER_UNKNOWN = "parameter-unknown"
    PARAMETER_VALUE = "parameter-value"
    NOT_FOUND = "not-found"
    GONE = "gone"
    VERSION_CONFLICT = "version-conflict"
    VERSION_NEEDED = "version-needed"
    PATCH = "patch"
    PATCH_UNFIT = "patch-unfit"
    BUNDLE_TYPE = "bundle-type"
    BUNDLE_ENTRY = "bundle-entry"
    BUNDLE_TOO_LARGE = "bundle-too-large"


REFUSALS: dict[Refused, Kind] = {
    Refused.NOT_JSON: Kind(400, "structure", "发送的内容不是合法的 JSON。"),
    Refused.NOT_UTF_8: Kind(400, "structure", "发送的内容不是 UTF-8 编码的文本。"),
    Refused.NAME_TWICE: Kind(400, "structure", "同一个对象里有重复的字段名。"),
    Refused.TOO_DEEP: Kind(400, "too-long", "内容嵌套层数过多。"),
    Refused.NUMBER_TOO_LARGE: Kind(400, "value", "数值超出可表示的范围。"),
    Refused.STRUCTURE: Kind(422, "structure", "结构不符合 FHIR R4。"),
    Refused.REQUIRED: Kind(422, "required", "缺少必填内容。"),
    Refused.UNKNOWN_ELEMENT: Kind(422, "structure", "包含 FHIR R4 没有定义的字段。"),
    Refused.VALUE: Kind(422, "value", "取值格式不正确。"),
    Refused.CODE: Kind(422, "code-invalid", "代码不在允许的值集中。"),
    Refused.INVARIANT: Kind(422, "invariant", "不满足 FHIR R4 的约束条件。"),
    Refused.TYPE_UNKNOWN: Kind(404, "not-supported", "本接口不支持这种资源类型。"),
    Refused.TYPE_MISMATCH: Kind(400, "invalid", "内容的资源类型与请求地址不一致。"),
    Refused.ID_MISMATCH: Kind(400, "invalid", "内容中的 id 与请求地址不一致。"),
    Refused.SUBJECT_MISSING: Kind(422, "required", "没有说明是哪位患者：请填写患者引用。"),
    Refused.SUBJECT_UNKNOWN: Kind(422, "not-found", "患者引用不是本机构的病案，请先登记该患者。"),
    Refused.IDENTIFIER_MISSING: Kind(422, "required", "患者缺少带命名体系的院内患者号。"),
    Refused.REFERENCE_UNKNOWN: Kind(422, "not-found", "引用的资源不存在，或不属于同一患者。"),
    Refused.REFERENCE_TYPE: Kind(422, "value", "引用的资源类型在此处不允许。"),
    Refused.CONDITION_NONE: Kind(412, "not-found", "按条件引用没有找到资源。"),
    Refused.CONDITION_MANY: Kind(412, "multiple-matches", "按条件找到了多个资源，请给出更精确的条件。"),
    Refused.CHART_FIXED: Kind(409, "conflict", "资源所属的患者不能更改；患者合并请走合并流程。"),
    Refused.MEDIA_TYPE: Kind(415, "not-supported", "请以 application/fhir+json 发送。"),
    Refused.FORMAT: Kind(406, "not-supported", "只能以 JSON 应答。"),
    Refused.PARAMETER_UNKNOWN: Kind(400, "not-supported", "不支持的查询参数。"),
    Refused.PARAMETER_VALUE: Kind(400, "value", "查询参数的取值不正确。"),
    Refused.NOT_FOUND: Kind(404, "not-found", "没有找到该资源。"),
    Refused.GONE: Kind(410, "deleted", "该资源已被删除。"),
    Refused.VERSION_CONFLICT: Kind(412, "conflict", "资源已被更新，请读取最新版本后再修改。"),
    Refused.VERSION_NEEDED: Kind(400, "required", "If-Match 应写成 W/\"版本号\"。"),
    Refused.PATCH: Kind(400, "invalid", "发送的内容不是 JSON Patch（RFC 6902）。"),
    Refused.PATCH_UNFIT: Kind(422, "processing", "修改与资源现有内容不符，未作任何更改。"),
    Refused.BUNDLE_TYPE: Kind(422, "not-supported", "这里只接受 transaction 或 batch 类型的 Bundle。"),
    Refused.BUNDLE_ENTRY: Kind(400, "invalid", "Bundle 条目的请求不正确。"),
    Refused.BUNDLE_TOO_LARGE: Kind(422, "too-costly", "Bundle 条目过多，请拆分发送。"),
}  # fmt: skip


_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Issue:
    """One thing that is wrong, and where."""

    refused: Refused
    diagnostics: str
    expression: str = ""
    text: str = ""

    def at(self, where: str) -> Issue:
        """The same below another place: an entry of a Bundle, say."""
        below = f"{where}.{self.expression.partition('.')[2]}".rstrip(".") if self.expression else where
        return Issue(self.refused, self.diagnostics, below, self.text)

    def to_json(self) -> dict[str, Any]:
        """As R4 writes it."""
        kind = REFUSALS[self.refused]
        shown = f"{kind.text}{self.text}" if self.text else kind.text
        written: dict[str, Any] = {
            "severity": "error",
            "code": kind.issue,
            "details": {
                "coding": [{"system": REFUSAL_SYSTEM, "code": str(self.refused)}],
                "text": _printable(shown),
            },
            "diagnostics": _printable(self.diagnostics),
        }
        if self.expression:
            written["expression"] = [_printable(self.expression)]
        return written


def _printable(text: str) -> str:
    """What repeats a caller's words, without the characters that no string of FHIR may hold."""
    return _CONTROL.sub("\ufffd", text)


class RefusedError(Exception):
    """What was asked is refused for these reasons; the first decides the status."""

    def __init__(self, *issues: Issue, status: int | None = None) -> None:
        super().__init__(", ".join(issue.refused for issue in issues[:3]))
        self.issues = issues
        self.status = status or REFUSALS[issues[0].refused].status

    def outcome(self) -> dict[str, Any]:
        """The OperationOutcome."""
        return outcome([issue.to_json() for issue in self.issues[:MOST_ISSUES]])


def refuse(refused: Refused, diagnostics: str, expression: str = "", text: str = "") -> RefusedError:
    """A refusal for one reason."""
    return RefusedError(Issue(refused, diagnostics, expression, text))


def outcome(issues: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """An OperationOutcome of these."""
    return {"resourceType": "OperationOutcome", "issue": list(issues)}
