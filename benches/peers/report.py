"""What run.py measured, as a Markdown table and as an SVG plot. Ratios are our time divided by theirs."""

import json
import math
import os
import platform
import re
import subprocess
from statistics import median

from cases import (
    AGREEMENT,
    CHARACTERS,
    CHARACTERS_PRODUCTS,
    CHARACTERS_THREADS,
    MEAN_TARGETS,
    PEAK_TARGET,
    RELATIVE_TARGET,
    RELATIVES,
    THREADS_TARGET,
)
from plot import plot

NAMES = {"ours": "ours", "torch": "PyTorch", "candle": "candle", "burn": "burn"}
# What the speed of a large product means by one thread and by several.
BEST = ("the best product of 1024³", "the best products of 1024³, one on every thread,")
TITLES = {"train_ms": "training step", "forward_ms": "forward pass"}


def machine():
    """The processor, its cores and the system."""
    model = platform.processor() or "unknown processor"
    try:
        with open("/proc/cpuinfo") as lines:
            model = next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    return f"{model}, {os.cpu_count()} cores, {platform.system()} {platform.release()} {platform.machine()}"


def versions(root, lock, peers):
    """Of this project, the compiler and the crates."""

    def output(*command):
        done = subprocess.run(command, cwd=root, capture_output=True, text=True)
        return done.stdout.strip() if done.returncode == 0 else "unknown"

    found = {"Unrolled": output("git", "describe", "--always", "--dirty"), "compiled by": output("rustc", "--version")}
    for name, crate in (("candle", "candle-nn"), ("burn", "burn")):
        if name in peers:
            match = re.search(rf'name = "{crate}"\nversion = "([^"]+)"', lock.read_text())
            found[name] = match[1] if match else "unknown"
    return found


def count(n, noun):
    return f"{n} {noun}{'s' * (n > 1)}"


def threads(n):
    return count(n, "thread")


def spread(values):
    return f"{median(values):.3f} ({min(values):.3f}–{max(values):.3f})" if values else "–"


def judge(value, met):
    return f"{value}, {'met' if met else '**not met**'}"


def geometric_mean(values):
    return math.exp(sum(map(math.log, values)) / len(values))


def rows(head, lines):
    """A Markdown table: the first column is of names, the others of numbers."""
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *lines]
    return ["| " + " | ".join(line) + " |" for line in lines] + [""]


class Results:
    def __init__(self, cases, peers, versions, rounds, seconds):
        self.cases = [case for case in cases if case != CHARACTERS]
        self.peers, self.versions, self.rounds, self.seconds = peers, versions, rounds, seconds
        # By case and library; the times by thread count first, and a list with one entry a round.
        self.numbers, self.times, self.memory = {}, {}, {}
        self.failures = {}

    def save(self, folder):
        names = ("versions", "rounds", "seconds", "numbers", "times", "memory", "failures")
        raw = {"machine": machine()} | {name: getattr(self, name) for name in names}
        (folder / "peers.json").write_text(json.dumps(raw, indent=1))
        (folder / "peers.md").write_text(self.table())
        (folder / "peers.svg").write_text(plot(self))

    def measured(self, n, case, library, what):
        """One value a round."""
        return [entry[what] for entry in self.times[n].get(case.name, {}).get(library, [])]

    def milliseconds(self, n, case, library, what):
        """The median over the rounds."""
        found = self.measured(n, case, library, what)
        return median(found) if found else None

    def ratios(self, n, case, peer, what="train_ms"):
        """Our time over theirs, one for each round that both have finished."""
        pairs = zip(self.measured(n, case, "ours", what), self.measured(n, case, peer, what))
        return [mine / its for mine, its in pairs]

    def table(self):
        lines = ["# Training steps side by side", "", f"{machine()}.", ""]
        lines += [", ".join(f"{name} {version}" for name, version in self.versions.items()) + ".", ""]
        lines += [
            f"float32. The libraries took turns, {count(self.rounds, 'round')} of {self.seconds} s for each measurement; medians. "
            "A ratio is our time divided by theirs in the same round: the median over the rounds (least–greatest). "
            "Below 1 we are faster.",
            "",
        ]
        if self.failures:
            lines += [f"- Failed: {name}: {problem}" for name, problem in self.failures.items()] + [""]
        for n in self.times:
            lines += [f"## {threads(n).capitalize()}", ""]
            lines += self.time_tables(n) + self.means(n) + self.characters(n)
            lines += self.relatives(n) + self.share_of_peak(n) + self.bounds(n) + [""]
        text = "\n".join(lines + self.by_threads() + self.memory_table() + self.numbers_table())
        return re.sub(r"\n{3,}", "\n\n", text)

    def time_tables(self, n):
        """Training step and forward pass of every case: our time, and the ratio to each library."""
        lines = []
        for what, title in TITLES.items():
            body = []
            for case in self.cases:
                ours = self.milliseconds(n, case, "ours", what)
                cells = [case.name, f"{ours:.3f}" if ours else "–"]
                for peer in self.peers:
                    found = self.ratios(n, case, peer, what)
                    target = 1.0 if what == "forward_ms" else case.target
                    text = spread(found)
                    if found and peer == "torch" and target:
                        text = judge(f"{text} ≤ {target}", median(found) <= target)
                    cells.append(text)
                body.append(cells)
            lines += rows([title, "ours, ms"] + [f"to {NAMES[peer]}" for peer in self.peers], body)
        return lines

    def means(self, n):
        """The geometric mean over the cases that a library has."""
        lines = []
        for peer in self.peers:
            found = [median(values) for case in self.cases if (values := self.ratios(n, case, peer))]
            if found:
                mean, target = geometric_mean(found), MEAN_TARGETS[peer]
                text = judge(f"{mean:.3f} ≤ {target}", mean <= target)
                lines.append(f"- Training step to {NAMES[peer]}, geometric mean of {len(found)} cases: {text}.")
        return lines

    def characters(self, n):
        """The whole character model, to PyTorch."""
        body = []
        for what, title in TITLES.items():
            found = self.ratios(n, CHARACTERS, "torch", what)
            if found:
                cells = [f"{self.milliseconds(n, CHARACTERS, name, what):.2f}" for name in ("ours", "torch")]
                text = spread(found)
                if n == CHARACTERS_THREADS and what == "train_ms":
                    text = judge(f"{text} ≤ {CHARACTERS.target}", median(found) <= CHARACTERS.target)
                body.append([title, *cells, text])
        if not body:
            return [""]
        text = (
            "The whole character model: LSTM H256, embedding 64, 65 characters, T64 B32; softmax cross-entropy; "
            "Adam and the gradient's norm clipped to 1 in a training step."
        )
        return ["", text, "", *rows(["character model", "ours, ms", "PyTorch, ms", "ratio"], body)]

    def relatives(self, n):
        """The networks that no peer has, beside those that they are like."""
        lines, cases = [], [case for case in self.cases if not case.bidirectional]
        by_model = {(c.model, c.seq, c.batch, c.input, c.hidden, c.layers): c for c in cases}
        for (model, *sizes), case in by_model.items():
            relative = by_model.get((RELATIVES.get(model), *sizes))
            pair = [c and self.milliseconds(n, c, "ours", "train_ms") for c in (case, relative)]
            if all(pair):
                ratio, products = pair[0] / pair[1], self.products(n, case) / self.products(n, relative)
                text = judge(f"{ratio:.2f} ≤ {RELATIVE_TARGET}", ratio <= RELATIVE_TARGET)
                more = f"its products have {products:.2f} times as many operations"
                lines.append(f"- {model}, which no peer has, to our own {relative.model} ({more}): {text}.")
        return lines

    def peak(self, n):
        """Billions of operations a second in the best large products, one on every thread."""
        return max((x for case in self.cases for x in self.measured(n, case, "ours", "peak_gflops")), default=None)

    def products(self, n, case):
        """Operations in the products of a training step."""
        if case == CHARACTERS:
            return CHARACTERS_PRODUCTS
        return self.milliseconds(n, case, "ours", "gflops") * self.milliseconds(n, case, "ours", "train_ms") * 1e6

    def bounds(self, n):
        """Where a training step is not as fast as it is meant to be: the least that its products take."""
        lines, peak = [], self.peak(n)
        for case in [*self.cases, *[CHARACTERS] * (n == CHARACTERS_THREADS)]:
            found, torch = self.ratios(n, case, "torch"), self.milliseconds(n, case, "torch", "train_ms")
            if found and peak and case.target and median(found) > case.target:
                least = self.products(n, case) / (peak * 1e6) / torch
                lines.append(f"  - {case.name}: {least:.2f}")
        if not lines:
            return []
        text = (
            f"- Where the aim is not met: what the products of a training step alone would take at {peak:.0f} GF/s, "
            f"{BEST[n > 1]} of this run, as a part of PyTorch's time:"
        )
        return [text, *lines]

    def share_of_peak(self, n):
        """Of the best large product."""
        lines, peak = [], self.peak(n)
        for case in self.cases:
            speed = self.milliseconds(n, case, "ours", "gflops") if case.hidden >= 512 else None
            if speed:
                share = speed / peak
                text = judge(f"{100 * share:.0f} % ≥ {100 * PEAK_TARGET:.0f} %", share >= PEAK_TARGET)
                lines.append(f"- {case.name}: {speed:.0f} GF/s; of {BEST[n > 1]} of all rounds, {peak:.0f} GF/s: {text}.")
        return lines

    def by_threads(self):
        """How much faster two threads are than one."""
        if not {1, 2} <= set(self.times):
            return []
        lines = []
        for case in [*self.cases, CHARACTERS]:
            one, two = (self.milliseconds(n, case, "ours", "train_ms") for n in (1, 2))
            if case.batch >= 32 and one and two:
                text = judge(f"{one / two:.2f} ≥ {THREADS_TARGET}", one / two >= THREADS_TARGET)
                lines.append(f"- {case.name}, training step, two threads to one: {text}.")
        return ["## Two threads against one", "", *lines, ""] if lines else []

    def memory_table(self):
        body = []
        for name, found in self.memory.items():
            growth = {library: answer["growth_mb"] for library, answer in found.items()}
            growth = {library: mb for library, mb in growth.items() if mb is not None}
            cells = [f"{growth[library]:.2f}" if library in growth else "–" for library in ("ours", *self.peers)]
            if "ours" in growth and "torch" in growth:
                cells[0] = judge(cells[0], growth["ours"] <= growth["torch"])
            body.append([name, *cells])
        if not body:
            return []
        head = ["growth, MB"] + [NAMES[library] for library in ("ours", *self.peers)]
        text = (
            "The growth of resident memory in a training step: its peak over two steps, less what the fresh process held "
            "before them (the layers and the input were there, and a tiny step had been made). "
            "Meant: not more than PyTorch's."
        )
        return ["## Memory", "", text, "", *rows(head, body), *self.idle()]

    def idle(self):
        lines = []
        for library in ("ours", *self.peers):
            found = [answers[library]["idle_mb"] for answers in self.memory.values() if library in answers]
            if found and None not in found:
                lines.append(f"- {NAMES[library]}, held before: {min(found):.0f}–{max(found):.0f} MB.")
        return lines + [""]

    def numbers_table(self):
        """Whether all compute the same."""
        body = []
        for name, found in self.numbers.items():
            ours = found.get("ours")
            if not ours:
                continue
            cells = [name, f"{ours['loss']:.6g}", f"{ours['norm']:.6g}"]
            for peer in self.peers:
                off = [abs(found[peer][key] / ours[key] - 1) for key in ours] if peer in found else []
                text = f"{max(off):.0e}" if off else "–"
                cells.append(f"**{text}, not the same**" if off and not max(off) <= AGREEMENT else text)
            body.append(cells)
        if not body:
            return []
        head = ["training step", "loss", "norm of the gradients"] + [f"{NAMES[peer]} off by" for peer in self.peers]
        text = (
            "From the same input, the same weights and no biases: the loss, the norm of the gradients of all weight "
            "matrices, and by how much of it the others' differ, the more different of the two."
        )
        return ["## The same work", "", text, "", *rows(head, body)]
