"""Prints what was found: the table, ratios to the peers, the rows we lose."""

from figures import more_is_better


def number(value):
    return f"{value:,.0f}" if value >= 10000 else f"{value:,.2f}"


def verdict(row):
    if row.is_disturbed:
        return "disturbed"
    met = row.aim and row.aim.is_met(row)
    return {True: "met", False: "missed"}.get(met, "")


def print_columns(lines, right):
    widths = [max(len(line[i]) for line in lines) for i in
              range(len(lines[0]))]
    for line in lines:
        cells = [cell.rjust(width) if i in right else cell.ljust(width)
                 for i, (cell, width) in enumerate(zip(line, widths))]
        print("  ".join(cells).rstrip())


def print_rows(found):
    lines = [("row", "n", "median", "min", "max", "unit", "aim", "", "note")]
    for row in found:
        lines.append((row.full_name(), str(row.n), number(row.median),
                      number(row.min), number(row.max), row.unit or "",
                      row.aim.text() if row.aim else "", verdict(row),
                      row.note))
    print_columns(lines, right=(1, 2, 3, 4))


def print_peers(found):
    """Ours to theirs: below 1.00 is less time."""
    found = [row for row in found if row.peers]
    names = []
    for row in found:
        names += [name for name in row.peers if name not in names]
    if not names:
        return
    everywhere = [name for name in names
                  if sum(name in row.peers for row in found) > 4]
    lines = [("ours / theirs (theirs)", "ours",
              *(name.split("+")[0] for name in everywhere), "others")]
    for row in found:
        def cell(name, row=row):
            ratio = row.ratios.get(name)
            return f"{'?' if ratio is None else f'{ratio:.2f}'} " \
                   f"({number(row.peers[name])})"
        lines.append((row.full_name(), number(row.typical()),
                      *(cell(name) if name in row.peers else ""
                        for name in everywhere),
                      ", ".join(f"{name}: {cell(name)}" for name in row.peers
                                if name not in everywhere)))
    print()
    print_columns(lines, right=range(1, 2 + len(everywhere)))


def losses(row):
    """The peers that do better, the best first: (name, our ratio to it)."""
    if more_is_better(row.name):
        worse = [(r, name) for name, r in row.ratios.items() if r < 1]
    else:
        worse = [(-r, name) for name, r in row.ratios.items() if r > 1]
    return [(name, abs(r)) for r, name in sorted(worse)]


def print_losses(found):
    compared = [row for row in found if row.ratios]
    lost = [row for row in compared if losses(row)]
    if not compared:
        return
    print(f"\n{len(lost)} of {len(compared)} rows with peers are lost to one "
          "at least (ours / theirs):")
    if lost:
        print_columns([("", row.full_name(), ", ".join(
            f"{name.split()[0]} {ratio:.2f}" for name, ratio in losses(row)))
            for row in lost], right=())
