"""The life of a referral as a table: which event leads from which state to which, and who may cause it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ReferralState(StrEnum):
    """Where a referral stands."""

    REQUESTED = "requested"  # 待接收
    RETURNED = "returned"  # 退回补充
    ACCEPTED = "accepted"  # 已接收
    IN_TRANSIT = "in_transit"  # 转运中
    ARRIVED = "arrived"  # 已到达
    TREATING = "treating"  # 诊治中
    COMPLETED = "completed"  # 已完成
    REJECTED = "rejected"  # 已拒绝
    WITHDRAWN = "withdrawn"  # 已撤回
    LAPSED = "lapsed"  # 已失效
    NOT_ARRIVED = "not_arrived"  # 未到


class ReferralEvent(StrEnum):
    """What can happen to one."""

    SEND = "send"
    ASK_MORE = "ask_more"
    SUPPLEMENT = "supplement"
    ACCEPT = "accept"
    REJECT = "reject"
    WISH = "wish"  # the patient asks for another time
    REBOOK = "rebook"
    DEPART = "depart"
    ARRIVE = "arrive"
    BEGIN_TREATMENT = "begin_treatment"
    COMPLETE = "complete"
    WITHDRAW = "withdraw"
    ESCALATE = "escalate"
    LAPSE = "lapse"
    MISS = "miss"
    REDIRECT = "redirect"
    CLOSE = "close"  # nobody has said how it ended
    IDENTIFY = "identify"  # who he is, of whom nobody knew it when he was sent
    FOLLOW_UP = "follow_up"  # how something of the follow-up plan stands


class Part(StrEnum):
    """As what somebody acts."""

    SENDER = "sender"
    RECEIVER = "receiver"
    RESIDENT = "resident"
    CITY = "city"
    SYSTEM = "system"


class Need(StrEnum):
    """What an event has to bring along."""

    TEXT = "text"
    PLACE = "place"  # a place of the pool, or a bed or time of the receiver's own
    REASON = "reason"  # one of the codes of `REJECT_REASONS`
    TRANSPORT = "transport"
    OUTCOME = "outcome"
    IDENTITY = "identity"  # name and ID number, or a health code
    RECEIVER = "receiver"  # another institution, or the nearest that takes it
    ITEM = "item"  # which thing of the plan: done on a day, or not, and why


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of the table."""

    to: ReferralState
    parts: frozenset[Part]
    needs: frozenset[Need] = frozenset()


_S, _E, _P, _N = ReferralState, ReferralEvent, Part, Need


def _rule(to: ReferralState, *parts: Part, needs: tuple[Need, ...] = ()) -> Rule:
    return Rule(to, frozenset(parts), frozenset(needs))


# None is before it is sent.
TABLE: dict[tuple[ReferralState | None, ReferralEvent], Rule] = {
    (None, _E.SEND): _rule(_S.REQUESTED, _P.SENDER),
    (_S.REQUESTED, _E.ASK_MORE): _rule(_S.RETURNED, _P.RECEIVER, needs=(_N.TEXT,)),
    (_S.REQUESTED, _E.ACCEPT): _rule(_S.ACCEPTED, _P.RECEIVER, needs=(_N.PLACE,)),
    (_S.REQUESTED, _E.REJECT): _rule(_S.REJECTED, _P.RECEIVER, needs=(_N.REASON,)),
    # The system, here and below: he has come after all to whom he was sent before.
    (_S.REQUESTED, _E.WITHDRAW): _rule(_S.WITHDRAWN, _P.SENDER, _P.RESIDENT, _P.SYSTEM),
    (_S.REQUESTED, _E.ESCALATE): _rule(_S.REQUESTED, _P.SYSTEM),
    (_S.REQUESTED, _E.LAPSE): _rule(_S.LAPSED, _P.SYSTEM, _P.CITY),
    (_S.RETURNED, _E.SUPPLEMENT): _rule(_S.REQUESTED, _P.SENDER, needs=(_N.TEXT,)),
    (_S.RETURNED, _E.WITHDRAW): _rule(_S.WITHDRAWN, _P.SENDER, _P.RESIDENT, _P.SYSTEM),
    (_S.RETURNED, _E.ESCALATE): _rule(_S.RETURNED, _P.SYSTEM),
    (_S.RETURNED, _E.LAPSE): _rule(_S.LAPSED, _P.SYSTEM, _P.CITY),
    # A bed that was promised may be gone: better said than found out at the door.
    (_S.ACCEPTED, _E.REJECT): _rule(_S.REJECTED, _P.RECEIVER, needs=(_N.REASON,)),
    (_S.ACCEPTED, _E.WISH): _rule(_S.ACCEPTED, _P.RESIDENT, needs=(_N.TEXT,)),
    (_S.ACCEPTED, _E.REBOOK): _rule(_S.ACCEPTED, _P.RECEIVER, needs=(_N.PLACE,)),
    (_S.ACCEPTED, _E.DEPART): _rule(_S.IN_TRANSIT, _P.SENDER, needs=(_N.TRANSPORT,)),
    # The system: the patient's health code was shown there.
    (_S.ACCEPTED, _E.ARRIVE): _rule(_S.ARRIVED, _P.RECEIVER, _P.SYSTEM),
    (_S.ACCEPTED, _E.WITHDRAW): _rule(_S.WITHDRAWN, _P.SENDER, _P.RESIDENT, _P.SYSTEM),
    (_S.ACCEPTED, _E.MISS): _rule(_S.NOT_ARRIVED, _P.RECEIVER, _P.SYSTEM),
    # Its place was lost (a clinic stopped), and nobody has given another.
    (_S.ACCEPTED, _E.LAPSE): _rule(_S.LAPSED, _P.SYSTEM, _P.CITY),
    # Another ambulance, a later hour.
    (_S.IN_TRANSIT, _E.DEPART): _rule(_S.IN_TRANSIT, _P.SENDER, needs=(_N.TRANSPORT,)),
    (_S.IN_TRANSIT, _E.ARRIVE): _rule(_S.ARRIVED, _P.RECEIVER, _P.SYSTEM),
    (_S.IN_TRANSIT, _E.WITHDRAW): _rule(_S.WITHDRAWN, _P.SENDER, _P.SYSTEM),
    (_S.IN_TRANSIT, _E.MISS): _rule(_S.NOT_ARRIVED, _P.RECEIVER, _P.SYSTEM),
    (_S.ARRIVED, _E.BEGIN_TREATMENT): _rule(_S.TREATING, _P.RECEIVER),
    (_S.ARRIVED, _E.COMPLETE): _rule(_S.COMPLETED, _P.RECEIVER, needs=(_N.OUTCOME,)),
    (_S.TREATING, _E.COMPLETE): _rule(_S.COMPLETED, _P.RECEIVER, needs=(_N.OUTCOME,)),
    # Nobody writes down how it ended: the receiver is reminded, and reads the record no longer than that.
    (_S.ARRIVED, _E.ESCALATE): _rule(_S.ARRIVED, _P.SYSTEM),
    (_S.TREATING, _E.ESCALATE): _rule(_S.TREATING, _P.SYSTEM),
    (_S.ARRIVED, _E.CLOSE): _rule(_S.COMPLETED, _P.SYSTEM),
    (_S.TREATING, _E.CLOSE): _rule(_S.COMPLETED, _P.SYSTEM),
    # Whoever was given up on may still come.
    (_S.NOT_ARRIVED, _E.ARRIVE): _rule(_S.ARRIVED, _P.RECEIVER),
    # The system: an emergency that asked for whoever is nearest goes on to the next.
    (_S.REJECTED, _E.REDIRECT): _rule(_S.REJECTED, _P.SENDER, _P.CITY, _P.SYSTEM, needs=(_N.RECEIVER,)),
    (_S.LAPSED, _E.REDIRECT): _rule(_S.LAPSED, _P.SENDER, _P.CITY, _P.SYSTEM, needs=(_N.RECEIVER,)),
    (_S.NOT_ARRIVED, _E.REDIRECT): _rule(_S.NOT_ARRIVED, _P.SENDER, _P.CITY, needs=(_N.RECEIVER,)),
}

# Also when it is over: only then he may be able to say it, or somebody comes to look for him.
TABLE |= {
    (state, _E.IDENTIFY): _rule(state, _P.SENDER, _P.RECEIVER, needs=(_N.IDENTITY,))
    for state in (
        _S.REQUESTED, _S.RETURNED, _S.ACCEPTED, _S.IN_TRANSIT, _S.ARRIVED, _S.TREATING, _S.COMPLETED,
    )
}  # fmt: skip

# The receiver looks after the plan that came with him: also when he has not come, and long after he has gone.
FOLLOWED = frozenset({_S.ACCEPTED, _S.IN_TRANSIT, _S.ARRIVED, _S.TREATING, _S.COMPLETED, _S.NOT_ARRIVED})
# The system: he is known to have died.
TABLE |= {
    (state, _E.FOLLOW_UP): _rule(state, _P.RECEIVER, _P.SYSTEM, needs=(_N.ITEM,)) for state in _S
    if state in FOLLOWED
}  # fmt: skip

# The receiver may read the record: from acceptance (in an emergency from sending) to the end.
CARED_FOR = frozenset({_S.ACCEPTED, _S.IN_TRANSIT, _S.ARRIVED, _S.TREATING})
# Somebody has still to answer, and a clock runs.
WAITING = frozenset({_S.REQUESTED, _S.RETURNED})
OPEN = WAITING | CARED_FOR
ENDED = frozenset(_S) - OPEN
# A place of the pool is kept for these.
PLACED = frozenset({_S.ACCEPTED, _S.IN_TRANSIT})
# The patient is still to come; and whoever has come is there. None of the latter is ever still to come again.
UNDER_WAY = WAITING | PLACED
THERE = frozenset({_S.ARRIVED, _S.TREATING})


def rule_for(state: ReferralState | None, event: ReferralEvent) -> Rule | None:
    """The line of the table; None where the event cannot happen."""
    return TABLE.get((state, event))


def possible(state: ReferralState, parts: frozenset[Part]) -> list[ReferralEvent]:
    """What these may do now, in the order of the events: the buttons of a page."""
    return [event for event in ReferralEvent if (rule := TABLE.get((state, event))) and rule.parts & parts]
