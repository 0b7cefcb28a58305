"""The options of commands that look at an input and keep nothing of it."""

from collections.abc import Callable
from functools import wraps
from inspect import Signature, signature
from typing import Any

from backburner.cli import options
from backburner.cli.options import STDIN, Wanted
from backburner.errors import NothingChosen


def takes_input(command: Callable[..., int]) -> Callable[..., int]:
    """Give a command the options of `run` that shape requests, as one argument `wanted`."""
    own = signature(command, eval_str=True)
    shared = signature(_wanted, eval_str=True).parameters
    kept = [one for name, one in own.parameters.items() if name != "wanted"]
    places = [*kept[:1], *shared.values(), *kept[1:]]

    @wraps(command)
    def whole(**values: Any) -> int:
        wanted = _wanted(**{name: values.pop(name) for name in shared})
        wanted.check()
        if wanted.source == STDIN and wanted.format is None:
            hint = f"for instance: backburner {command.__name__} - --format csv …"
            raise NothingChosen("standard input needs --format", hint=hint)
        return command(wanted=wanted, **values)

    merged = Signature(places, return_annotation=own.return_annotation)
    # typer reads both; `wraps` has set neither to what the whole takes.
    whole.__signature__ = merged  # type: ignore[attr-defined]
    whole.__annotations__ = {one.name: one.annotation for one in places}
    return whole


def _wanted(
    source: options.Source,
    *,
    prompt_file: options.Prompt = None,
    prompt: options.PromptText = None,
    output: options.Output = None,
    model: options.Model = None,
    max_tokens: options.MaxTokens = None,
    system: options.System = None,
    param: options.Params = None,
    schema: options.Schema = None,
    beta: options.Betas = None,
    limit: options.Limit = None,
    where: options.Where = None,
    allow_path: options.AllowPath = None,
    format: options.Format = None,  # noqa: A002 - the word of the house
    delimiter: options.Delimiter = None,
    encoding: options.Encoding = None,
    prefix: options.Prefix = "",
    no_collapse: options.NoCollapse = False,
    pack: options.Pack = None,
    cache: options.Cache = None,
    allow_unknown_price: options.AllowUnknownPrice = False,
) -> Wanted:
    return Wanted(
        source=source,
        prompt_file=prompt_file,
        prompt=prompt,
        system=system,
        model=model,
        max_tokens=max_tokens,
        params=param,
        schema=schema,
        betas=beta,
        output=output,
        prefix=prefix,
        format=format,
        delimiter=delimiter,
        encoding=encoding,
        limit=limit,
        where=where,
        allow_paths=allow_path,
        no_collapse=no_collapse,
        pack=pack,
        cache=cache,
        allow_unknown_price=allow_unknown_price,
    )
