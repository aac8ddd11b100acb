"""What has come of a step as a sheet of paper: our printout of the agency's result, and plainly no more."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from backend import clock
from backend.audit.service import AuditService
from backend.births.checking import other_name
from backend.births.models import FilingView, Step
from backend.births.rules import Rules
from backend.births.verifying import Verifying, is_printable
from backend.errors import AppError, ErrorCode, not_found
from backend.permissions import Actor
from backend.security.masking import mask_id_number, mask_name

_SEXES = {"male": "男", "female": "女"}
_MASKED = frozenset({"id_number"})


@dataclass(frozen=True, slots=True)
class Sheet:
    """What stands on it. `mark` says on each page what it is."""

    title: str
    mark: str
    made_at: datetime
    facts: tuple[tuple[str, str], ...]
    results: tuple[tuple[str, str], ...]
    # What its QR says: the address at which anybody may check it.
    address: str


Draw = Callable[[Sheet], Awaitable[bytes]]


class Papers:
    """Makes printouts for those who may see a filing."""

    def __init__(self, rules: Rules, verifying: Verifying, audit: AuditService, city_name: str) -> None:
        self._rules = rules
        self._verifying = verifying
        self._audit = audit
        self._city_name = city_name
        # How a sheet becomes a PDF; put in by the composition root.
        self.draw: Draw | None = None

    async def made(self, actor: Actor, view: FilingView, code: str, *, masked: bool) -> bytes:
        """The PDF of a step that is done; on record. Raises NOT_FOUND, UNAVAILABLE.

        A view is only had by whoever may see it; `masked` for who has no need of names and ID numbers.
        """
        step = view.filing.step(code)
        if step is None or not is_printable(step):
            raise not_found(f"a result of step {code}")
        if self.draw is None:
            raise AppError(ErrorCode.UNAVAILABLE, "nothing to draw with")
        filing = view.filing
        address = await self._verifying.address_for(filing.id, code)
        content = await self.draw(self.sheet(view, step, address, masked=masked))
        thing, basis = f"birth_filing/{filing.id}", "打开出生一件事电子凭证"
        await self._audit.record(actor, "births.print", thing, basis, filing.organization_id, {"step": code})
        return content

    def sheet(self, view: FilingView, step: Step, address: str, *, masked: bool) -> Sheet:
        """What stands on it."""
        filing, birth = view.filing, view.birth
        agency = self._rules.agencies.get(step.agency, step.agency)
        name = mask_name if masked else str
        parents = birth.mother.name, other_name(birth, filing.answers)
        facts = (
            ("孩子姓名", name(filing.answers.child_name)),
            ("性别", _SEXES.get(birth.facts.sex, "")),
            ("出生日期", f"{clock.civil_date(birth.facts.born_at)}"),
            ("母亲", name(parents[0])),
            ("父亲", name(parents[1]) if parents[1] else ""),
            ("办理部门", agency),
            ("部门受理号", step.receipt),
            ("办结日期", f"{clock.civil_date(step.ended_at)}" if step.ended_at else ""),
            ("结果来源", "部门出具的纸质结果，由工作人员录入" if step.paper else "部门系统反馈"),
            ("申请编号", filing.id),
        )
        return Sheet(
            f"{step.name}（电子凭证·打印件）",
            f"本页是电子凭证打印件，由{self._city_name}按{agency}的办理结果生成，不能代替证件原件；"
            f"核对真伪请扫二维码，或凭编号向{agency}查询。",
            clock.now(),
            facts,
            self._results(step, masked=masked),
            address,
        )

    def _results(self, step: Step, *, masked: bool) -> tuple[tuple[str, str], ...]:
        rule = self._rules.by_code.get(step.code)
        names = rule.yields.names if rule else {}
        order = [*names, *(name for name in step.results if name not in names)]
        return tuple(
            (
                names.get(name, "其他"),
                mask_id_number(step.results[name]) if masked and name in _MASKED else step.results[name],
            )
            for name in order
            if name in step.results
        )
