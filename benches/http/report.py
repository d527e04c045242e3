"""Results as Markdown tables beside their targets, and as a plot."""

import math

NAMES = {
    "article": "article",
    "list": "list of 20",
    "tag": "tag",
    "tag-list": "list of a tag",
    "related": "related (12)",
    "related-found": "related (13), which is not kept",
    "search": "search",
    "304": "304",
}
TARGETS = {"bare": 0.95, "nginx": 1.0}


def tables(results):
    sizes = results["sizes"].values()
    heads = [f"{int(size):,}" for size in results["sizes"]]
    return "\n\n".join(
        [
            target_table(results),
            table(["requests a second; µs of CPU each", *heads], absolute(sizes)),
            table(["uncached, p50 and p99 in ms with 8 connections", *heads], latencies(sizes)),
        ]
    )


def target_table(results):
    sizes = results["sizes"]
    heads = [f"{int(size):,}" for size in sizes]
    lines = [row(what, [value(size) for size in sizes.values()], target) for what, target, value in targets(sizes)]
    return table(["by the number of articles", *heads, "target"], lines)


BEGIN, END = "<!-- benches/http/run --keep -->\n", "<!-- end -->"


def put_into(readme, results):
    """The table in the place of an older one, with the machine that it comes from."""
    before, _, rest = readme.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    machine = results["machine"]
    told = f"{machine['at']}, {machine['cores']} cores, {machine['cpu']}:"
    readme.write_text(f"{before}{BEGIN}{told}\n\n{target_table(results)}\n\n{END}{after}")


def targets(sizes):
    """Each line's name, its target, and how its value follows from the results of a size."""
    for against, name in (("bare", "bare actix-web"), ("nginx", "nginx")):
        for case in ("article", "list", "tag", "tag-list", "related"):
            yield f"{NAMES[case]}, cached / {name}", f"≥ {TARGETS[against]}", ratio("cached", case, against)
    yield "304 / bare actix-web", "≥ 0.95", ratio("cached", "304", "bare")
    yield "article, uncached / one query of a ready row", "≥ 0.7", ratio("uncached", "row")
    yield "related, uncached, a second", "≥ 5,000 at 100,000", at("reads", "related", "rate")
    yield "related, uncached, p99 in ms", "≤ 5 at 100,000", at("reads", "related", "p99_ms")
    yield "13 related, found when asked, a second", "", at("reads", "related-found", "rate")
    yield "13 related, found when asked, p99 in ms", "", at("reads", "related-found", "p99_ms")
    yield "reads while 50 writes a second land / without", "≥ 0.9", at("writing", "ratio")
    yield "writes a second that landed meanwhile", "50", at("writing", "writes", "writes_a_second")
    yield "worst p99 of a read / at the smallest size", "≤ 1.5", lambda size: growth(sizes, size)
    yield "memory in MB, without the cache and what is mapped", "≤ 200 at 100,000; 1,500 at 1,000,000", at(
        "memory", "own_mb"
    )
    yield "mapped files in memory, in MB", "", at("memory", "mapped_mb")
    yield "start to first answer, in s", "≤ 2", at("start", "first_answer_s")
    yield "start to complete related answers, in s", "≤ 60", at("start", "related_complete_s")
    yield "nearest of each article found ahead, in s after the start", "", at("start", "ranked_ahead_s")
    yield "import / bare insert loop", "≥ 0.5", at("import", "ratio")
    yield "write to visibility, p99 in ms", "≤ 50", at("writing", "visible", "p99_ms")


def at(*path):
    def value(size):
        for name in path:
            size = size.get(name) if size else None
        return size

    return value


def ratio(*path):
    """Of requests a second, and of CPU in brackets."""

    def value(size):
        found = at(*path)(size)
        return found and f"{found['ratio']:.2f} ({found['cpu_ratio']:.2f})"

    return value


def growth(sizes, size):
    smallest = sizes[min(sizes, key=int)]["reads"]
    return max(read["p99_ms"] / smallest[kind]["p99_ms"] for kind, read in size["reads"].items())


def absolute(sizes):
    servers = (("kiosque", "Kiosque"), ("bare", "bare actix-web"), ("nginx", "nginx"))
    cases = list(NAMES.items())
    for case, name in cases:
        for server, title in servers:
            found = [size["cached"].get(case, {}).get(server) for size in sizes]
            if any(found):
                yield row(f"{name}, cached: {title}", [costs(one) for one in found])
    yield row("article, uncached: Kiosque", [costs(size["uncached"]["kiosque"]) for size in sizes])
    yield row("article, uncached: one query of a ready row", [costs(size["uncached"]["row"]) for size in sizes])
    for case, name in cases:
        if case not in ("article", "304"):
            yield row(f"{name}, uncached: Kiosque", [costs(size["reads"].get(case)) for size in sizes])


def latencies(sizes):
    for case, name in NAMES.items():
        found = [size["reads"].get(case) for size in sizes]
        if any(found):
            yield row(name, [f"{one['p50_ms']:.2f}, {one['p99_ms']:.2f}" for one in found])


def costs(one):
    return f"{one['rate']:,.0f}; {one['cpu_us']:,.0f}" if one else "–"


def row(what, values, *more):
    return [what, *(value if isinstance(value, str) else number(value) for value in values), *more]


def number(value):
    if value is None:
        return "–"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}" if value < 10 else f"{value:.1f}"


def table(head, rows):
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


WIDTH, HEIGHT = 760, 420
LEFT, RIGHT, TOP, BOTTOM = 60, 210, 50, 50
LINES = (
    ("related, uncached", "#d1495b", ("reads", "related", "cpu_us")),
    ("list of 20, uncached", "#b8860b", ("reads", "list", "cpu_us")),
    ("article, uncached", "#8a5cc2", ("uncached", "kiosque", "cpu_us")),
    ("related, cached", "#e08a8a", ("cached", "related", "kiosque", "cpu_us")),
    ("list of 20, cached", "#3a9e5f", ("cached", "list", "kiosque", "cpu_us")),
    ("article, cached", "#2f7fd0", ("cached", "article", "kiosque", "cpu_us")),
    ("article, bare actix-web", "#8c8c8c", ("cached", "article", "bare", "cpu_us")),
)
STYLE = """
text { font: 13px system-ui, sans-serif; fill: #24292f }
.grid { stroke: #d0d7de }
@media (prefers-color-scheme: dark) { text { fill: #d1d7e0 } .grid { stroke: #3d444d } }
"""


def plot(results):
    """The server's CPU for a request against the number of articles, both axes logarithmic."""
    sizes = sorted(int(size) for size in results["sizes"])
    of = {int(size): found for size, found in results["sizes"].items()}
    series = [(name, colour, [pick(of[size], path) for size in sizes]) for name, colour, path in LINES]
    costs = [cost for _, _, line in series for cost in line]
    low, high = 10 ** math.floor(math.log10(min(costs))), 10 ** math.ceil(math.log10(max(costs)))

    def x(size):
        span = math.log(sizes[-1] / sizes[0]) or 1
        return LEFT + (WIDTH - LEFT - RIGHT) * math.log(size / sizes[0]) / span

    def y(cost):
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * math.log(cost / low) / math.log(high / low)

    parts = [text(LEFT, 24, "Microseconds of CPU for a request, by the number of articles")]
    for cost in ticks(low, high):
        parts.append(rule(LEFT, y(cost), WIDTH - RIGHT, y(cost)))
        parts.append(text(LEFT - 8, y(cost) + 4, f"{cost:,}", "end"))
    for size in sizes:
        parts.append(rule(x(size), TOP, x(size), HEIGHT - BOTTOM))
        parts.append(text(x(size), HEIGHT - BOTTOM + 22, f"{size:,}", "middle"))
    labels = spread([y(line[-1]) for _, _, line in series])
    for (name, colour, line), label in zip(series, labels):
        points = " ".join(f"{x(size):.1f},{y(cost):.1f}" for size, cost in zip(sizes, line))
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{x(s):.1f}" cy="{y(c):.1f}" r="3.5" fill="{colour}"/>' for s, c in zip(sizes, line)]
        parts.append(f'<circle cx="{WIDTH - RIGHT + 16}" cy="{label:.1f}" r="3.5" fill="{colour}"/>')
        parts.append(text(WIDTH - RIGHT + 26, label + 4, f"{name}: {line[-1]:,.0f}"))
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" role="img">'
    return "\n".join([head, f"<style>{STYLE}</style>", *parts, "</svg>"]) + "\n"


def pick(found, path):
    for name in path:
        found = found[name]
    return max(found, 0.1)


def ticks(low, high):
    steps = range(round(math.log10(low)), round(math.log10(high)) + 1)
    return [round(10**step * factor) for step in steps for factor in (1, 2, 5) if low <= 10**step * factor <= high]


def spread(heights, gap=18):
    """The heights moved apart, so that labels do not cover each other."""
    placed = {}
    at = -math.inf
    for index in sorted(range(len(heights)), key=heights.__getitem__):
        at = max(heights[index], at + gap)
        placed[index] = at
    return [placed[index] for index in range(len(heights))]


def rule(x1, y1, x2, y2):
    return f'<line class="grid" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def text(x, y, words, anchor="start"):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{words}</text>'
