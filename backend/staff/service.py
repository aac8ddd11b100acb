"""Staff accounts: opening, changing and closing them. Signing in is `sign_in.py`, storage is `store.py`."""

from __future__ import annotations

import re

from backend import clock
from backend.audit.service import AuditService
from backend.errors import AppError, ErrorCode, not_found
from backend.ids import new_id
from backend.permissions import STAFF_ROLES, Actor, Permission, Role
from backend.security.passwords import check_password, hash_password
from backend.security.totp import new_totp_secret, totp_uri
from backend.staff.credentials import new_password
from backend.staff.models import Credentials, NewStaff, StaffFilter, StaffMember, StaffSecrets, StaffState
from backend.staff.sign_in import SignIn
from backend.staff.store import StaffStore

_LOGIN = re.compile(r"[a-z][a-z0-9._-]{2,31}")
# Roles that work inside hospitals; an account of theirs without a hospital would see the whole city.
_HOSPITAL_ROLES = frozenset({Role.HOSPITAL_OPERATOR, Role.DOCTOR})


class StaffService:
    """Who works here. `sign_in` holds the sessions."""

    def __init__(self, store: StaffStore, audit: AuditService, sign_in: SignIn, city_name: str) -> None:
        self._store = store
        self._audit = audit
        self._city_name = city_name
        self.sign_in = sign_in

    async def add(self, actor: Actor, wanted: NewStaff) -> Credentials:
        """Open an account; the answer holds what must be handed over, and is the only place that does."""
        login = wanted.login.strip().lower()
        name = wanted.name.strip()
        self._check_new(actor, login, name, wanted)
        password = wanted.password or new_password()
        check_password(password, login)
        secret = wanted.totp_secret or new_totp_secret()
        now = clock.now()
        member = StaffMember(
            id=new_id(),
            login=login,
            name=name,
            role=wanted.role,
            organization_ids=wanted.organization_ids,
            state=StaffState.ACTIVE,
            must_change_password=wanted.must_change_password,
            created_at=now,
            updated_at=now,
            practitioner_id=wanted.practitioner_id,
        )
        await self._store.insert(member, StaffSecrets(await hash_password(password), secret))
        await self._record(actor, "staff.add", member, {"role": member.role.value})
        return self._credentials(member, password=password, totp_secret=secret)

    async def find_by_login(self, login: str) -> StaffMember | None:
        """The member of this login, for the command line and the seed."""
        found = await self._store.find_by_login(login.strip().lower())
        return found[0] if found else None

    async def access_member(self, actor: Actor, staff_id: str) -> StaffMember:
        """A member within the actor's scope; anyone else's looks like none."""
        member = await self._store.find(staff_id)
        if member is None or not _within(member, actor):
            raise not_found(f"staff {staff_id}")
        return member

    async def list_members(
        self, actor: Actor, wanted: StaffFilter, *, after: str = "", limit: int = 50
    ) -> tuple[list[StaffMember], str | None]:
        """Members by login and the cursor of the next page."""
        found = await self._store.list_members(wanted, actor.organization_ids, after, limit + 1)
        page = found[:limit]
        return page, page[-1].login if len(found) > limit else None

    async def names(self, staff_ids: set[str]) -> dict[str, str]:
        """Names of members by id, for pages that show who did something."""
        return await self._store.names(staff_ids)

    async def tie_practitioner(
        self, actor: Actor, staff_id: str, practitioner_id: str, organization_id: str
    ) -> StaffMember:
        """Say which doctor of the directory an account is, at which institution; empty: none of them."""
        member = await self.access_member(actor, staff_id)
        if practitioner_id and member.role is not Role.DOCTOR:
            raise _not_a_doctor()
        if practitioner_id and (
            member.organization_ids is None or organization_id not in member.organization_ids
        ):
            raise not_found("a practitioner of the account's institutions")
        member = await self._store.update(member, practitioner_id=practitioner_id)
        await self._record(actor, "staff.tie_practitioner", member, {"practitioner_id": practitioner_id})
        return member

    async def disable(self, actor: Actor, staff_id: str, reason: str) -> StaffMember:
        """Close an account and end its sessions at once."""
        member = await self._access_other(actor, staff_id)
        reason = _reason(reason)
        member = await self._store.update(member, state=StaffState.DISABLED.value, disabled_reason=reason)
        await self._store.delete_sessions_of(member.id)
        await self._record(actor, "staff.disable", member, {}, basis=reason)
        return member

    async def enable(self, actor: Actor, staff_id: str) -> StaffMember:
        """Open a closed account again, and forget its failed sign-ins."""
        member = await self._access_other(actor, staff_id)
        member = await self._store.update(member, state=StaffState.ACTIVE.value, disabled_reason="")
        await self._store.clear_attempts(member.login)
        await self._record(actor, "staff.enable", member, {})
        return member

    async def reset_password(self, actor: Actor, staff_id: str) -> Credentials:
        """A new first password; every session ends, and the lock of failed attempts with it."""
        member = await self._access_other(actor, staff_id)
        password = new_password()
        hashed = await hash_password(password)
        member = await self._store.update(member, password_hash=hashed, must_change_password=True)
        await self._store.clear_attempts(member.login)
        await self._store.delete_sessions_of(member.id)
        await self._record(actor, "staff.reset_password", member, {})
        return self._credentials(member, password=password)

    async def reset_totp(self, actor: Actor, staff_id: str) -> Credentials:
        """A new one-time-code secret, for a lost phone."""
        member = await self._access_other(actor, staff_id)
        secret = new_totp_secret()
        member = await self._store.set_totp_secret(member, secret)
        await self._store.delete_sessions_of(member.id)
        await self._record(actor, "staff.reset_totp", member, {})
        return self._credentials(member, totp_secret=secret)

    async def change_password(self, actor: Actor, old: str, new: str) -> None:
        """One's own password; other sessions of the account end."""
        member = await self._store.find(actor.id)
        found = await self._store.find_by_login(member.login) if member else None
        if found is None:
            raise not_found(f"staff {actor.id}")
        member, secrets = found
        await self.sign_in.check_password(member.login, secrets.password_hash, old)
        check_password(new, member.login)
        if new == old:
            raise AppError(ErrorCode.PASSWORD_WEAK, text="新密码不能与旧密码相同。")
        hashed = await hash_password(new)
        await self._store.update(member, password_hash=hashed, must_change_password=False)
        await self._store.delete_sessions_of(member.id, keep=actor.session_id)
        await self._record(actor, "staff.change_password", member, {})

    async def _access_other(self, actor: Actor, staff_id: str) -> StaffMember:
        """A member to be changed by somebody else: nobody closes or resets the account they sit in."""
        member = await self.access_member(actor, staff_id)
        if member.id == actor.id:
            raise AppError(
                ErrorCode.FORBIDDEN, "own account", text="不能对自己的账号做这项操作，请让另一位管理员办理。"
            )
        return member

    def _check_new(self, actor: Actor, login: str, name: str, wanted: NewStaff) -> None:
        if not _LOGIN.fullmatch(login):
            raise AppError(
                ErrorCode.BAD_REQUEST,
                "login form",
                text="登录名须为3到32位小写字母、数字、点、横线或下划线，并以字母开头。",
            )
        if not 1 <= len(name) <= 32:
            raise AppError(ErrorCode.NAME_INVALID, text="请填写姓名（不超过32字）。")
        if wanted.role not in STAFF_ROLES:
            raise AppError(ErrorCode.BAD_REQUEST, f"role {wanted.role}", text="请选择工作人员的角色。")
        ids = wanted.organization_ids
        if wanted.practitioner_id and wanted.role is not Role.DOCTOR:
            raise _not_a_doctor()
        nowhere = ids is not None and not ids
        if nowhere or (ids is None and wanted.role in _HOSPITAL_ROLES):
            raise AppError(
                ErrorCode.BAD_REQUEST, "no organization", text="请选择所属机构：医院操作员和医生至少选一家。"
            )
        if not _scope_within(ids, actor):
            raise AppError(
                ErrorCode.FORBIDDEN, "scope wider than one's own", text="不能授予超出自己范围的机构。"
            )

    def _credentials(self, member: StaffMember, *, password: str = "", totp_secret: str = "") -> Credentials:
        uri = totp_uri(totp_secret, member.login, self._city_name) if totp_secret else ""
        return Credentials(member, password, totp_secret, uri)

    async def _record(
        self, actor: Actor, action: str, member: StaffMember, data: dict[str, str], *, basis: str = ""
    ) -> None:
        scope = member.organization_ids
        only = next(iter(scope)) if scope is not None and len(scope) == 1 else None
        await self._audit.record(
            actor,
            action,
            f"staff/{member.id}",
            basis or Permission.STAFF_STAFF_MANAGE.value,
            only,
            dict(data),
        )


def _not_a_doctor() -> AppError:
    return AppError(
        ErrorCode.BAD_REQUEST, "no doctor's account", text="只有医生账号可以关联医生名录中的医生。"
    )


def _scope_within(ids: frozenset[str] | None, actor: Actor) -> bool:
    if actor.organization_ids is None:
        return True
    return ids is not None and ids <= actor.organization_ids


def _within(member: StaffMember, actor: Actor) -> bool:
    return _scope_within(member.organization_ids, actor)


def _reason(text: str) -> str:
    reason = text.strip()
    if not reason:
        raise AppError(ErrorCode.REASON_REQUIRED)
    return reason[:200]
