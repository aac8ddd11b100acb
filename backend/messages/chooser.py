"""Which provider a text message goes to: pure arithmetic over what came of the latest ones.

A provider's share falls while too many of its receipts are late or bad, and comes back by itself as those
minutes leave the window; it never falls to nothing, so that there is always news of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

# A receipt that takes longer is late.
LATE = timedelta(minutes=5)
WINDOW = timedelta(minutes=15)
# From this share of late and bad receipts on, a provider ails.
AILING = 0.15
# Fewer receipts say nothing.
FEWEST = 20
LEAST_HEALTH = 0.05
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Tally:
    """What became of the messages that a provider took within the minute beginning at `at`."""

    at: datetime
    sent: int = 0
    prompt: int = 0
    failed: int = 0


def bad_share(tallies: Iterable[Tally], now: datetime) -> float | None:
    """The share of late or failed receipts in the window; None when there are too few to say."""
    total = bad = 0
    for tally in tallies:
        age = now - tally.at
        if not -_MINUTE <= age <= WINDOW:
            continue
        known = tally.prompt + tally.failed
        if age >= LATE + _MINUTE:
            # All of that minute had their five minutes: what has not come promptly is late.
            counted = max(tally.sent, known)
            total, bad = total + counted, bad + counted - tally.prompt
        else:
            total, bad = total + known, bad + tally.failed
    return bad / total if total >= FEWEST else None


def health(share: float | None) -> float:
    """By what a provider's usual share is multiplied: halved where it begins to ail, and soon far less."""
    if share is None or share < AILING:
        return 1.0
    return max(LEAST_HEALTH, 0.5 * (AILING / share) ** 2)


def order(weights: Mapping[str, float], dice: Callable[[], float]) -> list[str]:
    """Providers in the order in which to try them: the first by chance and weight, then who else there is.

    `dice` gives numbers from 0 to 1. Over many messages each comes first as often as its weight says.
    """
    drawn = {name: dice() ** (1 / weight) if weight > 0 else -1.0 for name, weight in weights.items()}
    return sorted(drawn, key=lambda name: (-drawn[name], name))
