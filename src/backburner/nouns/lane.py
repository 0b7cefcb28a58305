"""What a user says of a lane: with which credential it speaks, when it may send, and how much."""

from dataclasses import dataclass, field

from backburner.nouns.window import Window


@dataclass(frozen=True, slots=True)
class FromVariable:
    """A credential that is in an environment variable."""

    name: str


@dataclass(frozen=True, slots=True)
class FromFile:
    """A credential that is the first line of a file."""

    path: str


@dataclass(frozen=True, slots=True)
class FromCommand:
    """A credential that a command prints."""

    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FromKeyring:
    """A credential that is in the system's keyring."""

    service: str
    user: str


Credential = FromVariable | FromFile | FromCommand | FromKeyring
"""Where a lane's credential is; never the credential itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneDefaults:
    """What holds for the lane's work where nobody says otherwise."""

    model: str | None = None
    max_tokens: int | None = None
    cache: str | None = None
    tags: tuple[str, ...] = ()
    owner: str = ""
    budget_mode: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneTerms:
    """A lane as the file has it; one that it does not name has nothing but its name.

    Attributes:
        windows: When it may send; always, if there are none.
        zone: The zone of its windows and days, by its IANA name; None where none is known.
        queue_limit: The most requests that may be with Anthropic at once.
        credential: None for the one of the environment.
        workspace: The id of the workspace that its credential must belong to.
        base_url: None for the one of the environment.
        budget: The most that the lane may cost, in picodollars.
        file: The file that names it; empty where none does.
    """

    name: str
    file: str = ""
    windows: tuple[Window, ...] = ()
    zone: str | None = None
    queue_limit: int | None = None
    credential: Credential | None = None
    workspace: str | None = None
    base_url: str | None = None
    budget: int | None = None
    defaults: LaneDefaults = field(default_factory=LaneDefaults)

    @property
    def budget_key(self) -> str:
        """Where the file has its budget."""
        return f"lanes.{self.name}.budget"
