"""Writes a corpus with hostile headlines (`corpus NUMBER`), and reads every feed of a server that has it (`check URL
SCHEMA`): well-formed, taken by feedparser without a complaint, valid, each article once, each headline as it was."""

import datetime
import json
import random
import re
import sys
import urllib.parse
import urllib.request
import uuid
import xml.etree.ElementTree as xml

HOSTILE = [
    "<script>alert(1)</script>", "]]>", "&amp; & &lt; &#0; &nbsp;", "\"double\" 'simple' «x»", "\u202eevil\u202c",
    "👩‍🚒🏳️‍🌈", "a\u0001b\u0008c\u001bd", "\ufffe\uffff", "<!-- -->", "<![CDATA[x]]>", "العربية", "中文标题", "x" * 400,
    "e\u0301\u0301" * 20, "</title></item>", "<?xml version='1.0'?>", "\u2028\u2029", "%00%0a", "\u0085\u009f",
    "\U0001fffe", "a\u200b\u200d\ufeffb", "<b>gras</b> & co",
]
BODIES = [
    "<p>Texte <b>gras</b> &amp; <a href='/rel'>x</a> <img src='img/a.jpg' alt='x'></p>", "<p>]]></p>",
    "<figure><img src='//cdn.example/a.png' srcset='/a.png 1x, /b.png 2x'><figcaption>c</figcaption></figure>",
]
KINDS = ["keyword", "person", "place", "organisation", "series", "section", "contributor"]
NAMESPACES = {
    "atom": "http://www.w3.org/2005/Atom",
    "site": "http://www.sitemaps.org/schemas/sitemap/0.9",
}


def corpus(number):
    chance = random.Random(7)
    start = datetime.datetime(2024, 1, 1, tzinfo=datetime.timezone.utc)
    for n in range(number):
        time = start + datetime.timedelta(minutes=37 * n)
        headline = f"{chance.choice(HOSTILE)} {n} {chance.choice(HOSTILE)}"
        yield {
            "id": str(uuid.UUID(int=(7 << 76) | (2 << 62) | n)),
            "slug": chance.choice(["a-{}", "été-{}", "مقال-{}"]).format(n),
            "headline": headline,
            "standfirst": chance.choice([None, headline]),
            "byline": chance.choice([None, "Salma & Co <x>"]),
            "language": chance.choice(["fr", "ar", "en", "zh-Hant"]),
            "body": chance.choice([*BODIES, "<p>" + headline.replace("<", "&lt;") + "</p>"]),
            "published_at": time.isoformat(),
            "updated_at": (time + datetime.timedelta(minutes=3)).isoformat(),
            "tags": [
                {"name": f"<tag> & \"{chance.randint(0, 20)}\"", "kind": chance.choice(KINDS)}
                for _ in range(chance.randint(0, 3))
            ],
            "image": chance.choice([None, {"url": "https://img.example/é.jpg?x=1&y=2", "alt": headline, "width": 8}]),
            "source": chance.choice([None, {"name": "Agence <x>", "url": "https://agence.example/?a=1&b=2"}]),
            "canonical_url": chance.choice([None, f"https://autre.example/{n}?x=é"]),
            "rights": chance.choice([None, {"license": "CC-BY-4.0"}, {"syndicatable": False}]),
        }


def get(address):
    with urllib.request.urlopen(address) as answer:
        return answer.read(), answer.headers


def clean(text):
    """Without what XML 1.0 does not have, or advises against."""
    return re.sub("[\x00-\x08\x0b-\x1f\x7f-\x9f\ufdd0-\ufdef\ufffe\uffff\U0001fffe\U0001ffff]", "", text)


class Check:
    def __init__(self, base, schema):
        import jsonschema

        kind = jsonschema.Draft202012Validator
        self.base = base
        self.ninjs = kind(json.loads(open(schema).read()), format_checker=kind.FORMAT_CHECKER)
        self.faults = 0
        self.articles = {}
        address = f"{base}/v1/articles?limit=100"
        while address:
            page = json.loads(get(address)[0])
            self.articles.update((article["id"], article) for article in page["data"])
            cursor = page["page"]["next"]
            address = cursor and f"{base}/v1/articles?limit=100&cursor={cursor}"

    def fault(self, *what):
        self.faults += 1
        if self.faults < 20:
            print("fault:", *(str(part)[:300] for part in what), file=sys.stderr)

    def walk(self, name, read):
        """`read` gives the items of a page, as id and headline, and the address of the next."""
        seen, address = [], f"{self.base}/v1/feeds/{name}?limit=100"
        while address:
            body, headers = get(address)
            items, address = read(address, body, headers)
            seen += [urn.rpartition(":")[2] for urn, _ in items]
            for urn, headline in items:
                meant = self.articles[urn.rpartition(":")[2]]["headline"]
                if headline not in (meant, clean(meant)):
                    self.fault(name, repr(headline), "is not", repr(meant))
        wanted = {id for id, article in self.articles.items() if article["rights"]["syndicatable"]}
        if len(seen) != len(wanted) or set(seen) != wanted:
            self.fault(name, len(seen), "articles instead of", len(wanted))
        print(f"{name}: {len(seen)} articles")

    def of_xml(self, items, identifier, title):
        import feedparser

        def read(address, body, headers):
            root = xml.fromstring(body)
            parsed = feedparser.parse(body, response_headers={"content-type": headers["content-type"]})
            if parsed.bozo:
                self.fault(address, parsed.bozo_exception)
            found = root.findall(items, NAMESPACES)
            if len(parsed.entries) != len(found) or any(not entry.get("content") for entry in parsed.entries):
                self.fault(address, "feedparser misses some of it")
            named = [(item.findtext(identifier, "", NAMESPACES), item.findtext(title, "", NAMESPACES)) for item in found]
            links = {link.get("rel"): link.get("href") for link in root.iterfind(".//atom:link", NAMESPACES)}
            return named, links.get("next")

        return read

    def of_json_feed(self, address, body, _):
        feed = json.loads(body)
        if feed["version"] != "https://jsonfeed.org/version/1.1" or feed["feed_url"] != address:
            self.fault(address, feed["version"], feed["feed_url"])
        return [(item["id"], item["title"]) for item in feed["items"]], feed.get("next_url")

    def of_ninjs(self, address, body, headers):
        page = json.loads(body)
        for error in self.ninjs.iter_errors(page):
            self.fault(address, error.json_path, error.message)
        next = re.search('<([^>]+)>; rel="next"', headers["link"] or "")
        items = [(item["uri"], item["title"]) for item in page["associations"]]
        return items, next and urllib.parse.urljoin(address, next[1])

    def sitemap(self):
        found = xml.fromstring(get(f"{self.base}/v1/feeds/sitemap")[0]).findall("site:url/site:loc", NAMESPACES)
        if len(found) != len(self.articles) or any(not loc.text.isascii() or len(loc.text) > 2047 for loc in found):
            self.fault("the sitemap has", len(found))
        print(f"sitemap: {len(found)} addresses")


def main():
    if sys.argv[1] == "corpus":
        for article in corpus(int(sys.argv[2])):
            print(json.dumps(article))
        return
    check = Check(sys.argv[2], sys.argv[3])
    check.walk("rss", check.of_xml("channel/item", "guid", "title"))
    check.walk("atom", check.of_xml("atom:entry", "atom:id", "atom:title"))
    check.walk("json", check.of_json_feed)
    check.walk("ninjs", check.of_ninjs)
    check.sitemap()
    sys.exit(f"{check.faults} faults" if check.faults else 0)


main()
