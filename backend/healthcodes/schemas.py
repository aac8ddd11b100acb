"""What the health code's endpoints read and write."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import AwareDatetime, Field, StringConstraints

from backend.healthcodes.codes import PHONE_STEP_S, REFRESH_AFTER_S, TTL_S, DynamicCode
from backend.healthcodes.models import (
    CodeKind,
    OfflineUpload,
    PhoneDevice,
    SecondFactor,
    SeenUse,
    StaticCode,
    Told,
    Uploaded,
    UploadState,
    Verified,
)
from backend.healthcodes.service import svg_of
from backend.http.schema import Answer, Instant, Query, Schema, WrittenInstant
from backend.residents.id_numbers import Sex

CodeText = Annotated[str, StringConstraints(min_length=1, max_length=300)]
StepCode = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,8}$")]


class ForPatient(Schema):
    """Whose code."""

    patient_id: str = Field(max_length=64)


class ForPatientQuery(Query):
    """Whose code."""

    patient_id: str = Field(max_length=64)


class DynamicCodeOut(Answer):
    """The code on the screen."""

    text: str
    issued_at: Instant
    expires_at: Instant
    ttl_s: int = TTL_S
    refresh_after_s: int = REFRESH_AFTER_S


class PhoneDeviceOut(Answer):
    """What a phone makes codes with: `E2:` + Base45(pseudo-id | step | HMAC-SM3(secret, both)[:12])."""

    pseudo_id: str = Field(description="8 bytes, hexadecimal.")
    secret: str = Field(description="32 bytes, hexadecimal.")
    step_s: int = PHONE_STEP_S
    valid_until: Instant


class StaticCodeOut(Answer):
    """A printed code."""

    id: str
    patient_id: str
    text: str
    svg: str
    created_at: Instant


class CodeUseOut(Answer):
    """One use, as the resident sees it."""

    id: str
    patient_id: str
    organization_name: str
    terminal_name: str
    step: str
    step_name: str
    at: Instant
    offline: bool
    flagged: bool = Field(description="The same code was shown again elsewhere.")


class SecondFactorIn(Schema):
    """What the operator reads off the person's papers, for a printed code; one of the two is enough."""

    id_last4: str | None = Field(None, pattern=r"^[0-9]{3}[0-9Xx]$")
    birth_year: int | None = Field(None, ge=1880, le=2200)


class VerifyCode(Schema):
    """A scanned code and the step it is scanned for."""

    code: CodeText
    step: StepCode = Field(description="10101 挂号, 10102 诊断, 10103 取药, 10104 检查, 10105 收费 …")
    at: WrittenInstant | None = Field(
        None, description="The terminal's clock; the answer tells how far it is off."
    )
    second_factor: SecondFactorIn | None = None


class ToldOut(Answer):
    """What this step may know of the patient; everything else is null."""

    patient_id: str
    name: str | None
    id_type: str | None
    id_number: str | None
    sex: Sex | None
    birth_on: date | None
    age: int | None
    phone: str | None


class VerifiedCodeOut(Answer):
    """An accepted code."""

    use_id: str
    code_kind: CodeKind
    step: str
    step_name: str
    at: Instant
    repeated: bool = Field(description="The same terminal has scanned this code moments ago.")
    clock_off_s: int | None = Field(description="How many seconds the terminal's clock is fast.")
    patient: ToldOut


class KeySignatureOut(Answer):
    """A signature over the list's bytes by one of the city's keys."""

    number: int
    signature: str


class KeyListOut(Answer):
    """The signed list of public keys; `payload` is base64 of JSON, the signatures are over those bytes."""

    payload: str
    signatures: list[KeySignatureOut]


class OfflineUseIn(Schema):
    """A use as the offline verifier kept it."""

    code: CodeText
    step: StepCode
    at: WrittenInstant


class UploadUses(Schema):
    """What a terminal accepted while it was offline, in its order."""

    uses: list[OfflineUseIn] = Field(min_length=1, max_length=100)


class UploadedUseOut(Answer):
    """What became of one uploaded use; in the order of the upload."""

    state: UploadState
    error: str | None
    use_id: str | None
    patient: ToldOut | None


def dynamic_code_out(code: DynamicCode) -> DynamicCodeOut:
    """The code as the app shows it."""
    return DynamicCodeOut(text=code.text, issued_at=code.issued_at, expires_at=code.expires_at)


def phone_device_out(device: PhoneDevice) -> PhoneDeviceOut:
    """The phone's own half of the secret."""
    return PhoneDeviceOut(
        pseudo_id=device.pseudo_id, secret=device.secret.hex(), valid_until=device.expires_at
    )


def static_code_out(code: StaticCode) -> StaticCodeOut:
    """The printed code, ready for the printer."""
    return StaticCodeOut(
        id=code.id,
        patient_id=code.patient_id,
        text=code.text,
        svg=svg_of(code.text),
        created_at=code.created_at,
    )


def code_use_out(seen: SeenUse) -> CodeUseOut:
    """A line of the resident's log."""
    use = seen.use
    return CodeUseOut(
        id=use.id,
        patient_id=use.patient_id,
        organization_name=seen.organization_name,
        terminal_name=seen.terminal_name,
        step=use.step,
        step_name=use.step_name,
        at=use.at,
        offline=use.offline,
        flagged=use.flagged,
    )


def second_factor(given: SecondFactorIn | None) -> SecondFactor | None:
    """The operator's entry as the service takes it."""
    return SecondFactor(given.id_last4, given.birth_year) if given else None


def told_out(told: Told) -> ToldOut:
    """What the step is told."""
    return ToldOut(
        patient_id=told.patient_id,
        name=told.name,
        id_type=told.id_type,
        id_number=told.id_number,
        sex=told.sex,
        birth_on=told.birth_on,
        age=told.age,
        phone=told.phone,
    )


def verified_code_out(
    verified: Verified, server_at: AwareDatetime, terminal_at: AwareDatetime | None
) -> VerifiedCodeOut:
    """The answer to a terminal."""
    use = verified.use
    off_s = round((terminal_at - server_at).total_seconds()) if terminal_at else None
    return VerifiedCodeOut(
        use_id=use.id,
        code_kind=use.kind,
        step=verified.step.code,
        step_name=verified.step.name,
        at=use.at,
        repeated=verified.repeated,
        clock_off_s=off_s,
        patient=told_out(verified.told),
    )


def offline_upload(given: OfflineUseIn) -> OfflineUpload:
    """One uploaded use as the service takes it."""
    return OfflineUpload(given.code, given.step, given.at)


def uploaded_use_out(uploaded: Uploaded) -> UploadedUseOut:
    """What became of it."""
    return UploadedUseOut(
        state=uploaded.state,
        error=uploaded.error,
        use_id=uploaded.use_id,
        patient=told_out(uploaded.told) if uploaded.told else None,
    )
