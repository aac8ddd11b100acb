"""What residents and doctors read about readings: kinds, purposes and grounds in plain Chinese."""

from __future__ import annotations

from backend.records.models import BasisKind, Kind, Purpose
from backend.records.sharing_models import CareKind

KIND_NAMES: dict[str, str] = {
    Kind.VISIT: "就诊",
    Kind.DIAGNOSIS: "诊断",
    Kind.MEDICINE: "用药",
    Kind.ALLERGY: "过敏",
    Kind.VACCINATION: "预防接种",
    Kind.PROCEDURE: "手术与操作",
    Kind.LAB: "检验",
    Kind.IMAGING: "检查",
    Kind.MEASUREMENT: "测量",
    Kind.DOCUMENT: "病历文书",
    Kind.ORDER: "医嘱",
    Kind.OTHER: "其他",
}
PURPOSE_NAMES: dict[str, str] = {
    Purpose.TREAT: "诊疗",
    Purpose.ETREAT: "急诊诊疗",
    Purpose.BREAK_GLASS: "紧急调阅",
    Purpose.PATIENT_REQUEST: "本人查看",
    Purpose.PUBLIC_HEALTH: "公共卫生",
    Purpose.OPERATIONS: "接口维护",
}
BASIS_NAMES: dict[str, str] = {
    BasisKind.OWN: "本人查看",
    BasisKind.GUARDIAN: "代办人查看",
    BasisKind.ORIGIN: "医院查看本院病历",
    BasisKind.CONSENT: "您的授权",
    BasisKind.CARE: "诊疗关系",
    BasisKind.LAW: "法律规定",
    BasisKind.BREAK_GLASS: "紧急调阅",
}
CARE_NAMES: dict[str, str] = {
    CareKind.APPOINTMENT: "您在该院预约了就诊",
    CareKind.CHECK_IN: "您在该院出示了健康码",
    CareKind.ENCOUNTER: "您在该院就诊",
    CareKind.REFERRAL: "您转诊到该院",
    CareKind.CONTRACT: "您与该院签约",
}
WAY_NAMES: dict[str, str] = {
    "read": "查看一份资料",
    "history": "查看修改历史",
    "version": "查看旧版本",
    "search": "查询资料",
    "timeline": "浏览时间线",
    "overview": "打开病历概览",
    "message": "查看消息原文",
}
