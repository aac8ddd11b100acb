"""The blind indexes of charts: by number, and by what two charts of one person probably have in common."""

from __future__ import annotations

import unicodedata

from backend import clock
from backend.patient_index.blocks import blocks_of, id_number_block
from backend.patient_index.models import ChartNumber, Demographics
from backend.security.fields import BlindIndex


class Indexes:
    """Makes indexes. Knows keys, no database."""

    def __init__(self, blind: BlindIndex) -> None:
        self._blind = blind

    @property
    def current(self) -> str:
        """The key that new indexes are made with."""
        return self._blind.current

    def of_number(self, number: ChartNumber) -> list[str]:
        """A hospital's number under every key of the ring."""
        value = f"{_plain(number.assigner)}|{_plain(number.value)}"
        return self._blind.candidates("chart_number", value)

    def of_person(self, who: Demographics) -> list[str]:
        """By what a chart is found when another may be the same person's."""
        return [self._blind.of("chart_block", block) for block in blocks_of(who, clock.today())]

    def blocks_to_look_in(self, who: Demographics) -> list[list[str]]:
        """The same for looking: each block under every key of the ring."""
        return [self._blind.candidates("chart_block", block) for block in blocks_of(who, clock.today())]

    def of_id_number(self, id_number: str) -> list[str]:
        """Charts that carry an ID number, under every key of the ring."""
        return self._blind.candidates("chart_block", id_number_block(id_number))


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).strip()
