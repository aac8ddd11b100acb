"""Accounts nobody has used for long: carriers give an idle number to somebody else, so a code to the phone
proves no longer whose account it is.

Who comes with the phone of such an account shows something of the person too, or says that the number is new
to him: then it leaves the old account, which keeps everything else and its other ways in.
"""

from __future__ import annotations

import hmac
import secrets
import unicodedata
from datetime import timedelta

from backend import clock
from backend.audit.service import AuditService
from backend.errors import AppError, ErrorCode
from backend.permissions import ANONYMOUS, Actor
from backend.residents.accounts import Accounts
from backend.residents.login_store import Ticket, TicketKind, TicketStore, ticket_hash
from backend.residents.models import IDLE, Resident, ResidentState
from backend.security.limits import RateLimiter

TICKET_LIFETIME = timedelta(minutes=10)


class IdleAccounts:
    """Asks for more than the phone, and judges the answer."""

    def __init__(
        self, accounts: Accounts, tickets: TicketStore, limiter: RateLimiter, audit: AuditService
    ) -> None:
        self._accounts = accounts
        self._tickets = tickets
        self._limiter = limiter
        self._audit = audit

    async def check(self, account: Resident, proven: Ticket) -> None:
        """Raise IDENTITY_NEEDED, with a ticket to go on with, when the phone alone is not enough."""
        if not is_idle(account):
            return
        token = secrets.token_urlsafe(24)
        ticket = Ticket(
            ticket_hash(token),
            TicketKind.IDENTITY_NEEDED,
            app=proven.app,
            app_id=proven.app_id,
            openid=proven.openid,
            phone=proven.phone,
            resident_id=account.id,
        )
        await self._tickets.add(ticket, TICKET_LIFETIME)
        raise AppError(ErrorCode.IDENTITY_NEEDED, f"idle account {account.id}", data={"login_ticket": token})

    async def prove(self, login_ticket: str, last_four: str) -> tuple[Resident, Ticket]:
        """The account, for whoever knows the end of its holder's ID number. Raises IDENTITY_WRONG."""
        ticket = await self._find(login_ticket)
        # Ten thousand possibilities: few tries for the account, whoever asks and with however many tickets.
        await self._limiter.take("identity", ticket.resident_id)
        account = await self._account(ticket)
        if not _ends_with(account.id_number or "", last_four):
            await self._record(ANONYMOUS, "resident.identity_refused", account.id, "wrong ID number")
            raise AppError(ErrorCode.IDENTITY_WRONG)
        await self._use(ticket)
        await self._record(ANONYMOUS, "resident.identity_shown", account.id, "phone and ID number")
        return account, ticket

    async def give_up(self, login_ticket: str) -> Ticket:
        """The number is new to who has it now: the old account loses it, and is told."""
        ticket = await self._find(login_ticket)
        account = await self._account(ticket)
        await self._use(ticket)
        if not await self._accounts.release_phone(account):
            raise AppError(ErrorCode.CONFLICT, "the account is being changed")
        await self._record(ANONYMOUS, "resident.phone_released", account.id, "the number has a new holder")
        return ticket

    async def _find(self, login_ticket: str) -> Ticket:
        ticket = await self._tickets.find(ticket_hash(login_ticket), TicketKind.IDENTITY_NEEDED)
        if ticket is None:
            raise AppError(ErrorCode.LOGIN_TICKET_INVALID, "no ticket of an idle account")
        return ticket

    async def _use(self, ticket: Ticket) -> None:
        if await self._tickets.take(ticket.hash, ticket.kind) is None:
            raise AppError(ErrorCode.LOGIN_TICKET_INVALID, "used meanwhile")

    async def _account(self, ticket: Ticket) -> Resident:
        account = await self._accounts.find(ticket.resident_id)
        if account is None or account.state is not ResidentState.ACCOUNT or account.phone != ticket.phone:
            raise AppError(ErrorCode.LOGIN_TICKET_INVALID, "the account has changed")
        return account

    async def _record(self, actor: Actor, action: str, resident_id: str, basis: str) -> None:
        await self._audit.record(actor, action, f"resident/{resident_id}", basis)


def is_idle(account: Resident) -> bool:
    """Whether a named person's account has not been used for so long that its phone may be another's."""
    seen_at = account.last_seen_at or account.created_at
    return account.real_name and clock.now() - seen_at > IDLE


def _ends_with(id_number: str, last_four: str) -> bool:
    given = unicodedata.normalize("NFKC", last_four).upper().encode()
    return hmac.compare_digest(given, id_number[-4:].encode())
