"""Tokens estimated without a tokenizer, against the stored counts of an unofficial counter."""

import pytest
from bench.tokens.stored import COUNTED, KINDS, Stored, fit, fitted, held_out
from hypothesis import given
from hypothesis import strategies as st

from backburner.plan.tokens import (
    FEATURES,
    Tokenizer,
    features_of,
    tokenizer_of,
    total,
)

TOKENIZERS = [Tokenizer.UNTIL_4_6, Tokenizer.FROM_4_8]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("tokenizer", TOKENIZERS, ids=lambda one: one.name)
def test_tokens_are_within_fifteen_percent_of_texts_the_fit_has_not_seen(
    tokenizer: Tokenizer, kind: str
):
    stored = held_out(kind)
    counted = sum(one.tokens(tokenizer) for one in stored)

    estimated = sum(tokenizer.tokens(features_of(one.text)) for one in stored)

    assert 0.85 * counted <= estimated <= 1.15 * counted


@pytest.mark.parametrize("kind", KINDS)
def test_no_text_is_both_fitted_and_held_out(kind: str):
    seen = {one.text for one in fitted(kind)}

    assert len(seen) == 60
    assert not seen & {one.text for one in held_out(kind)}


@pytest.mark.parametrize("tokenizer", TOKENIZERS, ids=lambda one: one.name)
def test_the_coefficients_are_those_that_the_stored_counts_give(tokenizer: Tokenizer):
    assert tokenizer.weights == fit(tokenizer)


def test_both_vocabularies_are_counted():
    assert list(COUNTED.values()) == TOKENIZERS


@pytest.mark.parametrize(
    ("model", "tokenizer"),
    [
        ("claude-haiku-4-5-20251001", Tokenizer.UNTIL_4_6),
        ("claude-sonnet-4-6", Tokenizer.UNTIL_4_6),
        ("claude-opus-4-7", Tokenizer.V4_7),
        ("claude-opus-4-8", Tokenizer.FROM_4_8),
        ("claude-haiku-5-5", Tokenizer.FROM_4_8),
        ("claude-next", Tokenizer.FROM_4_8),
    ],
)
def test_a_model_has_the_tokenizer_of_its_generation(model: str, tokenizer: Tokenizer):
    assert tokenizer_of(model) is tokenizer


def test_newer_tokenizers_make_more_tokens_of_each_kind_of_text_but_foreign_scripts():
    for kind in KINDS[:4]:
        old, new = (sum(one.tokens(t) for one in held_out(kind)) for t in TOKENIZERS)

        assert 1.1 < new / old < 1.5


def test_everything_that_is_counted_has_a_name():
    text = "Café at 12:30  from userName, 日本 and Київ, ภาษา\n"

    found = dict(zip(FEATURES, features_of(text), strict=True))

    assert found == {
        "words": 5,
        "letters after the fifth of a word": 3,
        "capitals inside words": 1,
        "words that begin with a capital": 1,
        "groups of three digits": 2,
        "runs of punctuation": 3,
        "runs of spaces": 1,
        "spaces before digits": 1,
        "letters with accents": 1,
        "characters of two bytes": 4,
        "characters of three bytes and more": 4,
        "characters of East Asia": 2,
    }


@given(st.lists(st.text(max_size=50), max_size=5))
def test_what_is_counted_adds_up(texts: list[str]):
    parts = [features_of(text) for text in texts]

    assert total(parts) == tuple(sum(part[at] for part in parts) for at in range(len(FEATURES)))


def test_a_long_text_is_counted_in_slices_as_if_whole():
    stored: list[Stored] = [one for kind in KINDS for one in held_out(kind)]
    page = "\n".join(one.text for one in stored)
    tokenizer = Tokenizer.FROM_4_8

    whole = 10 * tokenizer.tokens(total(features_of(one.text) for one in stored))

    assert 0.95 * whole < tokenizer.tokens(features_of(page * 10)) < 1.05 * whole
