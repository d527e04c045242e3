"""Everything that is measured with one number of articles."""

import json
import os
import random
import shutil
import sqlite3
import statistics
import subprocess
import time
from urllib.parse import quote

from machine import CORES, Failed, Server, kiosque, nginx, run, step
from measure import CONNECTIONS, FEW, duel, load, medians, visibility, with_writes

# Different articles that are asked for, and rows of the table that the bare query reads.
ASKED, ROWS = 10_000, 100_000
# Articles that readers read and editors write at the same time.
SHARED = 1_000
# Of more articles it takes more than an hour to find all lists of related ones ahead. Only those that are asked for are
# then found before, and the thread that goes on finding others has the load's core.
MOST_RANKED = 100_000
RANKING = "rank-ahead"
# The bare insert loop would need as much room again.
MOST_INSERTED = 100_000
# Added by whoever sends the answer, or different each time.
NOT_CAPTURED = {"date", "content-length", "connection", "transfer-encoding"}


class Size:
    """A store with so many articles, and what is asked of it."""

    def __init__(self, size, folder, programs, options):
        self.size, self.folder, self.programs = size, folder, programs
        self.rounds, self.seconds = options.rounds, options.seconds
        self.store = folder / "kiosque.db"
        self.cache_off = {"KIOSQUE_CACHE_MB": "0"} if "KIOSQUE_CACHE_MB" in self.command("config") else {}
        chosen = random.Random(size)
        # The newest is a translation where sizes are round.
        self.one = f"article-{size - 2}"
        numbers = range(size) if size <= ROWS else chosen.sample(range(size), ROWS)
        self.rows = [f"article-{number}" for number in numbers]
        self.asked = chosen.sample(self.rows, min(ASKED, len(self.rows)))
        self.cases = {
            "article": f"/v1/articles/{self.one}",
            "list": "/v1/articles",
            "tag": "/v1/tags/rubrique-0",
            "tag-list": "/v1/articles?tag=rubrique-0",
            "related": f"/v1/articles/{self.one}/related",
        }

    def step(self, what):
        return step(f"{self.size:,} articles: {what}")

    def measure(self):
        result = {}
        with self.step("import"):
            result["import"] = self.imported()
        with self.step("start"):
            result["start"] = self.starts()
        with self.kiosque() as server:
            with self.step("answers from the cache"):
                result["cached"] = self.side_by_side(server)
            result["memory, cache on"] = server.memory()
        with self.kiosque(cache=False) as server:
            with self.step("uncached articles"):
                result["uncached"] = self.against_one_query(server)
            with self.step("uncached reads of every kind"):
                result["reads"] = self.reads(server)
            result["memory"] = server.memory()
        # At the end: after many writes, all lists of related articles are made anew.
        with self.kiosque() as server:
            with self.step("reads while editors write"):
                result["writing"] = self.writing(server)
        return result

    def kiosque(self, cache=True):
        server = kiosque(self.programs["kiosque"], self.store, **({} if cache else self.cache_off))
        server.wait_for(self.cases["related"], complete, patience=3_600)
        if self.size > MOST_RANKED:
            server.set_aside(RANKING)
        server.wait_until_idle()
        return server

    def imported(self):
        """The import against the loop; the short ones several times."""
        corpus, bare = self.folder / "corpus.ndjson", self.folder / "bare.db"
        with corpus.open("w") as out:
            subprocess.run([self.programs["reference"], "corpus", str(self.size)], stdout=out, check=True)
        took, ratios = [], []
        for _ in range(self.rounds if self.size <= 10_000 else 1):
            self.forget(self.store)
            began = time.monotonic()
            self.command("import", corpus)
            took.append(time.monotonic() - began)
            if self.size <= MOST_INSERTED:
                loop = float(run([self.programs["reference"], "insert", self.store, bare]))
                ratios.append(loop / took[-1])
                self.forget(bare)
        corpus.unlink()
        result = {"rate": self.size / statistics.median(took)}
        return {**result, "ratio": statistics.median(ratios)} if ratios else result

    def command(self, *words):
        return run([self.programs["kiosque"], *words], env={**os.environ, "DATABASE_URL": f"sqlite://{self.store}"})

    def forget(self, store):
        for file in self.folder.glob(f"{store.name}*"):
            shutil.rmtree(file) if file.is_dir() else file.unlink()

    def starts(self):
        """The first start builds the indexes, with all cores; the second is measured, with what it reads in the
        system's cache, as far as there is room."""
        with kiosque(self.programs["kiosque"], self.store, cores=CORES) as server:
            built = server.wait_for("/readyz", patience=7_200)
            ranked = server.wait_until_idle() if self.size <= MOST_RANKED else None
        with kiosque(self.programs["kiosque"], self.store) as server:
            first = server.wait_for(self.cases["article"], patience=600)
            related = server.wait_for(self.cases["related"], complete, patience=3_600)
            if self.size > MOST_RANKED:
                for slug in self.asked:
                    server.get(f"/v1/articles/{slug}/related")
        return {"indexes_built_s": built, "ranked_ahead_s": ranked, "first_answer_s": first, "related_complete_s": related}

    def side_by_side(self, server):
        """Each case from Kiosque, from the bare server and from nginx, and the 304 of the article."""
        captured, static = self.folder / "captured", self.folder / "static"
        captured.mkdir()
        static.mkdir()
        tag = None
        for name, path in self.cases.items():
            status, headers, body = server.get(path)
            if status != 200:
                raise Failed(f"{path} is answered with {status}")
            kept = [f"{key}: {value}" for key, value in headers if key.lower() not in NOT_CAPTURED]
            (captured / name).write_bytes("\n".join([path, *kept, "", ""]).encode() + body)
            (static / f"{name}.json").write_bytes(body)
            if name == "article":
                tag = next(value for key, value in headers if key.lower() == "etag")
        result = {}
        with Server("bare", lambda port: [self.programs["reference"], "fixed", port, captured], self.folder) as bare:
            bare.wait_for(self.cases["article"])
            files = nginx(static)
            if files is not None:
                files.wait_for("/article.json")
            for name, path in self.cases.items():
                contenders = [("kiosque", server, {"path": path}), ("bare", bare, {"path": path})]
                if files is not None:
                    contenders.append(("nginx", files, {"path": f"/{name}.json"}))
                result[name] = duel(contenders, self.rounds, self.seconds)
            how = {"path": self.cases["article"], "headers": [f"If-None-Match: {tag}"]}
            result["304"] = duel([("kiosque", server, how), ("bare", bare, how)], self.rounds, self.seconds)
            if files is not None:
                files.stop()
        return result

    def writing(self, server):
        """Articles, lists, tags and neighbours in the proportions of a site, and writes to the same articles."""
        shared = self.asked[:SHARED]
        paths = [f"/v1/articles/{slug}" for slug in shared]
        paths += [f"/v1/articles/{slug}/related" for slug in shared[: SHARED // 10]]
        paths += [self.cases["list"], self.cases["tag-list"], self.cases["tag"]] * (SHARED // 20)
        key = self.command("key", "create", "bench", "--role", "editor").strip().splitlines()[-1]
        result = with_writes(server, key, self.paths("mix", paths), shared, self.rounds, self.seconds)
        newest = [f"article-{number}" for number in range(self.size - 11, self.size - 1)]
        result["visible"] = visibility(server, key, newest)
        return result

    def against_one_query(self, server):
        """The whole article by its slug, against a bare handler that reads a row with the same JSON."""
        rows = self.folder / "rows.db"
        self.fill(rows, server.get(self.cases["article"])[2].decode())
        paths = self.paths("articles", [f"/v1/articles/{slug}" for slug in self.asked])
        command = [self.programs["reference"], "row"]
        with Server("row", lambda port: [*command, port, self.folder / "captured", rows], self.folder) as bare:
            bare.wait_for(f"/v1/articles/{self.asked[0]}")
            contenders = [("kiosque", server, {"paths": paths}), ("row", bare, {"paths": paths})]
            return duel(contenders, self.rounds, self.seconds)

    def fill(self, rows, json_of_one):
        with sqlite3.connect(rows) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("CREATE TABLE pages (slug TEXT NOT NULL PRIMARY KEY, json TEXT NOT NULL) STRICT")
            connection.executemany(
                "INSERT INTO pages VALUES (?, ?)",
                ((slug, json_of_one.replace(self.one, slug)) for slug in self.rows),
            )
        connection.close()

    def reads(self, server):
        """Rates with many connections, and latencies with a few."""
        headlines = [found["headline"].split() for found in server.json("/v1/articles?limit=100")["data"]]
        tags = [tag["slug"] for tag in server.json("/v1/tags?order_by=count&limit=100")["data"]]
        kinds = {
            "article": [f"/v1/articles/{slug}" for slug in self.asked],
            "list": [self.cases["list"]],
            "tag": [f"/v1/tags/{tag}" for tag in tags],
            "tag-list": [f"/v1/articles?tag={tag}" for tag in tags],
            "related": [f"/v1/articles/{slug}/related" for slug in self.asked],
            # More than are kept.
            "related-found": [f"/v1/articles/{slug}/related?limit=13" for slug in self.asked],
            "search": [f"/v1/articles?q={quote(words[0])}+{quote(words[1])}" for words in headlines],
        }
        result = {}
        for kind, paths in kinds.items():
            how = {"paths": self.paths(kind, paths), "seconds": self.seconds}
            load(server, **how)
            many = medians([load(server, **how, connections=CONNECTIONS) for _ in range(self.rounds)])
            few = medians([load(server, **how, connections=FEW) for _ in range(self.rounds)])
            result[kind] = {**few, "rate": many["rate"], "cpu_us": many["cpu_us"]}
        return result

    def paths(self, name, paths):
        file = self.folder / f"{name}.paths"
        file.write_text("\n".join(paths) + "\n")
        return file


def complete(status, body):
    return status == 200 and json.loads(body)["page"].get("complete", False)
