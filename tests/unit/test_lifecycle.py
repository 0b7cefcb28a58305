from datetime import date

import pytest

from backburner.plan.lifecycle import (
    SURELY_FITS,
    end_of,
    is_maybe_too_long,
    is_too_long,
    retiring,
    usable,
    window_of,
)

HAIKU, OPUS = "claude-haiku-4-5", "claude-opus-4-7"
PROSE = b"The quick brown fox jumps over the lazy dog. "


def test_an_end_is_known_by_alias_and_by_dated_id() -> None:
    assert end_of("claude-sonnet-4-5") == end_of("claude-sonnet-4-5-20250929")
    assert end_of("claude-3-5-haiku-latest") == date(2026, 2, 19)
    assert end_of(HAIKU) is None


def test_a_model_is_usable_until_the_day_it_retires() -> None:
    models = {"claude-sonnet-4-5", HAIKU}

    assert usable(models, date(2026, 11, 29)) == models
    assert usable(models, date(2026, 11, 30)) == {HAIKU}


def test_models_whose_end_is_set_are_named_with_it() -> None:
    assert list(retiring([HAIKU, "claude-sonnet-4-5"])) == [
        ("claude-sonnet-4-5", date(2026, 11, 30))
    ]


def test_windows_are_by_model() -> None:
    assert window_of("claude-haiku-4-5-20251001") == 200_000
    assert window_of(OPUS) == window_of("claude-haiku-5-5") == 1_000_000


@pytest.mark.parametrize("model", [HAIKU, OPUS])
def test_a_body_that_surely_fits_is_not_looked_at(model: str) -> None:
    body = PROSE * (SURELY_FITS // len(PROSE))

    assert not is_maybe_too_long(model, body)
    assert not is_too_long(model, body)


def test_prose_beyond_the_window_is_first_doubted_and_then_refused() -> None:
    some = PROSE * (900_000 // len(PROSE))
    more = PROSE * (1_300_000 // len(PROSE))

    assert is_maybe_too_long(HAIKU, some)
    assert not is_too_long(HAIKU, some)
    assert is_too_long(HAIKU, more)
    assert not is_maybe_too_long(OPUS, more)


@pytest.mark.parametrize(
    "body",
    [
        b" " * 2_000_000,
        b"\\u4e2d" * 300_000,
        b'{"type":"base64","data":"' + PROSE * 50_000 + b'"}',
    ],
)
def test_bytes_that_are_few_tokens_are_never_surely_too_long(body: bytes) -> None:
    assert not is_too_long(HAIKU, body)
