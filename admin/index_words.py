"""The patient index in Chinese: states of pairs, fields, in what degree they agree, changes of links."""

from __future__ import annotations

from backend.patient_index.models import Change, NumberState
from backend.patient_index.review_models import Cause, ReviewState

PAIR_STATES: dict[str, tuple[str, str]] = {
    ReviewState.OPEN: ("待核对", "warn"),
    ReviewState.LATER: ("以后再说", "muted"),
    ReviewState.SAME: ("同一个人", "good"),
    ReviewState.DIFFERENT: ("不是同一个人", "muted"),
    ReviewState.WITHDRAWN: ("已失效", "muted"),
}
CAUSES: dict[str, str] = {
    Cause.ALIKE: "信息相似",
    Cause.NUMBER: "身份证号与姓名不符",
    Cause.MERGE: "医院合并了两个身份证号",
}
GRADES: dict[str, tuple[str, str]] = {
    "strong": ("很可能", "good"),
    "weak": ("有可能", "muted"),
    "": ("请核对", "warn"),
}
FIELDS: dict[str, str] = {
    "name": "姓名",
    "sex": "性别",
    "birth": "出生日期",
    "id_number": "身份证号",
    "phone": "手机号",
    "address": "地址",
}
DEGREES: dict[str, tuple[str, str]] = {
    "same": ("一致", "good"),
    "sound": ("同音", "warn"),
    "gaps": ("有缺字", "warn"),
    "near": ("相近", "warn"),
    "year": ("同年", "warn"),
    "other": ("不一致", "bad"),
    "": ("无法比较", "muted"),
}
SEXES: dict[str, str] = {"male": "男", "female": "女", "other": "其他", "unknown": "未说明"}
NUMBER_STATES: dict[str, tuple[str, str]] = {
    NumberState.NONE: ("无身份证号", "muted"),
    NumberState.LINKED: ("按身份证号关联", "good"),
    NumberState.REFUSED: ("身份证号待核对", "warn"),
    NumberState.DUE: ("待人口库核验", "warn"),
}
CHANGES: dict[str, str] = {
    Change.MERGED: "医院合并病案",
    Change.UNMERGED: "撤销合并",
    Change.NUMBER_LINKED: "按身份证号关联",
    Change.NUMBER_UNLINKED: "解除身份证号关联",
    Change.LINKED: "认定为同一个人",
    Change.UNLINKED: "认定为另一个人",
}
