"""HL7 messages in Chinese: states, answers, why something was not understood, senders, targets."""

from __future__ import annotations

from backend.exchange.v2.models import MessageState, SenderKind, SenderState
from backend.exchange.v2.outbound_models import Family, OutState

STATES: dict[str, tuple[str, str]] = {
    MessageState.WAITING: ("处理中", "warn"),
    MessageState.DONE: ("已入档", "good"),
    MessageState.DEAD: ("待处理", "bad"),
    MessageState.REPLACED: ("已更正", "muted"),
    MessageState.SET_ASIDE: ("已搁置", "muted"),
}
OUT_STATES: dict[str, tuple[str, str]] = {
    OutState.WAITING: ("待发送", "warn"),
    OutState.SENT: ("已送达", "good"),
    OutState.DEAD: ("待处理", "bad"),
    OutState.SET_ASIDE: ("已搁置", "muted"),
}
FAMILIES: dict[str, str] = {
    Family.SIU: "预约（SIU）",
    Family.REF: "转诊（REF、RRI）",
    Family.ORM: "检查检验申请（ORM）",
    Family.OML: "检查检验申请，2.5 起用 OML、OMG",
}
OUT_KINDS: dict[str, str] = {
    "SIU^S12": "预约", "SIU^S15": "取消预约或停诊", "SIU^S26": "爽约", "REF^I12": "转诊申请",
    "REF^I13": "转诊变更", "REF^I14": "转诊撤销", "RRI^I12": "转诊答复", "RRI^I13": "转诊进展",
    "RRI^I14": "转诊终止", "ORM^O01": "检查检验申请", "OML^O21": "检验申请", "OMG^O19": "检查申请",
}  # fmt: skip
# Of table 0008: what the sender was told.
ANSWERS: dict[str, str] = {
    "AA": "AA 已接收",
    "AE": "AE 内容有误",
    "AR": "AR 拒收",
    "CA": "CA 已接收",
    "CE": "CE 内容有误",
    "CR": "CR 拒收",
    "": "—",
}
# Of table 0357.
REASONS: dict[str, str] = {
    "100": "段缺失或顺序不对",
    "101": "缺少必填字段",
    "102": "内容格式不对",
    "103": "编码不在值域内",
    "200": "不接收的消息类型",
    "201": "不接收的事件",
    "202": "MSH-11 不对",
    "203": "不支持的版本",
    "204": "标识无法识别",
    "205": "标识重复",
    "207": "系统处理失败",
    "no_answer": "对方没有答复",
}
FINDINGS: dict[str, str] = {
    "segment": "整段没有使用",
    "field": "字段没有使用",
    "value": "值无法识别",
    "code": "编码没有对应",
}
SENDER_KINDS: dict[str, str] = {
    SenderKind.FACILITY: "发送机构（MSH-4）",
    SenderKind.CERTIFICATE: "客户端证书",
    SenderKind.PORT: "专用端口",
}
SENDER_STATES: dict[str, tuple[str, str]] = {
    SenderState.ALLOWED: ("已登记", "good"),
    SenderState.UNKNOWN: ("未登记", "warn"),
    SenderState.BLOCKED: ("已停用", "bad"),
}
CHARSETS = (("UNICODE UTF-8", "UTF-8"), ("GB 18030-2000", "GB 18030 / GBK"))
RESOURCES: dict[str, str] = {
    "Patient": "患者", "Encounter": "就诊", "Condition": "诊断", "AllergyIntolerance": "过敏",
    "Procedure": "手术操作", "Observation": "检验检查结果", "DiagnosticReport": "报告", "Specimen": "标本",
    "ServiceRequest": "申请", "MedicationRequest": "用药医嘱", "MedicationDispense": "发药",
    "MedicationAdministration": "给药", "Immunization": "接种", "DocumentReference": "文书",
    "Binary": "文件", "Appointment": "预约", "Coverage": "付费", "RelatedPerson": "联系人",
    "ChargeItem": "收费", "EpisodeOfCare": "病程",
}  # fmt: skip


def finding(kind: str) -> str:
    """Why something did not become part of the record."""
    return FINDINGS.get(kind.partition(":")[0], kind)
