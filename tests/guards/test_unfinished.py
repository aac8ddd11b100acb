"""Nothing is left for later in the source, and nothing reaches hosts that are not documented."""

import re
import subprocess
from pathlib import Path

from tests.guards.source import ROOT, listed

# Assembled, so that this file does not find itself.
MARKS = re.compile("|".join(rf"\b{word}\b" for word in ("TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK")))
SOURCE = (".py", ".ts", ".tsx", ".js", ".html", ".css", ".scss", ".toml", ".sh")
URL = re.compile(r"https?://([A-Za-z0-9.-]+)")

# The vendors' published addresses, names of namespaces, and this machine.
KNOWN_HOSTS = {
    "127.0.0.1": "this machine",
    "localhost": "this machine",
    "api.weixin.qq.com": "WeChat API (reference/protocols.md §1)",
    "open.weixin.qq.com": "WeChat OAuth (reference/protocols.md §1)",
    "api.mch.weixin.qq.com": "WeChat Pay v3 (reference/protocols.md §2)",
    "dysmsapi.aliyuncs.com": "Aliyun SMS (reference/protocols.md §5.2)",
    "sms.tencentcloudapi.com": "Tencent Cloud SMS (reference/protocols.md §5.3)",
    "hl7.org": "names of FHIR extensions, never fetched",
    "terminology.hl7.org": "names of FHIR code systems, never fetched",
    "fhir-registry.smarthealthit.org": "names of FHIR extensions, never fetched",
    "loinc.org": "name of a code system, never fetched",
    "snomed.info": "name of a code system, never fetched",
    "unitsofmeasure.org": "name of a code system, never fetched",
    "www.whocc.no": "name of a code system (ATC), never fetched",
    "dicom.nema.org": "name of a code system, never fetched",
    "ncithesaurus-stage.nci.nih.gov": "name of a code system, never fetched",
    "www.ama-assn.org": "name of a code system (CPT), never fetched",
    "www.nlm.nih.gov": "name of a code system (RxNorm), never fetched",
    "his.example.cn": "stands for a hospital's system in examples",
    "www.w3.org": "XML and SVG namespaces, never fetched",
    "json-schema.org": "JSON Schema dialect names, never fetched",
    "spec.openapis.org": "OpenAPI dialect name, never fetched",
    "www.apache.org": "the licence",
    "nodejs.org": "where to get Node, told to a person",
}


def tracked(*suffixes: str) -> list[Path]:
    """Files under version control, or about to be, that somebody here wrote."""
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.splitlines()  # fmt: skip
    ours = [
        name for name in listing if not name.startswith("tests/fixtures/") and "/static/vendor/" not in name
    ]
    return [path for name in ours if name.endswith(suffixes) and (path := ROOT / name).is_file()]


def test_nothing_is_marked_as_unfinished():
    found = [
        f"{path.relative_to(ROOT)}:{number} {line.strip()[:100]}"
        for path in tracked(*SOURCE)
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if MARKS.search(line)
    ]
    assert not found, listed(found)


def test_source_names_only_documented_hosts():
    product = [path for path in tracked(*SOURCE) if not path.is_relative_to(ROOT / "tests")]
    unknown = [
        f"{path.relative_to(ROOT)}: {host}"
        for path in product
        for host in URL.findall(path.read_text())
        if host not in KNOWN_HOSTS and not host.endswith((".example", ".example.org", ".example.com"))
    ]
    assert not unknown, listed(unknown)
