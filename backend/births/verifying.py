"""Whether a printout is ours and still holds: for whoever is handed one, and no more than that needs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from backend import clock
from backend.births.asking import TRIES, Kept
from backend.births.machine import StepState
from backend.births.models import BirthState, ConcernKind, Filing, Step
from backend.births.proofs import MOST, Proof, digest_of, is_of, new_proof, read_token, token_of
from backend.births.rules import Rules
from backend.births.settling import with_step
from backend.errors import AppError, ErrorCode, not_found
from backend.security.masking import mask_name


class Validity(StrEnum):
    """How a printout stands."""

    VALID = "valid"
    # The result says something else by now.
    REPLACED = "replaced"
    # The agency has said something that does not fit: somebody is looking into it.
    IN_QUESTION = "in_question"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class Checked:
    """As much of a printout as is needed to hold it beside the paper."""

    kind: str
    name: str
    number_ends: str
    dated_on: str
    agency: str
    validity: Validity


class Verifying:
    """Gives printouts their secret, and answers for it."""

    def __init__(self, kept: Kept, rules: Rules, public_url: str) -> None:
        self._filings = kept.filings
        self._births = kept.births
        self._rules = rules
        self._public_url = public_url.rstrip("/")

    async def address_for(self, filing_id: str, code: str) -> str:
        """What the QR of a printout says; printed again unchanged, it says the same. Raises NOT_FOUND."""
        for _ in range(TRIES):
            filing = await self._filings.find(filing_id)
            step = filing.step(code) if filing else None
            if filing is None or step is None or not is_printable(step):
                raise not_found(f"a result of step {code}")
            digest = digest_of(filing.answers.child_name, step.results)
            proof = step.proofs[-1] if step.proofs else None
            if proof is None or proof.digest != digest:
                proof = new_proof(digest, clock.now())
                proofs = (*step.proofs, proof)[-MOST:]
                if not await self._filings.write(with_step(filing, replace(step, proofs=proofs))):
                    continue
            return f"{self._public_url}/verify/births/{token_of(filing_id, proof)}"
        raise AppError(ErrorCode.UNAVAILABLE, "the filing is being changed")

    async def check(self, token: str) -> Checked:
        """What a QR's address is about. Raises NOT_FOUND for anything that we have not printed."""
        read = read_token(token)
        filing = await self._filings.find(read[0]) if read else None
        if read is None or filing is None:
            raise not_found("a printout")
        for step in filing.steps:
            for proof in step.proofs:
                if is_of(proof, read[1]):
                    return await self._checked(filing, step, proof)
        raise not_found("a printout")

    async def _checked(self, filing: Filing, step: Step, proof: Proof) -> Checked:
        rule = self._rules.by_code.get(step.code)
        number = step.results.get(rule.yields.number, "") if rule else ""
        dated = step.results.get(rule.yields.dated, "") if rule else ""
        return Checked(
            kind=step.name,
            name=mask_name(filing.answers.child_name),
            number_ends=_ending(number or step.receipt),
            dated_on=dated or (f"{clock.civil_date(step.ended_at)}" if step.ended_at else ""),
            agency=self._rules.agencies.get(step.agency, step.agency),
            validity=await self._validity(filing, step, proof),
        )

    async def _validity(self, filing: Filing, step: Step, proof: Proof) -> Validity:
        birth = await self._births.find(filing.birth_id)
        gone = birth is None or birth.state in (BirthState.VOID, BirthState.DUPLICATE)
        # What was revoked in a later filing of the same birth is the same result.
        same = [each.step(step.code) for each in await self._filings.of_birth(filing.birth_id)]
        if gone or any(each is not None and each.revoked_at is not None for each in same):
            return Validity.REVOKED
        if proof.digest != digest_of(filing.answers.child_name, step.results):
            return Validity.REPLACED
        doubted = (ConcernKind.CONTRADICTION, step.code)
        if any((each.kind, each.step) == doubted for each in filing.concerns):
            return Validity.IN_QUESTION
        return Validity.VALID


def is_printable(step: Step) -> bool:
    """Whether it has a result that holds."""
    return step.state is StepState.DONE and step.revoked_at is None


def _ending(number: str) -> str:
    """As much of a number as says whether it is the one on the paper."""
    return number[-4:] if len(number) >= 8 else number[-2:]
