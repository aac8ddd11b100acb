"""Links between charts: made and taken back, with the reason and who did it, and nothing else touched."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from backend.errors import AppError, ErrorCode
from backend.patient_index import graph
from backend.patient_index.graph import CircleError, Node, PeopleDifferError
from backend.patient_index.models import Change, Chart
from backend.patient_index.store import ChartStore


class Linking:
    """The changes of links. Each may be made twice, and two at once leave what one after the other would."""

    def __init__(self, store: ChartStore, nudge: Callable[[], None]) -> None:
        self._store = store
        self._nudge = nudge

    async def merge(self, survivor: Chart, retired: Chart, by: str) -> bool:
        """Merge one chart into another of the same hospital; whether they are one person now.

        They are not when their ID numbers differ: the hospital's word retires the chart, but whose record
        it is a human must say. Raises CONFLICT for a circle, and for a chart merged elsewhere.
        """
        try:
            await self._merge(survivor, retired, by, disputed=False)
        except PeopleDifferError:
            await self._merge(survivor, retired, by, disputed=True)
            return False
        return True

    async def unmerge(self, retired: Chart, by: str, reason: str = "") -> None:
        """Take a merge back."""

        other = retired.merged_into or ""

        def edit(before: dict[str, Node]) -> dict[str, Node]:
            if before[retired.id].merged_into != other:
                # Somebody else has been here: what he has said stands.
                return before
            return graph.settled(graph.unmerged(before, retired.id))

        await self._relink([retired.id], edit, Change.UNMERGED, other, by, reason)

    async def unjoin(self, one: str, other: str, by: str) -> None:
        """Take back that two charts are the same person's."""

        def edit(before: dict[str, Node]) -> dict[str, Node]:
            return graph.settled(graph.unlinked(before, one, other))

        await self._relink([one, other], edit, Change.UNLINKED, other, by, "")

    async def number(
        self, chart_ids: Sequence[str], resident_id: str | None, by: str, reason: str = ""
    ) -> None:
        """Give charts to the resident whose ID number they carry, or take them from him.

        Raises PeopleDifferError when what they were linked to carries another number.
        """

        def edit(before: dict[str, Node]) -> dict[str, Node]:
            after = before
            for chart_id in chart_ids:
                after = graph.numbered(after, chart_id, resident_id)
            return graph.settled(after)

        change = Change.NUMBER_LINKED if resident_id else Change.NUMBER_UNLINKED
        await self._relink(list(chart_ids), edit, change, resident_id or "", by, reason)

    async def link(self, one: str, other: str, by: str, reason: str) -> None:
        """Say that two charts are the same person's. Raises PeopleDifferError when their numbers differ."""

        def edit(before: dict[str, Node]) -> dict[str, Node]:
            return graph.settled(graph.linked(before, one, other))

        await self._relink([one, other], edit, Change.LINKED, other, by, reason)

    async def unlink(self, chart_id: str, by: str, reason: str) -> None:
        """Say that a chart is nobody else's."""

        def edit(before: dict[str, Node]) -> dict[str, Node]:
            return graph.settled(graph.parted(before, chart_id))

        await self._relink([chart_id], edit, Change.UNLINKED, "", by, reason)

    async def _merge(self, survivor: Chart, retired: Chart, by: str, *, disputed: bool) -> None:
        def edit(before: dict[str, Node]) -> dict[str, Node]:
            return graph.settled(graph.merged(before, survivor.id, retired.id, disputed=disputed))

        try:
            await self._relink([survivor.id, retired.id], edit, Change.MERGED, survivor.id, by, "")
        except CircleError as error:
            raise AppError(ErrorCode.CONFLICT, "merged elsewhere, or into itself") from error

    async def _relink(
        self,
        chart_ids: list[str],
        edit: Callable[[dict[str, Node]], dict[str, Node]],
        change: Change,
        other_id: str,
        by: str,
        reason: str,
    ) -> None:
        if await self._store.relink(chart_ids, edit, change, other_id, by, reason):
            self._nudge()
