"""Which segments belong to which order: ORC, OBR and RX segments open a group, what follows belongs to it."""

from __future__ import annotations

from dataclasses import dataclass, field

from backend.exchange.v2.segments import Content, Segment

_OPENERS = ("ORC", "OBR", "RXO", "RXE", "RXD", "RXG", "RXA")
_MEDICINES = ("RXO", "RXE", "RXD", "RXG", "RXA")


@dataclass
class Group:
    """One order with what belongs to it."""

    segments: list[Segment] = field(default_factory=list)
    # The specimen that stood before it (OUL), if any.
    specimens: list[Segment] = field(default_factory=list)

    def first(self, *names: str) -> Segment | None:
        """The first segment of one of these names."""
        return next((segment for segment in self.segments if segment.name in names), None)

    @property
    def of_medicine(self) -> bool:
        """Whether it orders or gives a medicine."""
        return self.first(*_MEDICINES) is not None

    def each(self, name: str) -> list[Segment]:
        """Every segment of a name."""
        return [segment for segment in self.segments if segment.name == name]

    def notes_after(self, segment: Segment) -> list[Segment]:
        """The NTE segments right behind a segment, PRT between them aside."""
        found = []
        for after in self.segments[self.segments.index(segment) + 1 :]:
            if after.name == "NTE":
                found.append(after)
            elif after.name != "PRT":
                break
        return found


def groups_of(
    content: Content, *, order_after: bool = False, by_specimen: bool = False
) -> tuple[Group, list[Group]]:
    """What stands before an order, and the orders.

    `order_after`: an ORC may follow its OBR (OUL). `by_specimen`: orders stand behind the specimen that all
    of them are about, up to the next one; what a specimen itself brings is no order's.
    """
    before, groups = Group(), []
    current = before
    waiting: list[Segment] = []
    for segment in content.all:
        if segment.name in _OPENERS and _opens(current, segment, before, order_after=order_after):
            current = Group(specimens=waiting)
            groups.append(current)
        if segment.name == "SPM" and (by_specimen or (order_after and not groups)):
            waiting, current = [segment], before
        current.segments.append(segment)
    return before, groups


def _opens(current: Group, segment: Segment, before: Group, *, order_after: bool) -> bool:
    if current is before:
        return True
    if segment.name == "ORC":
        return not (order_after and current.first("OBR") and not current.first("ORC"))
    if segment.name == "OBR":
        return current.first("OBR", *_MEDICINES) is not None
    # An order, what the pharmacy made of it, and what was given stand in one group.
    return current.first("ORC") is None and current.first(segment.name) is not None
