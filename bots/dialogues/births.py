"""A newborn's papers: how to file, and how far one's filing is; who they are about stands in no message."""

from __future__ import annotations

from typing import ClassVar

from backend.births.machine import FilingState, StepState
from backend.births.models import Filing
from backend.permissions import Permission
from bots import phrases
from bots.dialogue import Dialogue, Next, Say, Talk
from bots.understanding.values import Intent

HOW = (
    "孩子的出生证明、户口、医保、社保卡、接种证可以在手机上一次办：宝宝妈妈或爸爸登录后填一张表，拍几张照片，"
    "各部门分头办，办好了发短信告诉您。一周岁以内、在本市医院出生的都可以办。"
)
_STATES = {
    FilingState.DRAFT: "您有一份还没提交的申请，填好提交后才会开始办。",
    FilingState.NEEDS_CORRECTION: "有一处要您改正，改好后会接着办。",
    FilingState.COMPLETED: "都办好了。",
    FilingState.PARTLY_DONE: "办好了一部分，没办成的写明了怎么办。",
    FilingState.WITHDRAWING: "正在撤回。",
    FilingState.WITHDRAWN: "已经撤回，需要时可以重新办理。",
    FilingState.REJECTED: "没能办成，原因和办法请打开查看。",
    FilingState.EXPIRED: "草稿过了保留期，请重新办理。",
}


class Births(Dialogue):
    """Leads to the page, with the state of the newest filing where it is known who asks."""

    name: ClassVar[str] = "births"
    title: ClassVar[str] = "新生儿办证"
    intents: ClassVar[tuple[Intent, ...]] = (Intent.BIRTHS,)
    needs: ClassVar[Permission | None] = None

    def __init__(self, app_url: str) -> None:
        self._app_url = app_url

    async def start(self, talk: Talk) -> Next:
        """A number that a text came from proves nobody: to it only the way is told."""
        page = phrases.page(self._app_url, "births/list")
        if not talk.actor.may(Permission.RESIDENT_BIRTHS_FILE):
            return Say(f"{HOW}\n打开下面的页面登录办理：{page}")
        filings = await talk.services.births.list(talk.actor)
        if filings:
            return Say(f"{_told(filings[0].filing)}\n打开查看：{page}")
        births = await talk.services.births.births_of(talk.actor)
        found = "医院已经上传了您宝宝的出生信息，现在就可以办。" if births else HOW
        return Say(f"{found}\n打开办理：{page}")


def _told(filing: Filing) -> str:
    """How far it is, by the names of the papers alone."""
    wanted = [step for step in filing.steps if step.state is not StepState.NOT_WANTED]
    done = [step.name for step in wanted if step.state is StepState.DONE]
    said = _STATES.get(filing.state, "各部门正在办，您不用做什么，有进展会发短信。")
    if filing.state is FilingState.DRAFT or not done or len(done) == len(wanted):
        return said
    return f"{said}{len(wanted)}项中已办好{len(done)}项：{'、'.join(done)}。"
