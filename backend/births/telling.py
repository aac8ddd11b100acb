"""What parents are told of their filing: each turn of it once, and where to read more."""

from __future__ import annotations

from backend.births.machine import FilingEvent, HandoverEvent, StepEvent
from backend.births.models import Filing
from backend.births.store import FilingStore
from backend.messages.models import Letter, MessageKind
from backend.messages.service import MessageService
from backend.messages.tellers import short_time
from backend.worker.events import Event

ITEM = "出生一件事"
_FILING_TEXTS = {
    FilingEvent.SUBMIT: "申请已提交，各部门将依次办理",
    FilingEvent.FINISH: "全部事项已办结",
    FilingEvent.FINISH_PARTLY: "部分事项已办结，未办结的请登录查看原因和办法",
    FilingEvent.REFUSE: "未能办理，请登录查看原因和办法",
    FilingEvent.END_WITHDRAWAL: "申请已撤回",
    FilingEvent.EXPIRE: "草稿长期未提交，已自动关闭，可以重新申请",
    FilingEvent.REOPEN: "工作人员已重新办理",
}
_STEP_TEXTS = {
    StepEvent.FINISH: "已办结",
    StepEvent.WANT_CORRECTION: "需要补正，请登录查看",
    StepEvent.REJECT: "部门未予办理，请登录查看原因",
}
_HANDOVER_TEXTS = {
    HandoverEvent.POST: "证件已寄出，快递单号请登录查看",
    HandoverEvent.LAY_OUT: "证件可以领取了，地点和取件码请登录查看",
    HandoverEvent.REMIND: "证件收到了吗？请登录点“收到了”或“没有收到”",
    HandoverEvent.MISS: "已登记证件没有收到，工作人员会查找",
    HandoverEvent.RECEIVE: "证件已签收；不是您收的请登录说明",
}


class BirthTeller:
    """Answers BIRTH_FILING_CHANGED, BIRTH_STEP_CHANGED and BIRTH_HANDOVER_CHANGED."""

    def __init__(self, filings: FilingStore, messages: MessageService) -> None:
        self._filings = filings
        self._messages = messages

    async def on_filing_changed(self, event: Event) -> None:
        """BIRTH_FILING_CHANGED: may come twice; told once for an event."""
        text = _FILING_TEXTS.get(FilingEvent(event.data["event"]))
        filing = await self._filings.find(event.data["filing_id"])
        if filing is not None and text is not None:
            await self._tell(event, filing, ITEM, text)

    async def on_step_changed(self, event: Event) -> None:
        """BIRTH_STEP_CHANGED: the same for a step."""
        text = _STEP_TEXTS.get(StepEvent(event.data["event"]))
        filing = await self._filings.find(event.data["filing_id"])
        step = filing.step(event.data["step"]) if filing else None
        if filing is not None and step is not None and text is not None:
            await self._tell(event, filing, step.name, text)

    async def on_handover_changed(self, event: Event) -> None:
        """BIRTH_HANDOVER_CHANGED: the same for what a step hands over, but not what they said themselves."""
        happened = HandoverEvent(event.data["event"])
        filing = await self._filings.find(event.data["filing_id"])
        step = filing.step(event.data["step"]) if filing else None
        if filing is None or step is None:
            return
        said = [each.by for each in filing.history if (each.step, each.event) == (step.code, happened)]
        own = happened is HandoverEvent.RECEIVE and said[-1:] and said[-1] in filing.parent_ids
        if not own:
            await self._tell(event, filing, step.name, _HANDOVER_TEXTS[happened])

    async def _tell(self, event: Event, filing: Filing, item: str, text: str) -> None:
        facts = {"item": item, "state": text, "time": short_time(event.at)}
        kind, place = MessageKind.BIRTH_FILING, filing.organization_id
        await self._messages.tell(
            *(
                Letter(event.id, event.at, parent, kind, facts, None, place)
                for parent in dict.fromkeys(filing.parent_ids)
            )
        )
