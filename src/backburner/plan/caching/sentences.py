"""Each choice on the prompt cache as a sentence with its figures."""

from typing import Final

from backburner.nouns.money import Money
from backburner.plan.caching.choices import Choice, Ground, Part, WaveChoice
from backburner.plan.caching.terms import Ttl
from backburner.plan.caching.waves import WaveReason

_LIVES: Final = {Ttl.FIVE_MINUTES: "5 minutes", Ttl.ONE_HOUR: "1 hour"}
_PARTS: Final = {
    Part.TOOLS: ("the tools", "sets of tools"),
    Part.SYSTEM: ("the system prompt", "system prompts"),
    Part.MESSAGES: ("a beginning of messages", "beginnings of messages"),
}


def in_words(choice: Choice) -> str:
    """What is done with a prefix, and why."""
    if choice.ground is Ground.ALONE and choice.part is Part.MESSAGES:
        least = f"the same {choice.minimum_tokens:,} tokens, from where {choice.model} caches"
        return f"nothing is marked: no two requests begin with {least}"
    if choice.ground is Ground.TRIAL:
        return f"{_prefix(choice)} {_done(choice)}: {_risk(choice)}"
    if choice.ground in (Ground.SHORT, Ground.ALONE):
        return f"{_prefix(choice)} {_verb(choice)} not marked: {_unfit(choice)}"
    return f"{_prefix(choice)} {_done(choice)}: {_figures(choice)}; {_edge(choice)}"


def wave_in_words(wave: WaveChoice) -> str:
    """Whether leaders go first, or what they would save; empty where that is no news."""
    saved, rest = Money(picodollars=wave.saved).show(), wave.requests - wave.leaders
    if wave.reason is WaveReason.PAYS:
        first = f"{wave.leaders:,} of {wave.requests:,} requests"
        if not wave.is_asked:
            return f"--leaders would send {first} first and save another {saved}"
        goes, ended = ("goes", "it has") if wave.leaders == 1 else ("go", "they have")
        then = f"the other {rest:,} follow when {ended} ended"
        return f"{first} {goes} first, and {then}: saves another {saved}"
    if not wave.is_asked:
        return ""
    match wave.reason:
        case WaveReason.SAVES_TOO_LITTLE:
            why = f"it would save only {saved}"
        case WaveReason.SCATTERED:
            why = "those to go first stand in too many places: sort the list by what it shares"
        case WaveReason.NO_TIME:
            why = "there is no time for two batches in turn"
        case WaveReason.NO_CHEAPER:
            why = "one batch costs no more"
        case WaveReason.NOTHING_SHARED:
            why = "no shared beginning is worth a mark"
    return f"all requests go at once: {why}"


def _risk(choice: Choice) -> str:
    lost = Money(picodollars=choice.cached - choice.plain).show()
    return (
        f"marks lost before, and a trial of few tells whether they pay by now, for {lost} at most"
    )


def _prefix(choice: Choice) -> str:
    """`the system prompt (about 6,000 tokens, shared by 500 requests)`."""
    one, several = _PARTS[choice.part]
    tokens = f"about {rounded(choice.tokens // choice.prefixes):,} tokens"
    if choice.prefixes > 1:
        begin = f"{choice.requests:,} requests begin with one"
        return f"{choice.prefixes:,} {several} ({tokens} each, {begin})"
    if choice.ground in (Ground.SHORT, Ground.ALONE):
        return f"{one} ({tokens})"
    if choice.ground is Ground.TRIAL:
        return f"{one} ({tokens}) of {choice.requests:,} requests"
    return f"{one} ({tokens}, shared by {choice.requests:,} requests)"


def _verb(choice: Choice) -> str:
    is_plural = choice.prefixes > 1 or choice.part is Part.TOOLS
    return "are" if is_plural else "is"


def _done(choice: Choice) -> str:
    verb, lives = _verb(choice), _LIVES[choice.ttl]
    match choice.ground:
        case Ground.OWN:
            carry = "carry" if verb == "are" else "carries"
            return f"{carry} a mark of your own for {lives}, and {verb} left alone"
        case Ground.ASKED:
            return f"{verb} marked for {lives}, since --cache always asks for it"
        case Ground.PAYS | Ground.TRIAL:
            return f"{verb} marked for {lives}"
        case _:
            return f"{verb} not marked"


def _unfit(choice: Choice) -> str:
    if choice.ground is Ground.ALONE:
        return "no other request begins with it"
    unsure = ", and this is an estimate" if choice.tokens >= choice.minimum_tokens else ""
    return f"{choice.model} caches from {choice.minimum_tokens:,} tokens{unsure}"


def _figures(choice: Choice) -> str:
    cached, plain = Money(picodollars=choice.cached), Money(picodollars=choice.plain)
    costs = "costs" if choice.is_marked else "would cost"
    rate = f"at the expected hit rate of {_percent(choice.hit_rate)}"
    return f"{rate} that input {costs} {cached.show()} instead of {plain.show()}"


def _edge(choice: Choice) -> str:
    if choice.break_even is None:
        return "no hit rate makes up for what writing it costs"
    if choice.break_even <= 0:
        return "it pays at any hit rate"
    even = _percent(choice.break_even)
    is_gain = choice.ground is Ground.PAYS or (choice.ground is Ground.OWN and choice.saving > 0)
    return f"it loses below {even}" if is_gain else f"it pays above {even}"


def rounded(count: int) -> int:
    """To two digits: it is an estimate."""
    return int(float(f"{count:.2g}"))


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
