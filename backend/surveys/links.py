"""The address under which one run can be answered without signing in: the run's id and a keyed mark."""

from __future__ import annotations

import hmac
from datetime import timedelta

from backend.ids import ID_LENGTH, is_id
from backend.security.fields import BlindIndex
from backend.security.lasting import declare_lapse

_MARK = 16
# No campaign waits longer for an answer (library.py).
declare_lapse("blind", "the address of a survey", timedelta(days=30))


class Links:
    """Makes and reads the tokens of survey pages. Nothing is stored: the mark follows from the ring's key."""

    def __init__(self, blind: BlindIndex, public_url: str) -> None:
        self._blind = blind
        self._public_url = public_url.rstrip("/")

    def token(self, run_id: str) -> str:
        """The token of a run."""
        return run_id + self._blind.of("survey_run", run_id)[:_MARK]

    def address(self, run_id: str) -> str:
        """The page's whole address."""
        return f"{self._public_url}/s/{self.token(run_id)}"

    def run_id(self, token: str) -> str | None:
        """The run a token opens; None for one that we never made."""
        run_id, mark = token[:ID_LENGTH], token[ID_LENGTH:]
        if not is_id(run_id) or len(mark) != _MARK or not mark.isascii():
            return None
        right = [each[:_MARK] for each in self._blind.candidates("survey_run", run_id)]
        # Every candidate is compared, so that time tells nothing.
        return run_id if sum(hmac.compare_digest(mark, each) for each in right) else None
