"""Runs the benchmarks of one port; see bench/run and docs/benchmarks.md."""

import argparse
import json
import os
import sys

import port_host
import port_i386
import rows
import table
from kernel import OUT, Bench

PORTS = {"i386": port_i386, "host": port_host}
IMAGES = {"i386": "build/i386/ashlar.elf", "host": "build/host/ashlar"}


def finish(bench, found):
    """Gives every row its aim and its note."""
    for row in found:
        row.aim = rows.aim_of(bench.port, row.name, row.settings)
        parts = [f"{key}={value}" for key, value in row.settings.items()]
        note = row.aim.note if row.aim else ""
        row.note = ", ".join(filter(None, [*parts, row.note, note]))


def missing(found, asked):
    return [word for word in asked
            if not any(row.name.startswith(word) for row in found)]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true",
                        help="fewer samples, no other settings on i386, one "
                             "round and no cachegrind on the host")
    parser.add_argument("rows", nargs="*",
                        default=os.environ.get("ROWS", "").split(),
                        help="names of rows, or what they begin with")
    arguments = parser.parse_args()
    port = os.environ.get("PORT", "i386")
    image = os.environ.get("IMAGE") or IMAGES[port]
    os.makedirs(OUT, exist_ok=True)
    bench = Bench(port, image)
    asked = tuple(arguments.rows)
    found = PORTS[port].run(bench, asked, arguments.quick)
    finish(bench, found)
    table.print_rows(found)
    table.print_peers(found)
    table.print_losses(found)
    bench.failures += [f"no row begins with {word}"
                       for word in missing(found, asked)]
    path = os.path.join(OUT, f"{port}.json")
    with open(path, "w", encoding="utf-8") as out:
        json.dump([row.as_json() for row in found], out, indent=1)
        out.write("\n")
    print(f"{len(found)} rows in {path}")
    for failure in bench.failures:
        print(f"bench: {failure}", file=sys.stderr)
    return 1 if bench.failures or not found else 0


if __name__ == "__main__":
    sys.exit(main())
