"""PyTorch's recurrent layers, measured on request.

One case a line on standard input, as JSON, and one line back; src/worker.rs says what is asked and answered. It stays
for the next case, so that the libraries can take turns. float32, on the processor.

    python torch_worker.py THREADS
"""

import json
import math
import sys
import time

import torch

LAYERS = {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU, "elman": torch.nn.RNN}


class Recurrent:
    """A training step is forward, the sum of the squared outputs, and the gradients of all parameters."""

    def __init__(self, case):
        layer = LAYERS[case["model"]]
        self.hidden = case["hidden"]
        self.net = layer(case["input"], case["hidden"], case["layers"], bidirectional=case["bidirectional"])
        t, b, i = (torch.arange(case[size], dtype=torch.float64) for size in ("seq", "batch", "input"))
        self.x = torch.sin(1 + 0.7 * t[:, None, None] + 1.3 * b[:, None] + 2.1 * i).float()

    def forward(self):
        with torch.no_grad():
            self.net(self.x)

    def train(self):
        self.net.zero_grad(set_to_none=True)
        y, _ = self.net(self.x)
        loss = (y * y).sum()
        loss.backward()
        return loss

    def numbers(self):
        for parameter in self.net.parameters():
            torch.nn.init.zeros_(parameter)
            if parameter.dim() == 2:
                rows, columns = (torch.arange(n, dtype=torch.float64) for n in parameter.shape)
                scrambled = 43758.5453 * torch.sin(12.9898 * (rows % self.hidden)[:, None] + 78.233 * columns + 1)
                parameter.data.copy_((2 * (scrambled - scrambled.floor()) - 1) / math.sqrt(self.hidden))
        loss = self.train().item()
        squares = sum(p.grad.double().square().sum().item() for p in self.net.parameters() if p.dim() == 2)
        return {"loss": loss, "norm": math.sqrt(squares)}


class Characters(torch.nn.Module):
    """The character model: embedding, LSTM, linear head, softmax cross-entropy, Adam, the gradient's norm clipped to 1."""

    def __init__(self, case):
        super().__init__()
        symbols, embedding, hidden = 65, case["input"], case["hidden"]
        self.embedding = torch.nn.Embedding(symbols, embedding)
        self.lstm = torch.nn.LSTM(embedding, hidden)
        self.head = torch.nn.Linear(hidden, symbols)
        self.optimiser = torch.optim.Adam(self.parameters(), lr=0.003)
        text = torch.tensor([(k * 7919 + k * k) % symbols for k in range((case["seq"] + 1) * case["batch"])])
        text = text.view(case["seq"] + 1, case["batch"])
        self.inputs, self.targets = text[:-1], text[1:].reshape(-1)

    def loss(self):
        y, _ = self.lstm(self.embedding(self.inputs))
        return torch.nn.functional.cross_entropy(self.head(y).flatten(0, 1), self.targets)

    def forward(self):
        with torch.no_grad():
            self.loss()

    def train(self):
        self.optimiser.zero_grad()
        self.loss().backward()
        torch.nn.utils.clip_grad_norm_(self.parameters(), 1.0)
        self.optimiser.step()


def median_ms(seconds, run):
    """The median of many runs in milliseconds, after one that warms up. Three at least, unless they take more
    than four times as long as they should; the first one counts if it does alone."""

    def timed():
        start = time.perf_counter()
        run()
        return time.perf_counter() - start

    first = timed()
    if first > 4 * seconds:
        return first * 1e3
    times, begin = [], time.perf_counter()
    while not times or time.perf_counter() - begin < (4 * seconds if len(times) < 3 else seconds):
        times.append(timed())
    return sorted(times)[len(times) // 2] * 1e3


def resident_mb(name):
    """A line of this process's status, on Linux, in megabytes."""
    try:
        with open("/proc/self/status") as lines:
            return next(int(line.split()[1]) * 1.024e-3 for line in lines if line.startswith(name))
    except (OSError, StopIteration):
        return None


def forget_peak():
    try:
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")
    except OSError:
        pass


def memory(build, case):
    # A tiny step first: what the library loads and starts once is none of the step's memory.
    build(case | {"seq": 2, "batch": 1, "input": 1, "hidden": 1}).train()
    layers = build(case)
    forget_peak()
    idle = resident_mb("VmRSS")
    for _ in range(2):
        layers.train()
    peak = resident_mb("VmHWM")
    return {"idle_mb": idle, "growth_mb": None if idle is None or peak is None else peak - idle}


def answer(case):
    if case["model"] not in LAYERS and case["model"] != "characters":
        return {"unsupported": f"torch.nn has no {case['model']}"}
    build = Characters if case["model"] == "characters" else Recurrent
    if case["what"] == "memory":
        return memory(build, case)
    layers = build(case)
    if case["what"] == "numbers":
        return layers.numbers()
    forward_ms = median_ms(case["seconds"], layers.forward)
    return {"forward_ms": forward_ms, "train_ms": median_ms(case["seconds"], layers.train)}


if __name__ == "__main__":
    torch.set_num_threads(int(sys.argv[1]))
    torch.manual_seed(1)
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)
