"""Commands that run a city or one part of it."""

from pathlib import Path
from typing import Annotated

import typer

from backend.cli.panels import RUN

app = typer.Typer()


@app.command(rich_help_panel=RUN)
def demo(
    port: Annotated[int, typer.Option(help="Where the city listens.", min=1, max=65535)] = 8000,
    sandbox_port: Annotated[
        int, typer.Option(help="Where the outside world listens.", min=1, max=65535)
    ] = 8100,
    mllp_port: Annotated[
        int, typer.Option(help="Where hospitals' HL7 messages come in.", min=1, max=65535)
    ] = 2575,
    his_port: Annotated[
        int, typer.Option(help="Where the sandbox's hospital takes HL7 messages.", min=1, max=65535)
    ] = 2576,
    fresh: Annotated[bool, typer.Option("--fresh", help="Throw the data away and start over.")] = False,
    folder: Annotated[Path, typer.Option(help="Where data, keys and logs are kept.")] = Path(".demo"),
) -> None:
    """Run the whole city on this machine, with everything it needs, until Ctrl-C.

    MONGODB_URI, BROKER_URL and REDIS_URL replace the embedded servers. The city writes city.json for scripts,
    and keeps its data for the next start.
    """
    from backend.demo.environment import DemoPlaces
    from backend.demo.run import run_demo

    run_demo(DemoPlaces(folder.resolve(), port, sandbox_port, mllp_port, his_port), fresh)


@app.command(rich_help_panel=RUN)
def serve(
    port: Annotated[int | None, typer.Option(help="Port to listen on; else WEB_PORT.")] = None,
    processes: Annotated[int, typer.Option(help="Web processes; 0 means one for each core.")] = 1,
) -> None:
    """Run the web server: resident app, APIs, console, callbacks."""
    if processes != 1:
        from backend.http.forking import share_metrics

        share_metrics()
    from backend.commands import serving

    serving.serve(port, processes)


@app.command(rich_help_panel=RUN)
def worker(
    concurrency: Annotated[int, typer.Option(help="Jobs at the same time.")] = 8,
    queues: Annotated[str, typer.Option(help="Queues to work on, by comma.")] = "urgent,default",
    metrics_port: Annotated[
        int | None, typer.Option(help="Port of /metrics, 0 for none; else METRICS_PORT.")
    ] = None,
) -> None:
    """Run a worker: messages, payment queries, refunds, everything that follows a request."""
    from backend.commands import serving

    serving.work(concurrency, queues, metrics_port)


@app.command(rich_help_panel=RUN)
def beat(
    metrics_port: Annotated[
        int | None, typer.Option(help="Port of /metrics, 0 for none; else METRICS_PORT.")
    ] = None,
) -> None:
    """Run the clock that asks for periodic jobs. One is enough; two do no harm."""
    from backend.commands import serving

    serving.beat(metrics_port)


@app.command(rich_help_panel=RUN)
def mllp(
    port: Annotated[int | None, typer.Option(help="Port to listen on; else MLLP_PORT.")] = None,
    metrics_port: Annotated[
        int | None, typer.Option(help="Port of /metrics, 0 for none; else METRICS_PORT.")
    ] = None,
) -> None:
    """Take hospitals' HL7 v2 messages over MLLP: keep them, map them, answer them."""
    from backend.commands import listening

    listening.listen(port, metrics_port)
