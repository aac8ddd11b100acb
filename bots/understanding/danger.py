"""Finds what must not wait for an appointment: a life in danger, or somebody who does not want to live."""

from __future__ import annotations

import re
from enum import StrEnum

from bots.understanding.normalising import normalise


class Danger(StrEnum):
    """What kind of help is needed at once."""

    LIFE = "life"
    SELF_HARM = "self_harm"


# Better once too often: said needlessly, the line costs a glance.
_SELF_HARM = re.compile(
    "自杀|自残|不想活|活不下去|活不成了|活够了|不如死|死了算了|(?<!疼得)(?<!痛得)想死(?!你|我了)|想去死|轻生|寻短见|跳楼|割腕|结束生命|"
    "活着(?:没|有什么|有啥)(?:意思|意义|劲)|一了百了"
)
_LIFE = re.compile(
    "昏迷|[昏晕]倒|[昏晕]过去|晕厥|不省人事|[叫喊摇]不醒|没了?有?(?:意识|呼吸(?!困难)|心跳|脉搏)|没气了|不喘气|[喘透]不[上过]来?气|呼吸困难|"
    "心梗|心肌梗|脑梗|脑出血|脑溢血|中风|休克|心脏骤停|大出血|(?:血|流血).{0,3}(?:止不住|不止)|止不住血|吐血|呕血|咯血|咳血|"
    "抽搐|口吐白沫|翻白眼|(?:半边|半身|一边|一侧).{0,6}(?:动不了|不能动|没知觉|不听使唤|发麻)|半身不遂|嘴(?:巴|角)?歪|"
    "说不[出清]话|(?:胸口?|心口|心脏).{0,6}[疼痛闷绞压].{0,10}(?:厉害|要命|冷汗|受不了|大汗|死了|不行)|"
    "中毒|农药|百草枯|老鼠药|误[食服吞]|触电|溺水|掉水里|车祸|[从打]?楼上?(?:摔|掉|坠)下|"
    "卡(?:住|到|在)?了?(?:喉咙|嗓子|气管)|噎住|羊水破|破水|要生了|救命|快不行了|快要?死了|捅了|砍了"
)
# He had it, and asks for what comes after.
_OVER = re.compile(
    "复查|复诊|随访|后遗症|康复|开药|拿药|出院|以前|之前|去年|前年|年前|个?月前|预防|体检|报告|科普"
)
_DENIED = re.compile("(?:没有|没|无|不是|不会|怕|担心)$")


def find_danger(sentence: str) -> Danger | None:
    """Who speaks of dying himself is heard first."""
    text = normalise(sentence).replace(" ", "")
    if _SELF_HARM.search(text):
        return Danger.SELF_HARM
    if _OVER.search(text):
        return None
    said = (found for found in _LIFE.finditer(text) if not _DENIED.search(text, 0, found.start()))
    return Danger.LIFE if any(said) else None
