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
    """One table: where to look, whom to be, what to try first."""
    table = Table(
        title=f"健康城市 Healthy City, ready in {took_s:.1f} s", show_header=False, title_justify="left"
    )
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for what, where in _addresses(places, city):
        table.add_row(what, where)
    table.add_section()
    for what, login in _logins(city):
        table.add_row(what, login)
    table.add_section()
    for number, hint in enumerate(_hints(places, city), 1):
        table.add_row(f"try {number}", hint)
    console.print(table)
    console.print("Ctrl-C stops everything and keeps the data; `make demo FRESH=1` starts over.")


def _addresses(places: DemoPlaces, city: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [
        ("居民端 resident app", f"{places.web_url}/"),
        ("管理后台 staff console", f"{places.web_url}/admin"),
        ("接口文档 API", f"{places.web_url}/api/docs"),
        ("沙箱 phone, cashier, counter", f"{places.sandbox_url}/"),
        ("for scripts, logs", f"{places.city_file}, {places.logs}"),
    ]


def _logins(city: Mapping[str, Any]) -> list[tuple[str, str]]:
    rows = []
    for resident in list(city["residents"])[:2]:
        rows.append(("居民 resident", f"{resident['phone']}, code by SMS: see the sandbox's phone"))
    for member in list(city["staff"])[:5]:
        rows.append((f"员工 {member['role']}", f"{member['login']} / {member['password']}"))
    return rows


def _hints(places: DemoPlaces, city: Mapping[str, Any]) -> list[str]:
    phone = city["residents"][0]["phone"] if city["residents"] else "13900000000"
    return [
        f"sign in as {phone}; the code arrives at {places.sandbox_url}/phone?number={phone}",
        f"book a doctor, then pay at {places.sandbox_url}/cashier",
        f"show the health code and scan it at {places.sandbox_url}/window",
        "sign in to the console; the one-time code: .venv/bin/healthycity staff code city",
        "or all of it at once, in another terminal: .venv/bin/healthycity journey",
    ]
