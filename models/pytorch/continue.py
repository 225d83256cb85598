#!/usr/bin/env python3
"""Go on in PyTorch, on several processes or machines, with a character model of `rnn train`.

    cargo rnn train --text FILE --model lstm --out runs/mine
    torchrun --nproc-per-node 2 models/pytorch/continue.py runs/mine --text FILE --out more.safetensors

It takes model.safetensors, config.toml and vocabulary.json of the run. The first loss it prints is the
one that `rnn` reported last (the last line of metrics.csv), to rounding. Then every process trains on its
share of the streams under DistributedDataParallel (gloo, so that no GPU is needed), and --out gets
the weights under the same names: copied over model.safetensors, `rnn generate` and `rnn eval` take them.

What goes on are the weights. The optimiser begins anew, at the run's full learning rate, and the text at
its start: both stand in the run's checkpoint, for `rnn train --resume`, which goes on bit for bit.
PyTorch trains two biases per layer where `rnn` has one; `rnn` adds them up when it reads the file.

Needs torch, safetensors and numpy, and Python 3.11.
"""

import argparse
import csv
import json
import os
import pathlib
import sys
import tomllib

import numpy as np
import torch
import torch.distributed as dist
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn.parallel import DistributedDataParallel

# ANCHOR: layers
LAYERS = {
    "elman": (nn.RNN, {"nonlinearity": "tanh"}),
    "elman-relu": (nn.RNN, {"nonlinearity": "relu"}),
    "lstm": (nn.LSTM, {}),
    "gru": (nn.GRU, {}),
}
# ANCHOR_END: layers
OPTIMIZERS = {
    "sgd": torch.optim.SGD,
    "rmsprop": torch.optim.RMSprop,
    "adagrad": torch.optim.Adagrad,
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
}
RANK, WORLD = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))


def refuse(problem):
    """One line, from one of the processes, and exit code 2."""
    if RANK == 0:
        print(f"continue.py: {problem}", file=sys.stderr)
    sys.exit(2)


def say(line):
    if RANK == 0:
        print(line, flush=True)


class Hashing(nn.Module):
    """Feature hashing as `rnn` has it: one place of N, ±1, from the FNV-1a hash of the symbol's id."""

    def __init__(self, symbols, features):
        super().__init__()
        table = torch.zeros(symbols, features)
        for symbol in range(symbols):
            code = 0xCBF29CE484222325
            for byte in symbol.to_bytes(8, "little"):
                code = (code ^ byte) * 0x100000001B3 % 2**64
            table[symbol, code * features >> 64] = -1.0 if code >> 31 & 1 else 1.0
        self.register_buffer("table", table, persistent=False)

    def forward(self, ids):
        return self.table[ids]


class OneHot(nn.Module):
    """One-hot vectors."""

    def __init__(self, symbols):
        super().__init__()
        self.symbols = symbols

    def forward(self, ids):
        return nn.functional.one_hot(ids, self.symbols).float()


def encoder(config, symbols):
    """The module that makes vectors of symbols, and how many features they have."""
    name, _, features = config["encoding"].partition(":")
    size = int(features or config["embedding"])
    match name:
        case "embedding":
            return nn.Embedding(symbols, size), size
        case "one-hot":
            return OneHot(symbols), symbols
        case "hashing":
            return Hashing(symbols, size), size
    refuse(f"config.toml: there is no encoding {config['encoding']} here")


class CharacterModel(nn.Module):
    """The network of `rnn train --task chars`; its parameters have the names of model.safetensors."""

    def __init__(self, config, symbols):
        super().__init__()
        layer, options = LAYERS[config["model"]]
        self.embedding, features = encoder(config, symbols)
        hidden, layers = config["hidden"], config["layers"]
        dropout = config["dropout"] if layers > 1 else 0.0
        # ANCHOR: modules
        self.rnn = layer(features, hidden, layers, dropout=dropout, **options)
        self.head = nn.Linear(hidden, symbols)
        # ANCHOR_END: modules
        self.states = ["h_0", "c_0"] if layer is nn.LSTM else ["h_0"]
        self.learned = config.get("learn_initial_state", False)
        if self.learned:
            for name in (f"{state}_l{k}" for k in range(layers) for state in self.states):
                self.rnn.register_parameter(name, nn.Parameter(torch.zeros(hidden)))

    def start(self, batch):
        """The states at the start of a text, each L×B×H: learned or zeros."""
        layers, hidden = self.rnn.num_layers, self.rnn.hidden_size
        if not self.learned:
            return [torch.zeros(layers, batch, hidden) for _ in self.states]
        stacked = [[getattr(self.rnn, f"{state}_l{k}") for k in range(layers)] for state in self.states]
        return [torch.stack(rows)[:, None].expand(-1, batch, -1).contiguous() for rows in stacked]

    def forward(self, ids, carry):
        """Logits T×B×V of ids T×B, and the states to carry on; `carry` is None at the start of a text."""
        state = self.start(ids.shape[1]) if carry is None else carry
        state = tuple(state) if len(state) == 2 else state[0]
        # ANCHOR: carry
        y, state = self.rnn(self.embedding(ids), state)
        state = list(state) if isinstance(state, tuple) else [state]
        return self.head(y), [part.detach() for part in state]
        # ANCHOR_END: carry


def loss_of(model, ids, targets, carry):
    logits, carry = model(ids, carry)
    return nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten()), carry


@torch.no_grad()
def held_out_loss(model, ids):
    """Nats per character as `rnn` measures them: in up to 32 streams, 64 steps at a time."""
    model.eval()
    targets = len(ids) - 1
    batch = max(min(32, targets // 64), 1)
    length = targets // batch
    inputs = ids[: batch * length].view(batch, length).T
    targets = ids[1 : batch * length + 1].view(batch, length).T
    total, carry = 0.0, None
    for start in range(0, length, 64):
        window = slice(start, start + 64)
        loss, carry = loss_of(model, inputs[window], targets[window], carry)
        total += loss.item() * len(inputs[window])
    model.train()
    return total / length


def windows(ids, batch, seq):
    """Without end: inputs and targets (T×B) of this process' streams, and whether the text begins again."""
    length = len(ids) // batch
    if length <= seq:
        refuse(f"the text has {len(ids)} characters, too few for {batch} streams of {seq + 1}")
    streams = ids[: batch * length].view(batch, length)[RANK::WORLD].T
    while True:
        for start in range(0, length - seq, seq):
            yield streams[start : start + seq], streams[start + 1 : start + seq + 1], start == 0


def optimizer(config, parameters, rate):
    """The run's optimiser, from `adam` or `sgd:momentum=0.9,weight-decay=0.01`."""
    name, _, options = config["optimizer"].partition(":")
    pairs = dict(option.split("=") for option in options.split(",") if option)
    values = {key.replace("-", "_"): float(value) for key, value in pairs.items()}
    if "beta1" in values or "beta2" in values:
        values["betas"] = (values.pop("beta1", 0.9), values.pop("beta2", 0.999))
    try:
        return OPTIMIZERS[name](parameters, lr=rate, **values)
    except (KeyError, TypeError) as problem:
        refuse(f"PyTorch has no optimizer {config['optimizer']} ({problem})")


def read_run(folder):
    """Configuration, characters and weights of a run, and the loss it reported last, if any."""
    try:
        config = tomllib.loads((folder / "config.toml").read_text(encoding="utf-8"))
        characters = json.loads((folder / "vocabulary.json").read_text(encoding="utf-8"))
        weights = load_file(folder / "model.safetensors")
        rows = []
        if (folder / "metrics.csv").exists():
            rows = list(csv.DictReader((folder / "metrics.csv").open(encoding="utf-8")))
    except (OSError, ValueError, SafetensorError) as problem:
        refuse(f"{folder} does not hold a run to go on with: {problem}")
    if config.get("task") != "chars":
        refuse(f"config.toml: the task is {config.get('task')}; only chars can go on here")
    if config["model"] not in LAYERS:
        known = ", ".join(LAYERS)
        refuse(f"PyTorch has no layer for {config['model']}; what can go on there is {known}")
    return config, characters, weights, float(rows[-1]["validation"]) if rows else None


def read_text(path, characters):
    """The ids of a text's characters: those to train on, and the last tenth, held out."""
    places = {character: place for place, character in enumerate(characters)}
    try:
        text = pathlib.Path(path).read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        refuse(f"{path}: {problem}")
    unknown = sorted(set(text) - places.keys())
    if unknown:
        refuse(f"{path}: the model never saw the character {unknown[0]!r}")
    ids = torch.from_numpy(np.array([places[character] for character in text], dtype=np.int64))
    kept = len(ids) // 10 * 9 + len(ids) % 10 * 9 // 10
    if len(ids) - kept < 2:
        refuse(f"{path}: the held-out tenth needs 2 characters; take a longer text")
    return ids[:kept], ids[kept:]


def load(model, weights):
    """Puts the weights of the file into the model, which must be of the same names and shapes."""
    try:
        model.load_state_dict(weights)
    except RuntimeError as problem:
        refuse("model.safetensors does not fit config.toml: " + str(problem).splitlines()[1].strip())


def train(arguments, config, model, train_ids, held_ids):
    """Trains on this process' share of the streams, and says how the held-out loss falls."""
    batch, seq = config["batch"], config["seq"]
    parallel = DistributedDataParallel(model)
    rule = optimizer(config, parallel.parameters(), arguments.lr or config["lr"])
    carry, total, count = None, 0.0, 0
    for step, (inputs, targets, restart) in enumerate(windows(train_ids, batch, seq), start=1):
        loss, carry = loss_of(parallel, inputs, targets, None if restart else carry)
        rule.zero_grad()
        if model.learned and not restart:
            # Every process must hand in a gradient for every parameter.
            loss = loss + sum(0.0 * start.sum() for start in model.start(1))
        loss.backward()
        if config["clip"] > 0:
            nn.utils.clip_grad_norm_(parallel.parameters(), config["clip"])
        elif config["clip_value"] > 0:
            nn.utils.clip_grad_value_(parallel.parameters(), config["clip_value"])
        rule.step()
        total, count = total + loss.detach(), count + 1
        if step % arguments.eval_every == 0 or step == arguments.steps:
            mean = torch.as_tensor(total / count)
            dist.all_reduce(mean)
            say(f"step {step:>6}  train {mean.item() / WORLD:.4f}  held out {held_out_loss(model, held_ids):.4f}")
            total, count = 0.0, 0
        if step == arguments.steps:
            return


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=pathlib.Path, metavar="DIR", help="the run's folder, as given to rnn train --out")
    parser.add_argument("--text", metavar="FILE", help="the text [default: the run's own]")
    parser.add_argument("--steps", type=int, default=200, metavar="N", help="training steps; 0 only measures [default: 200]")
    parser.add_argument("--eval-every", type=int, default=50, metavar="N", help="steps between two looks at the held-out text [default: 50]")
    parser.add_argument("--lr", type=float, metavar="F", help="learning rate [default: the run's]")
    parser.add_argument("--out", type=pathlib.Path, metavar="FILE", help="the weights [default: DIR/continued.safetensors]")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="seed of the dropout [default: 1]")
    arguments = parser.parse_args()
    config, characters, weights, reported = read_run(arguments.run)
    if config["batch"] % WORLD:
        refuse(f"{config['batch']} streams cannot be shared equally by {WORLD} processes; take a divisor")
    train_ids, held_ids = read_text(arguments.text or config["text"], characters)
    model = CharacterModel(config, len(characters))
    load(model, weights)
    torch.manual_seed(arguments.seed + RANK)

    first = held_out_loss(model, held_ids)
    say(f"held out {first:.6f} nats per character before the first step" + (f"; rnn reported {reported:.6f}" if reported else ""))
    if reported and abs(first - reported) > 1e-4:
        say("These differ: is this the text of the run?")
    if config.get("recurrent_dropout", 0.0) > 0:
        say("PyTorch's layers have no recurrent dropout: training goes on without")
    if arguments.steps > 0:
        os.environ.setdefault("MASTER_ADDR", "localhost")
        os.environ.setdefault("MASTER_PORT", "29500")
        dist.init_process_group("gloo", rank=RANK, world_size=WORLD)
        train(arguments, config, model, train_ids, held_ids)
        dist.destroy_process_group()
        if RANK == 0:
            save_file(model.state_dict(), arguments.out or arguments.run / "continued.safetensors")


if __name__ == "__main__":
    main()
