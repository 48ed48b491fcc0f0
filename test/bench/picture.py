"""The figures as pictures: SVG, written by hand."""
import math
from html import escape

import show

INK = ("#1b6ca8", "#7fb2d8", "#d1495b", "#e39aa3", "#66a182", "#8d6a9f",
       "#edae49", "#5c5c5c")
FONT = "font-family='sans-serif' font-size='11'"


def text(x, y, words, anchor="start", more=""):
    return (f"<text x='{x:.1f}' y='{y:.1f}' text-anchor='{anchor}' {more}>"
            f"{escape(words)}</text>")


def sheet(width, height, parts):
    return "\n".join([
        f"<svg xmlns='http://www.w3.org/2000/svg' width='{width}' "
        f"height='{height}' viewBox='0 0 {width} {height}' {FONT}>",
        f"<rect width='{width}' height='{height}' fill='white'/>",
        *parts, "</svg>", ""])


class Log:
    """A logarithmic scale: whole powers of ten at both ends."""

    def __init__(self, values, begin, end):
        values = [v for v in values if v and v > 0] or [1]
        self.low = math.floor(math.log10(min(values)))
        self.high = max(self.low + 1, math.ceil(math.log10(max(values))))
        self.begin, self.end = begin, end

    def at(self, value):
        share = (math.log10(max(value, 10**self.low)) - self.low) / \
            (self.high - self.low)
        return self.begin + (self.end - self.begin) * share

    def ticks(self):
        return [10**e for e in range(self.low, self.high + 1)]


def short(value):
    for size, unit in ((1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:g}{unit}"
    return f"{value:g}"


def measures():
    return (("error of the round trip, p99, us",
             lambda r: show.error(r, "p99")),
            ("CPU a probe, us", lambda r: r["cpu_us"]),
            ("memory, MiB", lambda r: r["memory_mib"]))


# ---- bars: each scenario, each tool

ROW, NAMES, PANEL = 14, 130, 240


def bars(results, facts):
    """Shorter is better; the scales are logarithmic."""
    tools = list(dict.fromkeys(r["tool"] for r in results))
    ink = {tool: INK[i % len(INK)] for i, tool in enumerate(tools)}
    groups = show.groups(results)
    height = 60 + sum(26 + ROW * len(mine) for _, mine in groups)
    width = NAMES + 3 * (PANEL + 20)
    parts = [text(10, 20, show.about(facts))]
    for i, (title, get) in enumerate(measures()):
        left = NAMES + i * (PANEL + 20)
        scale = Log([get(r) for r in results], left, left + PANEL - 50)
        parts += axis(scale, title, height)
        parts += column(groups, ink, scale, get)
    y = 60
    for title, mine in groups:
        parts.append(text(10, y + 14, title, more="font-weight='bold'"))
        y += 20
        for r in mine:
            parts.append(text(NAMES - 6, y + 10, r["tool"], "end"))
            y += ROW
        y += 6
    return sheet(width, height, parts)


def axis(scale, title, height):
    yield text(scale.begin, 40, title, more="font-weight='bold'")
    for tick in scale.ticks():
        x = scale.at(tick)
        yield (f"<line x1='{x:.1f}' x2='{x:.1f}' y1='58' y2='{height - 6}' "
               "stroke='#ddd'/>")
        yield text(x, 54, short(tick), "middle", "fill='#777'")


def column(groups, ink, scale, get):
    y = 60
    for _, mine in groups:
        y += 20
        for r in mine:
            value = get(r)
            if value is not None:
                long = max(1, scale.at(value) - scale.begin)
                yield (f"<rect x='{scale.begin}' y='{y + 1}' "
                       f"width='{long:.1f}' height='{ROW - 3}' "
                       f"fill='{ink[r['tool']]}'/>")
                yield text(scale.begin + long + 4, y + 10, show.plain(value))
            y += ROW
        y += 6


# ---- lines: from few probes a second to many

WIDE, HIGH = 330, 200


def growth(results, facts):
    figures = measures() + (
        ("send slip, p99, us", lambda r: r["slip_p99_us"]),)
    tools = list(dict.fromkeys((r["tool"], r["load"]) for r in results))
    parts = [text(10, 20, show.about(facts))]
    for i, tool in enumerate(tools):
        parts.append(text(10 + 160 * i, 40, ", ".join(tool),
                          more=f"fill='{INK[2 * i % len(INK)]}' "
                          "font-weight='bold'"))
    for i, (title, get) in enumerate(figures):
        left, top = 50 + i % 2 * (WIDE + 60), 70 + i // 2 * (HIGH + 60)
        parts += panel(results, tools, (left, top), title, get)
    return sheet(2 * (WIDE + 60) + 20, 2 * (HIGH + 60) + 60, parts)


def panel(results, tools, where, title, get):
    left, top = where
    across = Log([r["wanted_rate"] for r in results], left, left + WIDE)
    up = Log([get(r) for r in results], top + HIGH, top)
    yield text(left, top - 8, f"{title}, by probes a second",
               more="font-weight='bold'")
    for tick in across.ticks():
        x = across.at(tick)
        yield (f"<line x1='{x:.1f}' x2='{x:.1f}' y1='{top}' "
               f"y2='{top + HIGH}' stroke='#ddd'/>")
        yield text(x, top + HIGH + 14, short(tick), "middle", "fill='#777'")
    for tick in up.ticks():
        y = up.at(tick)
        yield (f"<line x1='{left}' x2='{left + WIDE}' y1='{y:.1f}' "
               f"y2='{y:.1f}' stroke='#ddd'/>")
        yield text(left - 6, y + 4, short(tick), "end", "fill='#777'")
    for i, tool in enumerate(tools):
        points = [(across.at(r["wanted_rate"]), up.at(get(r)))
                  for r in results if (r["tool"], r["load"]) == tool and
                  get(r) is not None]
        yield from line(points, INK[2 * i % len(INK)])


def line(points, ink):
    joined = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    yield (f"<polyline points='{joined}' fill='none' stroke='{ink}' "
           "stroke-width='2'/>")
    for x, y in points:
        yield f"<circle cx='{x:.1f}' cy='{y:.1f}' r='3' fill='{ink}'/>"
