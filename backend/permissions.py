"""Who may do what: permissions, roles, the grants between them, and the actor of a request.

A permission reads `scope:resource:action`. A handler method names the one it needs; object-level questions
(is this appointment his?) are the services' `access_*` methods. Deny is the default.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal


class Permission(StrEnum):
    """Every permission there is, alphabetical by value."""

    HOSPITAL_BIRTHS_WRITE = "hospital:births:write"
    HOSPITAL_BOOKINGS_CREATE = "hospital:bookings:create"
    HOSPITAL_BOOKINGS_READ = "hospital:bookings:read"
    HOSPITAL_CODES_VERIFY = "hospital:codes:verify"
    HOSPITAL_CONSENTS_ASK = "hospital:consents:ask"
    HOSPITAL_CONTRACTS_WRITE = "hospital:contracts:write"
    HOSPITAL_DIRECTORY_WRITE = "hospital:directory:write"
    HOSPITAL_IMAGES_READ = "hospital:images:read"
    HOSPITAL_IMAGES_WRITE = "hospital:images:write"
    HOSPITAL_MEDICATION_CHECK = "hospital:medication:check"
    HOSPITAL_QUALITY_READ = "hospital:quality:read"
    HOSPITAL_RECOGNITION_CHECK = "hospital:recognition:check"
    HOSPITAL_RECORDS_READ = "hospital:records:read"
    HOSPITAL_RECORDS_WRITE = "hospital:records:write"
    HOSPITAL_REFERRALS_READ = "hospital:referrals:read"
    HOSPITAL_REFERRALS_WRITE = "hospital:referrals:write"
    HOSPITAL_SCHEDULES_WRITE = "hospital:schedules:write"
    HOSPITAL_TERMINALS_WRITE = "hospital:terminals:write"
    RESIDENT_ACCOUNT_MANAGE = "resident:account:manage"
    RESIDENT_APPOINTMENTS_BOOK = "resident:appointments:book"
    RESIDENT_APPOINTMENTS_READ = "resident:appointments:read"
    RESIDENT_BIRTHS_FILE = "resident:births:file"
    RESIDENT_CODES_USE = "resident:codes:use"
    RESIDENT_CONSENTS_MANAGE = "resident:consents:manage"
    RESIDENT_MESSAGES_READ = "resident:messages:read"
    RESIDENT_PATIENTS_MANAGE = "resident:patients:manage"
    RESIDENT_RECORDS_READ = "resident:records:read"
    RESIDENT_RECORDS_WRITE = "resident:records:write"
    RESIDENT_REFERRALS_MANAGE = "resident:referrals:manage"
    RESIDENT_REFERRALS_READ = "resident:referrals:read"
    STAFF_ACCOUNT_MANAGE = "staff:account:manage"
    STAFF_APPOINTMENTS_CANCEL = "staff:appointments:cancel"
    STAFF_APPOINTMENTS_READ = "staff:appointments:read"
    STAFF_AUDIT_READ = "staff:audit:read"
    STAFF_BIRTHS_HANDLE = "staff:births:handle"
    STAFF_BIRTHS_READ = "staff:births:read"
    STAFF_BOARD_READ = "staff:board:read"
    STAFF_CLIENTS_MANAGE = "staff:clients:manage"
    STAFF_CONVERSATIONS_ANSWER = "staff:conversations:answer"
    STAFF_DASHBOARD_READ = "staff:dashboard:read"
    STAFF_DIRECTORY_READ = "staff:directory:read"
    STAFF_DIRECTORY_WRITE = "staff:directory:write"
    STAFF_EXCHANGE_READ = "staff:exchange:read"
    STAFF_EXCHANGE_WRITE = "staff:exchange:write"
    STAFF_EXCHANGE_SENDERS_MANAGE = "staff:exchange_senders:manage"
    STAFF_MEDICATION_READ = "staff:medication:read"
    STAFF_MEDICATION_WRITE = "staff:medication:write"
    STAFF_MESSAGES_READ = "staff:messages:read"
    STAFF_MESSAGES_RESEND = "staff:messages:resend"
    STAFF_PATIENT_INDEX_MANAGE = "staff:patient_index:manage"
    STAFF_PAYMENTS_READ = "staff:payments:read"
    STAFF_PAYMENTS_REFUND = "staff:payments:refund"
    STAFF_PERSONAL_DATA_UNMASK = "staff:personal_data:unmask"
    STAFF_QUALITY_READ = "staff:quality:read"
    STAFF_QUALITY_WRITE = "staff:quality:write"
    STAFF_RECOGNITION_READ = "staff:recognition:read"
    STAFF_RECOGNITION_WRITE = "staff:recognition:write"
    STAFF_RECORD_ACCESS_OPEN = "staff:record_access:open"
    STAFF_RECORD_ACCESS_READ = "staff:record_access:read"
    STAFF_RECORD_ACCESS_REVIEW = "staff:record_access:review"
    STAFF_REFERRALS_READ = "staff:referrals:read"
    STAFF_REFERRALS_WRITE = "staff:referrals:write"
    STAFF_SCHEDULES_READ = "staff:schedules:read"
    STAFF_SCHEDULES_STOP = "staff:schedules:stop"
    STAFF_STAFF_MANAGE = "staff:staff:manage"
    STAFF_SURVEY_TICKETS_HANDLE = "staff:survey_tickets:handle"
    STAFF_SURVEYS_READ = "staff:surveys:read"
    STAFF_SURVEYS_WRITE = "staff:surveys:write"
    STAFF_TARGETS_COMMENT = "staff:targets:comment"
    STAFF_TARGETS_WRITE = "staff:targets:write"
    STAFF_TEMPLATES_WRITE = "staff:templates:write"
    STAFF_WALLS_MANAGE = "staff:walls:manage"


class Role(StrEnum):
    """Every role; what each may do is `ROLE_GRANTS`."""

    RESIDENT = "resident"
    # Known by nothing but the number a text message came from, and numbers are easily forged.
    RESIDENT_BY_SMS = "resident_by_sms"
    CITY_OPERATOR = "city_operator"
    HOSPITAL_OPERATOR = "hospital_operator"
    DOCTOR = "doctor"
    FINANCE = "finance"
    AUDITOR = "auditor"
    HOSPITAL_CLIENT = "hospital_client"
    TERMINAL = "terminal"


STAFF_ROLES = frozenset({Role.CITY_OPERATOR, Role.HOSPITAL_OPERATOR, Role.DOCTOR, Role.FINANCE, Role.AUDITOR})

_P = Permission
ROLE_GRANTS: dict[Role, frozenset[Permission]] = {
    Role.RESIDENT: frozenset(p for p in Permission if p.startswith("resident:")),
    Role.RESIDENT_BY_SMS: frozenset({_P.RESIDENT_APPOINTMENTS_BOOK, _P.RESIDENT_APPOINTMENTS_READ}),
    Role.CITY_OPERATOR: frozenset(
        # Who runs the city does not watch over who reads: that is for auditors and privacy officers.
        p for p in Permission
        if p.startswith("staff:") and p is not _P.STAFF_AUDIT_READ and "record_access" not in p
    ),
    Role.HOSPITAL_OPERATOR: frozenset(
        {
            _P.STAFF_ACCOUNT_MANAGE, _P.STAFF_CLIENTS_MANAGE, _P.STAFF_CONVERSATIONS_ANSWER,
            _P.STAFF_BOARD_READ, _P.STAFF_DASHBOARD_READ, _P.STAFF_TARGETS_COMMENT,
            _P.STAFF_BIRTHS_HANDLE, _P.STAFF_BIRTHS_READ,
            _P.STAFF_DASHBOARD_READ,
            _P.STAFF_DIRECTORY_READ, _P.STAFF_DIRECTORY_WRITE, _P.STAFF_SCHEDULES_READ,
            _P.STAFF_SCHEDULES_STOP, _P.STAFF_APPOINTMENTS_READ, _P.STAFF_APPOINTMENTS_CANCEL,
            _P.STAFF_MESSAGES_READ, _P.STAFF_MESSAGES_RESEND, _P.STAFF_PERSONAL_DATA_UNMASK,
            _P.STAFF_SURVEYS_READ, _P.STAFF_SURVEYS_WRITE, _P.STAFF_SURVEY_TICKETS_HANDLE,
            _P.STAFF_QUALITY_READ,
            _P.STAFF_RECOGNITION_READ, _P.STAFF_MEDICATION_READ, _P.STAFF_EXCHANGE_READ,
            _P.STAFF_EXCHANGE_WRITE,
            _P.STAFF_RECORD_ACCESS_READ, _P.STAFF_RECORD_ACCESS_REVIEW,
            _P.STAFF_REFERRALS_READ, _P.STAFF_REFERRALS_WRITE,
        }
    ),
    Role.DOCTOR: frozenset(
        {
            _P.STAFF_ACCOUNT_MANAGE, _P.STAFF_DIRECTORY_READ, _P.STAFF_SCHEDULES_READ,
            _P.STAFF_APPOINTMENTS_READ, _P.STAFF_REFERRALS_READ, _P.STAFF_REFERRALS_WRITE,
            _P.STAFF_RECORD_ACCESS_OPEN,
        }
    ),
    Role.FINANCE: frozenset(
        {
            _P.STAFF_ACCOUNT_MANAGE, _P.STAFF_BOARD_READ, _P.STAFF_DASHBOARD_READ, _P.STAFF_PAYMENTS_READ,
            _P.STAFF_PAYMENTS_REFUND, _P.STAFF_APPOINTMENTS_READ,
        }
    ),
    Role.AUDITOR: frozenset(
        {
            _P.STAFF_ACCOUNT_MANAGE, _P.STAFF_BOARD_READ, _P.STAFF_DASHBOARD_READ, _P.STAFF_AUDIT_READ,
            _P.STAFF_RECORD_ACCESS_READ, _P.STAFF_RECORD_ACCESS_REVIEW,
        }
    ),
    Role.HOSPITAL_CLIENT: frozenset(p for p in Permission if p.startswith("hospital:")),
    Role.TERMINAL: frozenset({_P.HOSPITAL_CODES_VERIFY}),
}  # fmt: skip

ActorKind = Literal["resident", "staff", "client", "terminal", "system", "anonymous"]


@dataclass(frozen=True, slots=True)
class Actor:
    """Who is asking.

    `organization_ids` limits staff, clients and terminals to their institutions; None means the whole city.
    `channel` is where a resident signed in (`wechat`, `h5`) or what a client sells through.
    """

    kind: ActorKind
    id: str
    role: Role | None = None
    organization_ids: frozenset[str] | None = frozenset()
    session_id: str = ""
    channel: str = ""
    real_name: bool = False
    # Of a staff account that is a doctor's: himself in the directory.
    practitioner_id: str = ""

    def may(self, permission: Permission) -> bool:
        """Whether the role grants `permission`; the system itself may do everything."""
        if self.kind == "system":
            return True
        return self.role is not None and permission in ROLE_GRANTS[self.role]

    def covers(self, organization_id: str) -> bool:
        """Whether `organization_id` lies within this actor's scope."""
        return self.organization_ids is None or organization_id in self.organization_ids


ANONYMOUS = Actor(kind="anonymous", id="")
SYSTEM = Actor(kind="system", id="system", organization_ids=None)
