"""Which counts of a table are too small to be shown to whoever reads of all institutions. Pure."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import TypeVar

from backend.statistics.counted import FEWEST, is_small

C = TypeVar("C", bound=Hashable)
# What stands there instead.
SMALL = f"<{FEWEST}"


def too_small(counts: Mapping[C, int], sums: Iterable[Sequence[C]] = ()) -> set[C]:
    """The cells not to be shown: the small, and where the rest of a sum that is shown would tell them, the
    next smallest beside them. `sums` are the parts of each such sum.
    """
    hidden = {cell for cell, count in counts.items() if is_small(count)}
    groups = [list(group) for group in sums]
    more = True
    while more:
        more = False
        for group in groups:
            gone = [cell for cell in group if cell in hidden]
            tells = gone and (len(gone) == 1 or sum(counts[cell] for cell in gone) < FEWEST)
            rest = [cell for cell in group if cell not in hidden and counts[cell]]
            if tells and rest:
                hidden.add(min(rest, key=lambda cell: counts[cell]))
                more = True
    return hidden
