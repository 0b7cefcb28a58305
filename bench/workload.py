"""Deterministic input: requests of about one kilobyte, and answers of many lengths.

Texts are sentences drawn from a large pool, so that they compress like prose and hardly repeat
within one frame of a stored file.
"""

import csv
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from random import Random

from backburner.emulator.settings import Rule

MODEL = "claude-haiku-4-5"
MAX_TOKENS = 1_024
REQUEST_TEXT_BYTES = 900
"""Of a request's kilobyte; keys, model and frame make the rest."""
REQUESTS_PER_BODY = 100_000
"""The most that the API takes in one batch."""

_SEED = 20_261_122
_POOL = 65_536
_WORDS_PER_SENTENCE = (6, 24)
_SPARE_SENTENCES = 4
_ANSWER_CHARS = (60, 120, 200, 300, 400, 550, 700, 850)
_DOUBLED_FROM = 700
"""Answers of forms from here on are given twice over, to be longer than the text."""
_TWICE = "\\1 \\1"
_VOCABULARY = """
the of and to a in is it that was for on as with his they at be this from have or by one had not but
what all were when we there can an your which their said if do will each about how up out them then
she many some so these would other into has more her two like him see time could no make than first
been its who now people my made over did down only way find use may water long little very after
words called just where most know get through back much before go good new write our used me man too
any day same right look think also around another came come work three word must because does part
even place well such here take why things help put years different away again off went old number
great tell men say small every found still between name should home big give air line set own under
read last never us left end along while might next sound below saw something thought both few those
always looked show large often together asked house world going want school important until form
food keep children feet land side without boy once animals life enough took sometimes four head
above kind began almost live page got earth need far hand high year mother light parts country
father let night following picture being study second eyes soon times story boys since white days
ever paper hard near sentence better best across during today others however sure means knew try
told young miles sun ways thing whole hear example heard several change answer room sea against top
turned learn point city play toward five using himself usually money seen car morning given trees
delivery refund invoice battery screen warranty customer account package shipping quality review
""".split()  # noqa: SIM905  # a list of four hundred strings would fill pages


class Writer:
    """Writes texts, the same ones each time."""

    def __init__(self) -> None:
        self._random = Random(_SEED)
        weights = [1 / (rank + 2) for rank in range(len(_VOCABULARY))]
        shortest, longest = _WORDS_PER_SENTENCE
        sizes = self._random.choices(range(shortest, longest + 1), k=_POOL)
        words = self._random.choices(_VOCABULARY, weights, k=sum(sizes))
        rest = iter(words)
        self._sentences = [_sentence([next(rest) for _ in range(size)]) for size in sizes]
        self._mean = sum(map(len, self._sentences)) // _POOL

    def text(self, number: int, size: int) -> str:
        """A text of about so many bytes, which names the length of its answer."""
        head = f"Text {number}, form {number % len(_ANSWER_CHARS)}:"
        count = size // self._mean + _SPARE_SENTENCES
        return " ".join([head, *self._random.choices(self._sentences, k=count)])[:size]


def _sentence(words: list[str]) -> str:
    return " ".join(words).capitalize() + "."


@cache
def rules() -> tuple[Rule, ...]:
    """The emulator's rules: the answer is the beginning of the text, long texts come twice."""
    return tuple(
        Rule(
            match=f"(?s)form {form}:(.{{0,{size}}})",
            answer=_TWICE if size >= _DOUBLED_FROM else "\\1",
        )
        for form, size in enumerate(_ANSWER_CHARS)
    )


def bodies(requests: int, text_bytes: int = REQUEST_TEXT_BYTES) -> Iterator[bytes]:
    """The parameters of each request, as JSON."""
    writer = Writer()
    for number in range(requests):
        message = {"role": "user", "content": writer.text(number, text_bytes)}
        params = {"model": MODEL, "max_tokens": MAX_TOKENS, "messages": [message]}
        yield json.dumps(params, separators=(",", ":")).encode()


def write_requests(path: Path, requests: int, text_bytes: int = REQUEST_TEXT_BYTES) -> None:
    """A list of requests, one a line, as the article's script has it."""
    with path.open("wb") as file:
        for number, body in enumerate(bodies(requests, text_bytes)):
            file.write(b'{"custom_id":"request-%07d","params":%b}\n' % (number, body))


def write_bodies(folder: Path, requests: int) -> list[Path]:
    """The create bodies of the same requests, ready to be sent as they are."""
    paths: list[Path] = []
    file = None
    for number, body in enumerate(bodies(requests)):
        if number % REQUESTS_PER_BODY == 0:
            if file is not None:
                file.write(b"]}")
                file.close()
            paths.append(folder / f"body-{len(paths)}.json")
            file = paths[-1].open("wb")
            file.write(b'{"requests":[')
        else:
            file.write(b",")
        file.write(b'{"custom_id":"request-%07d","params":%b}' % (number, body))
    file.write(b"]}")
    file.close()
    return paths


def write_table(path: Path, rows: int, text_bytes: int) -> None:
    """A CSV table with a key and a text in each row."""
    writer = Writer()
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["id", "text"])
        table.writerows(
            [f"row-{number:07d}", writer.text(number, text_bytes)] for number in range(rows)
        )
