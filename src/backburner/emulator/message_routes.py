"""Single messages, token counts and models.

Source: platform.claude.com/docs/en/api/messages, build-with-claude/token-counting and api/models
(August 2026).
"""

import msgspec

from backburner.emulator import catalogue, identifiers, marks, prices, prompts
from backburner.emulator.calls import Call, key_id
from backburner.emulator.credit import Credit
from backburner.emulator.faults import name_of
from backburner.emulator.ledger import Charged, digest_of
from backburner.emulator.marks import CacheMarkError
from backburner.emulator.paging import page
from backburner.emulator.promptcache import Visit
from backburner.emulator.replies import RefusedError, Reply, json_reply
from backburner.emulator.settings import Settings
from backburner.emulator.shapes import Message, Problem
from backburner.emulator.speaking import Occasion, Speaker
from backburner.emulator.usagebook import UsageBook
from backburner.emulator.validation import Valid, check

_COUNTED = {
    "billing_policy",
    "cache_control",
    "compaction",
    "context_management",
    "mcp_servers",
    "messages",
    "model",
    "output_config",
    "speed",
    "system",
    "thinking",
    "tool_choice",
    "tools",
}
"""What a count_tokens body may hold, in the beta as well."""
_USUAL_LIFECYCLES = ("active", "deprecated")


class MessageRoutes:
    """What the routes beside the batches do.

    Attributes:
        charged: All single messages that were answered so far.
    """

    def __init__(
        self, settings: Settings, speaker: Speaker, credit: Credit, usage: UsageBook
    ) -> None:
        self.charged: list[Charged] = []
        self._usage = usage
        self._credit = credit
        self._settings = settings
        self._speaker = speaker
        self._answered = 0

    def messages(self, call: Call, body: bytes, now: float) -> Reply:
        """An answer at once, at full price."""
        self._credit.check(now)
        valid = self._valid(call, body)
        self._answered += 1
        occasion = Occasion(
            tier="standard",
            visit=Visit(call.workspace, now, now) if marks.is_marked(body) else None,
            message_id=identifiers.identifier("msg", 22, self._settings.seed, self._answered),
        )
        reply = self._speaker.reply(valid, occasion)
        if not isinstance(reply, Message):
            raise RefusedError(reply.type, reply.message)
        self.charged.append(_charged(call, body, reply, now))
        key = key_id(call.head, self._settings)
        self._usage.note(call.workspace, key, reply.model, reply.usage, now)
        return json_reply(reply)

    @property
    def cost(self) -> int:
        """Picodollars of all single messages so far."""
        return sum(one.cost for one in self.charged)

    def count_tokens(self, call: Call, body: bytes, _now: float) -> Reply:
        """The tokens of a prompt, free of charge and blind to the cache."""
        valid = self._valid(call, _with_limit(body, strict=self._settings.strict))
        try:
            marks.prompt_of(valid.params, valid.model)
        except CacheMarkError as error:
            raise RefusedError("invalid_request_error", str(error)) from error
        return json_reply({"input_tokens": prompts.input_tokens(valid.params, valid.model)})

    def models(self, call: Call, _now: float) -> Reply:
        """The models, newest first; retired ones only when asked for."""
        query = call.head.query
        asked = query.get("lifecycle[]") or query.get("lifecycle") or _USUAL_LIFECYCLES
        chosen = [model for model in catalogue.MODELS if model.lifecycle in asked]
        shown = page(chosen, lambda model: model.id, catalogue.describe, call.head, self._settings)
        return json_reply(shown)

    def model(self, call: Call, _now: float) -> Reply:
        """One model, by id or alias."""
        name = call.route.argument
        model = catalogue.find(name)
        if model is None and not self._settings.strict:
            model = catalogue.stand_in(name)
        if model is None:
            raise RefusedError("not_found_error", f"model: {name}")
        return json_reply(catalogue.describe(model))

    def _valid(self, call: Call, body: bytes) -> Valid:
        valid = check(body, call.terms(self._settings, in_batch=False))
        if isinstance(valid, Problem):
            raise RefusedError(valid.type, valid.message)
        return valid


def _charged(call: Call, body: bytes, reply: Message, now: float) -> Charged:
    fault = call.troubles.answer
    return Charged(
        id=reply.id,
        workspace=call.workspace,
        digest=digest_of(body),
        at=now,
        cost=prices.cost(reply.model, reply.usage),
        fault=name_of(fault) if fault is not None else "",
    )


def _with_limit(body: bytes, *, strict: bool) -> bytes:
    """A count_tokens body as a Messages body, which needs a limit of output tokens.

    Raises:
        RefusedError: 400 for a parameter that has nothing to do with the size of a prompt.
    """
    try:
        fields = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError):
        return body
    unknown = sorted(fields.keys() - _COUNTED) if strict else ()
    if unknown:
        raise RefusedError("invalid_request_error", f"{unknown[0]}: Extra inputs are not permitted")
    return msgspec.json.encode({**fields, "max_tokens": 1})
