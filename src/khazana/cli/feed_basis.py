"""What a signed verdict says of where we looked: whose word it is, nothing of our machines."""

import ipaddress
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from khazana.accord.feed.records import FailedFile
from khazana.accord.feed.verdicts import Judged
from khazana.bitcoin.chain import BasisKind, BlockRef, ChainView
from khazana.cli.feed_addresses import is_public
from khazana.statement.checks import CheckResult, Report

WITHIN = ("localhost", ".local", ".internal", ".lan", ".home.arpa")


def public_basis(chain: ChainView, tip: BlockRef) -> str:
    """Whose word the answers of this chain are, with its network and newest block.

    The block's hash stands in the record itself; here it would fill the line many times.
    """
    kind, seen = chain.basis.kind, f"{chain.network.name} up to block {tip.height}"
    if kind is BasisKind.OWN_BLOCKS:
        return f"{kind.value} (block files, {seen})"
    if kind is BasisKind.OWN_INDEX:
        return f"{kind.value} (own node, {seen})"
    return f"{kind.value} {_server(chain.basis.source)} ({seen})"


class Published:
    """Makes what was found fit to be published: no folder and no inner address stays in it.

    source: the chain as `--chain` names it. places: further folders of ours.
    """

    def __init__(self, source: str, chain: ChainView, tip: BlockRef, places: Sequence[Path]):
        paths = [*places]
        kind, _, place = source.partition(":")
        if place and kind != "esplora":
            paths.append(Path(place).expanduser())
        self._told = [(str(chain.basis), public_basis(chain, tip))]
        for text in (chain.basis.source, *(str(p.absolute()) for p in paths), *map(str, paths)):
            # A short relative name could be a part of any word.
            if "/" in text or "\\" in text:
                self._told.append((text, "…"))

    def text(self, text: str) -> str:
        for told, said in self._told:
            text = text.replace(told, said)
        return text

    def report(self, report: Report) -> Report:
        """The report; before anything in it is cut to length."""
        return replace(
            report, lines=tuple(replace(x, result=self._result(x.result)) for x in report.lines)
        )

    def judged(self, judged: Judged) -> Judged:
        """The verdict; only errors that name our files are left to clean here."""
        return replace(
            judged,
            basis=self.text(judged.basis),
            reason=self.text(judged.reason),
            failed=tuple(
                FailedFile(check=x.check, text=self.text(x.text), where=self.text(x.where))
                for x in judged.failed
            ),
        )

    def _result(self, result: CheckResult) -> CheckResult:
        return replace(
            result,
            basis=self.text(result.basis),
            summary=self.text(result.summary),
            findings=tuple(
                replace(x, text=self.text(x.text), where=self.text(x.where))
                for x in result.findings or ()
            ),
        )


def _server(source: str) -> str:
    """A server by its public name; one of an inner network by that alone."""
    name = urlsplit(source).hostname or ""
    try:
        public = is_public(str(ipaddress.ip_address(name)))
    except ValueError:
        public = "." in name and not name.endswith(WITHIN)
    return name if public else "a server of the witness's own network"
