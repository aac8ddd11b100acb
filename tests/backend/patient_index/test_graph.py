"""Links between charts: whatever is merged, linked and taken back, everybody is one person, and one only."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.patient_index.graph import (
    CircleError,
    Node,
    PeopleDifferError,
    linked,
    merged,
    numbered,
    parted,
    settled,
    unmerged,
)

CHARTS = [f"chart-{n}" for n in range(6)]
Graph = dict[str, Node]


def fresh() -> Graph:
    return settled({each: Node(each, "h", each) for each in CHARTS})


charts = st.sampled_from(CHARTS)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("merge"), charts, charts),
        st.tuples(st.just("unmerge"), charts, charts),
        st.tuples(st.just("link"), charts, charts),
        st.tuples(st.just("part"), charts, charts),
        st.tuples(st.just("number"), charts, st.sampled_from(["resident-1", "resident-2", ""])),
    ),
    max_size=25,
)


def after(graph: Graph, what: str, one: str, other: str) -> Graph:
    """The next state; what is refused changes nothing."""
    try:
        match what:
            case "merge":
                return settled(merged(graph, one, other))
            case "unmerge":
                return settled(unmerged(graph, one))
            case "link":
                return settled(linked(graph, one, other))
            case "part":
                return settled(parted(graph, one))
            case _:
                return settled(numbered(graph, one, other or None))
    except (CircleError, PeopleDifferError):
        return graph


@given(steps)
def test_after_any_steps_a_person_has_one_id_number_at_most_and_every_chart_one_person(
    taken: list[tuple[str, str, str]],
):
    graph = fresh()
    for step in taken:
        graph = after(graph, *step)
    assert set(graph) == set(CHARTS)
    for node in graph.values():
        same_person = [each for each in graph.values() if each.person_id == node.person_id]
        assert len({each.resident_id for each in same_person} - {None}) <= 1
        assert {graph[other].person_id for other in node.joined} <= {node.person_id}
        assert all(node.id in graph[other].same_as for other in node.same_as)


@given(steps, st.lists(st.tuples(charts, charts), max_size=12))
def test_merges_taken_back_in_any_order_give_back_the_first_state(
    before: list[tuple[str, str, str]], merges: list[tuple[str, str]]
):
    graph = fresh()
    for step in before:
        graph = after(graph, *step)
    first = graph
    done = []
    for survivor, retired in merges:
        then = after(graph, "merge", survivor, retired)
        if then != graph:
            done.append(retired)
        graph = then
    for retired in sorted(done):
        graph = settled(unmerged(graph, retired))
    assert graph == first


@given(steps, charts, charts)
def test_a_step_taken_twice_is_taken_once(before: list[tuple[str, str, str]], one: str, other: str):
    graph = fresh()
    for step in before:
        graph = after(graph, *step)
    for what in ("merge", "link", "part", "unmerge"):
        once = after(graph, what, one, other)
        assert after(once, what, one, other) == once


def test_no_chart_ends_up_in_itself():
    graph = settled(merged(merged(fresh(), "chart-1", "chart-0"), "chart-2", "chart-1"))
    for survivor, retired in (("chart-0", "chart-2"), ("chart-0", "chart-0"), ("chart-3", "chart-0")):
        with pytest.raises(CircleError):
            merged(graph, survivor, retired)


def test_a_disputed_merge_joins_nobody():
    graph = numbered(numbered(fresh(), "chart-0", "resident-1"), "chart-1", "resident-2")
    with pytest.raises(PeopleDifferError):
        settled(merged(graph, "chart-0", "chart-1"))
    after_all = settled(merged(graph, "chart-0", "chart-1", disputed=True))
    assert after_all["chart-1"].person_id == "resident-2"
    assert after_all["chart-1"].merged_into == "chart-0"
