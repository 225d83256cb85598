"""The ratios of all training steps as an SVG plot, on a bright ground or a dark one as the reader has it."""

import math
from statistics import median

NAMES = {"torch": "PyTorch", "candle": "candle", "burn": "burn"}
STYLE = """\
.peers{color:#1f2328;background:#fff;font:13px sans-serif}
.peers .torch{color:#c0231f}.peers .candle{color:#2a7030}.peers .burn{color:#1557b0}
@media(prefers-color-scheme:dark){.peers{color:#e3e7ec;background:#14171c}
.peers .torch{color:#ff8f86}.peers .candle{color:#7fdc85}.peers .burn{color:#82b4ff}}"""
ROW, LEFT, WIDTH, TOP, BOTTOM = 26, 300, 900, 46, 44


def plot(results):
    """Every ratio as a dot with its spread, on a logarithmic axis; a bar where it is meant to be, to PyTorch."""
    every = {(n, case, peer): results.ratios(n, case, peer) for n in results.times for case in results.cases for peer in results.peers}
    every = {key: ratios for key, ratios in every.items() if ratios}
    cases = [case for case in results.cases if any(key[1] == case for key in every)]
    all_ratios = [ratio for ratios in every.values() for ratio in ratios]
    # Whole powers of ten at the left, and some room at the right.
    low, high = 10 ** math.floor(math.log10(min(all_ratios, default=0.1))), max(2.0, *all_ratios, 2.0)
    height, parts = TOP + ROW * len(cases) + BOTTOM, []

    def across(ratio):
        return LEFT + (WIDTH - LEFT - 20) * math.log(ratio / low) / math.log(high / low)

    for number, n in enumerate(results.times):
        top = number * height
        parts += axis(across, low, high, top, len(cases), n)
        for row, case in enumerate(cases):
            y = top + TOP + ROW * (row + 0.5)
            parts.append(f'<text x="{LEFT - 10}" y="{y + 4:.1f}" text-anchor="end">{case.name}</text>')
            if case.target:
                bar = f'M{across(case.target):.1f} {y - 9:.1f}v18'
                parts.append(f'<path class="torch" d="{bar}" stroke="currentColor" stroke-width="2"/>')
            for place, peer in enumerate(results.peers):
                if ratios := every.get((n, case, peer)):
                    parts.append(dot(across, ratios, y + 5 * (place - (len(results.peers) - 1) / 2), peer))
    parts += legend(results.peers, height * len(results.times))
    frame = f'viewBox="0 0 {WIDTH} {height * len(results.times) + 24}" class="peers" fill="currentColor"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {frame}>\n<style>{STYLE}</style>\n'
    return head + "\n".join(parts) + "\n</svg>\n"


def axis(across, low, high, top, rows, threads):
    bottom = top + TOP + ROW * rows
    title = f"{threads} thread{'s' * (threads > 1)}: our time of a training step divided by theirs"
    parts = [f'<text x="{LEFT}" y="{top + 20}" font-weight="bold">{title}</text>']
    decade = low
    while decade <= high:
        for value in (decade * factor for factor in (1, 2, 5)):
            if low <= value <= high:
                x, strong = across(value), 0.7 if math.isclose(value, 1) else 0.2
                line = f'<path d="M{x:.1f} {top + TOP}V{bottom}" stroke="currentColor" stroke-opacity="{strong}"/>'
                parts.append(line + f'<text x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">{value:g}</text>')
        decade *= 10
    return parts


def dot(across, ratios, y, peer):
    middle, low, high = (across(value) for value in (median(ratios), min(ratios), max(ratios)))
    line = f'<path d="M{low:.1f} {y:.1f}H{high:.1f}" stroke="currentColor" stroke-width="2"/>'
    return f'<g class="{peer}" fill="currentColor">{line}<circle cx="{middle:.1f}" cy="{y:.1f}" r="4"/></g>'


def legend(peers, y):
    parts, x = [], LEFT
    for peer in peers:
        mark = f'<circle class="{peer}" fill="currentColor" cx="{x}" cy="{y + 4}" r="4"/>'
        parts.append(mark + f'<text x="{x + 10}" y="{y + 8}">{NAMES[peer]}</text>')
        x += 100
    bar = f'<path class="torch" d="M{x} {y - 5}v18" stroke="currentColor" stroke-width="2"/>'
    return parts + [bar + f'<text x="{x + 10}" y="{y + 8}">at most this, to PyTorch: the target</text>']
