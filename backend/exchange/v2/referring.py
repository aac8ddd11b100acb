"""REF and RRI that come in: what a message does to a referral, and the RRI that says where it stands.

A REF to an institution that the city does not know stays what it is in the record, a ServiceRequest.
"""

from __future__ import annotations

from dataclasses import dataclass

from backend.errors import AppError, ErrorCode
from backend.exchange.v2.acks import OUR_APP
from backend.exchange.v2.mapping.codes import Codes
from backend.exchange.v2.mapping.people import demographics
from backend.exchange.v2.mapping.times import instant
from backend.exchange.v2.outbound_models import Named
from backend.exchange.v2.outbound_writing import instant as written
from backend.exchange.v2.parsing import Header
from backend.exchange.v2.processing import RefusedError
from backend.exchange.v2.referral_ports import ReferralBook, Reply, Standing, Wish
from backend.exchange.v2.rules import Location, Problem
from backend.exchange.v2.segments import Content, Rep, Segment

_URGENCIES = {"S": "emergency", "A": "urgent", "U": "urgent", "E": "emergency"}
_NUMBER = Location("RF1", 1, 6)


@dataclass
class Referring:
    """Moves referrals by message. `book` is filled in by the composition root."""

    book: ReferralBook | None = None

    async def take(self, organization_id: str, header: Header, content: Content) -> Standing | None:
        """What a message makes of a referral; None where there is none to be made.

        Raises RefusedError for what cannot be, AppError and database errors when not now.
        """
        segment = content.first("RF1")
        if self.book is None or segment is None or header.type not in ("REF", "RRI"):
            return None
        try:
            if header.type == "RRI":
                return await self._reply(self.book, organization_id, content, segment)
            return await self._refer(self.book, organization_id, header, content, segment)
        except AppError as error:
            raise _refusal(error) from error

    async def _refer(
        self, book: ReferralBook, organization_id: str, header: Header, content: Content, segment: Segment
    ) -> Standing | None:
        receiver = await book.receiver(_named(content, "RT"))
        if receiver is None or receiver == organization_id:
            return None
        number = _number(segment.rep(6))
        if not number:
            raise RefusedError(Problem("AE", "101", "缺少 RF1-6 转诊编号", _NUMBER))
        text = _notes(content)
        if header.event == "I12":
            return await book.send(
                organization_id, _wish(content, segment, number, receiver, organization_id)
            )
        if header.event == "I13":
            return await book.supplement(organization_id, number, text)
        if header.event == "I14":
            return await book.withdraw(organization_id, number, text)
        return await book.standing(organization_id, number)

    async def _reply(
        self, book: ReferralBook, organization_id: str, content: Content, segment: Segment
    ) -> Standing:
        ours = [rep.c(1) for number in (6, 11) for rep in segment.reps(number) if rep.c(2) == OUR_APP]
        if not ours:
            raise RefusedError(Problem("AE", "204", "RF1-6 不是平台的转诊编号", _NUMBER))
        visit = content.first("PV1")
        reply = Reply(
            status=segment.text(1)[:1].upper(),
            text=_notes(content) or segment.text(10, 2),
            reason=(segment.text(10), segment.text(10, 2)),
            expected_at=instant(segment.text(8)),
            bed=visit.text(3, 3) if visit else "",
        )
        return await book.reply(organization_id, ours[0], reply)


def answered(header: Header, echoed: list[str], standing: Standing | None) -> list[str]:
    """The segments of an RRI: those of the request, RF1 with where it stands, our number, and a sentence."""
    if standing is None or header.type != "REF":
        return echoed
    lines = []
    for line in echoed:
        if line.startswith("RF1"):
            fields = line.split(header.separator)
            fields += [""] * (12 - len(fields))
            fields[1] = header.component.join((standing.status, "", "HL70283"))
            if standing.expected_at is not None:
                fields[8] = written(standing.expected_at)
            if standing.reason is not None:
                repetition = header.encoding[1:2] or "~"
                why = header.component.join((standing.reason.code, standing.reason.name, OUR_APP))
                fields[10] = repetition.join(filter(None, (why, fields[10])))
            fields[11] = header.component.join((standing.id, OUR_APP))
            line = header.separator.join(fields)
        lines.append(line)
    # What somebody typed in lines stays one field of one segment.
    marks = header.separator + header.encoding
    said = "".join(" " if c in marks or ord(c) < 32 else c for c in standing.said)
    return [*lines, header.separator.join(("NTE", "1", "", said))]


def _wish(content: Content, segment: Segment, number: str, receiver: str, organization_id: str) -> Wish:
    patient = content.first("PID")
    assert patient is not None  # noqa: S101 its absence was found before
    who = demographics(patient, Codes(organization_id))
    if not who.id_number:
        where = Location("PID", patient.at, 3)
        raise RefusedError(Problem("AE", "101", "转诊需要患者的身份证号（PID-3）", where))
    diagnoses = [
        Named(one.text(3) if one.text(3, 2) else "", one.text(3, 2) or one.text(4) or one.text(3))
        for one in content.each("DG1")
    ]
    sender, to = _party(content, "RP"), _party(content, "RT")
    return Wish(
        number=number,
        receiver_id=receiver,
        up=segment.text(3).upper() != "DOWN",
        urgency=_URGENCIES.get(segment.text(2)[:1].upper(), "routine"),
        name=who.name,
        id_number=who.id_number,
        phone=who.phone,
        reason=segment.text(10, 2) or segment.text(10) or (diagnoses[0].name if diagnoses else ""),
        diagnoses=tuple(one for one in diagnoses if one.name),
        notes=_notes(content),
        department=to.text(4) if to else "",
        practitioner=sender.text(7) if sender else "",
        from_phone=_phone(sender.text(5)) if sender else "",
    )


def _party(content: Content, role: str) -> Segment | None:
    return next((one for one in content.each("PRD") if one.text(1) == role), None)


def _named(content: Content, role: str) -> list[str]:
    """What an institution may be called in its PRD: the facility of its place, its own name, its number."""
    party = _party(content, role)
    if party is None:
        return []
    said = [party.text(4, 4), party.text(2), party.text(7), party.text(4)]
    return [one for one in dict.fromkeys(said) if one]


def _number(rep: Rep) -> str:
    """The hospital's number with whoever gave it; ours alone."""
    if rep.c(2) == OUR_APP:
        return rep.c(1)
    return f"{rep.c(1)}^{rep.c(2)}"[:100] if rep.c(1) else ""


def _notes(content: Content) -> str:
    return "\n".join(text for one in content.each("NTE") if (text := one.whole(3)))[:2000]


def _phone(text: str) -> str:
    return "".join(c for c in text if c.isdigit() or c in "+-")[:20]


def _refusal(error: AppError) -> Exception:
    """What of an error is the message's fault, in the words that the sender reads."""
    if error.status >= 500 or error.code is ErrorCode.RATE_LIMITED:
        return error
    code = {404: "204", 409: "205"}.get(error.status, "102")
    return RefusedError(Problem("AE", code, error.text, _NUMBER))
