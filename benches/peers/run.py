#!/usr/bin/env python3
"""The same training steps here, in PyTorch, in candle and in burn, in turn, on this machine.

    python3 benches/peers/run.py

Sets up what is missing, after asking; sees that all compute the same; measures time in several rounds, and memory; and
writes a Markdown table, an SVG plot of the ratios and all raw numbers, anew after every round. Some ten minutes. Needs
Python 3.10 or later and cargo, and nothing else but the registries to download from.
"""

import argparse
import json
import os
import select
import subprocess
import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True  # the folder stays as it is
import report  # noqa: E402
from cases import CASES, CHARACTERS  # noqa: E402

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
WORK = ROOT / "target" / "peers"
LIBRARIES = ["torch", "candle", "burn"]
WARNING = """\
This compares training steps with other libraries. What is not there yet is set up in {work}:
{steps}
Nothing is installed outside of that folder; remove it to be rid of all."""
TORCH = """\
  PyTorch, in a virtual environment: 0.2 GB to download and 1 GB on disk for the processor alone; where
  its own index cannot be reached, PyPI's with all graphics libraries: 3 GB to download, 5.4 GB on disk.
  (--python PATH takes an interpreter that has PyTorch already.)"""
CARGO = """\
  candle and burn, from crates.io: about 250 crates, 1 GB on disk, some ten minutes on two cores."""
# Seconds without an answer after which a library counts as stuck.
PATIENCE = 300


def path(text):
    return Path(text).absolute()


def arguments():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--yes", action="store_true", help="set up without asking")
    a.add_argument("--peers", default=",".join(LIBRARIES), help="which of them, with commas [%(default)s]")
    a.add_argument("--python", type=path, help="an interpreter that has torch, in place of a new environment")
    a.add_argument("--rnn", type=path, help="an rnn command that is built already")
    a.add_argument("--ours", type=path, help="this project's peers/ours, built already")
    a.add_argument("--peers-binary", type=path, help="the peers command with candle and burn, built already")
    a.add_argument("--threads", default="1,2", help="thread counts [%(default)s]")
    a.add_argument("--rounds", type=int, default=3, help="how often each takes its turn [%(default)s]")
    a.add_argument("--seconds", type=float, default=0.3, help="seconds of each measurement [%(default)s]")
    a.add_argument("--cases", default="", help="only cases whose name contains one of these, with commas")
    a.add_argument("--out", type=path, default=WORK, help="folder of the results [target/peers]")
    a = a.parse_args()
    a.peers = [name for name in a.peers.split(",") if name]
    unknown = sorted(set(a.peers) - set(LIBRARIES))
    if unknown:
        sys.exit(f"run.py: unknown library {', '.join(unknown)}; known: {', '.join(LIBRARIES)}")
    try:
        a.threads = [int(n) for n in a.threads.split(",")]
    except ValueError:
        sys.exit(f"run.py: --threads {a.threads}: numbers with commas, as in 1,2")
    if min(a.threads) < 1 or a.rounds < 1 or a.seconds <= 0:
        sys.exit("run.py: --threads, --rounds and --seconds must be more than 0")
    for program in filter(None, (a.python, a.rnn, a.ours, a.peers_binary)):
        if not program.exists():
            sys.exit(f"run.py: there is no {program}; leave the option out, and it will be set up")
    words, known = [word for word in a.cases.split(",") if word], [*CASES, CHARACTERS]
    a.cases = [case for case in known if not words or any(word in case.name for word in words)]
    if not a.cases:
        sys.exit("run.py: no case has such a name; all cases: " + "; ".join(case.name for case in known))
    return a


def ask(a):
    """Says what will be downloaded, and goes on with a yes."""
    steps = []
    if "torch" in a.peers and not a.python and not has_torch(venv_python()):
        steps.append(TORCH)
    if {"candle", "burn"} & set(a.peers) and not a.peers_binary and not built_peers().exists():
        steps.append(CARGO)
    if not steps:
        return
    print(WARNING.format(work=WORK, steps="\n".join(steps)), flush=True)
    try:
        go_on = a.yes or input("Go on? [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        go_on = False
    if not go_on:
        sys.exit("Nothing was done.")


def venv_python():
    return WORK / "venv" / "bin" / "python"


def built_peers():
    return WORK / "build" / "release" / "peers"


def torch_version(python):
    done = subprocess.run([python, "-c", "import torch; print(torch.__version__)"], capture_output=True, text=True)
    return done.stdout.strip() if done.returncode == 0 else None


def has_torch(python):
    return python.exists() and torch_version(python) is not None


def set_up_torch():
    python = venv_python()
    if has_torch(python):
        return python
    subprocess.run([sys.executable, "-m", "venv", python.parent.parent], check=True)
    install = [python, "-m", "pip", "install", "--quiet", "numpy", "torch"]
    index = ["--index-url", "https://download.pytorch.org/whl/cpu", "--retries", "1", "--timeout", "15"]
    if subprocess.run(install + index).returncode != 0:
        print("PyTorch's own index cannot be reached; from PyPI, with everything.", flush=True)
        subprocess.run(install, check=True)
    return python


def cargo(folder, *command, target=None):
    """Runs cargo; with no target folder of its own given, where the workspace builds."""
    environment = os.environ | ({"CARGO_TARGET_DIR": str(target)} if target else {})
    subprocess.run(["cargo", *command], cwd=folder, env=environment, check=True)


def set_up(package, program):
    """A program of this project."""
    cargo(ROOT, "build", "--release", "--quiet", "--package", package, "--bin", program)
    return Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release" / program


def set_up_peers():
    cargo(HERE, "build", "--release", "--locked", target=WORK / "build")
    return built_peers()


class Library:
    """A library in a process that stays: one line of JSON in, one line out."""

    def __init__(self, command, threads):
        self.command, self.process = command, None
        self.environment = os.environ | {"RAYON_NUM_THREADS": str(threads), "OMP_NUM_THREADS": str(threads)}

    def ask(self, case, what, seconds):
        """The answer. A process that fails says so, and for the next question there is a new one."""
        if self.process is None:
            pipe = subprocess.PIPE
            self.process = subprocess.Popen(self.command, stdin=pipe, stdout=pipe, text=True, env=self.environment)
        try:
            self.process.stdin.write(json.dumps(case.request(what, seconds)) + "\n")
            self.process.stdin.flush()
            if not select.select([self.process.stdout], [], [], PATIENCE)[0]:
                problem = f"no answer within {PATIENCE} s"
            elif line := self.process.stdout.readline():
                return json.loads(line)
            else:
                problem = f"ended with code {self.process.wait()}"
        except BrokenPipeError:
            problem = f"ended with code {self.process.wait()}"
        self.process.kill()
        self.process.wait()
        self.process = None
        print(f"run.py: {self.command[0]} failed at {case.name}: {problem}", file=sys.stderr, flush=True)
        return {"failed": problem}

    def close(self):
        if self.process:
            self.process.stdin.close()
            self.process.wait()


class Ours(Library):
    """This project's: `rnn time`, a process for every measurement, for the time that layers take."""

    def __init__(self, command, threads, rnn):
        super().__init__(command, threads)
        self.rnn = [rnn, "--threads", str(threads), "time", "--json"]

    def ask(self, case, what, seconds):
        if what != "times" or case == CHARACTERS:
            return super().ask(case, what, seconds)
        done = subprocess.run([*self.rnn, *case.arguments(seconds)], capture_output=True, text=True)
        return json.loads(done.stdout) if done.returncode == 0 else {"failed": done.stderr.strip()}


class Run:
    """The measurements, and where their results go."""

    def __init__(self, a, programs, results):
        self.a, self.programs, self.results = a, programs, results
        # What a library does not have, or failed at.
        self.left_out = set()
        self.begin = time.monotonic()
        self.rounds_left = a.rounds * len(a.threads)

    def start(self, name, threads):
        if name == "ours":
            return Ours([self.programs["ours"], str(threads)], threads, self.programs["rnn"])
        if name == "torch":
            return Library([self.programs["torch"], HERE / "torch_worker.py", str(threads)], threads)
        return Library([self.programs["peers"], name], threads)

    def start_all(self, threads):
        return {name: self.start(name, threads) for name in ["ours", *self.a.peers]}

    def ask(self, libraries, case, what, keep):
        """Asks every library in turn, and keeps its answers."""
        for name, library in libraries.items():
            if (name, case.name) in self.left_out:
                continue
            answer = library.ask(case, what, self.a.seconds)
            if "failed" in answer:
                self.results.failures[f"{name}, {case.name}"] = answer["failed"]
            if "failed" in answer or "unsupported" in answer:
                self.left_out.add((name, case.name))
            else:
                keep(name, answer)
            # A library's threads that still wait for work must not share the next one's cores.
            time.sleep(0.05)

    def say(self, text):
        minutes, seconds = divmod(int(time.monotonic() - self.begin), 60)
        print(f"[{minutes}:{seconds:02}] {text}", flush=True)

    def numbers(self):
        libraries = self.start_all(max(self.a.threads))
        for case in self.a.cases:
            if case != CHARACTERS and case.target:
                self.say(f"what they compute: {case.name}")
                self.ask(libraries, case, "numbers", self.results.numbers.setdefault(case.name, {}).__setitem__)
        for library in libraries.values():
            library.close()

    def times(self, threads):
        libraries, times = self.start_all(threads), self.results.times.setdefault(threads, {})
        begin = time.monotonic()
        for number in range(1, self.a.rounds + 1):
            for case in self.a.cases:
                of = times.setdefault(case.name, {})
                self.say(f"{report.threads(threads)}, round {number} of {self.a.rounds}: {case.name}")
                self.ask(libraries, case, "times", lambda name, answer: of.setdefault(name, []).append(answer))
            self.results.save(self.a.out)
            self.rounds_left -= 1
            left = (time.monotonic() - begin) / number * self.rounds_left / 60
            self.say(f"written to {self.a.out}; about {left:.0f} min left, and the memory's")
        for library in libraries.values():
            library.close()

    def memory(self):
        """Every number in a fresh process."""
        threads = max(self.a.threads)
        for case in self.a.cases:
            if case == CHARACTERS or not case.target:
                continue
            self.say(f"memory, {report.threads(threads)}: {case.name}")
            for name in ["ours", *self.a.peers]:
                if (name, case.name) not in self.left_out:
                    library = self.start(name, threads)
                    keep = self.results.memory.setdefault(case.name, {}).__setitem__
                    self.ask({name: library}, case, "memory", keep)
                    library.close()
        self.results.save(self.a.out)


def main():
    a = arguments()
    ask(a)
    programs = {"rnn": a.rnn or set_up("models", "rnn"), "ours": a.ours or set_up("benches", "ours")}
    if "torch" in a.peers:
        programs["torch"] = a.python or set_up_torch()
    if {"candle", "burn"} & set(a.peers):
        programs["peers"] = a.peers_binary or set_up_peers()
    versions = report.versions(ROOT, HERE / "Cargo.lock", a.peers)
    if "torch" in a.peers:
        versions["PyTorch"] = torch_version(programs["torch"])
        if versions["PyTorch"] is None:
            sys.exit(f"run.py: {programs['torch']} has no torch; leave --python out and it will be set up")
    a.out.mkdir(parents=True, exist_ok=True)
    results = report.Results(a.cases, a.peers, versions, a.rounds, a.seconds)
    run = Run(a, programs, results)
    run.numbers()
    for threads in a.threads:
        run.times(threads)
    run.memory()
    run.say("done")
    print(results.table())
    print(f"Written: {a.out}/peers.md, peers.svg (the ratios as a plot), peers.json (every number)")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("\nrun.py: stopped; what the last whole round knew is written")
    except subprocess.CalledProcessError as problem:
        sys.exit(f"run.py: {problem.cmd[0]} failed; see above")
