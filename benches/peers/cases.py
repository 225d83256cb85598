"""What is compared, and how fast it is meant to be."""

from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Case:
    model: str
    seq: int
    batch: int
    input: int
    hidden: int
    layers: int = 1
    bidirectional: bool = False
    # The share of PyTorch's time that a training step is meant to take; None where no peer has the network.
    target: float | None = None

    @property
    def name(self):
        if self == CHARACTERS:
            return "character model"
        both = "bidirectional " if self.bidirectional else ""
        layers = f" L{self.layers}" if self.layers > 1 else ""
        return f"{both}{self.model} T{self.seq} B{self.batch} I{self.input} H{self.hidden}{layers}"

    def request(self, what, seconds):
        """For a library's process."""
        sizes = {key: value for key, value in asdict(self).items() if key != "target"}
        return {"what": what, "seconds": seconds} | sizes

    def arguments(self, seconds):
        """For `rnn time`."""
        names = ["model", "seq", "batch", "input", "hidden", "layers"]
        listed = [text for name in names for text in (f"--{name}", str(getattr(self, name)))]
        return listed + ["--bidirectional"] * self.bidirectional + ["--seconds", str(seconds)]


CASES = [
    Case("lstm", 50, 128, 20, 100, target=0.5),
    Case("gru", 50, 128, 20, 100, target=0.5),
    Case("elman", 50, 128, 20, 100, target=0.5),
    Case("lstm", 50, 128, 20, 100, bidirectional=True, target=0.45),
    Case("lstm", 100, 32, 128, 256, 2, target=0.75),
    Case("gru", 100, 32, 128, 256, 2, target=0.75),
    Case("lstm", 100, 32, 512, 512, 2, target=0.9),
    Case("gru", 100, 32, 512, 512, 2, target=0.9),
    Case("lstm", 100, 1, 32, 64, target=0.3),
    Case("gru", 100, 1, 32, 64, target=0.3),
    Case("lstm", 4, 1, 1, 1, target=0.02),
    # No peer has these two: they are compared with the plain networks here.
    Case("peephole", 50, 128, 20, 100),
    Case("jordan", 50, 128, 20, 100),
]

# The whole model of characters, with its optimiser: LSTM H256, embedding 64, 65 characters, T64, B32, Adam, the
# gradient's norm clipped to 1. Its target is for two threads.
CHARACTERS = Case("characters", 64, 32, 64, 256, target=0.8)
CHARACTERS_THREADS = 2
# Two operations for each weight of a product, each column and step; forward, and back to the input and to the weights.
CHARACTERS_PRODUCTS = 2 * 3 * 64 * 32 * (4 * 256 * (64 + 256) + 65 * 256)

# Geometric means over the cases that a library has, training step.
MEAN_TARGETS = {"torch": 0.4, "candle": 0.2, "burn": 0.2}
# A network that no peer has, and the one whose time it is meant to stay near.
RELATIVES = {"peephole": "lstm", "jordan": "elman"}
RELATIVE_TARGET = 1.2
# The share of a large product's speed that a training step reaches where H is at least 512.
PEAK_TARGET = 0.8
# How much faster two threads are meant to be where B is at least 32.
THREADS_TARGET = 1.7
# What the libraries compute from the same weights may differ by so much of it.
AGREEMENT = 1e-3
