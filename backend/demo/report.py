"""What the demo hands to people (one table) and to scripts (city.json)."""

import json
import os
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from backend.demo.environment import DemoPlaces


def write_city_file(places: DemoPlaces, told: Mapping[str, Any]) -> dict[str, Any]:
    """Write city.json: addresses, and the logins that only a demo may write down."""
    addresses = {
        "web": places.web_url,
        "sandbox": places.sandbox_url,
        "token_url": f"{places.web_url}/oauth2/token",
    }
    city: dict[str, Any] = {**addresses, **told}
    temporary = places.city_file.with_suffix(".new")
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(city, file, ensure_ascii=False, indent=1)
    temporary.replace(places.city_file)
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
        ("接口文档 API", f"{places.web_url}/docs"),
        ("沙箱 phone, cashier, counter", f"{places.sandbox_url}/"),
        ("for scripts, logs", f"{places.city_file}, {places.logs}"),
    ]


def _logins(city: Mapping[str, Any]) -> list[tuple[str, str]]:
    rows = []
    for resident in list(city["residents"])[:2]:
        rows.append(("居民 resident", f"{resident['phone']}, code by SMS: see the sandbox's phone"))
    for member in list(city["staff"])[:5]:
        row = f"{member['login']} / {member['password']}, TOTP secret {member['totp_secret']}"
        rows.append((f"员工 {member['role']}", row))
    return rows


def _hints(places: DemoPlaces, city: Mapping[str, Any]) -> list[str]:
    phone = city["residents"][0]["phone"] if city["residents"] else "13900000000"
    return [
        f"sign in as {phone}; the code arrives at {places.sandbox_url}/phone?number={phone}",
        f"book a doctor, then pay at {places.sandbox_url}/cashier",
        f"show the health code and scan it at {places.sandbox_url}/window",
        "or all of it at once, in another terminal: .venv/bin/healthycity journey",
    ]
