"""`python -m sandbox`: the outside world as a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

from sandbox.app import open_sandbox


async def _serve(
    ports: tuple[int, int],
    city_url: str,
    state_dir: Path,
    secret: str,
    city_file: str,
    clouds: dict[str, str],
) -> None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with open_sandbox(
        state_dir,
        city_url,
        port=ports[0],
        his_port=ports[1],
        mas_callback_secret=secret,
        city_file=city_file,
        callback_secrets=clouds,
    ) as sandbox:
        sys.stdout.write(f"sandbox ready on {sandbox.url}\n")
        sys.stdout.flush()
        await stop.wait()


def main(
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1; 0 takes a free one.")] = 8100,
    city_url: Annotated[str, typer.Option(help="The city's address; nothing else is ever called.")] = (
        "http://127.0.0.1:8000"
    ),
    state_dir: Annotated[Path, typer.Option(help="Where credentials and state are kept.")] = Path(
        ".demo/sandbox"
    ),
    city_file: Annotated[
        str, typer.Option(help="The demo's city.json, for the window page.")
    ] = ".demo/city.json",
    his_port: Annotated[
        int, typer.Option(help="Port of the hospital's HL7 listener; 0 takes a free one.")
    ] = 0,
) -> None:
    """WeChat, WeChat Pay, three SMS providers, the population register and a hospital on this machine.

    The secret path parts of the city's SMS callbacks come in MAS_CALLBACK_SECRET, ALIYUN_CALLBACK_SECRET and
    TENCENT_CALLBACK_SECRET.
    """
    clouds = {"aliyun": _given("ALIYUN_CALLBACK_SECRET"), "tencent": _given("TENCENT_CALLBACK_SECRET")}
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    try:
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(
                _serve(
                    (port, his_port), city_url, state_dir, _given("MAS_CALLBACK_SECRET"), city_file, clouds
                )
            )
    except (OSError, ValueError) as error:
        sys.stderr.write(f"沙箱无法启动：{error}\n")
        raise SystemExit(1) from error


def _given(name: str) -> str:
    """A secret of the environment: a command line is anybody's to read (`ps`)."""
    return os.environ.get(name, "")


if __name__ == "__main__":
    typer.run(main)
