"""The quality of data in Chinese: kinds of rules, severities, types of resources, colours of scores."""

from __future__ import annotations

from admin.exchange_words import RESOURCES
from backend.exchange.fhir.definitions import served_types
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
# What a rule of the city's own can be about: also what the table that comes with the program has no rule for.
ALL_TYPES = TYPES | {
    name: word for name, word in RESOURCES.items() if name in set(served_types()) - set(TYPES)
}
STATES: dict[str, str] = {"added": "本市新增", "off": "已停用", "retired": "已撤销"}
# What each kind is good for, where somebody chooses one.
KIND_NOTES: dict[str, str] = {
    Kind.PRESENCE: "某个项目必须有，如“缺出院时间”。",
    Kind.CODE: "某个项目的代码须在列出的范围内，或符合某种格式，如“科室代码不在本市目录内”。",
    Kind.RANGE: "某个数值须在上下限之间，如“血钾超出可能的范围”。",
    Kind.TIME: "一个时间不能晚于另一个时间或现在，如“报告时间早于采样时间”。",
    Kind.CROSS: "几个项目之间要说得通，如“性别与身份证号不一致”。",
}
CHECKS: dict[str, str] = {
    "id_number_valid": "身份证号符合校验规则",
    "id_number_birth": "出生日期与身份证号一致",
    "id_number_sex": "性别与身份证号一致",
    "adult_has_id_number": "成年患者有身份证号",
    "name_characters": "姓名中没有数字和符号",
    "parts_have_values": "每个组成项目都有值或缺失原因",
    "systolic_above_diastolic": "收缩压高于舒张压",
    "flag_fits_range": "异常标志与数值、参考范围一致",
    "range_in_order": "参考范围的下限不高于上限",
    "range_unit": "参考范围与数值的单位相同",
    "series_count": "影像序列数与所写的一致",
    "instance_count": "影像图像数与所写的一致",
    "stay_at_most_a_year": "一次就诊不超过一年",
    "dates_within_life": "发生时间不早于患者出生",
    "sex_fits_diagnosis": "诊断与患者性别相符",
}
_GOOD, _FAIR = 95, 80


def scored(score: float | None) -> tuple[str, str]:
    """A score as it is shown."""
    if score is None:
        return ("—", "muted")
    colour = "good" if score >= _GOOD else "warn" if score >= _FAIR else "bad"
    return (f"{score:.1f}", colour)
