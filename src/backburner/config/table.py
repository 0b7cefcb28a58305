"""A table of the configuration file, read key by key: each value comes with its origin."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, TypeVar

from backburner.errors import ConfigError

HIDDEN: Final = "(set, not shown)"

_Value = TypeVar("_Value")

_SHORTEST: Final = 0.001
_LONGEST: Final = 7 * 86_400.0
"""The most seconds that a setting takes: a socket waits 24 days at most, and what is longer than a
week is a mistake, since no batch lives longer than a day."""

_MOST: Final = 10**12
"""What no count comes near, and every date and integer column can hold."""

_FLAGS: Final = {"1": True, "true": True, "0": False, "false": False}


class Origin(StrEnum):
    """Where a setting's value comes from; the first that says something wins."""

    FLAG = "flag"
    ENVIRONMENT = "environment"
    FILE = "file"
    DEFAULT = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One setting as it holds.

    Attributes:
        path: Its place in the file, such as `retry.paused.times`.
        value: Never a secret's.
        detail: The variable, where the value is a variable's.
    """

    path: str
    value: object
    origin: Origin
    detail: str = ""


class ConfigTable:
    """One table of the file. What is read of it is noted, for `config show`.

    A setting that has a variable takes that before the file.
    """

    def __init__(
        self,
        file: Path,
        values: Mapping[str, Any],
        environment: Mapping[str, str],
        path: str = "",
        noted: list[Setting] | None = None,
    ) -> None:
        self.file = file
        self.path = path
        self.values = values
        self._environment = environment
        self._noted: list[Setting] = [] if noted is None else noted

    @property
    def noted(self) -> tuple[Setting, ...]:
        """What was read so far, of this table and those under it."""
        return tuple(self._noted)

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables that go before the file."""
        return self._environment

    def only(self, known: Iterable[str]) -> None:
        """Refuse keys that mean nothing: a misspelled one would be obeyed by nobody."""
        names = [str(one) for one in known]
        for key in self.values:
            if key not in names:
                like = get_close_matches(key, names, n=1)
                suggested = f"did you mean {like[0]}? " if like else ""
                raise ConfigError(
                    f"{self.file}: there is no {self._at(key)}",
                    hint=f"{suggested}there is {', '.join(names)}",
                )

    def table(self, key: str) -> "ConfigTable":
        """The table under a key; an empty one where there is none."""
        return self._under(key, self.values.get(key, {}))

    def tables(self, *, besides: Iterable[str] = ()) -> dict[str, "ConfigTable"]:
        """All tables under it, but for a few keys that are none."""
        others = set(besides)
        return {
            key: self._under(key, value) for key, value in self.values.items() if key not in others
        }

    def rows(self, key: str) -> list["ConfigTable"]:
        """The tables of a list, such as `[[routes]]`, in their order."""
        values = self.values.get(key, [])
        if not isinstance(values, list):
            raise self.wrong(key, values, f"a list of tables, such as [[{self._at(key)}]]")
        return [self._under(f"{key}[{n}]", value) for n, value in enumerate(values, 1)]

    def flag(self, key: str, *, usual: bool, variable: str = "") -> bool:
        """True or false."""
        text = self._environment.get(variable)
        if text:
            if text not in _FLAGS:
                raise ConfigError(
                    f"{variable}={text!r} is neither 1 nor 0", hint="leave it out for 0"
                )
            return self._note(key, _FLAGS[text], Origin.ENVIRONMENT, variable)
        value = self.values.get(key, usual)
        if not isinstance(value, bool):
            raise self.wrong(key, value, "true or false")
        return self._note(key, value)

    def text(
        self, key: str, usual: str = "", *, variable: str = "", is_secret: bool = False
    ) -> str:
        """A text; a secret one is never shown, not even where it is wrong."""
        named = self._environment.get(variable)
        value = named or self.values.get(key, usual)
        if not isinstance(value, str):
            raise self.wrong(key, "what stands there" if is_secret else value, "a text")
        shown = HIDDEN if is_secret and value else value
        if named:
            self._note(key, shown, Origin.ENVIRONMENT, variable)
        else:
            self._note(key, shown)
        return value

    def texts(self, key: str, usual: tuple[str, ...] = (), *, is_secret: bool = False) -> list[str]:
        """A list of texts."""
        value = self.values.get(key, list(usual))
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            wrong = "what stands there" if is_secret else value
            raise self.wrong(key, wrong, 'a list of texts, such as ["one", "two"]')
        self._note(key, HIDDEN if is_secret and value else value)
        return list(value)

    def one_of(self, key: str, usual: str, allowed: Iterable[str], *, variable: str = "") -> str:
        """One of a few words."""
        words = [str(one) for one in allowed]
        named = self._environment.get(variable)
        value = named or self.values.get(key, usual)
        if named and named not in words:
            raise ConfigError(
                f"{variable}={named!r} is neither {' nor '.join(words)}", hint="leave it out"
            )
        if value not in words:
            raise self.wrong(key, value, " or ".join(words))
        if named:
            return str(self._note(key, named, Origin.ENVIRONMENT, variable))
        return str(self._note(key, value))

    def seconds(
        self, key: str, usual: float, *, least: float = _SHORTEST, variable: str = ""
    ) -> float:
        """A number of seconds, up to a week."""
        text = self._environment.get(variable)
        if not text:
            return self.number(key, usual, least=least, most=_LONGEST)
        try:
            value = float(text)
        except ValueError:
            value = -1.0
        if not least <= value <= _LONGEST:
            raise ConfigError(
                f"{variable}={text!r} is no number of seconds from {least:g} to {_LONGEST:g}",
                hint="give one, such as 120",
            )
        return self._note(key, value, Origin.ENVIRONMENT, variable)

    def number(
        self,
        key: str,
        usual: float,
        *,
        least: float,
        most: float,
        whole: bool = False,
    ) -> float:
        """A number within limits."""
        value = self.values.get(key, usual)
        kinds = (int,) if whole else (int, float, Decimal)
        is_number = isinstance(value, kinds) and not isinstance(value, bool)
        number = float(value) if isinstance(value, Decimal) else value
        if not is_number or not least <= number <= most:
            kind = "a whole number" if whole else "a number"
            limits = f"at least {least:g}" if most == _MOST else f"from {least:g} to {most:g}"
            raise self.wrong(key, value, f"{kind}, {limits}")
        number = float(number)
        self._note(key, int(number) if number.is_integer() else number)
        return number

    def count(self, key: str, *, least: int = 1, most: float = _MOST) -> int | None:
        """A whole number, or None where nothing is said."""
        if key not in self.values:
            return self._note(key, None)
        return int(self.number(key, 0, least=least, most=most, whole=True))

    def note(self, key: str, value: object, origin: Origin | None = None, detail: str = "") -> None:
        """Note a value that a reader found by itself."""
        self._note(key, value, origin, detail)

    def wrong(self, key: str, value: object, wanted: str) -> ConfigError:
        """The error that says what stands under a key, and what may."""
        shown = str(value) if isinstance(value, Decimal) else repr(value)
        return ConfigError(
            f"{self.file}: {self._at(key)} is {shown}, not {wanted}",
            hint="change it, or leave it out if the usual will do; docs/cli.md tells of the file",
        )

    def _under(self, key: str, value: object) -> "ConfigTable":
        if not isinstance(value, dict):
            raise self.wrong(key, value, f"a table, such as [{self._at(key)}]")
        return ConfigTable(self.file, value, self._environment, self._at(key), self._noted)

    def _at(self, key: str) -> str:
        return f"{self.path}.{key}" if self.path else key

    def _note(
        self, key: str, value: _Value, origin: Origin | None = None, detail: str = ""
    ) -> _Value:
        found = origin or (Origin.FILE if key in self.values else Origin.DEFAULT)
        self._noted.append(Setting(path=self._at(key), value=value, origin=found, detail=detail))
        return value
