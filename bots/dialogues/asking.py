"""What several dialogues ask and answer in the same words: yes, no, and what cannot be."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from backend.conversations.models import Through
from backend.residents.models import LinkState, PatientView, Relation
from backend.security.masking import mask_name
from bots.dialogue import Ask, Option, Talk
from bots.understanding.values import Intent, Mention, Problem

# A list longer than this is no help on a small screen; and by SMS every other line costs a message.
MOST_OPTIONS, MOST_BY_SMS = 9, 5
YES, NO = "yes", "no"
_YES_TEXTS = frozenset({"确认预约", "确认取消", "确认改期", "领取"})
_NO_TEXTS = frozenset({"不约了", "不取消", "不改了", "不要了"})
_NUMBERED = re.compile(r"^[\s\d.、，,:：)）]+")
# 孙子 and the like are no children of one's own, and may be on file as anything.
_RELATIONS = (
    (Relation.CHILD, re.compile("孩子|小孩|宝宝|宝贝|娃|儿子|(?<!侄)女儿|闺女|小朋友")),
    (Relation.SELF, re.compile("自己|本人|(?:给|帮|替|为)(?:我|俺)(?:挂|约|看|$)|^(?:我|俺)(?:的)?$")),
)
_RULED_OUT = re.compile("不是|[不别](?:给|帮|替|为|要|用)|除了")

_REMARKS = {
    Problem.NO_SUCH_DAY: "没有您说的这一天。",
    Problem.PAST: "您说的时间已经过了。",
    Problem.NO_SUCH_TIME: "没有您说的这个钟点。",
    Problem.NOT_OFFERED_THERE: "这家医院没有您说的科室。",
    Problem.NOT_THERE: "您说的医生不在那里出诊。",
    Problem.ELSEWHERE: "您说的医院不在本市的预约平台上，这里只能约本市的医院。",
}


def said_yes(talk: Talk) -> bool:
    """A yes by number, by word, by typing what the option says, or beside something else: 是的 我要挂号."""
    if talk.chosen:
        return talk.chosen == YES
    if typed(talk) in _YES_TEXTS:
        return True
    return not said_no(talk) and _means_yes(talk)


def _means_yes(talk: Talk) -> bool:
    return talk.understood.intent is Intent.YES or (
        Intent.YES in talk.understood.other_intents and talk.understood.intent is not Intent.NO
    )


def said_no(talk: Talk) -> bool:
    """A no by number, by word, or by typing what the option says."""
    if talk.chosen:
        return talk.chosen == NO
    return typed(talk) in _NO_TEXTS or talk.understood.intent is Intent.NO


def typed(talk: Talk) -> str:
    """What was said, without the number of an option before it: 1.确认预约."""
    return _NUMBERED.sub("", talk.said).strip(" 。.!！")


def yes_or_no(text: str, step: str, yes: str, no: str) -> Ask:
    """A question that can be answered by number as well as by word."""
    return Ask(text, step, (Option(YES, yes), Option(NO, no)))


def remark(talk: Talk) -> str:
    """What was understood and cannot be, to be said before the next question; empty when all is well."""
    return "".join(text for problem, text in _REMARKS.items() if problem in talk.understood.problems)


def ids_of(mentions: Iterable[Mention]) -> list[str]:
    """Everything the mentions may stand for, once, in the order of the sentence."""
    return list(dict.fromkeys(found for mention in mentions for found in mention.ids))


def only_one(mentions: Iterable[Mention]) -> str:
    """The one thing that was certainly named; empty when there is none, or a doubt."""
    every = list(mentions)
    ids = ids_of(every)
    return ids[0] if len(ids) == 1 and all(mention.certain for mention in every) else ""


async def patients_of(talk: Talk) -> list[Option]:
    """Whom the resident may book for, names masked; two who then look alike with the years of their birth."""
    return _options(await _active(talk))


async def patients_meant(talk: Talk) -> list[Option]:
    """Who of them the answer to "for whom" is about: the one chosen, or everybody it says by relation."""
    active = await _active(talk)
    relation = _relation_said(talk.said)
    return [
        option
        for option, each in zip(_options(active), active, strict=True)
        if (option.value == talk.chosen if talk.chosen else each.relation is relation)
    ]


async def _active(talk: Talk) -> list[PatientView]:
    listed = await talk.services.residents.patients.list_patients(talk.actor)
    return [each for each in listed if each.state is LinkState.ACTIVE]


def _options(active: Sequence[PatientView]) -> list[Option]:
    alike = Counter(mask_name(each.name) for each in active)
    return [Option(each.id, _called(each, alike[mask_name(each.name)] > 1)) for each in active]


def _relation_said(said: str) -> Relation | None:
    """给孩子挂 names the child. Nobody is taken where several are named, or one is ruled out."""
    if _RULED_OUT.search(said):
        return None
    named = [relation for relation, words in _RELATIONS if words.search(said)]
    return named[0] if len(named) == 1 else None


def _called(patient: PatientView, has_double: bool) -> str:
    name = mask_name(patient.name)
    return f"{name}（{patient.birth_on.year}年生）" if has_double else name


def most_options(talk: Talk) -> int:
    """How many lines a list may have here."""
    return MOST_BY_SMS if talk.through is Through.SMS else MOST_OPTIONS


def ask_which(talk: Talk, text: str, step: str, options: Sequence[Option], more: str = "") -> Ask:
    """A list to choose from; `more` says what to do when what is looked for is not in it."""
    most = most_options(talk)
    left_out = len(options) > most
    return Ask(f"{text}{more}" if left_out else text, step, tuple(options[:most]))
