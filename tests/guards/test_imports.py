"""Who may import whom (design.md §4): ports outside, one composition root, areas on floors, no circles."""

from graphlib import CycleError, TopologicalSorter

import pytest

from tests.guards.source import SourceFile, listed, own_imports, source_files

# The floors of the house, lowest first. An area imports only what lies below it.
FLOORS: tuple[tuple[str, ...], ...] = (
    (
        "clock",
        "context",
        "exact_json",
        "ids",
        "errors",
        "pacing",
        "permissions",
        "settings",
        "settings_checks",
    ),
    ("security", "http", "db", "worker", "logs", "metrics"),
    ("audit",),
    ("residents", "directory", "statistics", "staff", "rulebooks"),
    ("patient_index",),
    ("healthcodes", "slotpool", "billing", "messages", "conversations", "records"),
    (
        "appointments",
        "imports",
        "surveys",
        "exchange",
        "reports",
        "recognition",
        "medication",
        "referrals",
        "births",
    ),
    ("bootstrap",),
    ("app",),
    ("seed", "demo", "commands", "cli", "__main__"),
)
FLOOR = {area: number for number, areas in enumerate(FLOORS) for area in areas}

# Below this floor neighbours may import each other. Areas may not: what two share lies lower, or is an event.
FOUNDATION_FLOORS = 2
TOP_FLOOR = FLOOR["bootstrap"]

# Where a process begins: such a module names the composition root wherever it lies.
ENTRY_POINTS = {"backend.worker.app": "Celery is pointed at this module"}

# Modules besides store.py and db/ that may name the driver, each with its reason.
DRIVER_ALLOWED = {
    "backend.demo.embedded": "makes a fresh embedded server a replica set, before there is a city",
    "backend.http.base": "turns the driver's errors into the answer 503",
    "backend.worker.outbox": "is the outbox's store",
    "backend.security.revocations": "goes on with the last list it read when the database is away",
}


def area_of(module: str) -> str:
    return module.split(".")[1] if module.count(".") else ""


def problems_of_floors(file: SourceFile) -> list[str]:
    here = area_of(file.module)
    if not here or file.module in ENTRY_POINTS:
        return []
    found = []
    for name in own_imports(file):
        there = area_of(name) if name.startswith("backend.") else ""
        if not there or there == here or there not in FLOOR:
            continue
        same_floor_is_shared = FLOOR[here] < FOUNDATION_FLOORS or FLOOR[here] >= TOP_FLOOR
        if FLOOR[there] > FLOOR[here] or (FLOOR[there] == FLOOR[here] and not same_floor_is_shared):
            found.append(f"{file.name} ({here}) imports {name}")
    return found


def test_every_area_has_a_floor():
    areas = {area_of(file.module) for file in source_files("backend")} - {""}
    assert areas <= set(FLOOR), f"say in FLOORS where these stand: {sorted(areas - set(FLOOR))}"


def test_an_area_imports_only_what_lies_below_it():
    problems = [problem for file in source_files("backend") for problem in problems_of_floors(file)]
    assert not problems, listed(problems)


@pytest.mark.parametrize("top", ["payment", "notify", "sandbox"])
def test_what_stands_outside_imports_nothing_of_ours(top: str):
    problems = [
        f"{file.name} imports {name}"
        for file in source_files(top)
        for name in own_imports(file)
        if not name.startswith(f"{top}.") and name != top
    ]
    assert not problems, listed(problems)


def test_only_the_composition_root_names_an_adapter():
    allowed = {"payment.ports", "notify.ports"}
    problems = [
        f"{file.name} imports {name}"
        for file in source_files("backend", "admin", "bots")
        for name in own_imports(file)
        if name.startswith(("payment", "notify"))
        and file.module != "backend.bootstrap.outside"
        and ".".join(name.split(".")[:2]) not in allowed
    ]
    assert not problems, listed(problems)


def test_nothing_imports_the_sandbox():
    problems = [
        file.name
        for file in source_files("backend", "payment", "notify", "admin", "bots", "bench")
        if any(name.partition(".")[0] == "sandbox" for name in own_imports(file))
    ]
    assert not problems, listed(problems)


def test_console_and_bots_never_reach_a_store():
    problems = [
        f"{file.name} imports {name}"
        for file in source_files("admin", "bots")
        for name in own_imports(file)
        if any(part == "store" or part.endswith("_store") for part in name.split("."))
        or name.startswith("backend.db")
    ]
    assert not problems, listed(problems)


def is_store(module: str) -> bool:
    last = module.rpartition(".")[2]
    return module.startswith("backend.db") or last == "store" or last.endswith("_store")


def test_only_stores_know_the_database():
    problems = [
        f"{file.name} imports {name}"
        for file in source_files("backend", "admin", "bots", "payment", "notify", "sandbox")
        for name in file.imports()
        if name.partition(".")[0] in ("pymongo", "bson", "motor")
        and not is_store(file.module)
        and file.module not in DRIVER_ALLOWED
    ]
    assert not problems, listed(problems)


def test_every_exception_to_the_driver_rule_is_still_needed():
    using = {
        file.module
        for file in source_files("backend")
        if any(name.partition(".")[0] in ("pymongo", "bson") for name in file.imports())
    }
    assert not set(DRIVER_ALLOWED) - using


def test_imports_make_no_circle():
    files = source_files()
    modules = {file.module for file in files}

    def module_of(name: str) -> str:
        return name if name in modules else name.rpartition(".")[0]

    graph = {file.module: {module_of(name) for name in own_imports(file)} - {file.module} for file in files}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as circle:
        pytest.fail(f"imports make a circle: {' → '.join(circle.args[1])}")
