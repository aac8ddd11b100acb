"""Recognition's Chinese: what a doctor is told of a result, and the names of its states."""

from __future__ import annotations

from collections.abc import Mapping

from backend.recognition.lists import Item
from backend.recognition.rules import Judgement, Verdict, Why

WHY: Mapping[Why, str] = {
    Why.ASKING_NOT_LISTED: "本院不在互认机构名单",
    Why.SOURCE_NOT_LISTED: "出具机构不在互认机构名单",
    Why.LEVEL: "按级别规则不互认",
    Why.NO_MARK: "该机构此项目没有质量标识",
    Why.MARK_ELSEWHERE: "质量标识的地区范围不含本市",
    Why.MARK_LAPSED: "出报告时室间质评已过期",
    Why.TOO_OLD: "超过有效期",
    Why.IN_THE_FUTURE: "结果日期晚于今天",
    Why.NOT_FINAL: "报告尚未审核发布",
    Why.NO_VALUES: "没有结果值",
    Why.NO_IMAGES: "没有可调阅的影像",
}
VERDICTS: Mapping[Verdict, str] = {
    Verdict.RECOMMENDED: "建议互认",
    Verdict.OPTIONAL: "可以参考",
    Verdict.NOT_RECOMMENDED: "不建议互认",
    Verdict.OWN: "本院结果",
}


def sentence(judgement: Judgement, item: Item, place: str) -> str:
    """What a doctor reads about one result."""
    age = "今天" if judgement.age_days == 0 else f"{judgement.age_days}天前"
    if judgement.verdict is Verdict.OWN:
        return f"本院{age}已做{item.name}，请先查看结果。"
    if judgement.verdict is Verdict.NOT_RECOMMENDED:
        return f"{place}{age}的{item.name}不建议互认：{'；'.join(WHY[each] for each in judgement.why)}。"
    mark = f"，{judgement.mark.name}标识" if judgement.mark else ""
    left = item.valid_days - judgement.age_days
    advice = "建议互认" if judgement.verdict is Verdict.RECOMMENDED else "可以参考，由接诊医师决定"
    return f"{place}{age}的{item.name}在{item.valid_days}天有效期内（还剩{left}天）{mark}，{advice}。"
