"""The options that `run` and `enqueue` share, and how they become what the library takes."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Annotated, Final, Self

import typer

from backburner.errors import InputError, NothingChosen
from backburner.nouns.spans import span_of

if TYPE_CHECKING:
    from backburner.client import Backburner
    from backburner.client.preparing import RunOptions
    from backburner.nouns.lane import LaneDefaults
    from backburner.nouns.urgency import Timing
    from backburner.plan.packing import PackLimits

STDIN: Final = "-"
DEFAULT_MAX_TOKENS: Final = 1024
"""Room for a page of text; more is paid for only where it is used."""

_LIST_ENDINGS: Final = frozenset({".jsonl", ".ndjson", ".json"})
_MARKS: Final = {"tab": "\t", "\\t": "\t"}


class InputFormat(StrEnum):
    """What an input is written in."""

    CSV = "csv"
    TSV = "tsv"
    JSONL = "jsonl"
    PARQUET = "parquet"
    XLSX = "xlsx"


class CacheMarks(StrEnum):
    """Who decides on cache marks."""

    AUTO = "auto"
    OFF = "off"
    ALWAYS = "always"


Source = Annotated[
    str, typer.Argument(metavar="SOURCE", help="A table, a list of requests, a folder, or -")
]
Prompt = Annotated[
    Path | None,
    typer.Option("--prompt-file", "-p", metavar="FILE", help="The template for each row"),
]
PromptText = Annotated[
    str | None, typer.Option("--prompt", metavar="TEXT", help="The template itself")
]
System = Annotated[
    Path | None, typer.Option("--system", metavar="FILE", help="The system prompt of all rows")
]
Model = Annotated[
    str | None, typer.Option("--model", metavar="NAME", help="The model; without it, run asks")
]
MaxTokens = Annotated[
    int | None,
    typer.Option(
        "--max-tokens", metavar="N", min=1, help=f"The longest answer [{DEFAULT_MAX_TOKENS}]"
    ),
]
Params = Annotated[
    list[str] | None,
    typer.Option("--param", metavar="KEY=JSON", help="Any other Messages parameter; repeatable"),
]
Schema = Annotated[
    str | None,
    typer.Option("--schema", metavar="FILE", help="What answers must be; module:Model too"),
]
Betas = Annotated[
    list[str] | None, typer.Option("--beta", metavar="NAME", help="A beta to use; repeatable")
]
Output = Annotated[
    str | None,
    typer.Option("--output", "-o", metavar="FILE", help="Where answers go; 'x/{{ id }}.md' too"),
]
Prefix = Annotated[
    str, typer.Option("--prefix", metavar="WORD", help="What our column names begin with")
]
Format = Annotated[InputFormat | None, typer.Option("--format", help="What SOURCE is written in")]
Delimiter = Annotated[
    str | None, typer.Option("--delimiter", metavar="CHAR", help="What separates its cells")
]
Encoding = Annotated[
    str | None, typer.Option("--encoding", metavar="NAME", help="Its encoding [UTF-8]")
]
Limit = Annotated[
    int | None, typer.Option("--limit", metavar="N", min=1, help="Take the first N rows only")
]
Where = Annotated[
    str | None,
    typer.Option(
        "--where", metavar="EXPR", help="Take the rows only of which this is true: lang == 'de'"
    ),
]
NoCollapse = Annotated[
    bool, typer.Option("--no-collapse", help="Send identical rows each on their own")
]
BatchSize = Annotated[
    int | None,
    typer.Option(
        "--batch-size", metavar="N", min=1, max=100_000, help="Requests in a batch [25000]"
    ),
]
Pack = Annotated[
    int | None,
    typer.Option("--pack", metavar="N", min=2, max=100, help="Ask up to N short rows at once"),
]
PackCheck = Annotated[
    int | None,
    typer.Option(
        "--pack-check", metavar="N", min=1, max=10_000, help="Ask the first N rows both ways first"
    ),
]
Canary = Annotated[
    int | None,
    typer.Option(
        "--canary", metavar="N", min=1, help="Send the first N requests alone, and look at them"
    ),
]
Cache = Annotated[
    CacheMarks | None,
    typer.Option("--cache", help="Add cache marks: where they save, nowhere, wherever shared"),
]
AllowUnknownPrice = Annotated[
    bool, typer.Option("--allow-unknown-price", help="Send a model that has no known price")
]
Budget = Annotated[
    str | None,
    typer.Option("--budget", metavar="USD", help="The most that the run may cost, such as 5.00"),
]
Tags = Annotated[
    list[str] | None,
    typer.Option("--tag", metavar="WORD", help="What the run is for; repeatable"),
]
Owner = Annotated[str, typer.Option("--owner", metavar="WORD", help="Whoever pays for the run")]
Mode = Annotated[
    str | None,
    typer.Option(
        "--budget-mode", metavar="WORD", help="What budgets reserve: worst, or expected [worst]"
    ),
]
Leaders = Annotated[
    bool,
    typer.Option("--leaders", help="Let one of those that share a beginning go first"),
]
Reuse = Annotated[
    str | None,
    typer.Option(
        "--reuse", metavar="SPAN", help="Take answers of earlier runs, not older than 30d or 12h"
    ),
]
By = Annotated[
    str | None,
    typer.Option("--by", metavar="TIME", help="Answers by 07:00, or 2026-11-24T07:00"),
]
Within = Annotated[
    str | None, typer.Option("--within", metavar="SPAN", help="Answers within 6h, or 90m")
]
HowSoon = Annotated[
    str | None,
    typer.Option(
        "--urgency", metavar="WORD", help="Without a deadline: now, soon, or window [window]"
    ),
]
Rescue = Annotated[
    str | None,
    typer.Option(
        "--rescue", metavar="USD", help="The most for asking sync what would be late, as 2.00"
    ),
]
Kind = Annotated[
    str, typer.Option("--kind", metavar="WORD", help="What sort of work it is, for route rules")
]
NoRoutes = Annotated[bool, typer.Option("--no-routes", help="Apply no route rules")]
AllowPath = Annotated[
    list[str] | None,
    typer.Option(
        "--allow-path", metavar="FOLDER", help="Prompts may attach files of it too; repeatable"
    ),
]
New = Annotated[bool, typer.Option("--new", help="Start over, though such a run is there")]
Force = Annotated[
    bool, typer.Option("--force", help="Replace files that no run of ours wrote as they are")
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a person typed, as it was typed: each field is the option of its type.

    What stands before `canary` shapes requests, by itself or through route rules; the rest says how
    and when they travel.
    """

    source: Source
    prompt_file: Prompt = None
    prompt: PromptText = None
    output: Output = None
    model: Model = None
    max_tokens: MaxTokens = None
    system: System = None
    params: Params = None
    schema: Schema = None
    betas: Betas = None
    limit: Limit = None
    where: Where = None
    allow_paths: AllowPath = None
    format: Format = None
    delimiter: Delimiter = None
    encoding: Encoding = None
    prefix: Prefix = ""
    no_collapse: NoCollapse = False
    pack: Pack = None
    cache: Cache = None
    allow_unknown_price: AllowUnknownPrice = False
    kind: Kind = ""
    tags: Tags = None
    owner: Owner = ""
    no_routes: NoRoutes = False
    canary: Canary = None
    pack_check: PackCheck = None
    leaders: Leaders = False
    reuse: Reuse = None
    budget: Budget = None
    budget_mode: Mode = None
    by: By = None
    within: Within = None
    urgency: HowSoon = None
    rescue: Rescue = None
    new: New = False
    force: Force = False

    @property
    def is_table(self) -> bool:
        """Whether rows are rendered through a template; otherwise it is a list of requests."""
        return self.prompt_file is not None or self.prompt is not None

    @property
    def most_tokens(self) -> int:
        """How long the answer to a row may be."""
        return (self.max_tokens or DEFAULT_MAX_TOKENS) if self.is_table else 0

    def over(self, lane: "LaneDefaults") -> Self:
        """The same, with what holds in a lane where a person said nothing; but for the model."""
        return replace(
            self,
            max_tokens=self.max_tokens or (lane.max_tokens if self.is_table else None),
            cache=self.cache or (CacheMarks(lane.cache) if lane.cache else None),
            tags=self.tags or list(lane.tags),
            owner=self.owner or lane.owner,
            budget_mode=self.budget_mode or lane.budget_mode,
        )

    def check(self) -> None:
        """Find what contradicts itself, before anything is read.

        Raises:
            InputError: Options that do not go together, or a table without a prompt.
        """
        if self.prompt_file is not None and self.prompt is not None:
            raise InputError("there are two prompts", hint="give -p FILE or --prompt TEXT")
        self._check_packing()
        if self.is_table:
            return
        if not self._may_be_list():
            raise InputError(
                f"{self.source} is a table, and there is no prompt for its rows",
                hint="add -p FILE, or --prompt TEXT with columns such as {{ text }}",
            )
        if self.schema is not None:
            raise InputError(
                f"--schema belongs to a table, and without a prompt {self.source} is a list",
                hint='write {"output_config": {"format": …}} into each request, or add -p FILE',
            )
        for option, value in self._of_tables().items():
            if value:
                raise InputError(
                    f"{option} belongs to a table, and without a prompt {self.source} is a list "
                    "of requests, whose bodies are sent as they are",
                    hint=f"leave {option} out, or add -p FILE",
                )

    def _check_packing(self) -> None:
        if self.pack_check and not self.pack:
            raise InputError("--pack-check comes without --pack", hint="add --pack 10")
        if self.pack and self.canary:
            raise InputError(
                "--pack and --canary do not go together",
                hint="--pack-check N asks the first N rows both ways, and holds the rest",
            )

    def _may_be_list(self) -> bool:
        if self.format is not None:
            return self.format is InputFormat.JSONL
        if self.source == STDIN:
            return True
        ending = PurePath(self.source).suffix.lower()
        return ending in _LIST_ENDINGS

    def _of_tables(self) -> Mapping[str, object]:
        return {
            "--model": self.model,
            "--max-tokens": self.max_tokens,
            "--system": self.system,
            "--param": self.params,
            "--prefix": self.prefix,
            "--delimiter": self.delimiter,
            "--no-collapse": self.no_collapse,
            "--where": self.where,
            "--allow-path": self.allow_paths,
            "--pack": self.pack,
            "--reuse": self.reuse,
        }

    def timing(self, backburner: "Backburner") -> "Timing | None":
        """When the answers have to be there, by the lane's zone.

        Raises:
            InputError: It is no time, lies in the past, or contradicts itself.
        """
        return backburner.intake.timing(
            by=self.by, within=self.within, urgency=self.urgency, rescue=self.rescue
        )

    def options(self, model: str, timing: "Timing | None" = None) -> "RunOptions":
        """What the library takes.

        Raises:
            InputError: A file cannot be read, or a parameter is none.
        """
        from backburner.client.preparing import RunOptions  # noqa: PLC0415  # not for --help
        from backburner.nouns.budget import billing_of  # noqa: PLC0415  # as above
        from backburner.nouns.route import kind_of  # noqa: PLC0415  # as above
        from backburner.plan.caching.choices import CachePolicy  # noqa: PLC0415  # as above
        from backburner.runs.bodies import read_param  # noqa: PLC0415  # as above
        from backburner.runs.output_schema import read_schema  # noqa: PLC0415  # as above
        from backburner.runs.tables import Format as TableFormat  # noqa: PLC0415  # as above

        template = self.prompt if self.prompt_file is None else text_of(self.prompt_file)
        return RunOptions(
            source=self.source,
            prompt=template,
            system=None if self.system is None else text_of(self.system),
            params=dict(read_param(text) for text in self.params or ()),
            model=model,
            max_tokens=self.most_tokens,
            schema=None if self.schema is None else read_schema(self.schema, Path.cwd()),
            output=self.output,
            format=None if self.format is None else TableFormat(self.format.value),
            delimiter=None
            if self.delimiter is None
            else _MARKS.get(self.delimiter, self.delimiter),
            encoding=self.encoding,
            limit=self.limit,
            where=self.where,
            allow_paths=tuple(self.allow_paths or ()),
            collapse=not self.no_collapse,
            prefix=self.prefix,
            betas=tuple(self.betas or ()),
            new=self.new,
            force=self.force,
            canary=self.canary,
            pack=self.pack or 0,
            pack_check=self.pack_check or 0,
            cache=CachePolicy((self.cache or CacheMarks.AUTO).value),
            allow_unknown_price=self.allow_unknown_price,
            billing=billing_of(self.budget, self.tags or (), self.owner, self.budget_mode),
            timing=timing,
            leaders=self.leaders,
            reuse=None if self.reuse is None else span_of(self.reuse, "--reuse"),
            kind=kind_of(self.kind),
            routed=not self.no_routes,
        )


def text_of(path: Path) -> str:
    """The text of a file that a person wrote.

    Raises:
        InputError: It cannot be read, or is not UTF-8.
    """
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise InputError(
            f"{path} cannot be read: {error.strerror}", hint="check the path and its permissions"
        ) from error
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path} is not UTF-8: byte 0x{error.object[error.start]:02X} at offset {error.start}",
            hint="save it as UTF-8",
        ) from error


def pack_limits(batch_size: int | None) -> "PackLimits | None":
    """The limits of batches, where a person chose one."""
    from backburner.plan.packing import PackLimits  # noqa: PLC0415  # not for --help

    return None if batch_size is None else PackLimits(requests=batch_size)


def check_stdin(wanted: Wanted, *, yes: bool) -> None:
    """Make sure that standard input comes with all that cannot be asked or guessed.

    Raises:
        NothingChosen: An option is missing.
    """
    if wanted.source != STDIN:
        return
    missing = [
        option
        for option, given in (
            ("--format", wanted.format),
            ("--yes", yes),
            ("-o", wanted.output),
        )
        if not given
    ]
    if missing:
        raise NothingChosen(
            f"standard input needs {' and '.join(missing)}",
            hint="for instance: backburner run - --format csv --yes -o answers.csv …",
        )
