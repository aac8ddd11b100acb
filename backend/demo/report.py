"""What the demo hands to people (one table) and to scripts (city.json)."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from backend.demo.environment import DemoPlaces


def write_city_file(file: Path, web: str, sandbox: str, logins: Mapping[str, Any]) -> dict[str, Any]:
    """Write city.json: addresses, and the logins that only a demo may write down."""
    city: dict[str, Any] = {"web": web, "sandbox": sandbox, "token_url": f"{web}/oauth2/token", **logins}
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_suffix(".new")
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as opened:
        json.dump(city, opened, ensure_ascii=False, indent=1)
    temporary.replace(file)
    return city


def print_welcome(console: Console, places: DemoPlaces, city: Mapping[str, Any], took_s: float) -> None:
    """One table: where to look, whom to be, what to try first. On 80 columns no link is broken in two."""
    table = Table(
        title=f"健康城市 Healthy City, ready in {took_s:.1f} s", show_header=False, title_justify="left"
    )
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for rows in (_addresses(places, city), _logins(city), _hints(places, city)):
        for what, where in rows:
            table.add_row(what, where)
        table.add_section()
    console.print(table)
    console.print("Ctrl-C stops everything and keeps the data; `make demo FRESH=1` starts over.")


def _addresses(places: DemoPlaces, city: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [
        ("居民端 resident app", f"{city['web']}/"),
        ("管理后台 console", f"{city['web']}/admin"),
        ("接口文档 API", f"{city['web']}/api/docs"),
        ("沙箱 outside world", f"{city['sandbox']}/"),
        ("HL7 v2 (MLLP)", places.mllp_address),
        ("脚本 for scripts", _nearby(places.city_file)),
        ("日志 logs", _nearby(places.logs)),
    ]


def _nearby(path: Path) -> str:
    """The path as it is typed from here."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def _logins(city: Mapping[str, Any]) -> list[tuple[str, str]]:
    phones = " or ".join(resident["phone"] for resident in list(city["residents"])[:2])
    residents = [("居民 resident", f"{phones}, code by SMS")]
    staff = [
        (f"员工 {member['role']}", f"{member['login']} / {member['password']}")
        for member in list(city["staff"])[:6]
    ]
    return residents + staff


def _hints(places: DemoPlaces, city: Mapping[str, Any]) -> list[tuple[str, str]]:
    phone = city["residents"][0]["phone"] if city["residents"] else "13900000000"
    sandbox, file = city["sandbox"], _nearby(places.city_file)
    elsewhere = "" if file == ".demo/city.json" else f"\n--city-file {file}"
    hints = [
        f"sign in as {phone}; the code arrives at\n{sandbox}/phone?number={phone}",
        f"book a doctor, then pay at\n{sandbox}/cashier",
        f"show the health code, copy it, paste it at\n{sandbox}/window",
        f"sign in to the console; the one-time code:\n.venv/bin/healthycity staff code city{elsewhere}",
        f"or all of it at once, in another terminal:\n.venv/bin/healthycity journey{elsewhere}",
    ]
    return [(f"try {number}", hint) for number, hint in enumerate(hints, 1)]
