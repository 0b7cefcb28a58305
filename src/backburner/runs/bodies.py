"""The bodies that travel: a rendered prompt in its parameters, or a list of requests as it came."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from backburner.plan.preflight import size_refusal
from backburner.runs.attached import AttachedFiles, RowFiles
from backburner.runs.faults import Faults, one_fault
from backburner.runs.fields import FieldPlan
from backburner.runs.record import Record, Table
from backburner.runs.template import PromptTemplate

_encode = msgspec.json.Encoder().encode

_OPTIONS = {
    "model": "name the model with --model",
    "max_tokens": "give the number with --max-tokens",
    "messages": "write the prompt with -p FILE or --prompt TEXT",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyShape:
    """The parameters that all rows of a run share, around the place of the prompt.

    Attributes:
        system: The system prompt, or None.
        params: Further parameters by key, each as the JSON it was given in.
    """

    model: str
    max_tokens: int
    system: str | None = None
    params: Mapping[str, msgspec.Raw] = field(default_factory=dict)
    _before: bytes = field(init=False, repr=False, compare=False)
    _after: bytes = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        start = {"model": self.model, "max_tokens": self.max_tokens}
        system = {} if self.system is None else {"system": self.system}
        before = _encode(start | system)[:-1] + b',"messages":[{"role":"user","content":'
        rest = b"".join(
            b"," + _encode(key) + b":" + bytes(value) for key, value in self.params.items()
        )
        object.__setattr__(self, "_before", before)
        object.__setattr__(self, "_after", b"}]" + rest + b"}")

    def body(self, prompt: str) -> bytes:
        """Gives the body of one row: the same prompt always gives the same bytes."""
        return self._before + _encode(prompt) + self._after

    def content(self, body: bytes) -> bytes:
        """Gives what stands in a body for the prompt, as JSON."""
        return body[len(self._before) : len(body) - len(self._after)]

    def body_of(self, blocks: Sequence[bytes]) -> bytes:
        """Gives the body of a row whose prompt is made of these blocks."""
        return self._before + b"[" + b",".join(blocks) + b"]" + self._after

    def cut_body(self, pieces: Sequence[str]) -> bytes:
        """Gives the body of a row whose prompt is cut into blocks of text."""
        if len(pieces) == 1:
            return self.body(pieces[0])
        blocks = [{"type": "text", "text": piece} for piece in pieces]
        return self._before + _encode(blocks) + self._after


def read_param(text: str) -> tuple[str, msgspec.Raw]:
    """Reads a parameter given as `key=json`; the JSON stays as it is written.

    Raises:
        InputFaults: `parameter_invalid`: it is not `key=json`, or the key has an option of its own.
    """
    key, sign, value = text.partition("=")
    key = key.strip()
    place = f"--param {key}"
    if not sign or not key:
        raise one_fault(
            f"--param {text}", "parameter_invalid", "is not key=json", "--param key=json"
        )
    if key in _OPTIONS:
        raise one_fault(place, "parameter_invalid", f"{key} has its own option", _OPTIONS[key])
    try:
        raw = msgspec.json.format(value.encode(), indent=-1)
    except ValueError as error:
        hint = f"text needs quotes of its own: --param '{key}=\"…\"'"
        raise one_fault(
            place, "parameter_invalid", f"the value is no JSON: {error}", hint
        ) from error
    return key, msgspec.Raw(raw)


def render_bodies(
    table: Table,
    template: PromptTemplate,
    shape: BodyShape,
    faults: Faults,
    fields: FieldPlan | None = None,
    files: AttachedFiles | None = None,
) -> Iterator[tuple[Record, bytes]]:
    """Renders each row of a table into its body; rows that cannot be are noted and left out."""
    render = template.render_or_note
    column = template.only_column(table.columns)
    for row, record in enumerate(table.records()):
        text: str | None = None
        cuts: Sequence[int] = ()
        try:
            if fields is not None:
                text, cuts = fields.written(record.values, row)
            own = None if files is None else RowFiles(files)
            attach = None if own is None else own.attach
            prompt = render(record.values, record.line, faults, text, attach)
            if prompt is None:
                continue
            if not prompt or prompt.isspace():
                hint = "remove the row, or write words around its cells in the template"
                what = "the prompt of this row is blank"
                faults.add("prompt_empty", what, line=record.line, column=column, hint=hint)
                continue
            if own is not None and (blocks := own.blocks(prompt)):
                body = shape.body_of(blocks)
            else:
                pieces = _pieces(prompt, text, cuts) if cuts else [prompt]
                body = shape.cut_body(pieces)
        except UnicodeEncodeError:
            _note_surrogate(record.line, column, faults)
            continue
        if refusal := size_refusal(len(body)):
            what = refusal.what + (f"; it attaches {', '.join(own.names)}" if own else "")
            faults.add(refusal.code, what, line=record.line, column=column, hint=refusal.hint)
            continue
        yield record, body


def _pieces(prompt: str, text: str | None, cuts: Sequence[int]) -> list[str]:
    """A prompt cut at places of the text in it; it stays whole where a filter changed the text.

    Blank pieces, which the API refuses, stay with the next one.
    """
    start = prompt.find(text) if text else -1
    if start < 0:
        return [prompt]
    pieces: list[str] = []
    begin = 0
    for place in cuts:
        piece = prompt[begin : start + place]
        if piece and not piece.isspace():
            pieces.append(piece)
            begin = start + place
    rest = prompt[begin:]
    if rest.isspace() and pieces:
        return [*pieces[:-1], pieces[-1] + rest]
    return [*pieces, rest]


def _note_surrogate(line: int, column: str | None, faults: Faults) -> None:
    what = "the prompt holds half of a surrogate pair, which is no character"
    faults.add("request_invalid", what, line=line, column=column, hint="mend the cell")
