"""ORM, OMG, OML: an order placed, changed or cancelled, for whoever is asked to perform it. Pure."""

from __future__ import annotations

from backend.exchange.v2.outbound_models import (
    Concept,
    Family,
    Letter,
    Ordered,
    OrderStep,
    OrderStory,
    Target,
    Whom,
)
from backend.exchange.v2.outbound_writing import (
    at_least,
    escaped,
    head,
    instant,
    joined,
    message,
    patient,
    segment,
)

_STRUCTURES = {"ORM^O01": "ORM_O01", "OMG^O19": "OMG_O19", "OML^O21": "OML_O21"}
_PRIORITIES = {"routine": "R", "urgent": "A", "asap": "A", "stat": "S"}


def order_kind(target: Target, order: Ordered) -> str:
    """By which message this hospital wants such an order."""
    if Family.OML not in target.families or not at_least(target.version, "2.5"):
        return "ORM^O01"
    return "OML^O21" if order.lab else "OMG^O19"


def write_order(letter: Letter, kind: str, step: OrderStep, story: OrderStory, whom: Whom) -> str:
    """The message."""
    order = step.ordered
    timed = kind != "ORM^O01"
    return message(
        head(letter, kind, _STRUCTURES[kind]),
        patient(whom),
        _common(step, story),
        _timing(order) if timed else "",
        _request(letter, story, order, timed=timed),
        *(segment("NTE", [str(n), "", escaped(note)]) for n, note in enumerate(order.notes, start=1) if note),
    )


def _common(step: OrderStep, story: OrderStory) -> str:
    order = step.ordered
    fields = {
        1: step.control,
        2: _number(story, order),
        5: "HD" if order.held and step.control != "CA" else "",
        9: instant(step.at),
        12: _doctor(order),
        21: joined(story.sender.name, *[""] * 8, story.sender.code),
    }
    return segment("ORC", fields)


def _request(letter: Letter, story: OrderStory, order: Ordered, *, timed: bool) -> str:
    priority = _PRIORITIES.get(order.priority, "")
    fields = {
        1: "1",
        2: _number(story, order),
        4: _coded(order.code),
        # What TQ1 says where there is one.
        5: "" if timed else priority,
        6: "" if timed else order.wanted_from,
        13: escaped("；".join(filter(None, (_words(reason) for reason in order.reasons)))),
        16: _doctor(order),
        24: escaped(order.section),
        27: "" if timed or at_least(letter.target.version, "2.7") else _quantity(order, priority),
        31: "~".join(_coded(reason) for reason in order.reasons),
    }
    return segment("OBR", fields)


def _timing(order: Ordered) -> str:
    priority = _PRIORITIES.get(order.priority, "")
    return segment("TQ1", {1: "1", 7: order.wanted_from, 8: order.wanted_until, 9: priority})


def _quantity(order: Ordered, priority: str) -> str:
    return joined("", "", "", order.wanted_from, order.wanted_until, priority)


def _number(story: OrderStory, order: Ordered) -> str:
    return joined(order.number, story.sender.code)


def _doctor(order: Ordered) -> str:
    return joined(order.requester.code, order.requester.name) if order.requester else ""


def _coded(concept: Concept) -> str:
    """A coded element: two codes at most, each with its system; words alone stand as words."""
    if not concept.codings:
        return joined("", concept.text)
    return joined(*(part for coding in concept.codings[:2] for part in coding))


def _words(concept: Concept) -> str:
    return concept.text or next((name for _, name, _ in concept.codings if name), "")
