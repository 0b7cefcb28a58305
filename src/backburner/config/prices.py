"""`[prices]`: what the user states that models cost."""

from datetime import UTC, datetime
from typing import Final

from backburner.config.table import ConfigTable
from backburner.nouns.own_price import OwnPrice, PriceTerms, own_price

ALLOW_UNKNOWN_PRICE: Final = "BACKBURNER_ALLOW_UNKNOWN_PRICE"


def price_terms(root: ConfigTable) -> PriceTerms:
    """What a file says in its `[prices]`, and a variable.

    Raises:
        ConfigError: It says something that cannot be.
    """
    chosen = root.table("prices")
    return PriceTerms(
        own=_own_prices(chosen),
        allow_unknown=chosen.flag("allow_unknown", usual=False, variable=ALLOW_UNKNOWN_PRICE),
    )


def _own_prices(chosen: ConfigTable) -> dict[str, OwnPrice]:
    models = chosen.tables(besides=("allow_unknown",))
    if not models:
        return {}
    changed = datetime.fromtimestamp(chosen.file.stat().st_mtime, UTC).date()
    own = {
        model: own_price(f"{table.file}: [{table.path}]", table.values, changed)
        for model, table in models.items()
    }
    for model, price in own.items():
        for key in models[model].values:
            models[model].note(key, getattr(price, key))
    return own
