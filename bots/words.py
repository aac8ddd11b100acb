"""What the engine itself says, and how a question with options is written."""

from __future__ import annotations

from collections.abc import Sequence

from bots.understanding.danger import Danger

AGAIN = "没太明白您的意思，请换个说法，或回复序号。回复“返回”到上一步，“退出”结束。"
OFFER_STAFF = "抱歉，还是没明白。您可以回复“人工”请工作人员帮您，或回复“退出”重新开始。"
STAFF_CALLED = "已为您转给工作人员，请稍候，工作时间内会有人回复您。回复“退出”可回到自助服务。"
GOODBYE = "好的，已退出。需要时直接告诉我您要做什么，例如“明天上午市人民医院儿科”。"
TROUBLE = "抱歉，刚才没有办成，请稍后再发一次。"
DANGER = {
    Danger.LIFE: "情况危急请马上拨打120，或直接去最近的急诊，不要等预约。",
    Danger.SELF_HARM: "听到您这样说，我们很担心您。请马上告诉身边的人，或拨打心理援助热线12356；"
    "情况紧急请拨打120或110。回复“人工”，我们的工作人员会和您说话。",
}
CANNOT_READ = "抱歉，这里只能看文字，请把要办的事打成文字发给我。"
_LONGEST_PIECE = 600


def welcome(city_name: str) -> str:
    """To whoever has just begun to follow the account."""
    return (
        f"欢迎关注{city_name}！您可以直接告诉我要办的事，例如“明天上午市人民医院儿科”。\n"
        "回复“帮助”看看都能办什么，回复“人工”找工作人员。"
    )


def stranger(app_url: str) -> str:
    """To whoever is not known on this line and cannot make himself known on it."""
    return f"这个号码还没有登记，办不了这件事。请打开 {app_url}/ 登录并完成实名认证，以后就能直接发短信办理。"


def not_here(app_url: str) -> str:
    """To whoever is known on this line, but not well enough for what he wants."""
    return f"为保护您的信息，这件事不能在这里办理。请打开 {app_url}/ 登录后办理。"


def menu(titles: Sequence[str]) -> str:
    """What can be done here."""
    listed = "\n".join(f"· {title}" for title in titles)
    return f"您可以直接说要做什么：\n{listed}\n随时可回复：帮助、返回、退出、人工。"


def question(text: str, options: Sequence[str]) -> str:
    """A question with its options numbered from 1."""
    return "\n".join([text, *(f"{number}. {option}" for number, option in enumerate(options, 1))])


def pieces(text: str) -> tuple[str, ...]:
    """A long answer in pieces that end at line breaks where they can."""
    found: list[str] = []
    for line in text.split("\n"):
        if found and len(found[-1]) + 1 + len(line) <= _LONGEST_PIECE:
            found[-1] += f"\n{line}"
        else:
            found += [line[at : at + _LONGEST_PIECE] for at in range(0, max(len(line), 1), _LONGEST_PIECE)]
    return tuple(found)
