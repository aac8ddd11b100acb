"""What docs/births.md repeats of the code: who waits for whom, and the machines, drawn and as tables."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from backend.births.machine import (
    ENDED,
    FILING_MOVES,
    HANDOVER_MOVES,
    STEP_MOVES,
    FilingState,
    HandoverState,
    Move,
    StepState,
)
from backend.births.rules import load_rules

PAGE = Path(__file__).with_name("births.md")
# The first and the last line of what is made, by their own words.
GRAPH = "from backend/births/data/rules.json. -->", "<!-- End of the graph. -->"
FILING = "from backend/births/machine.py. -->", "<!-- End of the filing's machine. -->"
STEP = "from the steps of backend/births/machine.py. -->", "<!-- End of the step's machine. -->"
HANDOVER = "from the handovers of backend/births/machine.py. -->", "<!-- End of the handover's machine. -->"


def births_page() -> str:
    """The page as it is, with what is made made anew."""
    text = _between(PAGE.read_text(), *GRAPH, _graph())
    text = _between(text, *FILING, _machine(FILING_MOVES, FilingState.DRAFT, ENDED))
    text = _between(text, *STEP, _machine(STEP_MOVES, StepState.WAITING, frozenset()))
    return _between(
        text, *HANDOVER, _machine(HANDOVER_MOVES, HandoverState.AWAITED, {HandoverState.RECEIVED})
    )


def _between(text: str, first: str, last: str, lines: list[str]) -> str:
    before, begin, rest = text.partition(first)
    _, end, after = rest.partition(last)
    if not (begin and end):
        raise ValueError(f"births.md has lost its line {first} or {last}")
    return "\n".join([before + begin, "", *lines, "", end + after])


def _graph() -> list[str]:
    """The steps of our own rules: who waits for whom, at which agency, for how many working days."""
    rules = load_rules(None)
    lines = ["```mermaid", "flowchart LR"]
    for step in rules.steps:
        where = f"{rules.agencies[step.agency]}，{step.working_days}个工作日"
        lines.append(f'  {step.code}["{step.name}<br>{where}"]')
        lines += [f"  {needed} {'-.->' if step.optional else '-->'} {step.code}" for needed in step.needs]
    rows = []
    for step in rules.steps:
        needed = "、".join(rules.by_code[code].name for code in step.needs) or "—"
        optional = "yes" if step.optional else ""
        agency = rules.agencies[step.agency]
        rows.append(
            f"| `{step.code}` | {step.name} | {agency} | {needed} | {step.working_days} | {optional} |"
        )
    handed = [
        f"| {rule.what} | {rule.working_days} | {'yes' if rule.mailed else ''} | {rule.place}，{rule.hours} |"
        for step in rules.steps
        if (rule := step.hands_over) is not None
    ]
    handed_head = ["What reaches the parents' hands:", ""]
    handed_head += ["| what | working days after done | by post | else at |", "| --- | --: | --- | --- |"]
    told = [f"| {step.name} | {'、'.join(f'`{name}`' for name in step.sends)} |" for step in rules.steps]
    head = ["| step | | agency | after | working days | optional |", "| --- | --- | --- | --- | --: | --- |"]
    told_head = ["Its agency is told:", "", "| step | fields |", "| --- | --- |"]
    return [*lines, "```", "", *head, *rows, "", *handed_head, *handed, "", *told_head, *told]


def _machine(moves: Mapping[Any, Move], first: str, ended: Collection[str]) -> list[str]:
    """A machine drawn, and as the table it is."""
    drawn = ["```mermaid", "stateDiagram-v2", f"  [*] --> {first}"]
    for (state, event), move in moves.items():
        if move.to != state:
            drawn.append(f"  {state} --> {move.to}: {event}")
    drawn += [f"  {state} --> [*]" for state in sorted(ended)]
    rows = [
        f"| `{state}` | `{event}` | `{move.to}` | {', '.join(sorted(move.by))} |"
        for (state, event), move in sorted(moves.items())
    ]
    return [*drawn, "```", "", "| in | event | then | by |", "| --- | --- | --- | --- |", *rows]
