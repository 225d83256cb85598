"""PyTorch's numbers for tests/optim.rs. Writes torch.txt next to this file; run it again only to add a case.

Each line is a name and its numbers, in a form that reads back to the same bits.
The problem: minimise ½ wᵀA w − bᵀw + ¼ Σ w⁴ over w = (a 2×2 matrix, a vector of 2), A symmetric and positive definite.
Its gradient is A w − b + w³.
"""

import inspect
import math
import pathlib

import torch

torch.set_default_dtype(torch.float64)
N = 6
A = torch.tensor([[(5.0 + i if i == j else 1.0 / (1 + i + j)) for j in range(N)] for i in range(N)])
B = torch.tensor([3.0, -2.0, 1.0, 0.5, -4.0, 2.0])
START = [0.5, -1.0, 1.5, -0.25, 0.75, -2.0]
out = []


def line(name, numbers):
    out.append(" ".join([name] + [repr(float(x)) for x in numbers]))


def weights():
    return [torch.tensor(START[:4]).reshape(2, 2).requires_grad_(), torch.tensor(START[4:]).requires_grad_()]


def flat(params):
    return torch.cat([p.reshape(-1) for p in params])


def descend(name, make):
    params = weights()
    optimizer = make(params)
    for step in range(1, 101):
        optimizer.zero_grad()
        w = flat(params)
        (w @ A @ w / 2 - B @ w + (w**4).sum() / 4).backward()
        optimizer.step()
        if step in (1, 2, 10, 100):
            line(f"{name}@{step}", flat(params).tolist())


o = torch.optim
# Where a case names no hyper-parameter, PyTorch's default is what is being tested. The rate is 0.01 throughout.
descend("sgd", lambda p: o.SGD(p, lr=0.01))
descend("sgd:momentum=0.9", lambda p: o.SGD(p, lr=0.01, momentum=0.9))
descend("sgd:momentum=0.9,weight-decay=0.1", lambda p: o.SGD(p, lr=0.01, momentum=0.9, weight_decay=0.1))
descend("rmsprop", lambda p: o.RMSprop(p, lr=0.01))
descend("rmsprop:momentum=0.9", lambda p: o.RMSprop(p, lr=0.01, momentum=0.9))
# A short mean with a tiny eps is chaotic near the minimum (10⁻¹⁵ in the start is 10⁻⁴ after 100 steps): hence eps 0.1.
descend(
    "rmsprop:alpha=0.9,eps=0.1,weight-decay=0.1",
    lambda p: o.RMSprop(p, lr=0.01, alpha=0.9, eps=0.1, weight_decay=0.1),
)
descend("adagrad", lambda p: o.Adagrad(p, lr=0.01))
descend("adagrad:eps=0.001,weight-decay=0.1", lambda p: o.Adagrad(p, lr=0.01, eps=1e-3, weight_decay=0.1))
descend("adam", lambda p: o.Adam(p, lr=0.01))
descend("adam:weight-decay=0.1", lambda p: o.Adam(p, lr=0.01, weight_decay=0.1))
descend(
    "adam:beta1=0.8,beta2=0.95,eps=0.001", lambda p: o.Adam(p, lr=0.01, betas=(0.8, 0.95), eps=1e-3)
)
descend("adamw", lambda p: o.AdamW(p, lr=0.01))
descend("adamw:weight-decay=0.1", lambda p: o.AdamW(p, lr=0.01, weight_decay=0.1))

for rule in (o.SGD, o.RMSprop, o.Adagrad, o.Adam, o.AdamW):
    line(f"default-rate:{rule.__name__.lower()}", [inspect.signature(rule).parameters["lr"].default])


def clip(name, cut):
    params = weights()
    for p in params:
        p.grad = p.detach() * 3
    total = cut(params)
    line(name, ([] if total is None else [total]) + flat([p.grad for p in params]).tolist())


# The first number is the norm before clipping, where there is one.
clip("clip-norm-2", lambda p: torch.nn.utils.clip_grad_norm_(p, 2.0))
clip("clip-norm-20", lambda p: torch.nn.utils.clip_grad_norm_(p, 20.0))
clip("clip-value-2", lambda p: torch.nn.utils.clip_grad_value_(p, 2.0))


def schedule(name, make, steps):
    optimizer = o.SGD([torch.zeros(1)], lr=0.3)
    scheduler = make(optimizer)
    rates = []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    line(name, rates)


s = o.lr_scheduler


def warm(then):
    """A rise over 5 steps from a fifth of the rate to all of it, then another schedule."""
    rise = lambda opt: s.LinearLR(opt, start_factor=1 / 5, total_iters=4)
    return lambda opt: s.SequentialLR(opt, [rise(opt), then(opt)], milestones=[5])


cosine = lambda opt: s.CosineAnnealingLR(opt, 20, eta_min=0.05 * 0.3)
step = lambda opt: s.StepLR(opt, 7, gamma=0.5)
schedule("cosine:steps=20", cosine, 21)
schedule("step:every=7,factor=0.5", step, 25)
schedule("constant:warmup=5", warm(lambda opt: s.ConstantLR(opt, factor=1.0)), 10)
schedule("cosine:steps=20,warmup=5", warm(cosine), 26)
schedule("step:every=7,factor=0.5,warmup=5", warm(step), 25)

# What the initialisers' formulas must give: the bound of xavier_uniform_ for a 400×20 matrix.
torch.manual_seed(0)
probe = torch.nn.init.xavier_uniform_(torch.empty(400, 20), gain=5 / 3)
bound = 5 / 3 * math.sqrt(6 / 420)
assert 0.999 * bound < probe.abs().max() <= bound
line("xavier-uniform:400x20", [bound])

header = f"# written by make.py with PyTorch {torch.__version__.split('+')[0]}"
pathlib.Path(__file__).with_name("torch.txt").write_text("\n".join([header] + out) + "\n")
