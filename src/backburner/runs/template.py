"""Prompts and paths rendered over rows: sandboxed, strict, and checked before the first row."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Self

from jinja2 import StrictUndefined, Template, TemplateSyntaxError, meta, nodes
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from backburner.runs.attached import FileRefused
from backburner.runs.faults import Faults, one_fault
from backburner.runs.fields import FIELDS
from backburner.runs.template_errors import hint_of, said_of, unknown_hint, words_of

ROW = "row"
"""The name under which a template finds the whole row."""

ATTACH = "attach"
"""The name under which a prompt finds what attaches a file."""

_HEADING_HINT = "a heading that is not a single word is written {}"
_HEADING = "row['Product name']"
_NUMBER = "price|float"
_BRACES = "{{{{ {} }}}}"
_EXCUSES = frozenset({"defined", "undefined", "default", "d"})


class PromptTemplate:
    """A compiled template.

    The same row always gives the same text: what depends on chance is not there. An empty cell
    (null) is rendered as nothing.
    """

    def __init__(self, template: Template, tree: nodes.Template, name: str, form: str) -> None:
        self.name = name
        self._form = form
        self._template = template
        self._tree = tree
        self._root: Callable[[Context], Iterator[str]] = template.root_render_func
        self._globals = dict(template.globals)
        self._blocks = template.blocks

    @classmethod
    def compile(cls, text: str, name: str, form: str = _BRACES) -> Self:
        """Compiles a template.

        Args:
            text: The template.
            name: Its file, or what to call it in messages.
            form: How a person writes an expression in it.

        Raises:
            InputFaults: `template_error`: its syntax is broken; the line is named.
        """
        try:
            tree = _environment.parse(text)
            return cls(_environment.from_string(text), tree, name, form)
        except TemplateSyntaxError as error:
            what = f"line {error.lineno}: {error.message}"
            hint = unknown_hint(error.message, _environment)
            heading = _HEADING_HINT.format(form.format(_HEADING))
            raise one_fault(name, "template_error", what, hint or heading) from error

    def check(self, columns: Sequence[str], faults: Faults) -> None:
        """Notes every column that the template names and the table lacks."""
        known = {*columns, ROW, FIELDS, ATTACH, *self._globals}
        unknown = meta.find_undeclared_variables(self._tree) - known
        excused = _excused(self._tree) | _own(self._tree)
        for name in sorted(unknown - excused):
            self._note_missing(name, columns, _line_of(self._tree, name), faults)
        for name, line in _row_keys(self._tree):
            if name not in columns and name not in excused:
                self._note_missing(name, columns, line, faults)
        for other in meta.find_referenced_templates(self._tree):
            hint = "put its text into this template"
            what = f"includes {other!r}, but a prompt is one file"
            faults.add("template_error", what, path=self.name, hint=hint)
        if self.fields(columns) == ():
            what = f"{{{{ {FIELDS} }}}} stands for no column, since all are named besides"
            hint = "take it out, or leave some of the columns to it"
            faults.add("template_error", what, path=self.name, hint=hint)

    @property
    def attaches(self) -> bool:
        """Whether it attaches files."""
        return ATTACH in meta.find_undeclared_variables(self._tree)

    def fields(self, columns: Sequence[str]) -> tuple[str, ...] | None:
        """The columns that `{{ fields }}` stands for: those that are named nowhere else.

        None where the template does not say it, or where the table has a column of that name.
        """
        names = meta.find_undeclared_variables(self._tree)
        if FIELDS not in names or FIELDS in columns:
            return None
        keys = (_key_of(node) for node in self._tree.find_all((nodes.Getattr, nodes.Getitem)))
        named = names.union(keys)
        return tuple(column for column in columns if column not in named)

    def before_fields(self, columns: Sequence[str]) -> tuple[list[str], int]:
        """The columns named before `{{ fields }}`, and how many bytes of plain text stand there."""
        named: list[str] = []
        size = 0
        for node in self._tree.find_all((nodes.TemplateData, nodes.Expr)):
            if isinstance(node, nodes.TemplateData):
                size += len(node.data.encode())
                continue
            key = _key_of(node) if isinstance(node, nodes.Expr) else None
            if key == FIELDS:
                break
            if key is not None and key in columns:
                named.append(key)
        return named, size

    def only_column(self, columns: Sequence[str]) -> str | None:
        """The column that the template takes its text from, where there is just one."""
        keys = {key for key, _ in _row_keys(self._tree)}
        used = (meta.find_undeclared_variables(self._tree) | keys).intersection(columns)
        return used.pop() if len(used) == 1 else None

    def render(
        self,
        values: Mapping[str, Any],
        fields: str | None = None,
        attach: Callable[[object], str] | None = None,
    ) -> str:
        """Renders one row.

        Args:
            values: Its cells by column.
            fields: What `{{ fields }}` gives; None where it is no word of this template.
            attach: Takes the path of a file, and gives what stands for it; None where files have
                no place.

        Raises:
            TemplateError: The row lacks a value, or a rule of the sandbox was broken.
            Exception: Whatever a filter or an operator makes of a value.
        """
        # The context is made directly: `Template.render` copies every row twice on its way here.
        # Attribute look-ups and calls are guarded in the compiled code itself.
        files = {} if attach is None else {ATTACH: attach}
        names = {**self._globals, **files, **values, ROW: values}
        if fields is not None:
            names[FIELDS] = fields
        return "".join(self._root(Context(_environment, names, self.name, self._blocks)))

    def render_or_note(
        self,
        values: Mapping[str, Any],
        line: int,
        faults: Faults,
        fields: str | None = None,
        attach: Callable[[object], str] | None = None,
    ) -> str | None:
        """Renders one row, or notes why it cannot be."""
        try:
            return self.render(values, fields, attach)
        except FileRefused as refused:
            faults.add(refused.code, refused.what, line=line, hint=refused.hint)
        except Exception as error:  # noqa: BLE001 - a template may raise anything a filter raises
            hint = hint_of(error, _environment, self._form.format(_NUMBER))
            faults.add("template_error", self.told(error), line=line, hint=hint)
        return None

    def _note_missing(
        self, name: str, columns: Sequence[str], line: int | None, faults: Faults
    ) -> None:
        near = _nearest(name, columns)
        hint = (
            f"did you mean {self._form.format(_written(near))}?"
            if near
            else f"there is {', '.join(columns)}"
        )
        what = f"names the column {name!r}, which the table does not have"
        faults.add("column_missing", what, line=line, path=self.name, hint=hint)

    def told(self, error: Exception) -> str:
        """What an error of a row says, without any cell, and where in the template it came up."""
        at = self._line_at(error)
        place = f"{self.name}, line {at}" if at else self.name
        return f"{said_of(error, set(words_of(self._tree)))} ({place})"

    def _line_at(self, error: Exception) -> int | None:
        trace, at = error.__traceback__, None
        while trace:
            if trace.tb_frame.f_code is self._root.__code__:
                at = self._template.get_corresponding_lineno(trace.tb_lineno)
            trace = trace.tb_next
        return at


def _shown(value: Any) -> Any:
    return "" if value is None else value


def _make_environment() -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined,
        autoescape=False,
        keep_trailing_newline=True,
        finalize=_shown,
    )
    # What gives another text each time would make another request of the same row.
    del environment.globals["lipsum"]
    del environment.filters["random"]
    return environment


_environment = _make_environment()


def _excused(tree: nodes.Template) -> set[str]:
    """Names whose absence the template provides for."""
    return {
        str(key)
        for test in tree.find_all((nodes.Test, nodes.Filter))
        if isinstance(test, nodes.Test | nodes.Filter) and test.name in _EXCUSES
        if (key := _key_of(test.node)) is not None
    }


def _own(tree: nodes.Template) -> set[str]:
    """Names that the template makes itself: inside its blocks they look like columns."""
    macros = {node.name for node in tree.body if isinstance(node, nodes.Macro)}
    assigned = (node.target for node in tree.body if isinstance(node, nodes.Assign))
    return macros | {target.name for target in assigned if isinstance(target, nodes.Name)}


def _key_of(node: nodes.Expr | None) -> str | None:
    match node:
        case nodes.Name(name=str(name)):
            return name
        case nodes.Getattr(node=nodes.Name(name="row"), attr=str(name)):
            return name
        case nodes.Getitem(node=nodes.Name(name="row"), arg=nodes.Const(value=str(name))):
            return name
        case _:
            return None


def _row_keys(tree: nodes.Template) -> Iterator[tuple[str, int]]:
    for item in tree.find_all(nodes.Getitem):
        if (name := _key_of(item)) is not None:
            yield name, item.lineno


def _line_of(tree: nodes.Template, name: str) -> int | None:
    lines = (node.lineno for node in tree.find_all(nodes.Name) if node.name == name)
    return min(lines, default=None)


def _nearest(name: str, columns: Sequence[str]) -> str | None:
    plain = {_plain(column): column for column in reversed(columns)}
    near = get_close_matches(_plain(name), plain, n=1)
    return plain[near[0]] if near else None


def _plain(name: str) -> str:
    return "".join(letter if letter.isalnum() else "_" for letter in name.strip().casefold())


def _written(column: str) -> str:
    if column.isidentifier():
        return column
    quote = '"' if "'" in column else "'"
    return f"row[{quote}{column}{quote}]"
