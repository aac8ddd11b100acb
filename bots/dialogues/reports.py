"""Reports: in WeChat the way to them, by SMS only where they are; what they say stands in neither."""

from __future__ import annotations

from typing import ClassVar

from backend import clock
from backend.errors import AppError
from backend.permissions import Permission
from bots import phrases
from bots.dialogue import Dialogue, Next, Say, Talk
from bots.understanding.values import Intent

_MOST = 20
NONE_YET = "目前没有查到您的检查、检验报告。出报告时会通知您。"
ON_PAPER = "也可以到就诊医院的窗口或自助机打印。"


class Reports(Dialogue):
    """Says whether there are reports, and leads to them."""

    name: ClassVar[str] = "reports"
    title: ClassVar[str] = "我的报告"
    intents: ClassVar[tuple[Intent, ...]] = (Intent.REPORTS,)
    needs: ClassVar[Permission | None] = None

    def __init__(self, app_url: str) -> None:
        self._page = f"{app_url.rstrip('/')}/#/pages/reports/list/index"

    async def start(self, talk: Talk) -> Next:
        """A number that a text came from proves nobody: to it only the way is told."""
        if not talk.actor.may(Permission.RESIDENT_RECORDS_READ):
            return Say(
                f"报告内容不通过短信发送。出报告时会发短信告诉您，请登录后查看：{self._page}\n{ON_PAPER}"
            )
        try:
            lines, _ = await talk.services.reports.service.list_reports(
                talk.actor, talk.actor.id, limit=_MOST
            )
        except AppError:
            # Not yet known by name: the page says what is still to be done.
            return Say(f"查看报告：{self._page}\n{ON_PAPER}")
        if not lines:
            return Say(f"{NONE_YET}\n{ON_PAPER}")
        newest = lines[0]
        when = phrases.day(newest.report.at.astimezone(clock.CITY_ZONE).date())
        return Say(f"您有报告可以查看，最近一份是{when}{newest.place}的。\n查看报告：{self._page}")
