"""A condition on rows: a sandboxed expression over columns, outcome and attempts."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from backburner.runs.faults import Faults, one_fault
from backburner.runs.template import PromptTemplate

_YES: Final = "yes"


class Condition:
    """A compiled condition such as `lang == "de" and attempts > 2`."""

    def __init__(self, text: str) -> None:
        if "%}" in text or "{%" in text or "{{" in text:
            hint = "write an expression alone, such as 'lang == \"de\"'"
            raise one_fault("--where", "template_error", "holds a template's braces", hint)
        whole = f"{{% if {text} %}}{_YES}{{% endif %}}"
        self._template = PromptTemplate.compile(whole, "--where", form="{}")

    def check(self, columns: Sequence[str], faults: Faults) -> None:
        """Notes every name in it that is no column."""
        self._template.check(columns, faults)

    def holds(self, values: Mapping[str, Any], line: int, faults: Faults) -> bool:
        """Whether it is true of a row; why it cannot be told is noted."""
        return self._template.render_or_note(values, line, faults) == _YES
