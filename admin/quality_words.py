"""The quality of data in Chinese: kinds of rules, severities, types of resources, colours of scores."""

from __future__ import annotations

from backend.exchange.quality.models import Kind, Severity

KINDS: dict[str, str] = {
    Kind.PRESENCE: "必填",
    Kind.CODE: "代码与格式",
    Kind.RANGE: "数值范围",
    Kind.TIME: "时间顺序",
    Kind.CROSS: "项目之间",
}
SEVERITIES: dict[str, tuple[str, str]] = {
    Severity.ERROR: ("错误", "bad"),
    Severity.WARNING: ("警告", "warn"),
    Severity.HINT: ("建议", "muted"),
}
TYPES: dict[str, str] = {
    "Patient": "患者",
    "Encounter": "就诊",
    "Condition": "诊断",
    "AllergyIntolerance": "过敏",
    "Procedure": "手术操作",
    "Immunization": "预防接种",
    "DiagnosticReport": "报告",
    "Observation": "检验与体征",
    "ImagingStudy": "影像",
    "MedicationRequest": "用药",
    "DocumentReference": "文档",
    "ServiceRequest": "申请单",
}
_GOOD, _FAIR = 95, 80


def scored(score: float | None) -> tuple[str, str]:
    """A score as it is shown."""
    if score is None:
        return ("—", "muted")
    colour = "good" if score >= _GOOD else "warn" if score >= _FAIR else "bad"
    return (f"{score:.1f}", colour)
