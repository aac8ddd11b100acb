"""Where a feed lies: a folder on this machine or an address on the web; its manifest, files and lines."""

from __future__ import annotations

import gzip
import io
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

import httpx
import orjson

from backend.imports.models import FeedError, ImportReport

MANIFEST = "$bulk-publish"
KINDS = ("Location", "Schedule", "Slot")
_GZIP = b"\x1f\x8b"
_BOM = b"\xef\xbb\xbf"
_TIMEOUT = httpx.Timeout(30, connect=10)
_MAX_FILE_BYTES = 4 * 1024**3
_TRIES = 2


@dataclass(frozen=True, slots=True)
class FeedFile:
    """One NDJSON file, here on the disk."""

    kind: str
    name: str
    path: Path
    url: str
    validators: dict[str, str] = field(default_factory=dict)
    """ETag and Last-Modified, under the names of the request headers that repeat them."""

    @property
    def size(self) -> int:
        """Bytes on the disk, for progress."""
        return self.path.stat().st_size


@dataclass(frozen=True, slots=True)
class Feed:
    """A feed whose files are at hand, in the order in which they refer to each other."""

    system: str
    files: tuple[FeedFile, ...]
    not_modified: tuple[str, ...] = ()

    def of(self, kind: str) -> list[FeedFile]:
        """The files of one kind."""
        return [file for file in self.files if file.kind == kind]


@dataclass(frozen=True, slots=True)
class _Entry:
    kind: str
    url: str
    name: str


Validators = Mapping[str, dict[str, str]]
# Given the feed's places and services as they are now: validators of slot files read before, by address.
Remember = Callable[[Sequence[FeedFile]], Validators]


def on_the_web(source: str | Path) -> bool:
    """Whether a source is an address and not a folder."""
    return str(source).startswith(("http://", "https://"))


@asynccontextmanager
async def open_feed(
    source: str | Path, report: ImportReport, remember: Remember = lambda _: {}
) -> AsyncIterator[Feed]:
    """Have a feed's files at hand; slot files that have not changed since are left out.

    Raises FeedError when there is no readable manifest; a file that is missing is a problem in the report.
    """
    if on_the_web(source):
        with tempfile.TemporaryDirectory(prefix="healthycity-feed-") as folder:
            yield await _fetch_feed(str(source), Path(folder), report, remember)
    else:
        yield _folder_feed(Path(source), report)


def lines_of(file: FeedFile) -> Iterator[tuple[int, bytes]]:
    """Lines that hold something, with their numbers from 1: any line ends, a byte-order mark, or gzip."""
    with _open(file.path) as content:
        number = 0
        for raw in content:
            # A carriage return cannot stand inside JSON text, so it ends a line as well.
            for line in raw.rstrip(b"\r\n").split(b"\r"):
                number += 1
                plain = (line.removeprefix(_BOM) if number == 1 else line).strip()
                if plain:
                    yield number, plain


def _open(path: Path) -> io.BufferedIOBase:
    with path.open("rb") as plain:
        packed = plain.read(len(_GZIP)) == _GZIP
    return gzip.open(path, "rb") if packed else path.open("rb")


# -- the manifest ------------------------------------------------------------------------------------


def _manifest_of(content: bytes) -> dict[str, Any]:
    try:
        manifest = orjson.loads(content.removeprefix(_BOM))
    except orjson.JSONDecodeError as error:
        raise FeedError(f"The manifest is not JSON: {error}.") from None
    if not isinstance(manifest, dict) or not isinstance(manifest.get("output"), list):
        raise FeedError("The manifest has no list `output`; is this a $bulk-publish manifest?")
    return manifest


def _entries_of(manifest: dict[str, Any], report: ImportReport) -> list[_Entry]:
    """What the manifest names, places before services before slots, each file once."""
    found: dict[tuple[str, str], _Entry] = {}
    for position, output in enumerate(manifest["output"], start=1):
        kind = output.get("type") if isinstance(output, dict) else None
        url = output.get("url") if isinstance(output, dict) else None
        if not isinstance(url, str) or not url or not isinstance(kind, str):
            report.complain(MANIFEST, 0, f"output {position} has no type and url")
        elif kind not in KINDS:
            report.complain(MANIFEST, 0, f"output {position} has the type {kind[:40]!r}, not read here")
        elif (kind, url) in found:
            report.complain(MANIFEST, 0, f"output {position} names the same file again")
        else:
            found[kind, url] = _Entry(kind, url, _base_name(url))
    return sorted(found.values(), key=lambda entry: KINDS.index(entry.kind))


def _base_name(url: str) -> str:
    return unquote(urlsplit(url).path).rstrip("/").rpartition("/")[2] or url[-60:]


def _system_of(manifest: dict[str, Any], source: str) -> str:
    """What tells this feed from others, wherever a copy of it lies: the address it says it has."""
    request = manifest.get("request")
    if isinstance(request, str) and request.startswith(("http://", "https://")):
        return request.partition("?")[0]
    return source.partition("?")[0]


# -- in a folder -------------------------------------------------------------------------------------


def _folder_feed(source: Path, report: ImportReport) -> Feed:
    manifest_path = _find_manifest(source)
    folder = manifest_path.parent
    try:
        manifest = _manifest_of(manifest_path.read_bytes())
    except OSError as error:
        raise FeedError(f"The manifest {manifest_path} cannot be read: {error.strerror}.") from None
    files = []
    for entry in _entries_of(manifest, report):
        path = _find_in(folder, entry.url)
        if path is None:
            report.complain(entry.name, 0, "the manifest names this file, but it is not there")
        else:
            files.append(FeedFile(entry.kind, entry.name, path, entry.url))
    return Feed(_system_of(manifest, manifest_path.resolve().as_uri()), tuple(files))


def _find_manifest(source: Path) -> Path:
    if source.is_file():
        return source
    for name in (MANIFEST, "bulk-publish", f"{MANIFEST}.json", "manifest.json"):
        if (source / name).is_file():
            return source / name
    raise FeedError(f"There is no {MANIFEST} manifest in {source}.")


def _find_in(folder: Path, url: str) -> Path | None:
    """The file of an address, by as much of its path as the folder mirrors, at least by its name."""
    parts = [part for part in unquote(urlsplit(url).path).split("/") if part]
    if ".." in parts or not parts:
        return None
    for start in range(len(parts)):
        path = folder.joinpath(*parts[start:])
        if path.is_file():
            return path
    return None


# -- on the web --------------------------------------------------------------------------------------


async def _fetch_feed(source: str, folder: Path, report: ImportReport, remember: Remember) -> Feed:
    async with httpx.AsyncClient(timeout=_TIMEOUT, follow_redirects=True) as client:
        address, manifest = await _fetch_manifest(client, source, folder)
        files: list[FeedFile] = []
        not_modified: list[str] = []
        known: Validators | None = None
        for entry in _entries_of(manifest, report):
            url = _address_of(entry.url, manifest, address)
            # Places and services are small and are what slots are checked against: always read afresh.
            if entry.kind == "Slot" and known is None:
                known = remember(files)
            validators = known.get(url, {}) if known else {}
            try:
                got = await _download(client, url, folder / str(len(files)), validators)
            except (httpx.HTTPError, httpx.InvalidURL, FeedError) as error:
                report.complain(entry.name, 0, f"it cannot be fetched: {_said(error)}")
                continue
            if got is None:
                not_modified.append(entry.name)
            else:
                files.append(FeedFile(entry.kind, entry.name, folder / str(len(files)), url, got))
    return Feed(_system_of(manifest, source), tuple(files), tuple(not_modified))


async def _fetch_manifest(client: httpx.AsyncClient, source: str, folder: Path) -> tuple[str, dict[str, Any]]:
    address = source if MANIFEST in unquote(source) or not source.endswith("/") else source + MANIFEST
    path = folder / "manifest"
    try:
        await _download(client, address, path, {})
    except (httpx.HTTPError, httpx.InvalidURL, FeedError) as error:
        raise FeedError(f"The manifest {address} cannot be fetched: {_said(error)}.") from None
    return address, _manifest_of(path.read_bytes())


def _address_of(url: str, manifest: dict[str, Any], address: str) -> str:
    """Where to fetch a file. A copy of a feed still names the original's files: take the copy's beside it."""
    request = manifest.get("request")
    url = urljoin(address, url)
    if not isinstance(request, str) or "/" not in request:
        return url
    original = request.partition("?")[0].rpartition("/")[0] + "/"
    here = address.partition("?")[0].rpartition("/")[0] + "/"
    return here + url.removeprefix(original) if url.startswith(original) else url


async def _download(
    client: httpx.AsyncClient, url: str, path: Path, validators: dict[str, str]
) -> dict[str, str] | None:
    """Stream a file to the disk; None when it has not been modified. Returns its validators."""
    for attempt in range(1, _TRIES + 1):
        try:
            async with client.stream("GET", url, headers=validators) as response:
                if response.status_code == httpx.codes.NOT_MODIFIED:
                    return None
                if response.status_code != httpx.codes.OK:
                    raise FeedError(f"HTTP {response.status_code}")
                await _write(response, path)
                return _validators_of(response)
        except httpx.TransportError:
            if attempt == _TRIES:
                raise
    return None


async def _write(response: httpx.Response, path: Path) -> None:
    written = 0
    with path.open("wb") as file:
        async for chunk in response.aiter_bytes():
            written += len(chunk)
            if written > _MAX_FILE_BYTES:
                raise FeedError("it is too large")
            file.write(chunk)


def _validators_of(response: httpx.Response) -> dict[str, str]:
    answered = response.headers
    headers = {"If-None-Match": answered.get("ETag"), "If-Modified-Since": answered.get("Last-Modified")}
    return {name: value for name, value in headers.items() if value}


def _said(error: Exception) -> str:
    return str(error) or type(error).__name__
