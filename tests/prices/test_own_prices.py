"""Own prices in `backburner.toml`: what they become, and what is said of mistakes."""

import os
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from backburner.config import price_terms, read_config, retry_policy
from backburner.errors import ConfigError, ModelUnknown
from backburner.nouns.batch import Via
from backburner.nouns.tariff import Rates, Tariff
from backburner.prices import known_models, tariff

NOW = datetime(2026, 11, 22, tzinfo=UTC)
PLAIN = "input = 2.40\noutput = 12\n"

Config = Callable[[str], Path]


@pytest.fixture
def config(tmp_path: Path) -> Config:
    def write(text: str) -> Path:
        path = tmp_path / "backburner.toml"
        path.write_text(text, encoding="utf-8")
        day = datetime(2026, 11, 3, 12, tzinfo=UTC).timestamp()
        os.utime(path, (day, day))
        return path

    return write


def priced(path: Path, *models: str) -> Tariff:
    return tariff(models or None, NOW, price_terms(read_config({}, path.parent)).own)


def test_an_own_price_goes_before_the_table_and_a_batch_is_half_of_it(config: Config):
    path = config(f"[prices.claude-sonnet-4-6]\n{PLAIN}as_of = 2026-11-01\n")

    price = priced(path).price("claude-sonnet-4-6")

    assert price.sync == Rates(
        input=2_400_000,
        output=12_000_000,
        cache_write_5m=3_000_000,
        cache_write_1h=4_800_000,
        cache_read=240_000,
    )
    assert price.batch.input * 2 == price.sync.input
    assert price.batch.cache_read * 2 == price.sync.cache_read
    assert (price.source, price.as_of) == ("backburner.toml", date(2026, 11, 1))


def test_all_other_models_keep_their_price_date_and_source(config: Config):
    path = config(f"[prices.claude-sonnet-4-6]\n{PLAIN}")
    usual = tariff(None, NOW)

    found = priced(path)

    assert (found.source, found.as_of) == (usual.source, usual.as_of)
    changed = {name for name in usual.models if usual.models[name] != found.models[name]}
    assert changed == {"claude-sonnet-4-6"}


def test_cache_factors_that_are_not_stated_are_the_models_own(config: Config):
    path = config("[prices.claude-fable-5-2]\ninput = 7.2\noutput = 36\ncache_write_1h = 1.9\n")

    price = priced(path).price("claude-fable-5-2")

    assert price.sync.cache_read == 180_000  # 0.025 of 7.20
    assert price.sync.cache_write_1h == 13_680_000
    assert price.sync.cache_write_5m == 9_000_000


def test_a_model_that_the_table_lacks_can_be_priced_and_sent(config: Config):
    path = config(f"[prices.claude-next]\n{PLAIN}cache_read = 0\n")
    terms = price_terms(read_config({}, path.parent))

    price = priced(path, "claude-next").price("claude-next")

    assert (price.sync.cache_write_1h, price.sync.cache_read) == (4_800_000, 0)
    assert "claude-next" in known_models(NOW, terms.own)
    assert "claude-next" not in known_models(NOW)
    with pytest.raises(ModelUnknown):
        priced(path, "claude-nxt")


def test_an_alias_and_a_dated_id_are_one_model_whichever_is_priced(config: Config):
    path = config(f"[prices.claude-haiku-4-5-20251001]\n{PLAIN}")

    found = priced(path)

    assert found.price("claude-haiku-4-5").source == "backburner.toml"
    assert found.price("claude-haiku-4-5-20251001").sync.input == 2_400_000


def test_steps_are_stated_like_the_price(config: Config):
    steps = "steps = [{ above = 100_000, input = 0.4, output = 2.0 }]\n"
    path = config(f"[prices.claude-haiku-5-5]\ninput = 0.08\noutput = 0.4\n{steps}")

    price = priced(path).price("claude-haiku-5-5")

    assert price.rates(100_000, Via.BATCH).input == 40_000
    assert price.rates(100_001, Via.BATCH).input == 200_000
    assert price.rates(100_001, Via.DIRECT).cache_read == 40_000


def test_a_price_without_the_steps_that_its_model_has_is_refused(config: Config):
    path = config("[prices.claude-haiku-5-5]\ninput = 0.08\noutput = 0.4\n")

    with pytest.raises(ConfigError, match="above 100,000 tokens") as caught:
        priced(path, "claude-haiku-5-5")

    assert "steps = []" in caught.value.hint
    flat = config("[prices.claude-haiku-5-5]\ninput = 0.08\noutput = 0.4\nsteps = []\n")
    assert priced(flat).price("claude-haiku-5-5").steps == ()


def test_the_day_of_a_price_is_that_of_the_file_if_it_is_not_stated(config: Config):
    path = config(f"[prices.claude-sonnet-4-6]\n{PLAIN}")

    assert priced(path).price("claude-sonnet-4-6").as_of == date(2026, 11, 3)


def test_prices_and_the_retry_policy_share_a_file(config: Config):
    path = config(f"[retry]\nlongest_wait = 60\n[prices.claude-sonnet-4-6]\n{PLAIN}")

    assert retry_policy(read_config({}, path.parent)).longest_wait == 60
    assert set(price_terms(read_config({}, path.parent)).own) == {"claude-sonnet-4-6"}


def test_without_a_file_there_is_no_own_price(tmp_path: Path):
    terms = price_terms(read_config({}, tmp_path))

    assert (terms.own, terms.allow_unknown) == ({}, False)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("prices = 5", "prices is 5, not a table"),
        ("[prices]\nclaude-sonnet-4-6 = 3", "prices.claude-sonnet-4-6 is 3, not a table, such"),
        ("[prices.m]\ninput = 3", "[prices.m]: Object missing required field `output`"),
        (f"[prices.m]\n{PLAIN}batch = 1", "[prices.m]: Object contains unknown field `batch`"),
        ("[prices.m]\ninput = 'a'\noutput = 1", "[prices.m]: Invalid decimal string"),
        ("[prices.m]\ninput = true\noutput = 1", "[prices.m]: Expected `decimal`, got `bool`"),
        ("[prices.m]\ninput = -1\noutput = 1", "[prices.m]: input is -1, not a number"),
        ("[prices.m]\ninput = nan\noutput = 1", "[prices.m]: input is NaN, not a number"),
        (f"[prices.m]\n{PLAIN}cache_read = inf", "[prices.m]: cache_read is Infinity, not a"),
        (f"[prices.m]\n{PLAIN}as_of = 'May'", "[prices.m]: Invalid RFC3339 encoded date"),
        (
            f"[prices.m]\n{PLAIN}steps = [{{ above = 0, input = 1, output = 1 }}]",
            "[prices.m]: steps do not rise",
        ),
        ("[prices.m]\ninput = 0.00001\noutput = 1", "[prices.m]: input of $0.00001 is too fine"),
        (f"[prices.m]\n{PLAIN}cache_read = 0.00001", "cache_read of $0.000024 is too fine"),
    ],
)
def test_a_mistake_is_told_with_the_model_and_what_is_wrong(config: Config, text: str, told: str):
    with pytest.raises(ConfigError) as caught:
        priced(config(text))

    assert told in str(caught.value)
    assert caught.value.hint


@pytest.mark.parametrize("figure", ["-1", "0.00001"])
def test_a_mistake_is_told_with_the_file_that_was_named(tmp_path: Path, figure: str):
    path = tmp_path / "case.toml"
    path.write_text(f"[prices.m]\ninput = {figure}\noutput = 1\n")
    environment = {"BACKBURNER_CONFIG": str(path)}

    with pytest.raises(ConfigError) as caught:
        tariff(None, NOW, price_terms(read_config(environment, tmp_path)).own)

    assert str(caught.value).startswith(f"{path}: [prices.m]: input ")


def test_the_example_of_the_documentation_holds(config: Config):
    page = (Path(__file__).parents[2] / "docs" / "cli.md").read_text(encoding="utf-8")
    example = "[prices.claude-sonnet-4-6]" + page.partition("[prices.claude-sonnet-4-6]")[2]

    found = priced(config(example.partition("```")[0]), "claude-sonnet-4-6", "claude-next")

    assert found.price("claude-sonnet-4-6").as_of == date(2026, 11, 1)
    assert found.price("claude-next").rates(100_001, Via.BATCH).output == 10_000_000
