"""What the app's pages of births say and allow, as the city's rules have it."""

from __future__ import annotations

from backend.births.rules import Rules
from backend.http.schema import Answer


class LimitsOut(Answer):
    """How long what the parents type may be, in characters."""

    name_least: int
    name_most: int
    name_most_with_dot: int
    other_name: int
    receiver: int
    address_least: int
    address: int
    account_least: int
    account: int


class PageOut(Answer):
    """What the app's pages of births say and allow in this city; steps that ask for a bank account."""

    limits: LimitsOut
    words: dict[str, str]
    account_steps: list[str]


def page_out(rules: Rules) -> PageOut:
    """From the city's rules."""
    names, limits = rules.names, rules.page.limits
    return PageOut(
        limits=LimitsOut(
            name_least=names.least,
            name_most=names.most,
            name_most_with_dot=names.most_with_dot,
            **limits.model_dump(),
        ),
        words=rules.page.words,
        account_steps=rules.account_steps,
    )
