"""Signing in to the console as a browser does it."""

import pytest

from backend.permissions import Role
from backend.staff.models import ATTEMPTS_ALLOWED
from tests.admin.browser import Console


async def test_password_and_code_lead_to_the_first_page_of_the_role(console: Console) -> None:
    browser = await console.sign_in(Role.CITY_OPERATOR)
    assert browser.page is not None
    assert browser.page.path == "/admin/account"
