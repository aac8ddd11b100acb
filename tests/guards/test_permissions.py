"""Every route says who may call it; every permission is used and granted; nobody is granted everything."""

import importlib
import pkgutil
import re

import backend
from backend.app import api_routes
from backend.http.endpoint import operations_of
from backend.permissions import ROLE_GRANTS, Permission, Role
from tests.guards.source import listed, source_files

REGISTRY = "backend.permissions"


def routes_of_areas() -> list[tuple[str, type]]:
    """The routes of every area's handler modules, whether the application knows them or not."""
    found: list[tuple[str, type]] = []
    for module in pkgutil.walk_packages(backend.__path__, "backend."):
        if module.name.endswith("handlers"):
            found += importlib.import_module(module.name).routes
    return found


def test_the_application_serves_the_routes_of_every_area():
    assert {pattern for pattern, _ in routes_of_areas()} <= {pattern for pattern, _ in api_routes()}


def test_every_handler_method_names_a_permission_or_says_why_it_is_public():
    routes = api_routes()
    assert routes
    silent = [
        f"{name.upper()} {pattern}"
        for pattern, handler in routes
        for name, operation in operations_of(handler).items()
        if operation.access.permission is None and not operation.access.public_reason
    ]
    assert not silent, listed(silent)


def test_no_two_routes_share_a_pattern():
    patterns = [pattern for pattern, _ in api_routes()]
    assert len(patterns) == len(set(patterns))


def test_every_permission_is_asked_for_somewhere():
    text = "\n".join(
        file.text for file in source_files("backend", "admin", "bots") if file.module != REGISTRY
    )
    unused = [p.name for p in Permission if not re.search(rf"\bPermission\.{p.name}\b", text)]
    assert not unused, listed(unused)


def test_every_permission_is_granted_to_some_role_and_to_no_wrong_scope():
    granted = frozenset().union(*ROLE_GRANTS.values())
    assert set(Permission) == granted
    scopes = {role: {permission.partition(":")[0] for permission in ROLE_GRANTS[role]} for role in Role}
    assert all(len(of_role) == 1 for of_role in scopes.values()), scopes


def test_every_permission_has_the_form_scope_resource_action():
    wrong = [str(p) for p in Permission if not re.fullmatch(r"[a-z]+:[a-z_]+:[a-z_]+", p)]
    assert not wrong, listed(wrong)
    assert sorted(Permission) == list(Permission), "keep permissions alphabetical"
