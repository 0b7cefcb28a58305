"""The model at work: one valid request in, one message or problem out."""

from typing import Any, Literal

import msgspec
from msgspec import UNSET, Struct

from backburner.emulator import marks, packs, parameters, prompts, schemas, tokens
from backburner.emulator.answers import Answer, Answers
from backburner.emulator.cacheplan import HitDeck, Hits
from backburner.emulator.catalogue import Model
from backburner.emulator.marks import CacheMarkError
from backburner.emulator.parameters import Params
from backburner.emulator.promptcache import PromptCache, Split, Visit
from backburner.emulator.schemas import UnsupportedSchemaError
from backburner.emulator.settings import FailureKind, Settings
from backburner.emulator.shapes import (
    NO_CACHE,
    CacheCreation,
    Message,
    Problem,
    RefusalDetails,
    ServerToolUse,
    TextBlock,
    ToolUseBlock,
    Usage,
)
from backburner.emulator.validation import Valid, invalid

STOP_KINDS = ("refusal", "max_tokens", "pause_turn")
_WEB_SEARCH = "web_search_"
_SENTENCES = {
    "api_error": "Internal server error",
    "overloaded_error": "Overloaded",
    "rate_limit_error": "This request would exceed the rate limit.",
    "timeout_error": "The request timed out.",
    "billing_error": "Your credit balance is too low to access the API.",
    "authentication_error": "API key is invalid.",
    "permission_error": "This key has no permission for the requested resource.",
    "not_found_error": "The requested resource was not found.",
    "invalid_request_error": "The request is invalid.",
}


def failure(kind: str) -> Problem:
    """The problem of a scripted or chance failure."""
    return Problem(kind, _SENTENCES[kind])


class TooLongError(Exception):
    """A prompt that is longer than the model's window."""


class Occasion(Struct, frozen=True, gc=False):
    """The circumstances under which a request is answered.

    Args:
        tier: How it is billed.
        message_id: Id of the answer.
        visit: How it meets the cache, or None if it has no mark.
        kind: A scripted ending, or None.
    """

    tier: Literal["batch", "standard"]
    message_id: str
    visit: Visit | None = None
    kind: FailureKind | None = None


class Speaker:
    """Answers requests, by the rules or with an echo.

    Attributes:
        hit_share: The share of possible cache reads that happen in batches.
    """

    def __init__(self, settings: Settings) -> None:
        self._seed = settings.seed
        self._web_searches = settings.web_searches
        self._minimum = settings.switches.cache_minimum
        self._answers = Answers(settings.rules)
        self._cache = PromptCache()
        self._deck: HitDeck | None
        self.hit_share: float
        self.deal(settings.cache.hits)

    def deal(self, hits: Hits | float) -> None:
        """Decides how many cache reads happen from now on."""
        if isinstance(hits, Hits):
            self._deck, self.hit_share = HitDeck(hits, self._seed), 1.0
        else:
            self._deck, self.hit_share = None, hits

    def reply(self, valid: Valid, occasion: Occasion) -> Message | Problem:
        """The answer to one request, with what it used."""
        params, model = valid.params, valid.model
        answer = self._answer(params)
        kind = occasion.kind or answer.kind
        if kind in _SENTENCES:
            return failure(kind)
        try:
            said = _say(valid, answer, occasion.message_id)
            split = self._split(valid, occasion)
        except (CacheMarkError, TooLongError) as error:
            return invalid(str(error))
        except UnsupportedSchemaError as error:
            return invalid(
                f"output_config.format.schema: {error.keyword} is not supported by the emulator"
            )
        said = _stopped(said, valid, kind)
        searches = self._searches(params, answer) if params.tools else 0
        return Message(
            model=model.id,
            id=occasion.message_id,
            content=said.content,
            stop_reason=said.reason,
            stop_sequence=said.sequence,
            stop_details=RefusalDetails() if said.reason == "refusal" else None,
            usage=_usage(split, said.tokens, params, occasion.tier, searches),
        )

    def _answer(self, params: Params) -> Answer:
        """What is said: to the last thing a user said, or to each of several tasks in it."""
        text = parameters.last_user_text(params)
        form = None if params.output_config is UNSET else params.output_config.format
        tasks = packs.tasks_in(text, form.schema) if form is not None else {}
        if not tasks or form is None:
            return self._answers.to(text)
        return packs.answer_all(tasks, form.schema, self._answers.to)

    def _searches(self, params: Params, answer: Answer) -> int:
        """How often the pretend model searches the web for an answer."""
        wanted = self._web_searches if answer.searches is None else answer.searches
        tools = [parameters.tool.decode(raw) for raw in params.tools or () if wanted]
        found = next((t for t in tools if (t.type or "").startswith(_WEB_SEARCH)), None)
        if found is None:
            return 0
        return wanted if found.max_uses is None else min(wanted, found.max_uses)

    def _split(self, valid: Valid, occasion: Occasion) -> Split:
        params, model = valid.params, valid.model
        if occasion.visit is None:
            return Split(_fitting(prompts.input_tokens(params, model), model))
        prompt = marks.prompt_of(params, model)
        _fitting(prompt.tokens, model)
        deck = self._deck if occasion.tier == "batch" else None
        return self._cache.split(prompt, model.shortest(self._minimum), occasion.visit, deck)


def _fitting(prompt: int, model: Model) -> int:
    if prompt > model.window:
        raise TooLongError(f"prompt is too long: {prompt} tokens > {model.window} maximum")
    return prompt


class _Said(Struct):
    content: list[TextBlock | ToolUseBlock]
    tokens: int = 1
    reason: str = "end_turn"
    sequence: str | None = None


def _say(valid: Valid, answer: Answer, message_id: str) -> _Said:
    params = valid.params
    tool = _forced_tool(params)
    if tool is not None:
        called = schemas.generate(tool.input_schema or {"type": "object"}, answer.text)
        size = tokens.tokens_of_bytes(len(msgspec.json.encode(called)), valid.model)
        block = ToolUseBlock(message_id.replace("msg_", "toolu_"), tool.name, called)
        return _Said([block], size, "tool_use")
    text = answer.text
    if params.output_config is not UNSET and params.output_config.format is not None:
        text = _formed(params.output_config.format.schema, answer)
    return _Said([TextBlock(text)], tokens.tokens_of(text, valid.model))


def _forced_tool(params: Params) -> parameters.Tool | None:
    choice = params.tool_choice
    if choice is UNSET or choice.type not in ("any", "tool") or not params.tools:
        return None
    tools = [parameters.tool.decode(raw) for raw in params.tools]
    named = (tool for tool in tools if choice.name in (None, tool.name))
    return next(named, None)


def _formed(schema: Any, answer: Answer) -> str:
    """An answer in the form asked for; a rule that already gives JSON is taken at its word."""
    if answer.by_rule and answer.text.lstrip().startswith(("{", "[")):
        return answer.text
    value = schemas.generate(schema, answer.text)
    return msgspec.json.encode(value).decode()


def _stopped(said: _Said, valid: Valid, kind: str | None) -> _Said:
    """What was said as far as it got: refusals, stop sequences, the limit of tokens."""
    if kind == "refusal":
        return _Said([], reason="refusal")
    if kind == "pause_turn":
        said.reason = "pause_turn"
    block = said.content[0]
    if isinstance(block, ToolUseBlock):
        return _cut_call(said, block, valid)
    if valid.params.stop_sequences:
        said = _before_stop(said, block.text, valid)
    limit = valid.params.max_tokens or 0
    if kind == "max_tokens":
        limit = min(limit, said.tokens // 2)
    elif said.tokens <= limit:
        return said
    text = tokens.cut(block.text, limit, valid.model)
    return _Said(
        [TextBlock(text)] if text else [], tokens.tokens_of(text, valid.model), "max_tokens"
    )


def _cut_call(said: _Said, block: ToolUseBlock, valid: Valid) -> _Said:
    """A call as far as it got: what was not said to its end is no input, and nobody pays more."""
    limit = valid.params.max_tokens or 0
    if said.tokens <= limit:
        return said
    return _Said([ToolUseBlock(block.id, block.name, {})], limit, "max_tokens")


def _before_stop(said: _Said, text: str, valid: Valid) -> _Said:
    """What was said before the first of the caller's stop sequences."""
    stops = [sequence for sequence in valid.params.stop_sequences or () if sequence in text]
    if not stops:
        return said
    first = min(stops, key=text.index)
    text = text.partition(first)[0]
    size = max(1, tokens.tokens_of(text, valid.model))
    return _Said([TextBlock(text)] if text else [], size, "stop_sequence", first)


def _usage(split: Split, output: int, params: Params, tier: str, searches: int) -> Usage:
    writes = NO_CACHE
    if split.write_5m or split.write_1h:
        writes = CacheCreation(split.write_5m, split.write_1h)
    return Usage(
        input_tokens=split.fresh,
        cache_creation_input_tokens=split.write_5m + split.write_1h,
        cache_read_input_tokens=split.read,
        cache_creation=writes,
        output_tokens=output,
        server_tool_use=ServerToolUse(searches) if searches else None,
        service_tier=tier,
        inference_geo=params.inference_geo or "not_available",
    )
