"""Writes what the docs repeat of the code: errors, permissions, limits, and the settings in going-live.md.

python docs/generate.py            writes them
python docs/generate.py --check    exits 1 and names those that are stale; a guard test does the same
"""

import sys
from pathlib import Path

from pydantic.fields import FieldInfo

from backend.errors import ERRORS, ErrorCode
from backend.permissions import ROLE_GRANTS, Permission, Role
from backend.security.limits import BUCKETS, Bucket
from backend.settings import Settings
from backend.settings_checks import REQUIRED_IN_PRODUCTION
from docs.births_drawn import births_page
from docs.referrals_drawn import referrals_page
from docs.statistics_figures import statistics_page

DOCS = Path(__file__).resolve().parent
MADE = "<!-- Made by docs/generate.py (`make docs`); edit the code instead. -->\n"
# Between these two lines of going-live.md stands the table of settings.
SETTINGS_BEGIN = "<!-- Made by docs/generate.py (`make docs`) from backend/settings.py. -->"
SETTINGS_END = "<!-- End of what docs/generate.py makes. -->"
# What `production_problems` asks for beside the list of required ones.
INSISTED = {
    "city_code": "required",
    "hc_keys": "one of the two",
    "keys_file": "one of the two",
    "public_url": "https",
}


ERRORS_INTRODUCTION = """\
Every JSON error is `{"error": {"code", "message", "data", "request_id"}}`. `code` is part of the API
contract: it is never renamed or reused. `message` is for the user and may change. The registry is
`backend/errors.py`; the resident app's texts are `miniprogram/src/texts/errors.ts`.
"""

PERMISSIONS_INTRODUCTION = """\
A permission reads `scope:resource:action`. Every handler method names the one it needs, or says why it is
public; the app refuses to start otherwise. What a role may do is `ROLE_GRANTS` in `backend/permissions.py`.
Whose object it is (this resident's, this hospital's) is asked by the services; another's answers 404.
"""

LIMITS_INTRODUCTION = """\
Token buckets, shared by all web processes through Redis (each process counts alone while Redis is away).
Over the limit the answer is `RATE_LIMITED`, 429, with `retry_after_s` in its data and as `Retry-After`.
A bucket marked ~ is decided in the process that is asked and shared a moment later, so that nobody waits.
The buckets are `BUCKETS` in `backend/security/limits.py`; behind a proxy, `TRUSTED_PROXIES` says whose
address counts.
"""


def errors_page() -> str:
    """Every error code with its status and the user's text."""
    rows = [f"| `{code}` | {ERRORS[code].status} | {ERRORS[code].text} |" for code in ErrorCode]
    table = ["| code | status | what the user reads |", "| --- | --- | --- |", *rows]
    return _page("Error codes", ERRORS_INTRODUCTION, table)


def permissions_page() -> str:
    """Every permission, and which roles hold it."""
    roles = list(Role)
    table = [
        "| permission | " + " | ".join(f"`{role}`" for role in roles) + " |",
        "| --- |" + " :-: |" * len(roles),
    ]
    for permission in Permission:
        marks = ["✓" if permission in ROLE_GRANTS[role] else "" for role in roles]
        table.append(f"| `{permission}` | " + " | ".join(marks) + " |")
    return _page("Permissions", PERMISSIONS_INTRODUCTION, table)


def limits_page() -> str:
    """Every bucket: how many at once, how fast it fills, whom it counts, and why."""
    table = [
        "| bucket | counted for each | at once | then | what it holds back |",
        "| --- | --- | --: | --- | --- |",
        *(
            f"| {_bucket(name, bucket)} | {bucket.scope} | {bucket.burst} | {_pace(bucket)} | {bucket.why} |"
            for name, bucket in BUCKETS.items()
        ),
    ]
    return _page("Rate limits", LIMITS_INTRODUCTION, table)


def _bucket(name: str, bucket: Bucket) -> str:
    return f"`{name}` ~" if bucket.loose else f"`{name}`"


def _pace(bucket: Bucket) -> str:
    seconds = bucket.every_s
    if seconds < 1:
        return f"{round(1 / seconds)} a second"
    return f"one every {seconds:g} s" if seconds < 120 else f"one every {seconds / 60:g} min"


def going_live_page() -> str:
    """The page as it is, with the table of settings made anew."""
    text = (DOCS / "going-live.md").read_text()
    before, begin, rest = text.partition(SETTINGS_BEGIN)
    _, end, after = rest.partition(SETTINGS_END)
    if not (begin and end):
        raise ValueError("going-live.md has lost the two lines between which the settings stand")
    return "\n".join([before + begin, "", *settings_table(), "", end + after])


def settings_table() -> list[str]:
    """Every setting: variable, default, whether production insists on it, what it is."""
    rows = [_setting(name, field) for name, field in Settings.model_fields.items()]
    return ["| variable | default | production | what |", "| --- | --- | --- | --- |", *rows]


def _setting(name: str, field: FieldInfo) -> str:
    needed = INSISTED.get(name, "required" if name in REQUIRED_IN_PRODUCTION else "")
    # Secrets have no default worth showing: they are empty.
    shown = "" if "Secret" in str(field.annotation) else str(field.get_default(call_default_factory=True))
    default = f"`{shown}`" if shown not in ("", "None", "{}") else ""
    what = (field.description or "").replace("|", "\\|")
    return f"| `{name.upper()}` | {default} | {needed} | {what} |"


def _page(title: str, introduction: str, table: list[str]) -> str:
    return "\n".join([f"# {title}\n", MADE, introduction, *table]) + "\n"


PAGES = {
    "errors.md": errors_page,
    "permissions.md": permissions_page,
    "limits.md": limits_page,
    "going-live.md": going_live_page,
    "births.md": births_page,
    "referrals.md": referrals_page,
    "statistics.md": statistics_page,
}


def stale_pages() -> list[str]:
    """Names of the pages that do not say what the code says."""
    return [name for name, page in PAGES.items() if not _is_current(DOCS / name, page())]


def _is_current(file: Path, text: str) -> bool:
    return file.is_file() and file.read_text() == text


def main() -> int:
    """Write the pages, or only look at them."""
    stale = stale_pages()
    if "--check" in sys.argv[1:]:
        for name in stale:
            sys.stderr.write(f"docs/{name} is stale: run `make docs`\n")
        return 1 if stale else 0
    for name in stale:
        (DOCS / name).write_text(PAGES[name]())
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
