"""The words of messages about reading records: who asks, who has read in an emergency, what was answered."""

from __future__ import annotations

from backend.messages.models import MessageKind
from backend.messages.wording import SMS, Wording

RECORD_WORDINGS: dict[MessageKind, Wording] = {
    MessageKind.RECORD_CODE: Wording(
        title="病历授权验证码",
        lines=(),
        sms=(
            "{organization}申请调阅您的病历资料。如您同意，请把验证码{code}告诉窗口工作人员，{minutes}分钟内有效；"
            "不同意请勿告诉任何人。"
        ),
        channels=(SMS,),
    ),
    MessageKind.RECORD_CONSENT_ASKED: Wording(
        title="病历调阅申请",
        lines=(
            ("患者", "{patient}"),
            ("申请医院", "{organization}"),
            ("申请时间", "{when}"),
            ("办理", "请在“病历授权”中查看申请的内容，同意或拒绝。不办理的，到期自动失效。"),
        ),
        sms="{organization}申请调阅{patient}的病历资料。同意或拒绝，请登录后在“病历授权”中办理；不办理的，到期自动失效。",
        wechat={
            "thing1": "{organization}",
            "name2": "{patient}",
            "time3": "{time}",
            "thing4": "请在病历授权中同意或拒绝",
        },
        page="pages/records/consents/index",
    ),
    MessageKind.RECORD_CONSENT_GIVEN: Wording(
        title="病历授权已生效",
        lines=(
            ("患者", "{patient}"),
            ("授权时间", "{when}"),
            ("撤回", "您可以随时在“病历授权”中撤回，撤回后立即生效。"),
        ),
        sms=(
            "{patient}的病历授权已凭短信验证码生效。您可以随时登录后在“病历授权”中撤回；"
            "如非本人同意，请立即撤回并告知医院。"
        ),
        channels=(SMS,),
        page="pages/records/consents/index",
    ),
    MessageKind.RECORD_CONTRACT: Wording(
        title="签约登记",
        lines=(
            ("患者", "{patient}"),
            ("签约机构", "{organization}"),
            ("登记时间", "{when}"),
            ("说明", "您与该院签约。签约期间，该院医生因诊疗需要可以查看您的病历，每次查看都会记录。"),
            ("疑问", "如未签约，请联系该院终止；谁看过病历，请在“谁看过我的病历”中查看和询问。"),
        ),
        sms=(
            "{organization}登记了{patient}与该院签约，签约期间该院医生因诊疗需要可查看病历。"
            "如未签约，请联系该院；谁看过病历，请登录后在“谁看过我的病历”中查看。"
        ),
        channels=(SMS,),
        page="pages/records/accesses/index",
    ),
    MessageKind.RECORD_GLASS_BROKEN: Wording(
        title="病历被紧急调阅",
        lines=(
            ("患者", "{patient}"),
            ("调阅医院", "{organization}"),
            ("调阅医生", "{doctor}"),
            ("调阅时间", "{when}"),
            ("说明", "医生说明了紧急情况，医院会由专人事后复核。"),
            ("疑问", "如有疑问，请在“谁看过我的病历”中询问医院。"),
        ),
        sms=(
            "{organization}{doctor_sms}于{when}因紧急情况调阅了{patient}的病历，医院会由专人事后复核。"
            "如有疑问，请登录后在“谁看过我的病历”中询问。"
        ),
        channels=(SMS,),
        page="pages/records/accesses/index",
    ),
    MessageKind.RECORD_CORRECTED: Wording(
        title="病历更正申请已答复",
        lines=(
            ("患者", "{patient}"),
            ("答复医院", "{organization}"),
            ("查看", "请在“信息有误”中查看答复。"),
        ),
        sms="您申请的病历更正，{organization}已答复，请登录后在“信息有误”中查看。",
        channels=(SMS,),
        page="pages/record/correction/index",
    ),
    MessageKind.RECORD_ANSWERED: Wording(
        title="调阅询问已答复",
        lines=(
            ("患者", "{patient}"),
            ("答复医院", "{organization}"),
            ("查看", "请在“谁看过我的病历”中查看答复。"),
        ),
        sms="您询问的病历调阅，{organization}已答复，请登录后在“谁看过我的病历”中查看。",
        wechat={
            "thing1": "{organization}",
            "name2": "{patient}",
            "time3": "{time}",
            "thing4": "您询问的病历调阅已答复",
        },
        page="pages/records/accesses/index",
    ),
}
