"""Links into the residents' app, as each line may carry them."""

from __future__ import annotations

import re
from html import escape
from urllib.parse import urlencode

from backend.conversations.models import Through

OAUTH = "/api/v1/auth/wechat-oauth"


def fit(text: str, through: Through, app_url: str) -> str:
    """The text with its links to our own app as they serve best on this line.

    In WeChat a link leads by way of WeChat's authorisation, from which the browser comes back signed in: a
    link itself never carries anything by which somebody else could be.
    """
    if through is not Through.WECHAT or not app_url:
        return text
    own = re.compile(re.escape(app_url.rstrip("/")) + r"/(?:#(?P<page>/[\w/.?&=%-]*))?(?![\w/])")
    return own.sub(
        lambda found: f'<a href="{escape(_signed_in(app_url, found["page"] or "/"))}">点这里打开</a>', text
    )


def opened(address: str, app_url: str) -> str:
    """A menu's address: `{app}/pages/…` leads into the app, signed in; any other stays as it is."""
    page = address.removeprefix("{app}")
    return address if page == address else _signed_in(app_url, page or "/")


def _signed_in(app_url: str, page: str) -> str:
    return f"{app_url.rstrip('/')}{OAUTH}?{urlencode({'return_to': page})}"
