"""What makes the API refuse the body of one request, and in which words.

In a batch these checks run when a request's turn comes, so a defect is an `errored` line after the
batch has ended; in a call of `/v1/messages` the same defects are a 400 or 404.

Source: platform.claude.com/docs/en/build-with-claude/batch-processing (2026-09-26), api/errors and
api/migration-2026-10-21; wording as recorded by third parties on 2026-09-02, and the emulator's own
where nothing is recorded.
"""

import re
from dataclasses import dataclass, field

import msgspec
from msgspec import UNSET, Raw, Struct

from backburner.emulator import catalogue, parameters
from backburner.emulator.catalogue import Model
from backburner.emulator.parameters import Params
from backburner.emulator.settings import Switches
from backburner.emulator.shapes import Problem

VERSION_2023 = "2023-06-01"
VERSION_2026 = "2026-10-21"
VERSIONS = (VERSION_2023, VERSION_2026)
EXTENDED_OUTPUT_BETA = "output-300k-2026-03-24"
EXTENDED_OUTPUT_TOKENS = 300_000
MESSAGES_PER_REQUEST = 100_000
_SAMPLING = ("temperature", "top_p", "top_k")
_ROLES = ("user", "assistant", "system")
_VISIBLE = {"error_visibility": "user_facing"}
_UNREACHABLE = (".invalid", ".test", ".example")


@dataclass(frozen=True, slots=True)
class Terms:
    """What a request was sent under: version, betas, and whether in a batch."""

    version: str
    betas: frozenset[str] = frozenset()
    in_batch: bool = True
    strict: bool = True
    switches: Switches = field(default_factory=Switches)


class Valid(Struct, frozen=True, gc=False):
    """A body without defect, with the model that it names."""

    params: Params
    model: Model


def invalid(message: str) -> Problem:
    """The problem of a body that needs a change before it can be sent again."""
    return Problem("invalid_request_error", message, _VISIBLE)


def unknown_model(name: str) -> Problem:
    """The problem of a model that does not exist, or no longer."""
    return Problem("not_found_error", f"model: {name}", _VISIBLE)


def check(raw: bytes | Raw, terms: Terms) -> Valid | Problem:
    """A body as the API would take it, or why it would not."""
    decoder = parameters.strict if terms.strict else parameters.lenient
    try:
        params = decoder.decode(raw)
    except msgspec.ValidationError as error:
        return invalid(_reworded(str(error)))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return invalid(f"The request body is not valid JSON: {error}")
    return _checked(params, terms)


def _checked(params: Params, terms: Terms) -> Valid | Problem:
    name, asked, turns = params.model, params.max_tokens, params.messages
    if name is UNSET or asked is UNSET or turns is UNSET:
        missing = "model" if name is UNSET else "max_tokens" if asked is UNSET else "messages"
        return invalid(f"{missing}: Field required")
    model = catalogue.find(name)
    if model is None and not terms.strict:
        model = catalogue.stand_in(name)
    if model is None or model.lifecycle == "retired":
        return unknown_model(name)
    message = (
        _max_tokens(asked, name, model, terms)
        or _turns(turns, terms)
        or _options(params, model)
        or (_unfit_for_batch(params, terms) if terms.in_batch else _unfit_for_call(params))
        or (forbidden_by_version(params, terms.version) if terms.strict else None)
    )
    return invalid(message) if message else Valid(params, model)


def _max_tokens(asked: int, name: str, model: Model, terms: Terms) -> str | None:
    if asked < (1 if terms.in_batch else 0):
        return "max_tokens: must be greater than or equal to 1"
    limit = model.max_output
    if asked <= limit:
        return None
    extended = model.extended_output or (
        terms.switches.extended_output_everywhere and model.line in ("fable", "mythos")
    )
    if extended and terms.in_batch and EXTENDED_OUTPUT_BETA in terms.betas:
        limit = EXTENDED_OUTPUT_TOKENS
    if asked <= limit:
        return None
    return (
        f"max_tokens: {asked} > {limit}, which is the maximum allowed number of output tokens "
        f"for {name}"
    )


def _turns(turns: list[parameters.Turn], terms: Terms) -> str | None:
    if not turns:
        return "messages: at least one message is required"
    if len(turns) > MESSAGES_PER_REQUEST:
        return f"messages: at most {MESSAGES_PER_REQUEST} messages are allowed"
    for number, turn in enumerate(turns):
        if turn.role not in _ROLES:
            return f"messages.{number}.role: Input should be 'user', 'assistant' or 'system'"
        if not isinstance(turn.content, str):
            message = _blocks(number, turn.role, turn.content, terms)
            if message:
                return message
    return None


def _blocks(number: int, role: str, content: list[Raw], terms: Terms) -> str | None:
    new = terms.version == VERSION_2026 and terms.strict
    for place, raw in enumerate(content):
        where = f"messages.{number}.content.{place}"
        try:
            block = parameters.block.decode(raw)
        except msgspec.MsgspecError as error:
            return f"{where}.{_reworded(str(error))}"
        if new and role == "assistant" and block.type == "document":
            return f"{where}: document blocks are not allowed in assistant messages"
        if new and role == "user" and block.type == "text" and block.citations:
            return f"{where}.citations: Extra inputs are not permitted"
        if _unreachable(block):
            return "Unable to download the file. Please verify the URL and try again."
    return None


def _unreachable(block: parameters.Block) -> bool:
    """Whether a block points to a host that cannot exist (RFC 2606)."""
    source = block.source
    if not isinstance(source, dict) or source.get("type") != "url":
        return False
    host = str(source.get("url", "")).partition("://")[2].partition("/")[0].partition(":")[0]
    return host.endswith(_UNREACHABLE)


def _options(params: Params, model: Model) -> str | None:
    if params.inference_geo is UNSET or params.inference_geo is None:
        return None
    if params.inference_geo not in ("us", "global"):
        return "inference_geo: Input should be 'us' or 'global'"
    if not model.data_residency:
        return f"inference_geo: not supported for {model.id}"
    return None


def _unfit_for_batch(params: Params, terms: Terms) -> str | None:
    if params.stream is True:
        return '"stream=True" is not supported in the Message Batches API'
    if params.speed is not UNSET:
        standard = bytes(params.speed) in (b'"standard"', b"null")
        if not (standard and terms.switches.speed_standard):
            return '"speed" is not supported in the Message Batches API'
    if params.fallbacks is not UNSET and bytes(params.fallbacks) != b"null":
        return '"fallbacks" is not supported in the Message Batches API'
    if params.billing_policy is not UNSET and b'"user_profile"' in bytes(params.billing_policy):
        return '"billing_policy.bill_to" is not supported in the Message Batches API'
    return None


def _unfit_for_call(params: Params) -> str | None:
    if params.stream is True:
        return "stream: the emulator does not stream answers yet; send the request without it"
    return None


def forbidden_by_version(params: Params, version: str) -> str | None:
    """The words against a sampling parameter under an API version that dropped them."""
    if version != VERSION_2026:
        return None
    for key in _SAMPLING:
        if getattr(params, key) is not UNSET:
            return f"{key}: Extra inputs are not permitted"
    return None


_UNKNOWN_KEY = re.compile(r"Object contains unknown field `(?P<key>[^`]*)`")
_MISSING_KEY = re.compile(r"Object missing required field `(?P<key>[^`]*)`")
_WRONG_TYPE = re.compile(r"Expected `(?P<types>[^`]*)`")
_PATH = re.compile(r" - at `\$(?P<path>[^`]*)`")
_KINDS = {
    "str": "a valid string",
    "int": "a valid integer",
    "float": "a valid number",
    "bool": "a valid boolean",
    "array": "a valid list",
    "object": "a valid dictionary",
}


def _reworded(text: str) -> str:
    """A message of the decoder in the API's manner: `path: what is wrong`."""
    found = _PATH.search(text)
    path = found["path"] if found else ""
    path = re.sub(r"\[(\d+|\.\.\.)\]", r".\1", path).removeprefix(".")
    for pattern, words in (
        (_UNKNOWN_KEY, "Extra inputs are not permitted"),
        (_MISSING_KEY, "Field required"),
    ):
        if match := pattern.search(text):
            return f"{'.'.join(filter(None, (path, match['key'])))}: {words}"
    if match := _WRONG_TYPE.search(text):
        kind = match["types"].split(" | ", maxsplit=1)[0]
        return f"{path or 'params'}: Input should be {_KINDS.get(kind, kind)}"
    return f"{path or 'params'}: {text.partition(' - at ')[0]}"
