"""What is told of a template that is broken or fails: never a cell, which a message may quote."""

import re
from collections.abc import Collection, Iterator
from difflib import get_close_matches
from typing import Final

from jinja2 import Environment, TemplateError, nodes

_ELEMENT: Final = re.compile(r"no element .*", re.DOTALL)
_QUOTED: Final = re.compile(r"'([^']*)'")
_KINDS: Final = frozenset({"bool", "dict", "float", "int", "list", "None", "str", "tuple"})
_UNKNOWN: Final = re.compile(r"No (filter|test) named '([^']*)'\.?(?: found\.)?")

_PLAIN: Final = (AssertionError, OverflowError, TypeError, ZeroDivisionError)
"""What Jinja and Python raise with types and limits alone; others quote the value at fault."""

_HINTS: Final = {
    TypeError: "cells of CSV are text: a number is written as {}",
    ZeroDivisionError: "leave such rows out with --where, or ask for the number before dividing",
}
_HINT: Final = "mend the expression, or the row"


def said_of(error: Exception, own: Collection[str]) -> str:
    """What an error of a row says, as far as it can hold no cell.

    Args:
        own: The words that the template itself is written with.
    """
    kind = type(error).__name__
    if isinstance(error, TemplateError):
        message = _ELEMENT.sub("no such element", error.message or "")
        if message and _is_safe(message, own):
            return message.removesuffix(".")
    if isinstance(error, _PLAIN) and str(error):
        return f"{kind}: {error}"
    return f"{kind} while rendering"


def _is_safe(message: str, own: Collection[str]) -> bool:
    """Whether a message of Jinja's quotes nothing but types and the template's own words."""
    rest = _QUOTED.sub("", message)
    if "'" in rest or '"' in rest:
        return False
    words = _QUOTED.findall(message)
    return all(word in own or word.removesuffix(" object") in _KINDS for word in words)


def hint_of(error: Exception, environment: Environment, number: str) -> str:
    """What to do about an error of a row.

    Args:
        number: How a number is written in the template, such as `{{ price|float }}`.
    """
    if isinstance(error, TemplateError) and (hint := unknown_hint(error.message, environment)):
        return hint
    return _HINTS.get(type(error), _HINT).format(number)


def unknown_hint(message: str | None, environment: Environment) -> str | None:
    """The names that are near to a filter or test that there is not; None of other errors."""
    found = _UNKNOWN.match(message or "")
    if found is None:
        return None
    known = environment.filters if found[1] == "filter" else environment.tests
    near = get_close_matches(found[2], known, n=3)
    if near:
        return f"did you mean {' or '.join(near)}?"
    return f"the {found[1]}s that there are stand in jinja.palletsprojects.com/templates"


def words_of(tree: nodes.Template) -> Iterator[str]:
    """The names and texts that a template is written with."""
    for node in tree.find_all(nodes.Node):
        match node:
            case nodes.Name(name=str(word)) | nodes.Getattr(attr=str(word)):
                yield word
            case nodes.Filter(name=str(word)) | nodes.Test(name=str(word)):
                yield word
            case nodes.Const(value=str(word)):
                yield word
            case _:
                pass
