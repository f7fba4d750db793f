"""The demo from first to last: play the days, publish, verify in another process, serve."""

from datetime import date, datetime
from pathlib import Path
from threading import Thread

from khazana.bitcoin.adapters.source import open_chain
from khazana.cli.clock import now as clock_now
from khazana.cli.demo import directory as lies
from khazana.cli.demo import narration
from khazana.cli.demo.company import (
    company_on,
    play_days,
    publish_newest,
    refuse_purchases,
    witness_each_other,
)
from khazana.cli.demo.directory import fresh_directory
from khazana.cli.demo.narration import say
from khazana.cli.demo.portals import page_ports, portals
from khazana.cli.demo.progress_file import ProgressFile
from khazana.cli.demo.server import listening_socket, served, url_of
from khazana.cli.demo.timeline import timeline_of
from khazana.cli.demo.trials import verify
from khazana.devnet.network import Devnet


def play(
    directory: Path,
    *,
    days: int,
    ends: date | None,
    port: int,
    pages: int | None,
    now: datetime,
) -> int:
    """Run the whole demo; 0 when every verification came out as it should.

    port: of the Esplora API. pages: of the first portal, after which it all stays up until Ctrl-C;
    None: neither portals nor staying.
    """
    timeline = timeline_of(days=days, ends=ends, now=now)
    listening = listening_socket(port)
    with listening:
        ports = {} if pages is None else page_ports(pages)
        fresh_directory(directory)
        url = url_of(listening)
        say(*narration.opening(url, timeline))
        progress = ProgressFile(directory, timeline)
        devnet = Devnet(directory / lies.DEVNET)
        with (
            served(devnet, listening, _clock) as thread,
            portals(directory, url, ports) as shown,
        ):
            say(*narration.where_pages_are(shown))
            company = company_on(devnet, timeline)
            play_days(company, directory, progress)
            publish_newest(company, directory, open_chain(f"esplora:{url}"), progress)
            refuse_purchases(company)
            blocks = directory / lies.DEVNET / "blocks"
            witness_each_other(company, directory, f"blocks:{blocks}", progress)
            progress.stage("verifying")
            status = verify(company, directory, url)
            progress.stage("ready" if status == 0 else "failed")
            if pages is not None:
                say("", f"The Esplora API stays on {url} until Ctrl-C.")
                say(*narration.where_pages_are(shown))
                _wait(thread)
    return status


def _clock() -> int:
    return int(clock_now().timestamp())


def _wait(thread: Thread) -> None:
    """Until Ctrl-C, which is how a demo ends and no failure."""
    try:
        while thread.is_alive():
            thread.join(1)
    except KeyboardInterrupt:
        say("", "stopped")
