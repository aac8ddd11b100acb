"""Every rate limit says whom it counts and why, is asked for somewhere, and every one asked for exists."""

import re

from backend.app import api_routes
from backend.http.endpoint import operations_of
from backend.security.limits import BUCKETS
from tests.guards.source import listed, source_files

PUBLIC_READS = {
    f"/api/v1/{things}" for things in ("organizations", "departments", "practitioners", "schedules", "search")
}


def asked_for() -> set[str]:
    """Buckets that handlers and services name."""
    text = "\n".join(file.text for file in source_files("backend", "admin"))
    return set(re.findall(r'(?:limiter\.take\(|rate_limit=)"(\w+)"', text))


def test_every_bucket_says_whom_it_counts_and_what_it_holds_back():
    bare = [name for name, bucket in BUCKETS.items() if not bucket.scope or not bucket.why.endswith(".")]
    assert not bare, listed(bare)


def test_every_bucket_is_asked_for_and_every_one_asked_for_exists():
    assert asked_for() == set(BUCKETS)


def test_what_anybody_may_search_and_what_hospitals_write_is_limited():
    bare = []
    for path, handler in api_routes():
        for method, operation in operations_of(handler).items():
            public = path.startswith(tuple(PUBLIC_READS)) and method == "get"
            written = path.startswith("/hospital/") and method in ("put", "post", "delete")
            if (public or written) and operation.rate_limit is None:
                bare.append(f"{method} {path}")
    assert not bare, listed(bare)
