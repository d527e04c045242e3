"""Load and how it is answered: reads side by side, reads while editors write, and when a write is seen."""

import http.client
import json
import os
import random
import statistics
import threading
import time

from machine import HERE, LOAD_CORE, Failed, run

CONNECTIONS = 64
# Where a latency is asked for, a few connections: with 64 it is the time in the queue.
FEW = 8
WRITES_A_SECOND = 50
EDITORS = 5


def load(server, path="/", paths=None, seconds=2.0, connections=CONNECTIONS, headers=()):
    """wrk on its own core: what came back in a second, what the server's core spent on each, and how long it took."""
    command = ["taskset", "-c", LOAD_CORE, "wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s"]
    for header in headers:
        command += ["-H", header]
    command += ["-s", HERE / "paths.lua", f"http://127.0.0.1:{server.port}{path}"]
    before = server.cpu_seconds()
    result = json.loads(run([*command, "--", paths] if paths else command).splitlines()[-1])
    spent = server.cpu_seconds() - before
    if result["errors"] or not result["requests"]:
        raise Failed(f"{server.name} answered {path} with {result['errors']} errors in {result['requests']}")
    return {
        "rate": result["requests"] / result["seconds"],
        "cpu_us": spent / result["requests"] * 1e6,
        "p50_ms": result["p50_ms"],
        "p99_ms": result["p99_ms"],
    }


def duel(contenders, rounds, seconds):
    """`contenders` are (name, server, further arguments of `load`), in turn in each round. Medians of each, and the
    medians of the first one's rate divided by another's in the same round."""
    for _, server, how in contenders:
        load(server, seconds=1, **how)
    runs = {name: [] for name, _, _ in contenders}
    for _ in range(rounds):
        for name, server, how in contenders:
            runs[name].append(load(server, seconds=seconds, **how))
    result = {name: medians(of) for name, of in runs.items()}
    first, *others = runs
    for other in others:
        pairs = list(zip(runs[first], runs[other]))
        result[other]["ratio"] = statistics.median(ours["rate"] / theirs["rate"] for ours, theirs in pairs)
        result[other]["cpu_ratio"] = statistics.median(theirs["cpu_us"] / ours["cpu_us"] for ours, theirs in pairs)
    return result


def medians(runs):
    return {what: statistics.median(run[what] for run in runs) for what in runs[0]}


def percentiles(times):
    """In milliseconds."""
    times = sorted(times)
    at = {"p50_ms": 0.5, "p99_ms": 0.99}
    return {name: times[round((len(times) - 1) * share)] * 1e3 for name, share in at.items()}


class Editor:
    """One connection that changes articles by an API key."""

    def __init__(self, server, key):
        self.connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        self.headers = {
            "Authorization": f"Bearer {key}",
            "Content-Type": "application/merge-patch+json",
            "If-Match": "*",
        }

    def change(self, slug, change):
        """The seconds until the write is acknowledged."""
        began = time.monotonic()
        self.connection.request("PATCH", f"/v1/articles/{slug}", json.dumps(change), self.headers)
        answer = self.connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise Failed(f"a write was answered with {answer.status}: {body[:300]}")
        return time.monotonic() - began

    def read(self, path):
        self.connection.request("GET", path)
        return json.loads(self.connection.getresponse().read())


def while_writing(server, key, slugs, work):
    """What `work` gives while editors write at a steady rate, and how long writes took."""
    ended, times, faults = threading.Event(), [], []

    def edit(which):
        os.sched_setaffinity(0, {LOAD_CORE})  # this thread alone
        editor, chosen = Editor(server, key), random.Random(which)
        due = time.monotonic() + which / WRITES_A_SECOND
        try:
            while not ended.wait(max(0.0, due - time.monotonic())):
                times.append(editor.change(chosen.choice(slugs), {"standfirst": f"Mis à jour à {due}."}))
                due += EDITORS / WRITES_A_SECOND
        except (Failed, OSError) as fault:
            faults.append(fault)

    began = time.monotonic()
    editors = [threading.Thread(target=edit, args=(which,)) for which in range(EDITORS)]
    for editor in editors:
        editor.start()
    try:
        result = work()
    finally:
        ended.set()
        for editor in editors:
            editor.join()
    if faults:
        raise Failed(str(faults[0]))
    return result, {"writes_a_second": len(times) / (time.monotonic() - began), **percentiles(times)}


def with_writes(server, key, paths, slugs, rounds, seconds):
    """Reads of a mix without and with writes, in turn."""
    load(server, paths=paths, seconds=1)
    quiet, busy, writes = [], [], []
    for _ in range(rounds):
        quiet.append(load(server, paths=paths, seconds=seconds))
        reads, written = while_writing(
            server, key, slugs, lambda: load(server, paths=paths, seconds=seconds)
        )
        busy.append(reads)
        writes.append(written)
    ratio = statistics.median(b["rate"] / q["rate"] for b, q in zip(busy, quiet))
    return {"quiet": medians(quiet), "busy": medians(busy), "writes": medians(writes), "ratio": ratio}


def visibility(server, key, slugs, count=200):
    """From the acknowledgement of a changed headline until the article and the newest list show it."""
    editor, seen = Editor(server, key), []
    for i in range(count):
        slug, headline = slugs[i % len(slugs)], f"Titre numéro {i}"
        editor.change(slug, {"headline": headline})
        began = time.monotonic()
        while editor.read(f"/v1/articles/{slug}")["headline"] != headline:
            pass
        while not any(found["headline"] == headline for found in editor.read("/v1/articles")["data"]):
            pass
        seen.append(time.monotonic() - began)
    return percentiles(seen)
