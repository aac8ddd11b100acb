"""Who is talking: residents behind an official account's openid or a phone that texts, and how one binds.

An openid is WeChat's word and, once bound by a code to the phone, as good as a log-in. A number that a text
message comes from is easily forged: it stands for little, and for nothing once the account has been idle.
"""

from __future__ import annotations

from datetime import datetime

from backend.audit.service import AuditService
from backend.errors import AppError, ErrorCode
from backend.permissions import ANONYMOUS, Actor, Role
from backend.residents.accounts import Accounts
from backend.residents.codes import LoginCodes
from backend.residents.idle import IdleAccounts, is_idle
from backend.residents.login_store import Ticket, TicketKind
from backend.residents.models import Resident, ResidentState, WeChatApp
from backend.residents.phones import PhoneError, parse_phone


class TalkingResidents:
    """Residents as conversations know them."""

    def __init__(
        self, accounts: Accounts, codes: LoginCodes, idle: IdleAccounts, audit: AuditService, oa_app_id: str
    ) -> None:
        self._accounts = accounts
        self._codes = codes
        self._idle = idle
        self._audit = audit
        self._oa_app_id = oa_app_id

    async def of_openid(self, openid: str) -> Actor:
        """Who writes to the official account; nobody known until the openid is bound."""
        resident = await self._accounts.account_of_wechat(self._oa_app_id, openid)
        if resident is None or resident.state is not ResidentState.ACCOUNT:
            return ANONYMOUS
        return Actor("resident", resident.id, Role.RESIDENT, channel="bot", real_name=resident.real_name)

    async def note_following(self, openid: str, *, follows: bool, at: datetime) -> None:
        """Somebody follows the official account, or has left it: who has left is told by other ways."""
        await self._accounts.note_following(self._oa_app_id, openid, follows=follows, at=at)

    async def of_phone(self, phone: str) -> Actor:
        """Who texts from a number: known enough to book for people on file, and for nothing else."""
        try:
            resident = await self._accounts.find_account_of_phone(parse_phone(phone))
        except PhoneError:
            return ANONYMOUS
        if resident is None:
            return await self._of_files(phone)
        if is_idle(resident):
            return ANONYMOUS
        return Actor(
            "resident", resident.id, Role.RESIDENT_BY_SMS, channel="sms", real_name=resident.real_name
        )

    async def _of_files(self, phone: str) -> Actor:
        """No account: perhaps somebody, or a family, whose hospital wrote this number down."""
        files = await self._accounts.files_of_phone(parse_phone(phone))
        if not files:
            return ANONYMOUS
        # Hospitals have seen these people's papers; the longest known of them speaks for the number.
        return Actor("resident", files[0].id, Role.RESIDENT_BY_SMS, channel="sms", real_name=True)

    async def send_code(self, phone: str, asking: str) -> int:
        """Send a one-time code to a phone that somebody says is his; limited per phone and per `asking`."""
        return await self._codes.send(_phone(phone), asking)

    async def bind(self, openid: str, phone: str, code: str) -> Resident:
        """Bind an openid to the account of a phone, proved by its code.

        Raises CODE_WRONG, CODE_TOO_MANY_ATTEMPTS, or IDENTITY_NEEDED with a `login_ticket`.
        """
        number = _phone(phone)
        await self._codes.check(number, code)
        proven = Ticket(
            "",
            TicketKind.PHONE_NEEDED,
            app=WeChatApp.OA,
            app_id=self._oa_app_id,
            openid=openid,
            phone=number,
        )
        account = await self._accounts.account_of_phone(number)
        await self._idle.check(account, proven)
        return await self._bind(account, openid)

    async def bind_by_identity(self, openid: str, login_ticket: str, last_four: str) -> Resident:
        """After IDENTITY_NEEDED. Raises IDENTITY_WRONG, LOGIN_TICKET_INVALID."""
        account, proven = await self._idle.prove(login_ticket, last_four)
        if proven.openid != openid:
            raise AppError(ErrorCode.LOGIN_TICKET_INVALID, "the ticket of another openid")
        return await self._bind(account, openid)

    async def _bind(self, account: Resident, openid: str) -> Resident:
        # The phone decides: a WeChat account bound before is let go, and its sessions end.
        bound = await self._accounts.bind_wechat(account, WeChatApp.OA, self._oa_app_id, openid)
        await self._accounts.note_seen(bound)
        actor = Actor("resident", bound.id, Role.RESIDENT, channel="bot", real_name=bound.real_name)
        await self._audit.record(actor, "resident.bind_chat", f"resident/{bound.id}", "own request")
        return bound


def _phone(text: str) -> str:
    try:
        return parse_phone(text)
    except PhoneError:
        raise AppError(ErrorCode.PHONE_INVALID) from None
