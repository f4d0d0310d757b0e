"""The host port's rows: in nanoseconds beside peers, some in instructions."""

import re
import subprocess
from concurrent.futures import ThreadPoolExecutor

import peers
from figures import Output, Row, median, merge
from kernel import OUT, say
from settings import Plans, both

ROUNDS = 5

# Rows whose instructions matter on the host port as well.
INSTRUCTIONS = (
    "slab.pair.192", "kmalloc.pair.192", "kmalloc.pair.variable",
    "slab.batch10000.random", "kmalloc.batch10000.random", "kmalloc.replace",
    "cache.constructed", "cache.reinitialised", "slob.pair.192",
    "page.pair.order0", "page.pair.order3", "switch.yield.2", "switch.wakeup",
    "thread.create_exit_wait",
)
# What a run of more samples executes more than one with a single sample.
FEW, MANY = 1, 21
CACHEGRIND = ("valgrind", "--tool=cachegrind", "--cache-sim=no",
              "--cachegrind-out-file=/dev/null")


class Rounds:
    """Rows of several rounds: ours and the peers', by name and round."""

    def __init__(self):
        self.ours = {}    # full name -> {round: Row}
        self.theirs = {}  # (peer's row, peer) -> {round: Row}

    def add_peer(self, number, peer, text):
        for row in Output(text, "ns").rows:
            self.theirs.setdefault((row.name, peer), {})[number] = row

    def rows(self):
        """One Row for each name: medians over the rounds, of the ratios too."""
        for by_round in self.ours.values():
            row = merge(list(by_round.values()))
            for (name, peer), theirs in self.theirs.items():
                if name != peers.peer_row(row.name):
                    continue
                row.peers[peer] = merge(list(theirs.values())).typical()
                ratios = [by_round[number].typical() / their.typical()
                          for number, their in theirs.items()
                          if number in by_round and their.typical() and
                          not their.is_disturbed and
                          not by_round[number].is_disturbed]
                if ratios:
                    row.ratios[peer] = median(ratios)
            yield row


def kernel_round(bench, plans, plan, number, rounds):
    """One run of the kernel; its rows in ns."""
    # The rate of the counter comes with each run.
    words = [*plan.words, "counter"] if plan.words else []
    output = bench.bench(words, plan.settings, cpus=plan.cpus)
    if not output.rate:
        bench.failures.append("the counter could not be held against the clock")
        return
    factor = 1e9 / output.rate
    found = [row.in_unit(factor, "ns") for row in output.rows
             if row.name != "counter.loop"]
    if output.boot:
        entered, init = output.boot
        ns = (init - entered) * factor
        found.append(Row("boot.init", 1, ns, ns, ns, "ns"))
    for row in found:
        plans.mark(row, plan.settings)
        rounds.ours.setdefault(row.full_name(), {})[number] = row


def one_round(bench, plans, programs, number, rounds):
    first = plans.first()
    variations = list(plans.variations())
    for plan in (first, *plans.with_more_cpus(first)):
        kernel_round(bench, plans, plan, number, rounds)
    for peer, text in programs.run():
        rounds.add_peer(number, peer, text)
    for plan in variations:
        kernel_round(bench, plans, plan, number, rounds)
        for more in plans.with_more_cpus(plan):
            kernel_round(bench, plans, more, number, rounds)


# -- waiting -------------------------------------------------------------------------


def wait_ours(bench, plans, plan, word):
    found = bench.bench([word], plan.settings).rows
    for row in found:
        plans.mark(row, plan.settings)
    return found


def wait_together(bench, plans, programs, rounds):
    """The rows that wait, and the peers': all at once, since they only wait, and
    what is counted is not time."""
    ours = [(plan, word) for plan in plans.waiting() for word in plan.words]
    theirs = sorted({word for _, word in ours})
    if not ours:
        return
    say(f"bench: {len(ours)} kernels wait for their reapers")
    with ThreadPoolExecutor(64) as pool:
        jobs = [pool.submit(wait_ours, bench, plans, plan, word)
                for plan, word in ours]
        texts = [(name, pool.submit(programs.play, program, env,
                                    [peers.peer_row(word)]))
                 for program, env, name in programs.allocators
                 for word in theirs]
        for row in (row for job in jobs for row in job.result()):
            rounds.ours[row.full_name()] = {0: row}
        for name, text in texts:
            rounds.add_peer(0, name, text.result())


# -- instructions ---------------------------------------------------------------------


def total_instructions(text):
    """Of a whole run. By cachegrind: callgrind follows calls and returns, and
    threads that leave their stacks confuse it."""
    total = re.search(r"I +refs: +([\d,]+)", text)
    return int(total[1].replace(",", "")) if total else None


def per_operation(name, run):
    """run(samples) -> Output of a run under cachegrind. None: not to be had."""
    outputs = [run(FEW), run(MANY)]
    totals = [output and total_instructions(output.text) for output in outputs]
    if not all(totals):
        return None
    found = [[row for row in output.rows if row.name == name]
             for output in outputs]
    if not all(found):
        return None
    few, many = (rows[0] for rows in found)
    return (totals[1] - totals[0]) / ((many.n - few.n) * many.ops)


def ours_under_cachegrind(bench, name, settings):
    def run(samples):
        # Ticks come by themselves otherwise, the more the slower all is.
        return bench.kernel(f"bench n={samples} {name}",
                            {"ticks": "poll", **settings},
                            wrapper=CACHEGRIND)
    return per_operation(name, run)


def theirs_under_cachegrind(program, env, name):
    def run(samples):
        done = subprocess.run([*CACHEGRIND, program, name, f"n={samples}"],
                              env=env, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, check=False)
        return Output(done.stdout.decode(errors="replace"))
    return per_operation(name, run)


def instruction_row(bench, plans, name, settings):
    say(f"bench: {name} under cachegrind")
    value = ours_under_cachegrind(bench, name, settings)
    if value is None:
        return None
    row = Row(f"{name}.instructions", MANY - FEW, value, value, value,
              "instructions")
    plans.mark(row, settings)
    row.note = "cachegrind, all of the process"
    return row


def peer_instructions(programs, names):
    """{(peer's row, peer): instructions}; each row of a peer's is run once."""
    wanted = sorted({peers.peer_row(name) for name in names
                     if peers.is_object_row(name)})
    jobs = [(name, program, env, peer) for name in wanted
            for program, env, peer in programs.allocators]
    with ThreadPoolExecutor(2) as pool:
        values = pool.map(lambda job: theirs_under_cachegrind(
            job[1], job[2], job[0]), jobs)
    return {(name, peer): value
            for (name, _, _, peer), value in zip(jobs, values) if value}


def instruction_rows(bench, plans, programs, asked):
    """By the back end that each row is about; a kmalloc row by both."""
    jobs = []
    for name in INSTRUCTIONS:
        if asked and not both(asked, (name, f"{name}.instructions")):
            continue
        backend = name.split(".")[0]
        if backend not in plans.values["kmalloc"]:
            backend = plans.defaults["kmalloc"]
            if peers.is_object_row(name) and not name.startswith("page."):
                backend = "slab"
        settings = {"kmalloc": backend}
        jobs.append((name, {key: value for key, value in settings.items()
                            if plans.defaults[key] != value}))
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda job: instruction_row(
            bench, plans, *job), jobs))
    say("bench: the peers under cachegrind")
    theirs = peer_instructions(programs, [name for name, _ in jobs])
    for (name, _), row in zip(jobs, found):
        if row is None:
            say(f"bench: {name}: cachegrind could not run it")
            continue
        for (peer_name, peer), value in theirs.items():
            if peer_name == peers.peer_row(name):
                row.peers[peer] = value
                row.ratios[peer] = row.median / value
        yield row


def run(bench, asked, quick):
    rounds = Rounds()
    plans = Plans(bench, asked)
    programs = peers.Programs(OUT, say, plans.at_once)
    nr_rounds = 1 if quick else ROUNDS
    if plans.only_waiting():
        nr_rounds = 0
    for number in range(nr_rounds):
        say(f"bench: round {number + 1} of {nr_rounds}")
        one_round(bench, plans, programs, number, rounds)
    if asked or not quick:
        wait_together(bench, plans, programs, rounds)
    found = list(rounds.rows())
    if not quick and peers.need("valgrind:valgrind"):
        found += instruction_rows(bench, plans, programs, asked)
    return found
