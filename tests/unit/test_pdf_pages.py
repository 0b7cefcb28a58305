"""The pages of a PDF, as they are counted, and what a plan makes of them."""

import json
import zlib
from base64 import b64encode

import pytest

from backburner.plan.inputs import Correction, inputs_of
from backburner.plan.pdf_pages import PAGE_TOKENS, pages_of
from backburner.plan.prompts import measure
from backburner.plan.workloads import Tally, Workload

PAGE = b"3 0 obj\n<< /Type /Page /Parent 2 0 R >>\nendobj\n"
TREE = b"2 0 obj\n<< /Type /Pages /Kids [3 0 R] >>\nendobj\n"


def pdf(pages):
    return b"%PDF-1.4\n" + TREE + PAGE * pages


def packed(data):
    return b"5 0 obj\n<</Type/ObjStm/N 3/Filter/FlateDecode>>\nstream\n" + data + b"\nendstream\n"


def body_of(*files, kind="application/pdf"):
    blocks = [
        {
            "type": "document",
            "source": {
                "type": "base64",
                "media_type": kind,
                "data": b64encode(file).decode(),
            },
        }
        for file in files
    ]
    message = {"role": "user", "content": [*blocks, {"type": "text", "text": "Sum up."}]}
    return json.dumps({"model": "m", "max_tokens": 9, "messages": [message]}).encode()


@pytest.mark.parametrize("pages", [1, 3, 40])
def test_pages_are_counted_and_their_tree_is_not(pages):
    assert pages_of(pdf(pages)) == pages


def test_pages_in_compressed_objects_are_seen():
    assert pages_of(b"%PDF-1.7\n" + packed(zlib.compress(PAGE * 7)) * 2) == 14


@pytest.mark.parametrize("data", [b"%PDF-1.7\n", b"%PDF-1.7\n" + packed(b"no zlib")])
def test_a_pdf_in_which_no_page_is_seen_has_one(data):
    assert pages_of(data) == 1


def test_a_prompt_has_the_pages_of_all_its_pdfs():
    prompt = measure(body_of(pdf(2), pdf(5)))

    assert (prompt.pages, prompt.files) == (7, False)


def test_what_is_no_base64_counts_as_a_page():
    body = json.loads(body_of(pdf(2)))
    body["messages"][0]["content"][0]["source"]["data"] = "no base64!"

    assert measure(json.dumps(body).encode()).pages == 1


def test_a_picture_is_still_named_and_not_guessed():
    body = body_of(b"....", kind="image/png")

    assert (measure(body).pages, measure(body).files) == (0, True)


def work(*bodies: bytes) -> Workload:
    tally = Tally("claude-haiku-4-5")
    for body in bodies:
        tally.add(body, 9)
    return tally.workload("claude-haiku-4-5")


def test_a_plan_reckons_with_the_pages_and_is_less_sure_of_them_than_of_text():
    found = inputs_of(work(body_of(pdf(10))))
    text = inputs_of(work(body_of()))

    assert found.pages == 10
    assert found.tokens.expected == text.tokens.expected + 10 * PAGE_TOKENS
    assert found.tokens.low < 7 * PAGE_TOKENS
    assert found.tokens.high > 14 * PAGE_TOKENS


def test_what_was_counted_needs_no_guess_at_its_pages():
    counted = Correction(requests=1, factor=0.5, error=0.03)

    found = inputs_of(work(body_of(pdf(10))), counted)

    assert found.pages == 0
    assert found.tokens.high < 6 * PAGE_TOKENS
