"""Take the measurements and print them as JSON: `make bench`, `make bench ARGS="parse_block"`."""

import argparse
import json
import sys
from datetime import UTC, datetime

from bench.machine import machine
from bench.measure import all_measurements, taken


def main() -> int:
    """Exit status 0: all asked for were taken; 1: one could not be; 2: no such measurement."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("names", nargs="*", help="which measurements; all when none is named")
    parser.add_argument("--runs", type=int, default=7, help="timed calls of each, default 7")
    parser.add_argument("--list", action="store_true", help="name the measurements and stop")
    args = parser.parse_args()
    known = all_measurements()
    if args.list:
        print("\n".join(known))
        return 0
    if args.runs < 1:
        parser.error("--runs must be at least 1")
    if unknown := sorted(set(args.names) - known.keys()):
        parser.error(f"no measurement is called {', '.join(unknown)}; see --list")
    here = machine()  # before anything runs: it tells how busy the machine was already
    results = {}
    for name, prepare in known.items():
        if not args.names or name in args.names:
            print(f"measuring {name} ...", file=sys.stderr, flush=True)
            results[name] = taken(prepare, runs=args.runs)
    report = {
        "taken_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": here,
        "measurements": results,
    }
    json.dump(report, sys.stdout, indent=2, ensure_ascii=False)
    print()
    return 1 if any("not_measured" in result for result in results.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
