"""`khazana mining sites`: what a statement says of its mining sites, month by month."""

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from decimal import Decimal
from pathlib import Path

from khazana.cli.files import MOST_STATEMENT_BYTES, naming, read_bytes
from khazana.mining.parts import SIMULATED_NOTICE, MiningBody, mining_bodies
from khazana.mining.report import MonthLine, SiteLine, programme_line, site_line
from khazana.reserve.reading import read_reserve_statement
from khazana.statement.checks import TEST_NOTICE

_BTC = 10**8


def register(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The actions on sites of `khazana mining`."""
    parser = actions.add_parser("sites", help="the mining sites of a statement")
    group = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    show = group.add_parser(
        "show",
        help="energy, expected and arrived bitcoin, limits, cost and load-shedding",
        description="What a statement says of its sites. `khazana verify` checks it.",
    )
    show.add_argument("file", metavar="STATEMENT", type=Path)
    show.add_argument("--json", action="store_true", help="print the lines for programs")
    show.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    with naming(args.file):
        statement = read_reserve_statement(read_bytes(args.file, most=MOST_STATEMENT_BYTES))
        bodies = mining_bodies(statement.envelope.parts)
    if args.json:
        document = {
            "format": "khazana.mining-lines/1",
            **({"notice": TEST_NOTICE} if statement.header.test else {}),
            "sites": [_site_json(site_line(body)) for body in bodies],
        }
        print(json.dumps(document, indent=2, ensure_ascii=False, default=str))
        return 0
    if statement.header.test:
        print(TEST_NOTICE)
    print("\n".join(_lines(bodies)))
    return 0


def _lines(bodies: Sequence[MiningBody]) -> Iterator[str]:
    yield "What the statement says; nothing is checked here (khazana verify)."
    if not bodies:
        yield "It speaks of no mining site."
        return
    if any(body.simulated for body in bodies):
        yield f"{SIMULATED_NOTICE}."
    whole = programme_line(bodies)
    yield f"All sites: {_sums(whole)}"
    for body in bodies:
        site = site_line(body)
        yield ""
        yield f"{site.name} ({site.site}): {_sums(site.total)}"
        yield from site.sentences
        for line in site.months:
            yield f"  {_sums(line)}"
            yield f"    {line.sentence}"


def _sums(line: MonthLine) -> str:
    said = [
        f"{line.mwh:.1f} MWh ({line.mw:.1f} MW)",
        f"expected {line.expected / _BTC:.8f} BTC",
        f"arrived {line.arrived / _BTC:.8f} BTC",
        f"detection limit {line.detection_percent:f} %",
    ]
    if line.currency is not None and line.paid is not None and line.subsidy is not None:
        said.append(f"paid {line.paid:.2f} {line.currency}, subsidy {line.subsidy:.2f}")
    if line.shed_hours is not None:
        said.append(f"{line.shed_hours:.1f} h while feeders were off")
    if line.tco2 is not None:
        said.append(f"{line.tco2:.1f} tCO2 as entered")
    return "; ".join(([f"{line.month}: {said[0]}"] if line.month else [said[0]]) + said[1:])


def _site_json(site: SiteLine) -> dict[str, object]:
    return {
        "site": site.site,
        "name": site.name,
        "company": site.company,
        "power_mw": site.power_mw,
        "simulated": site.simulated,
        "years": [{name: getattr(y, name) for name in y.__struct_fields__} for y in site.years],
        "sentences": list(site.sentences),
        "total": _plain(site.total),
        "months": [_plain(line) for line in site.months],
    }


def _plain(line: MonthLine) -> dict[str, object]:
    """The fields of a line; decimals as text with the digits they have."""
    return {
        name: f"{value:f}" if isinstance(value, Decimal) else value
        for name, value in asdict(line).items()
    }
