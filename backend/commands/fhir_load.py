"""`healthycity fhir load`: send a file of FHIR resources to a city, and say what became of it."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import orjson

from backend.commands.terminal import Advance, CommandError, err, out, progress_bar

_PIECE = 256 * 1024
# The city answers when the last line is written.
_PATIENCE = httpx.Timeout(30, read=600, write=600)


def load(file: Path, url: str, client_id: str, client_secret: str) -> None:
    """Send the file; the same file again goes on where it ended, and changes nothing that stands."""
    base = url.rstrip("/")
    try:
        with httpx.Client(timeout=_PATIENCE) as http, progress_bar("loading") as advance:
            headers = {"Authorization": f"Bearer {_token(http, base, client_id, client_secret)}"}
            sent = http.post(
                f"{base}/fhir/R4/$load",
                content=_pieces(file, advance),
                headers=headers
                | {"Content-Type": "application/fhir+ndjson", "Idempotency-Key": _key(file, client_id)},
            )
            told = _told(sent)
            refused = http.get(f"{base}/fhir/R4/$load/{told['id']}/refusals", headers=headers)
    except httpx.HTTPError as error:
        raise CommandError(f"The city could not be reached, or hung up: {type(error).__name__}.") from None
    for line in refused.content.splitlines():
        issue = orjson.loads(line)["issue"][0]
        err.print(f"{issue['diagnostics']} {issue['details']['text']}", markup=False)
    counts = f"{told['written']} written, {told['unchanged']} unchanged, {told['refused']} refused"
    out.print(f"{told['lines']} lines: {counts}.")
    if told["refused"]:
        raise CommandError(f"{told['refused']} lines were refused.")


def _token(http: httpx.Client, base: str, client_id: str, client_secret: str) -> str:
    form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": client_secret}
    answer = http.post(f"{base}/oauth2/token", data=form)
    if answer.status_code != 200:
        raise CommandError("The city does not take these credentials.")
    return str(answer.json()["access_token"])


def _key(file: Path, client_id: str) -> str:
    """The same for the same content, so that a load that was cut off goes on."""
    digest = hashlib.sha256(client_id.encode())
    with file.open("rb") as opened:
        while piece := opened.read(_PIECE):
            digest.update(piece)
    return f"load-{digest.hexdigest()[:48]}"


def _pieces(file: Path, advance: Advance) -> Iterator[bytes]:
    total, done = file.stat().st_size, 0
    with file.open("rb") as opened:
        while piece := opened.read(_PIECE):
            yield piece
            done += len(piece)
            advance(done, total)


def _told(answer: httpx.Response) -> dict[str, Any]:
    said = answer.json()
    if answer.status_code != 200:
        issue = said["issue"][0]
        raise CommandError(f"{answer.status_code}: {issue['details']['text']} {issue.get('diagnostics', '')}")
    return {each["name"]: next(v for k, v in each.items() if k != "name") for each in said["parameter"]}
