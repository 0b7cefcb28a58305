"""Which model is the next cheaper one."""

from typing import Final

from backburner.nouns.model import version_of
from backburner.nouns.tariff import Tariff, undated

_FAMILIES: Final = ("haiku", "sonnet", "opus", "fable")
"""From the cheapest to the dearest. Mythos is not for everybody, and never suggested."""


def next_cheaper(model: str, tariff: Tariff) -> str | None:
    """The newest model of the next cheaper family; None where there is none that costs less.

    Source: platform.claude.com models/overview (families), 2026-08-22.
    """
    name = undated(model)
    family = _family(name)
    price = tariff.models.get(name)
    if family is None or price is None:
        return None
    for cheaper in reversed(_FAMILIES[: _FAMILIES.index(family)]):
        of_family = [one for one in tariff.models if _family(one) == cheaper]
        newest = max(of_family, key=lambda one: version_of(one) or (0, 0), default=None)
        if newest is not None and tariff.models[newest].sync.input < price.sync.input:
            return newest
    return None


def _family(model: str) -> str | None:
    parts = model.split("-")
    return parts[1] if parts[:1] == ["claude"] and parts[1:2] and parts[1] in _FAMILIES else None
