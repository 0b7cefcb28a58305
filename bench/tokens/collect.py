"""Makes the stored counts anew: five kinds of real text, counted with `ctok`.

`ctok` 1.3.0 is an unofficial reconstruction of the tokenizers. It needs Python 3.12 and is no
dependency of ours: install it into an environment of its own, and run this there from the root of
the repository. `README.md` beside this file says where the texts come from.
"""

import argparse
import ast
import csv
import importlib
import inspect
import json
import pydoc_data.topics
import random
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
TEXTS_EACH = 120
VERSIONS = {"until_4_6": "4.6", "from_4_7": "4.8"}
"""The two vocabularies; 4.7 and 4.8 part in the frame only."""

FRAMES = {"4.6": 7, "4.7": 11, "4.8": 6}
"""What `ctok` adds to the text of one user message. Source: ctok 1.3.0, README."""

_MODULES = (
    "argparse", "ast", "csv", "datetime", "difflib", "email.message", "fractions", "ftplib",
    "http.client", "imaplib", "json.decoder", "logging", "mailbox", "pathlib", "plistlib",
    "shutil", "smtplib", "statistics", "subprocess", "tarfile", "textwrap", "zipfile",
)  # fmt: skip
_FIELDS = ("Package", "Version", "Architecture", "Section", "Installed-Size", "Depends", "SHA256")


def _reviews(chance: random.Random, path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row["text"] for row in csv.DictReader(file)]
    while True:
        start, count = chance.randrange(len(rows) - 8), chance.choice((1, 1, 2, 3, 5, 8))
        yield " ".join(rows[start : start + count])


def _rows(chance: random.Random) -> Iterator[str]:
    listed = subprocess.run(
        ["apt-cache", "dumpavail"], capture_output=True, check=True, encoding="utf-8"
    ).stdout
    packages = [
        dict(line.split(": ", 1) for line in entry.splitlines() if ": " in line[:20])
        for entry in listed.split("\n\n")
    ]
    zones = [
        line.split("\t")
        for line in Path("/usr/share/zoneinfo/zone1970.tab").read_text("utf-8").splitlines()
        if not line.startswith("#")
    ]
    while True:
        row = chance.choice(packages)
        yield json.dumps({name: row[name] for name in _FIELDS if name in row})
        names = ("countries", "coordinates", "zone", "comments")
        some = chance.sample(zones, chance.choice((1, 2, 4)))
        yield json.dumps([dict(zip(names, zone, strict=False)) for zone in some])


def _python(chance: random.Random) -> Iterator[str]:
    found = []
    for name in _MODULES:
        source = inspect.getsource(importlib.import_module(name))
        found += [
            textwrap.dedent(ast.get_source_segment(source, node, padded=True) or "")
            for node in ast.walk(ast.parse(source))
            if isinstance(node, ast.FunctionDef)
        ]
    chance.shuffle(found)
    yield from (text for text in found if 80 < len(text) < 1_200)  # noqa: PLR2004  # a page


def _documents(chance: random.Random) -> Iterator[str]:
    parts = [
        part
        for topic in sorted(pydoc_data.topics.topics)
        for part in pydoc_data.topics.topics[topic].split("\n\n")
    ]
    while True:
        start = chance.randrange(len(parts) - 4)
        yield "\n\n".join(parts[start : start + chance.choice((1, 2, 4))])[:1_200]


def _languages(chance: random.Random, folder: Path) -> Iterator[str]:
    found = []
    for path in sorted(folder.glob("*/examples.py")):
        tree = ast.parse(path.read_text("utf-8"))
        lists = [node.value for node in ast.walk(tree) if isinstance(node, ast.Assign)]
        sentences = [one for value in lists for one in ast.literal_eval(value)]
        if path.parent.name != "en":
            found += [" ".join(sentences[at : at + 2]) for at in range(0, len(sentences), 2)]
    chance.shuffle(found)
    yield from found


def _kinds(reviews: Path, spacy: Path) -> dict[str, Callable[[random.Random], Iterator[str]]]:
    return {
        "reviews": lambda chance: _reviews(chance, reviews),
        "json rows": _rows,
        "python": _python,
        "documents": _documents,
        "languages": lambda chance: _languages(chance, spacy),
    }


def main() -> None:
    """Counts, and writes a file for each kind of text."""
    parser = argparse.ArgumentParser(prog="python -m bench.tokens.collect", description=__doc__)
    parser.add_argument("reviews", type=Path, help="a CSV with a column `text`")
    parser.add_argument("spacy", type=Path, help="the folder spacy/lang of spaCy's wheel")
    args = parser.parse_args()
    count = importlib.import_module("ctok").token_count
    for kind, texts in _kinds(args.reviews, args.spacy).items():
        chosen: dict[str, None] = {}
        for text in texts(random.Random(kind)):
            chosen[text.strip()] = None
            if len(chosen) == TEXTS_EACH:
                break
        with (HERE / f"{kind.replace(' ', '-')}.jsonl").open("w", encoding="utf-8") as file:
            for text in chosen:
                counts = {
                    name: count(text, version) - FRAMES[version]
                    for name, version in VERSIONS.items()
                }
                file.write(json.dumps({**counts, "text": text}, ensure_ascii=False) + "\n")
        print(f"{kind}: {len(chosen)} texts", file=sys.stderr)


if __name__ == "__main__":
    main()
