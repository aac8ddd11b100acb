"""How births' printouts are drawn: where everything is drawn that is printed."""

from __future__ import annotations

from backend.births.papers import Sheet
from backend.bootstrap.areas import Services
from backend.reports.paper import Paper, Part


def fill_births(services: Services) -> None:
    """Put in what births need of the reports beside them."""

    async def draw(sheet: Sheet) -> bytes:
        results = Part("办理结果", facts=sheet.results)
        paper = Paper(sheet.title, sheet.mark, sheet.made_at, sheet.facts, (results,), sheet.address)
        return await services.reports.documents.on_paper(paper)

    services.births.papers.draw = draw
