"""Sentences that are an answer as a whole: a number from a list, yes, no, a mark, a command word."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bots.understanding.numerals import NUMBER, number_of
from bots.understanding.values import Intent


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole sentence understood at once."""

    intent: Intent
    ordinal: int | None = None
    rating: int | None = None
    # 2号 may be the second of the month as well.
    maybe_day: bool = False


_OPT_OUT = re.compile(r"(?:回复?)?(?:t|td|r|n|退订|拒收|退定|tui ?ding)(?:了|吧|我|短信)?")
_MORE = re.compile(r"(?:回复)?(?:m|更多|看更多|查看更多|下一页|下页|继续|还有呢|还有吗|还有没有|往下|接着)")
_HELP = re.compile(r"[?？]+|(?:回复)?h|0")
_GREETING = re.compile(
    r"(?:你好|您好|在吗|在不在|在么|哈喽|嗨|喂|有人吗|早上好|下午好|晚上好|上午好|你们好|医生好|早|大夫好)+"
    r"(?:啊|呀|哈|哦|呢|的|大夫|医生|老师|同志|姑娘|小姐姐|客服)*"
)
_THANKS = re.compile(
    r"(?:好的?|嗯|行|哦)?(?:谢谢|多谢|感谢|谢了|辛苦|麻烦)(?:你|您|们|侬|了|啊|啦|咯|呀|哈|大家|医生|大夫|老师|同志|姑娘|小伙子?|小姐姐|亲)*"
)

_PARTICLES = "[吧呗啊呀呢了哦噢哈啦嘛咯哟嘞哒滴的诶哎]*"
_CHOICE = re.compile(
    rf"(?:那|我|就|要|选择?|挑|看|来|去|回复|答|是|约|挂|想)*+(?P<ordinal>第)?(?P<number>{NUMBER})"
    rf"(?P<unit>个|家|位|项|条|号|种|行|医生|科室|那个|那家|那位)?"
    rf"(?:那|这)?[个家位条]?{_PARTICLES}(?:谢谢)?"
)
ORDINAL = re.compile(rf"第(?P<number>{NUMBER})(?:个|家|位|项|条|号)|头一(?:个|家|位|条)")
_LISTED = re.compile(
    r"(?:取消|退号?|改期?|确认|选|好的?|[ 第])*+(?P<number>\d{1,2})(?:取消|退号?|改期?|确认|吧|了|[ 个])*+"
)
_LAST = re.compile(
    rf"(?:那|我|就|要|选择?)*+(?:最后|末尾|最末|倒数第一|最下面)(?:那)?(?:一|1)?(?:个|家|位|项|条|"
    rf"号)?{_PARTICLES}"
)
_FROM_THE_END = re.compile(rf"[那我就要选]*倒数第(?P<number>{NUMBER})[个家位项条]?{_PARTICLES}")
_FIRST = re.compile(
    rf"(?:那|我|就|要|选)*(?:头一|首|最上面(?:那)?一?|最前面(?:那)?一?)(?:个|家|位|项|条){_PARTICLES}"
)


def _spoken(first: str, then: str, before: str = "") -> re.Pattern[str]:
    """Words in any number, then particles; possessive, so that no repetition is ever tried twice."""
    words, more = (sorted(text.split(), key=len, reverse=True) for text in (first, f"{first} {then}"))
    start = f"(?:{'|'.join(before.split())})*+" if before else ""
    return re.compile(f"{start}(?:{'|'.join(words)})(?:{'|'.join(more)})*+")


_YES = _spoken(
    "是 对 好 可以 行 确认 确定 嗯 恩 没错 ok okay 没问题 中 要得 同意 成 可 要 y yes 得 阔以 当然 必须 "
    "就这样 就这个 正确 "
    "得行 妥了 必须的 麻溜 知道了 收到 明白 了解 确认预约 确定预约 确认挂号 是我本人 是本人 本人 "
    "没毛病 妥 是这个 接受 愿意 "
    "需要 对头 系 哦 噢 没意见 无误 就它 就这",
    "的 呢 啊 呀 吧 了 啦 哈 哒 滴 嘞 呗 就 哦 噢 嘛 哟 咯",
)
_NO = _spoken(
    "不去 不得行 要不得 甭 拉倒 别了 再说 明天再说 改天再说 回头再说 以后再说 下次再说 等等再说 "
    "不是我本人 不是本人 不 不要 不用 "
    "不是 不对 不行 否 算了 no nope 别 不了 没有 错 错了 不可以 不需要 不想 不同意 "
    "不确定 "
    "不好 不成 不中 不必 "
    "不愿意 不接受 没 非 莫 唔系 唔使 不搞 免了",
    "的 了 吧 啊 呀 呢 哈 啦 谢谢 这个 它 先 是 要 哦 噢 嘛 哟 咯",
    before="先 还是 暂时 那 我 都 哦 嗯",
)

_PRAISED = (
    "(?:服务|态度|医生|大夫|护士|环境|总体|整体|都|感觉|我|对|这次|看病|就诊|就医|体验|你们|医院|的|很|"
    "觉得|还|挺|是|就)*?"
)
_TAIL = "(?:的|了|吧|啊|呀|呢|哈|啦|谢谢)*"
_RATINGS: tuple[tuple[int, str], ...] = (
    (
        1,
        "(?:非常|很|特别|十分|太|极其|极度|超级?|相当)(?:的)?(?:不满意?|差劲?|糟糕?|烂|恶劣|不好)|垃圾|"
        "差评|一点(?:也|都)不满意|最差",
    ),
    (2, "(?:不|不太|不怎么|不是很|不大|不够)(?:满意|好)|差|较差|比较差|不咋地|不咋样|有点差|差劲|不行|失望"),
    (3, "一般般?|还行|凑合|马马虎虎|中等|过得去|就那样|普通|还可以|将就|中规中矩"),
    (
        5,
        "(?:非常|很|特别|十分|太|极其|超级?|相当|最|真|巨)(?:的)?(?:满意|好|棒|不错|到位|贴心|周到|"
        "专业)|优秀|完美|五星|好评|满分|棒",
    ),
    (4, "满意|(?:挺|比较|还算|蛮|还|较|基本|算)(?:满意|好|不错)|不错|良好|可以的|好着(?:呢|哩)"),
)
_RATED = tuple((mark, re.compile(rf"{_PRAISED}(?:{words}){_TAIL}")) for mark, words in _RATINGS)
_OPINION = re.compile(
    "(?:非常|很|特别|十分|太|极其|超级?|相当|挺|比较|还算|蛮|较|基本)?不?(?:太|怎么|是很|大|够)?满意|好评|差评"
)
_MARKS = re.compile(rf"(?:我|打|给|评|就|给你们|给个)*(?P<number>{NUMBER})(?:分|星|颗星){_TAIL}")
_MAX_MARK = 10
_MAX_SHORT_LIST = 9
_LONGEST = 24
_TWO_NUMBERS = re.compile(r"\d \d")


def whole_reply(text: str) -> Reply | None:
    """The reply that the whole sentence is, if it is one. Opting out comes before all else."""
    bare = text.replace(" ", "")
    if not bare or len(bare) > _LONGEST or _TWO_NUMBERS.search(text):
        return None
    for read in (_command, _chosen, _yes_or_no, _rated):
        reply = read(bare)
        if reply is not None:
            return reply
    return None


def find_ordinal(text: str) -> int | None:
    """取消第一个: the place in a list, within a longer sentence."""
    match = ORDINAL.search(text) or _LISTED.fullmatch(text)
    if match is None:
        return None
    return number_of(match["number"]) if match["number"] else 1


def find_opinion(text: str) -> int | None:
    """医生很耐心，非常满意: how satisfied somebody is who says more than that."""
    match = _OPINION.search(text)
    if match is None:
        return None
    return next((mark for mark, pattern in _RATED if pattern.fullmatch(match[0])), None)


def is_help_sign(sentence: str) -> bool:
    """A sentence that is nothing but question marks asks for help."""
    bare = sentence.strip()
    return bool(bare) and set(bare) <= set("?？ ")


def _command(bare: str) -> Reply | None:
    if _OPT_OUT.fullmatch(bare):
        return Reply(Intent.OPT_OUT)
    if _MORE.fullmatch(bare):
        return Reply(Intent.MORE)
    if _HELP.fullmatch(bare):
        return Reply(Intent.HELP)
    if _GREETING.fullmatch(bare):
        return Reply(Intent.GREETING)
    if _THANKS.fullmatch(bare):
        return Reply(Intent.THANKS)
    return None


def _chosen(bare: str) -> Reply | None:
    if _LAST.fullmatch(bare):
        return Reply(Intent.CHOICE, ordinal=-1)
    if _FIRST.fullmatch(bare):
        return Reply(Intent.CHOICE, ordinal=1)
    backwards = _FROM_THE_END.fullmatch(bare)
    if backwards:
        return Reply(Intent.CHOICE, ordinal=-(number_of(backwards["number"]) or 1))
    match = _CHOICE.fullmatch(bare)
    number = number_of(match["number"]) if match else None
    if match is None or number is None or number < 1:
        return None
    if match["unit"] == "号" and not match["ordinal"]:
        return Reply(Intent.CHOICE, ordinal=number, maybe_day=True) if number <= _MAX_SHORT_LIST else None
    return Reply(Intent.CHOICE, ordinal=number)


def _yes_or_no(bare: str) -> Reply | None:
    if _YES.fullmatch(bare):
        return Reply(Intent.YES)
    return Reply(Intent.NO) if _NO.fullmatch(bare) else None


def _rated(bare: str) -> Reply | None:
    for mark, pattern in _RATED:
        if pattern.fullmatch(bare):
            return Reply(Intent.SURVEY_ANSWER, rating=mark)
    marks = _MARKS.fullmatch(bare)
    number = number_of(marks["number"]) if marks else None
    return Reply(Intent.SURVEY_ANSWER, rating=number) if number is not None and number <= _MAX_MARK else None
