"""`[retention]`: how long stored prompts and answers are kept."""

from backburner.config.table import ConfigTable
from backburner.nouns.retention import Retention

_MOST_DAYS = 36_500


def retention_of(root: ConfigTable) -> Retention:
    """What a file says of keeping texts; all is kept where it says nothing.

    Raises:
        ConfigError: A key or value that there is not.
    """
    table = root.table("retention")
    table.only(("local_days", "delete_after_collect"))
    return Retention(
        local_days=table.count("local_days", most=_MOST_DAYS),
        delete_after_collect=table.flag("delete_after_collect", usual=False),
    )
