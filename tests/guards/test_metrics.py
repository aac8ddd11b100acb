"""Every metric that is promised is measured somewhere."""

import re

from prometheus_client.metrics import MetricWrapperBase

from backend import metrics
from tests.guards.source import listed, source_files


def test_every_metric_is_measured_somewhere():
    names = {name for name, value in vars(metrics).items() if isinstance(value, MetricWrapperBase)}
    # Some are reached through a memory of their children, which bears their name in small letters.
    kept = {name.upper(): name for name, value in vars(metrics).items() if hasattr(value, "cache_info")}
    text = "\n".join(file.text for file in source_files("backend", "admin"))
    unmeasured = {
        name for name in names if not re.search(rf"metrics\.({name}|{kept.get(name, name)})\b", text)
    }
    assert len(names) > 5
    assert not unmeasured, listed(sorted(unmeasured))
