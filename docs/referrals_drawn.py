"""What docs/referrals.md repeats of the code: the machine drawn, every line of its table, and the limits."""

from __future__ import annotations

from pathlib import Path

from admin import referral_words as said
from backend.referrals.limits import Wait, time_limits
from backend.referrals.machine import ENDED, TABLE, Part, ReferralState

PAGE = Path(__file__).with_name("referrals.md")
# The first and the last line of what is made.
MACHINE = "from backend/referrals/machine.py. -->", "<!-- End of the machine. -->"
LIMITS = "from backend/referrals/data/time_limits.json. -->", "<!-- End of the limits. -->"


def referrals_page() -> str:
    """The page as it is, with what is made made anew."""
    text = _between(PAGE.read_text(), *MACHINE, [*_diagram(), "", *_table()])
    return _between(text, *LIMITS, _limits())


def _between(text: str, first: str, last: str, lines: list[str]) -> str:
    before, begin, rest = text.partition(first)
    _, end, after = rest.partition(last)
    if not (begin and end):
        raise ValueError(f"docs/referrals.md has lost its line {first} or {last}")
    return "\n".join([before + begin, "", *lines, "", end + after])


def _diagram() -> list[str]:
    """What leaves a state where it is has no arrow: the table has it."""
    arrows: dict[tuple[str, str], list[str]] = {}
    for (state, event), rule in TABLE.items():
        if state is not rule.to:
            arrows.setdefault((str(state or "[*]"), str(rule.to)), []).append(said.EVENTS[event][0])
    return [
        "```mermaid",
        "stateDiagram-v2",
        *(f"  {state}: {said.STATES[state][0]}" for state in ReferralState),
        *(f"  {start} --> {to}: {'、'.join(events)}" for (start, to), events in arrows.items()),
        *(f"  {state} --> [*]" for state in ReferralState if state in ENDED),
        "```",
    ]


def _table() -> list[str]:
    rows = []
    for (state, event), rule in TABLE.items():
        who = "、".join(said.PARTS[part] for part in Part if part in rule.parts)
        needs = ", ".join(f"`{need}`" for need in sorted(rule.needs))
        to = "" if rule.to is state else f"`{rule.to}` {said.STATES[rule.to][0]}"
        start = f"`{state}` {said.STATES[state][0]}" if state else ""
        rows.append(f"| {start} | `{event}` {said.EVENTS[event][0]} | {to} | {who} | {needs} |")
    return [
        "| in | event | leads to | who may | has to bring along |",
        "| --- | --- | --- | --- | --- |",
        *rows,
    ]


def _limits() -> list[str]:
    head = [
        "| urgency | waiting for | reaches | and is given up after | missed after |",
        "| --- | --- | --- | --- | --- |",
    ]
    rows = []
    for urgency, limits in time_limits().urgencies.items():
        for waiting, wait in (
            ("an answer", limits.answer),
            ("what is missing", limits.supplement),
            ("how it ended", limits.finish),
        ):
            missed = _span(limits.arrive_after) if waiting == "an answer" else ""
            rows.append(
                f"| {said.URGENCIES[urgency][0]} | {waiting} | {_steps(wait)} "
                f"| {_span(wait.lapse_after)} more | {missed} |"
            )
    return [*head, *rows]


def _steps(wait: Wait) -> str:
    """Each counts from the one before."""
    hours = " of work" if wait.counts == "working" else ""
    return ", ".join(f"{step.to} after {_span(step.after)}{hours}" for step in wait.steps)


def _span(minutes: int) -> str:
    days, rest = divmod(minutes, 24 * 60)
    if days > 2 and not rest:
        return f"{days} d"
    hours, rest = divmod(minutes, 60)
    return f"{minutes} min" if rest or hours == 0 else f"{hours} h"
