"""Who belongs together: charts and the links between them. Pure.

A person is what hangs together: charts that a hospital has merged and charts that a human has found to be the
same person's. Which person that is follows from the links alone, so that a link taken back leaves nothing
behind.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

Graph = Mapping[str, "Node"]


class PeopleDifferError(Exception):
    """The links would make one person of two with different ID numbers."""

    def __init__(self, chart_ids: Iterable[str]) -> None:
        super().__init__("two ID numbers in one person")
        self.chart_ids = tuple(sorted(chart_ids))


class CircleError(Exception):
    """A chart would in the end be merged into itself, or into two others."""


@dataclass(frozen=True, slots=True)
class Node:
    """A chart's place among the others.

    A disputed merge is the hospital's word against two ID numbers: the chart is retired, and joins nobody.
    """

    id: str
    organization_id: str
    person_id: str
    resident_id: str | None = None
    merged_into: str | None = None
    disputed: bool = False
    same_as: frozenset[str] = frozenset()

    @property
    def joined(self) -> frozenset[str]:
        """The charts this one says it belongs with."""
        if self.merged_into is None or self.disputed:
            return self.same_as
        return self.same_as | {self.merged_into}


def components(graph: Graph) -> list[set[str]]:
    """The charts that hang together. Links to charts outside the graph are the caller's mistake."""
    neighbours: dict[str, set[str]] = {chart_id: set() for chart_id in graph}
    for node in graph.values():
        for other in node.joined:
            neighbours[node.id].add(other)
            neighbours[other].add(node.id)
    found: list[set[str]] = []
    left = set(graph)
    while left:
        group, edge = set[str](), {min(left)}
        while edge:
            group |= edge
            edge = {other for chart_id in edge for other in neighbours[chart_id]} - group
        found.append(group)
        left -= group
    return found


def settled(graph: Graph) -> dict[str, Node]:
    """The same graph with every chart at its person. Raises PeopleDifferError.

    The person is the resident whose ID number one of the charts carries; without a number, the oldest chart
    lends its id.
    """
    people: dict[str, str] = {}
    for group in components(graph):
        residents = {graph[each].resident_id for each in group} - {None}
        if len(residents) > 1:
            raise PeopleDifferError(group)
        person = next(iter(residents), None) or min(group)
        people |= dict.fromkeys(group, person)
    return {node.id: replace(node, person_id=people[node.id]) for node in graph.values()}


def merged(graph: Graph, survivor: str, retired: str, *, disputed: bool = False) -> dict[str, Node]:
    """With one chart merged into another. Raises CircleError."""
    before = graph[retired].merged_into
    if before is not None and before != survivor:
        raise CircleError
    if retired in _way_up(graph, survivor):
        raise CircleError
    return {**graph, retired: replace(graph[retired], merged_into=survivor, disputed=disputed)}


def unmerged(graph: Graph, retired: str) -> dict[str, Node]:
    """With a merge taken back."""
    return {**graph, retired: replace(graph[retired], merged_into=None, disputed=False)}


def linked(graph: Graph, one: str, other: str) -> dict[str, Node]:
    """With two charts said to be the same person's."""
    first, second = graph[one], graph[other]
    if one == other:
        raise CircleError
    return {
        **graph,
        one: replace(first, same_as=first.same_as | {other}),
        other: replace(second, same_as=second.same_as | {one}),
    }


def unlinked(graph: Graph, one: str, other: str) -> dict[str, Node]:
    """With that taken back, and nothing else of what was said of the two."""
    first, second = graph[one], graph[other]
    return {
        **graph,
        one: replace(first, same_as=first.same_as - {other}),
        other: replace(second, same_as=second.same_as - {one}),
    }


def numbered(graph: Graph, chart_id: str, resident_id: str | None) -> dict[str, Node]:
    """With a chart carrying a resident's ID number, or none."""
    return {**graph, chart_id: replace(graph[chart_id], resident_id=resident_id)}


def parted(graph: Graph, chart_id: str) -> dict[str, Node]:
    """With a chart said to belong to nobody else: its number and what humans linked are taken off."""
    others = {
        other: replace(graph[other], same_as=graph[other].same_as - {chart_id})
        for other in graph[chart_id].same_as
    }
    return {**graph, **others, chart_id: replace(graph[chart_id], same_as=frozenset(), resident_id=None)}


def _way_up(graph: Graph, chart_id: str) -> list[str]:
    """A chart, the one it was merged into, and so on."""
    way = [chart_id]
    while (above := graph[way[-1]].merged_into) is not None and above not in way:
        way.append(above)
    return way
