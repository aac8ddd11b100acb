"""A kind of message as it looks when filled with examples, for who has to know or to apply for its words."""

from __future__ import annotations

from dataclasses import dataclass

from backend.messages.models import Content
from backend.messages.policies import POLICIES, Policy, segments
from backend.messages.rendering import approved_wording, facts_of, render, samples
from backend.messages.texts import WORDINGS
from backend.messages.wording import FACTS, Fact, TemplateVersion

# How long a signature is at most counted here: a preview knows no provider.
_SIGNATURE = "健康城市"


@dataclass(frozen=True)
class Preview:
    """One kind: its words with slots and with examples, its rules, and what its SMS costs."""

    version: TemplateVersion
    policy: Policy
    facts: dict[str, Fact]
    filled: Content
    # What to apply for where every template is approved.
    approved: str
    segments: int


def preview_of(version: TemplateVersion) -> Preview:
    """The preview of a version; its facts are all that the kind may speak of."""
    wording, kind = version.wording, version.kind
    filled = render(wording, samples())
    return Preview(
        version=version,
        policy=POLICIES[kind],
        facts={name: FACTS[name] for name in facts_of(WORDINGS[kind])},
        filled=filled,
        approved=approved_wording(wording),
        segments=segments(filled.sms, _SIGNATURE) if filled.sms else 0,
    )
