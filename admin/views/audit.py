"""The audit log: who did what and why, and whether anybody touched the record."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field

from admin.base import PageHandler, page
from admin.forms import Period
from admin.lookups import organization_names, organizations_in_scope
from backend import clock
from backend.audit.models import AuditFilter
from backend.errors import AppError, ErrorCode
from backend.http.endpoint import requires
from backend.permissions import Permission

PAGE_SIZE = 50


class AuditFilters(Period):
    """Which entries the list shows."""

    action: str = Field("", max_length=64, title="操作")
    actor_id: str = Field("", max_length=64, title="操作人编号")
    object: str = Field("", max_length=100, title="对象")
    organization: str = Field("", max_length=64, title="机构")

    def wanted(self) -> AuditFilter:
        """The service's words for it; days are the city's."""
        to_on = self.to_on + timedelta(days=1) if self.to_on else None
        return AuditFilter(
            action=self.action or None,
            actor_id=self.actor_id or None,
            object=self.object or None,
            organization_id=self.organization or None,
            from_at=clock.city_instant(self.from_on, 0) if self.from_on else None,
            to_at=clock.city_instant(to_on, 0) if to_on else None,
        )


class AuditHandler(PageHandler):
    """The list."""

    @requires(Permission.STAFF_AUDIT_READ)
    @page("The audit log")
    async def get(self, query: AuditFilters) -> None:
        """One page, newest first."""
        entries, following = await self.services.audit.list_entries(
            self.actor, query.wanted(), cursor=query.cursor or None, limit=PAGE_SIZE
        )
        people = await self.services.staff.names({e.actor_id for e in entries if e.actor_kind == "staff"})
        places = await organization_names(self.services, [e.organization_id or "" for e in entries])
        organizations = await organizations_in_scope(self.services, self.actor)
        self.show_page(
            "audit/list.html",
            entries=entries,
            following=following,
            people=people,
            places=places,
            organization_choices=[(o.id, o.name) for o in organizations],
        )


class VerifyHandler(PageHandler):
    """Checking the whole log."""

    @requires(Permission.STAFF_AUDIT_READ)
    @page("Check that nobody touched the log")
    async def post(self) -> None:
        """Walk every stream and show what was found. The check itself goes on record first."""
        if self.actor.organization_ids is not None:
            raise AppError(ErrorCode.FORBIDDEN, "part of the city", text="校验整个日志需要全市范围的账号。")
        audit = self.services.audit
        await audit.record(self.actor, "audit.verify", "audit/city", "regular check")
        report = await audit.verify()
        self.show_page("audit/report.html", report=report, checked_at=clock.now())


routes = [
    (r"/admin/audit", AuditHandler),
    (r"/admin/audit/verify", VerifyHandler),
]
