"""The console's Chinese for recognition, rational medication, and the rulebooks of both."""

from __future__ import annotations

from backend.medication.judging import Kind

HIDDEN = "少于5，不显示"
PERIODS = ((1, "本月"), (3, "近3个月"), (6, "近6个月"), (12, "近12个月"))
REPEAT_STATES: dict[str, tuple[str, str]] = {
    "unchecked": ("未做互认查询", "bad"),
    "unanswered": ("查询后未登记", "warn"),
}
ALERT_KINDS: dict[str, str] = {
    Kind.DUPLICATE: "重复用药",
    Kind.SAME_CLASS: "同类药联用",
    Kind.INTERACTION: "相互作用",
    Kind.ALLERGY: "过敏",
    Kind.EXAMINATION: "重复检查提醒",
}
BUILT_IN_RULES: dict[str, str] = {
    "same-ingredient": "成分重复",
    "same-class": "药理类别重复",
    "repeated-examination": "近期已做检查",
}
RECOGNITION_COLUMNS = (
    ("checks", "查询项次"),
    ("offers", "建议互认"),
    ("accepted", "已互认"),
    ("refused", "不认可"),
    ("excused", "不计入"),
    ("unchecked", "未查询开单"),
    ("unanswered", "未登记开单"),
)
MEDICATION_COLUMNS = (
    ("checks", "查询次数"),
    ("alerted", "有提示"),
    ("alerts", "提示条数"),
    ("accepted", "已改方"),
    ("overridden", "坚持用药"),
    ("open", "未答复"),
)
