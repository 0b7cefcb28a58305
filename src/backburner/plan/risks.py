"""Whether a promise is likely to be kept."""


def is_at_risk(deadline: float, forecast_late: float | None, now: float) -> bool:
    """Whether a deadline has passed, or what is away will probably end after it.

    Args:
        deadline: POSIX seconds by which all answers were promised.
        forecast_late: When the slowest of what is away will have ended at the latest, as far as
            that was foreseen.
    """
    return now > deadline or (forecast_late is not None and forecast_late > deadline)
