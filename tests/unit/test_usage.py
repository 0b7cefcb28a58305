import pytest
from hypothesis import given
from hypothesis import strategies as st

from backburner.nouns.outcome import CacheCreation, WireUsage
from backburner.nouns.usage import Usage, usage_of

counts = st.integers(0, 10**9)
usages = st.builds(
    Usage,
    input_tokens=counts,
    output_tokens=counts,
    cache_write_5m_tokens=counts,
    cache_write_1h_tokens=counts,
    cache_read_tokens=counts,
)


@given(usages, usages)
def test_adding_usage_adds_every_kind(a: Usage, b: Usage):
    total = a + b

    assert total == b + a
    assert total.prompt_tokens == a.prompt_tokens + b.prompt_tokens
    assert total.output_tokens == a.output_tokens + b.output_tokens
    assert total.cache_write_tokens == a.cache_write_tokens + b.cache_write_tokens
    assert total.cache_read_tokens == a.cache_read_tokens + b.cache_read_tokens


@pytest.mark.parametrize(
    "kind",
    [
        "input_tokens",
        "output_tokens",
        "cache_write_5m_tokens",
        "cache_write_1h_tokens",
        "cache_read_tokens",
    ],
)
def test_a_negative_count_is_refused(kind: str):
    with pytest.raises(ValueError, match="negative"):
        Usage(**{kind: -1})


def test_the_prompt_is_all_that_was_plain_written_and_read():
    usage = Usage(
        input_tokens=1,
        output_tokens=1_000,
        cache_write_5m_tokens=20,
        cache_write_1h_tokens=300,
        cache_read_tokens=4_000,
    )

    assert usage.prompt_tokens == 4_321
    assert usage.cache_write_tokens == 320


def test_a_message_without_caching_has_plain_input_only():
    wire = WireUsage(input_tokens=12, output_tokens=3)

    assert usage_of(wire) == Usage(input_tokens=12, output_tokens=3)


def test_cache_writes_are_split_by_lifetime():
    wire = WireUsage(
        input_tokens=1,
        output_tokens=2,
        cache_creation_input_tokens=30,
        cache_read_input_tokens=4,
        cache_creation=CacheCreation(ephemeral_5m_input_tokens=10, ephemeral_1h_input_tokens=20),
    )

    assert usage_of(wire) == Usage(
        input_tokens=1,
        output_tokens=2,
        cache_write_5m_tokens=10,
        cache_write_1h_tokens=20,
        cache_read_tokens=4,
    )


def test_cache_writes_of_no_stated_lifetime_are_five_minute_writes():
    wire = WireUsage(input_tokens=1, cache_creation_input_tokens=30)

    assert usage_of(wire) == Usage(input_tokens=1, cache_write_5m_tokens=30)
