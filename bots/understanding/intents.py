"""What the resident wants, from the words that say so; the strongest wins, the others are told too."""

from __future__ import annotations

import re

from bots.understanding.values import Intent
from bots.understanding.words import ARTIFICIAL

# In order of strength: what stands higher wins over what stands lower in the same sentence.
_PATTERNS: tuple[tuple[Intent, str], ...] = (
    (
        Intent.HUMAN,
        "人工(?!"
        + ARTIFICIAL
        + ")|真人|活人|客服|坐席|接线员|投诉|找个.{0,4}人(?:来|说|问|聊|帮)|[来叫]个人|要人$|"
        "要人(?:来|帮)|机器人走|跟人说|转接|工作人员|"
        "有没有人(?:啊|呀|在(?!上班|值班)|理|能帮|$)",
    ),
    (
        Intent.QUIT,
        "退出|不弄了|不搞了|不聊了|不办了|不挂了(?!号)|再见|拜拜|byebye|^bye$|^886$|结束(?:对话|会话|"
        "办理|吧|$)|先这样吧?$|^没(?:啥|什么|别的|其他)?事(?:儿|情)?(?:了|啦)$|就到这(?:里|儿)?吧?$",
    ),
    (
        Intent.BACK,
        "返回|回去(?!了|吧|复)|往回|退一步|上一[步页级层]|回到?上|后退|倒回|退回(?!款|号|费)|回主菜单|首页|"
        "重来|重新(?:选|开始|来)|从头",
    ),
    (
        Intent.HELP,
        "帮助|听不懂|看不懂|没看懂|不懂|什么意思|啥意思|重复一遍|再说一遍|你是机器人|求助|(?:怎么|咋|咋个)(?:用|使)|"
        "如何使用|使用说明|操作说明|菜单|有(?:什么|啥|哪些)功能|(?:能|会|"
        "可以)(?:做|干|办)(?:什么|啥|点啥|些)|"
        "怎么(?:弄|操作|搞)[啊呀呢吗]?$|(?:咋|怎么)(?:个)?(?:弄|整|操作|搞)|不会(?:用|弄|操作|搞|整|使)|教(?:教|一下|下|会)?(?:我|俺)|说明书",
    ),
    (
        Intent.OPT_OUT,
        "(?<!取消)(?<!不要)(?<!不想)(?<!别)退订|拒收|取消订阅|(?:停止|停|终止)(?:给我|再)*(?:发|推送)|"
        "(?:屏蔽|拉黑)|(?:不要|别要|不需要)(?:短信|通知|提醒)|"
        "短信太多|不想(?:再)?收|不(?:再)?接收|"
        "关闭(?:短信|提醒|通知)|停(?:了|掉|下)?.{0,4}(?:短信|提醒|通知|消息|问卷)|"
        "(?:别|不要|不用|不许|勿|甭)(?:再|总|老)*(?:给我|给俺)?再?(?:发|推送?)(?:了|我|$|"
        ".{0,4}(?:短信|消息|信息|通知|广告|提醒|回访|问卷|调查))|"
        "(?:别|不要|勿)(?:再|总|老)*骚扰",
    ),
    (
        Intent.OPT_IN,
        "恢复订阅|开通(?:短信|提醒|通知)|^恢复$|重新订阅|恢复(?:短信|提醒|通知|接收)|(?:重新|再|又|继续|"
        "还)(?:想|要|给我)*(?:收|接收|"
        "发)(?:到)?(?:短信|提醒|通知|消息)|"
        "开启(?:短信|提醒|通知)|取消退订|订阅(?!号)(?!.*取消)",
    ),
    # Stronger than 取消 and 改期: those of a referral are done on its page, not on an appointment.
    (Intent.REFERRALS, "转诊|转院|[上下]转(?=$|[的吗到去回医])|转[上下][去来]"),
    (
        Intent.WAITLIST,
        "候补|后补|[有空腾]出?来?.{0,4}号.{0,3}(?:喊|叫|通知|告诉)(?:一声)?(?:我|俺)|排个?队?等号|等号|有人退号?|(?:有|放|出|来)了?空?号源?了?(?:就|再|的话|请|麻烦)*(?:给我|"
        "跟我)?(?:通知|告诉|叫|喊|提醒|说|发)|"
        "(?:约|挂|号|报|排)满了?.{0,4}(?:等|排|怎么办|咋办)|没号.{0,6}(?:等|排)|捡漏|满号|"
        "退号(?:了)?.{0,3}(?:通知|告诉|提醒|叫)|抢号|"
        "(?:给|帮|替)(?:我|俺)?(?:候|蹲|守|盯|留意)(?:着|一?个|一?下)|[候蹲](?:着|一?个)号?(?:吧|$)",
    ),
    (
        Intent.RESCHEDULE,
        "改期|换个?(?:医生|大夫|科室|医院)|改签|改约|改时间|改日子|改日期|改个?时间|换个?(?:时间|日子|天|"
        "日期|号)|时间.{0,3}(?:改|换|"
        "调)|调(?:整)?(?:一下)?(?:到|时间|成)|"
        "(?:改|换|挪|调|推|移|延)(?:一下)?(?:到|成|至|为|去)|往(?:后|前)(?:挪|推|延|调)|推迟|延期|延后|"
        "提前(?:到|一天|两天|几天)|"
        "[改该](?:期|签|约|时间)(?:吧|啊|$)|改一下|改(?:今|明|后|大后|下|周|星期|礼拜|上午|下午|早上|晚上|\\d)|另约|重新约|重约",
    ),
    (
        Intent.CANCEL,
        "取[消销削]|退一?下?号|(?<![钱款费])退了(?!.{0,2}[钱款费])|退掉|退一?下|把.{0,12}退|不去[了喽啦咯]|去不了|去不成|不想去|来不了|不来了|不看了|"
        "不要(?:这个|那个)?号?了|不约了|"
        "撤[销回了掉]|销(?:了|掉)|作废|删(?:除|掉|了)|不想(?:要|看|约|挂)了|没法去|不能去|用不[着上]了?|给退|退个号|我要退|想退",
    ),
    (
        Intent.QUEUE,
        "排(?:队)?到|叫(?:到)?(?:了)?(?:多少|几|哪|谁)?号|叫到|(?:前面|前头|前边|俺前|我前).{0,5}(?:几|"
        "多少|人)|(?:还|得|要|大概).{0,3}(?:等|排)(?:多久|多长|几|到什么)|"
        "到(?:我|俺|咱)了?(?:吗|没|么|不)|轮到|排队|第几个|排(?:在)?第几|几号了|快到(?:我|俺)|到(?:谁|"
        "哪个?号|几号)了|等多久|过号|该(?:我|俺|咱)了|轮着|号过了|过了号|错过(?:了)?(?:叫)?号|叫过(?:号|了)|快到了(?:吗|没)|(?:还有|还剩)(?:几|"
        "多少)个?人|我是\\d+号",
    ),
    (
        Intent.REPORTS,
        "报告|化验(?!科|室)|检查结果|检验(?:单|结果)|结果|片子|(?:抽血|验血|血常规|尿检|尿常规|ct|核磁|"
        "彩超|b超|心电图|胃镜|病理|核酸).{0,6}(?:出|结果|单|好了|查)|"
        "(?:[抽验化]的血|验的尿|[拍照]的片|做的(?:检查|ct|b超|彩超|核磁|胃镜|肠镜)).{0,6}(?:出|结果|好|怎么样|咋样)|"
        "血常规|检查单|体检单",
    ),
    (
        Intent.BILLS,
        "账单|欠.{0,4}钱|花了?多少|花(?:了|掉)?钱|(?:付|交|缴)(?:过|了|完|好)?(?:钱|费|款)|退款|退钱|"
        "退费|到账|报销|扣(?:了|过)?.{0,4}[钱款费]|[钱款费].{0,4}[扣退]了?|多[收扣]|退.{0,3}[钱款费]|"
        "缴费|交费|缴钱|交钱|付款|付钱|付费|欠费|欠(?:了)?(?:多少|钱)|支付|"
        "结账|结算|买单|费用|"
        "多少钱|(?:没|未|待)(?:付|交|缴|支付)|"
        "交多少|(?:药|检查|诊疗|住院|挂号)费|钱(?:没|怎么|咋)(?:付|交)?|发票|付掉|付一下|扫码付",
    ),
    (
        Intent.HEALTH_CODE,
        "健康码|扫码(?!付)|码(?:打不开|过期|没了|不见了|刷不出|失效)|健康卡|电子卡|就诊码|就诊卡|就医码|二维码|"
        "(?:我的|俺的|出示|打开|看|亮|调出|找|那个|这个|"
        "的|发|扫)码|jkm|电子码|电子健康|"
        "^码$|码(?:怎么|在哪|呢)",
    ),
    (
        # A newborn's papers. 新生儿 alone is a department, and asks for an appointment.
        Intent.BIRTHS,
        "出生(?:医学)?证|出生(?:一件事|登记)|^出生$|户口|[上落报]户|办证|"
        "(?:新生儿|宝宝|孩子|娃|小孩|婴儿).{0,6}(?:社保卡|医保(?:卡|参保|怎么)|出生)",
    ),
    (
        Intent.MY_APPOINTMENTS,
        "(?:我|俺)(?:什么时候|啥时候|几点|哪天)(?:去|来)?(?:看病|就诊|看)|就诊(?:时间|提醒|信息)|(?:我|"
        "俺)(?!想|要|需)[^想要帮给 ]{0,8}?(?:的预约|约的|挂的|预约的)|(?:我|俺)的?(?:已经|都|之前|"
        "上次|昨天|刚才|刚)?(?:的)?(?:预约|挂号|约|挂)(?:了|的|过|上|好|到|"
        "成)?(?:记录|情况|信息|单|哪|啥|什么|几|谁|没|吗|列表|都)|"
        "我的(?:预约|挂号|号|约)|(?:我|俺)(?:都|现在)?有(?:哪些|哪几个|几个|啥|什么)号|"
        "(?:我|俺|咱).{1,3}的?号是?(?:哪天|几点|啥时|什么时)|俺的(?:预约|号)|(?:我|俺)(?:上次|之前|昨天|都|已经|刚)*(?:挂|约|"
        "预约)(?:了|的|过)|查(?:一下|看|询|下)?(?:我|俺)?的?(?:预约|挂号|号)|"
        "(?:预约|挂号)(?:记录|情况|信息|成功|详情|单|查询|列表|上了|好了)|看(?:一?下|"
        "看)?(?:我)?(?:的)?(?:预约|挂号)(?!号)|已(?:预约|挂|约)|有没有(?:预约|约|挂)(?:成功|上|好)|"
        "(?:约|挂)(?:上|好|成|到)了?号?了?(?:吗|没|么)|"
        "(?:上次|上回|之前|刚才|昨天)(?:我|俺)?(?:预约|挂|约)的.{0,3}(?:是|哪|谁|什么|啥|几)|"
        # 明天的还在吗; 明天的还有吗 asks for what is free, 陈医生还在吗 for him.
        "(?:的|预约|挂号|(?<!账)号)还(?:在(?!线)|算数?|作数|有效)(?:不(?:在|算|作数)?|吗|么|嘛|没有?|吧)?$",
    ),
    (
        Intent.DIRECTIONS,
        "电话(?:是|多少|号码|几)|(?:医院|你们|联系)的?电话|^电话$|怎么(?:走|去|坐车|到|过去)|咋(?:走|去)|"
        "在哪|在(?:什么|啥)地方|哪个?(?:楼|栋|层|地方)|几(?:楼|层|"
        "号楼)|地址|位置|路线|导航|几路|公交|地铁|坐车|坐什么车|"
        "停车|在哪儿|哪栋|定位|多远|地图|哪边|往哪|(?:哪|啥|什么)个?(?:门|口|入口)|哪条[路街]|打车|开车",
    ),
    (
        Intent.OPENING_HOURS,
        "几点.{0,4}(?:上班|开门|下班|关门|开始|开诊|结束|停诊|开|营业|放号|停止)|(?:上班|下班|营业|门诊|"
        "开诊|开放|放号|出诊|坐诊|开门|工作|作息)时间|"
        "(?:上班|开门|营业|开诊|开不开|休息|放假|值班)(?:吗|不|没|么)|休不休息|放不放假|"
        "上不上班|看不看(?:病|诊)?[了吗啊呢]?$|开门|啥时候(?:上班|开门|"
        "放号|开)|什么时候(?:上班|开门|放号|开)|几点到几点|有人(?:没|不|上班|值班)|门诊开(?:吗|不|没|"
        "放)|开不开|有没有人上班|上班",
    ),
    (
        Intent.BOOK,
        "挂|预约|预定|约(?!束)|订号|号源|(?:有|还有|剩).{0,6}号|的号|看(?:病|医生|大夫|诊|科|专家|门诊)|"
        "加号|复诊|复查|就诊|就医|看(?:哪|什么|啥)|"
        "(?:什么|哪个?|啥)科|瞧(?:病|瞧)|坐诊|出诊|想看|要看|去看|来看|看看|看一下|有(?:没有)?(?:医生|"
        "大夫|专家)|门诊",
    ),
)
_COMPILED = tuple((intent, re.compile(pattern)) for intent, pattern in _PATTERNS)
_COMPILED_HELP = dict(_COMPILED)[Intent.HELP]

_BEGINS_YES = re.compile("确认|确定|是的|对的?[ 啊]|好的|嗯|可以[ 的]|行 |没错|ok")
_BEGINS_NO = re.compile("不是|不对|不用|不了|算了|错了|不行")

# 取消候补 cancels; it does not ask to wait.
_CANCELS_WAITING = re.compile("(?:取消|不要|不想|退).{0,4}候补|候补.{0,6}(?:取消|不要|不用)")


# 要不取消吧 proposes it.
_NEGATED = re.compile(
    "(?:(?<!要)不要?|(?<!分)别|先不|没(?:说|有)?)(?:给我|帮我|想|用|再)?(?:取消|退号|退|改期|改签|"
    "改)(?!订|了)|(?<!要)不(?:想|要|用)?(?:取消|退号?|改期|改签|改时间|改)了"
)


def wanted(text: str) -> list[Intent]:
    """All intents said, strongest first. 不要取消 is a no: what one asks not to be done is not done."""
    blank = _NEGATED.sub("\x00", text)
    if blank != text:
        said: list[Intent] = [intent for intent in _said(blank) if intent != Intent.BOOK]
        if not said:
            said.append(Intent.NO)
        return said
    return _said(text)


def answered(text: str) -> Intent | None:
    """确认取消 says yes as well, 不是，改周五 no: whoever asked a question may take it so."""
    if _BEGINS_NO.match(text):
        return Intent.NO
    return Intent.YES if _BEGINS_YES.match(text) else None


_ASKS_WHETHER = re.compile("(?:已经?|是否|有没有)取消|取消(?:成功|好|掉)?(?:了吗|了没|没有?$|了么|成功)")


# 报告看不懂 is about the report, 看不懂 about what we wrote.
_ABOUT_THE_REPORT = re.compile(r"(?:看不|没看|不)懂|[什啥]么?意思")
# What is asked besides comes second: 挂明天儿科，顺便问下停车.
_BESIDES = re.compile("顺便|顺带|另外|再问[一下]")
# 扫码咋弄 asks how to do that one thing, 咋弄 how to do anything.
_HOW_IT_IS_DONE = re.compile("(?:咋|怎么)个?(?:弄|整|操作|搞)[啊呀呢吗]?$")


def _said(text: str) -> list[Intent]:
    besides = _BESIDES.search(text)
    if besides is None:
        return _said_in(text)
    return list(dict.fromkeys([*_said_in(text[: besides.start()]), *_said_in(text[besides.end() :])]))


def _said_in(text: str) -> list[Intent]:
    found = [intent for intent, pattern in _COMPILED if pattern.search(text)]
    if Intent.REPORTS in found and not _COMPILED_HELP.search(_ABOUT_THE_REPORT.sub("", text)):
        found = [intent for intent in found if intent is not Intent.HELP]
    if Intent.HELP in found and len(found) > 1 and not _COMPILED_HELP.search(_HOW_IT_IS_DONE.sub("", text)):
        found.remove(Intent.HELP)
    if Intent.CANCEL in found and _ASKS_WHETHER.search(text):
        # 取消了吗 asks how it stands; cancelling is what may follow.
        found = [intent for intent in found if intent is not Intent.MY_APPOINTMENTS]
        found.insert(found.index(Intent.CANCEL), Intent.MY_APPOINTMENTS)
    if Intent.WAITLIST in found and _CANCELS_WAITING.search(text):
        found = [intent for intent in found if intent is not Intent.CANCEL]
        found.insert(found.index(Intent.WAITLIST), Intent.CANCEL)
    return found


def without_intent_words(text: str) -> str:
    """The text with all words that said an intent blanked out."""
    for _, pattern in _COMPILED:
        text = pattern.sub(lambda found: "\x00" * len(found[0]), text)
    return text
