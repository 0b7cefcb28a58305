"""Refusals of whole calls that the API is known for, ready to be scripted.

Source: platform.claude.com/docs/en/api/errors and api/rate-limits (August 2026), docstrings of SDK
2.12.0 for the error codes; sentences that are not documented are the emulator's own.
"""

from backburner.emulator.faults import Status

RATE_LIMITED = Status(
    429,
    headers={"retry-after": "30"},
    message="This request would exceed the rate limit of requests per minute.",
)
"""The usual 429, with `retry-after`."""

TIER_SPEND_LIMIT = Status(
    429,
    message="You have reached the spend limit of your usage tier.",
    details={"error_code": "enforced_spend_limit_reached"},
)
"""The spend limit of the tier: 429 without `retry-after`, until the first of the next month."""

OWN_SPEND_LIMIT = Status(
    400,
    message="You have reached your specified API usage limits. "
    "You will regain access on the first of the next month at 00:00 UTC.",
)
"""The spend limit that an organisation has set itself: a 400 known by how its message begins."""

ON_HOLD = Status(
    400,
    message="This organization is on hold.",
    details={"error_code": "organization_on_hold"},
)

UNAUTHORIZED = Status(401, message="API key is invalid.")
NO_CREDIT = Status(402, message="Your credit balance is too low to access the API.")
NO_CREDIT_400 = Status(400, message="Your credit balance is too low to access the API.")
FORBIDDEN = Status(403, message="This key has no permission for the requested resource.")
SERVER_ERROR = Status(500, message="Internal server error")
OVERLOADED = Status(529, message="Overloaded")

REFUSALS = {
    "rate_limited": RATE_LIMITED,
    "tier_spend_limit": TIER_SPEND_LIMIT,
    "own_spend_limit": OWN_SPEND_LIMIT,
    "on_hold": ON_HOLD,
    "unauthorized": UNAUTHORIZED,
    "no_credit": NO_CREDIT,
    "no_credit_400": NO_CREDIT_400,
    "forbidden": FORBIDDEN,
    "server_error": SERVER_ERROR,
    "overloaded": OVERLOADED,
}
"""Each by its name in files."""
