"""The requests for every page of the console, of all areas."""

from __future__ import annotations

from tests.security.birth_pages import BIRTH_PAGES
from tests.security.board_examples import BOARD_PAGES
from tests.security.clinical_examples import CLINICAL_PAGES
from tests.security.console_examples import EXAMPLES
from tests.security.exchange_examples import EXCHANGE_PAGES
from tests.security.index_examples import INDEX_PAGES
from tests.security.referral_pages import REFERRAL_PAGES

PAGES = EXAMPLES | BIRTH_PAGES | BOARD_PAGES | CLINICAL_PAGES | EXCHANGE_PAGES | INDEX_PAGES | REFERRAL_PAGES
