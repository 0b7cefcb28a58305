"""The body of a create call: checked and spooled while it arrives.

Source: platform.claude.com/docs/en/build-with-claude/batch-processing (2026-09-26) for the rules;
wording as recorded by third parties on 2026-09-02.
"""

import re

import msgspec
from msgspec import Raw, Struct

from backburner.emulator.scanner import WINDOW_BYTES, BadJsonError, Scanner
from backburner.emulator.spool import SpoolWriter

CUSTOM_ID_LENGTH = 64
CUSTOM_ID_PATTERN = f"^[a-zA-Z0-9_-]{{1,{CUSTOM_ID_LENGTH}}}$"
_is_custom_id = re.compile(rf"[a-zA-Z0-9_-]{{1,{CUSTOM_ID_LENGTH}}}").fullmatch
_OBJECT = ord("{")
_NOT_JSON = "The request body is not valid JSON: "


class _Request(Struct, forbid_unknown_fields=True, gc=False):
    custom_id: str
    params: Raw


_requests = msgspec.json.Decoder(list[_Request])
_members = msgspec.json.Decoder(dict[str, Raw])


class Intake:
    """A create call's body, from its first byte to the verdict.

    Attributes:
        count: Requests seen so far.
        first: The custom_id of the first faultless one.
    """

    def __init__(self, spool: SpoolWriter, limit: int, window: int = WINDOW_BYTES) -> None:
        self.count = 0
        self.first: str | None = None
        self._spool = spool
        self._limit = limit
        self._scanner = Scanner(self, window)
        self._ids: set[str] = set()
        self._duplicate: str | None = None
        self._defect: str | None = None
        self._not_json: str | None = None

    def feed(self, chunk: bytes) -> None:
        """Takes the next piece of the body."""
        if self._not_json is None:
            try:
                self._scanner.feed(chunk)
            except BadJsonError as error:
                self._not_json = f"{_NOT_JSON}{error}"

    def verdict(self) -> str | None:
        """Why the whole batch is refused, now that the body is complete; None if it is accepted."""
        if self._not_json is None:
            try:
                self._scanner.end()
            except BadJsonError as error:
                self._not_json = f"{_NOT_JSON}{error}"
        self._ids.clear()
        return self._not_json or self._outer_defect() or self._defect or self._list_defect()

    def _outer_defect(self) -> str | None:
        scanner = self._scanner
        if not scanner.is_object:
            return "Input should be a valid dictionary"
        if scanner.unknown_keys:
            return f"{scanner.unknown_keys[0]}: Extra inputs are not permitted"
        if scanner.found is None:
            return "requests: Field required"
        if scanner.found != "list":
            return "requests: Input should be a valid list"
        return None

    def _list_defect(self) -> str | None:
        if not self.count:
            return "requests: List should have at least 1 item after validation, not 0"
        if self.count > self._limit:
            return (
                f"requests: List should have at most {self._limit} items after validation, "
                f"not {self.count}"
            )
        if self._duplicate is not None:
            return (
                "requests: custom_id's must be unique within a batch. "
                f"Duplicate custom_id found: {self._duplicate}"
            )
        return None

    def whole(self, span: bytes) -> bool:
        """Takes many requests at once, if there is nothing to complain about."""
        try:
            span.decode()
            requests = _requests.decode(b"[%b]" % span)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return False
        custom_ids = [request.custom_id for request in requests]
        params = [bytes(request.params) for request in requests]
        if not all(map(_is_custom_id, custom_ids)) or any(body[0] != _OBJECT for body in params):
            return False
        self._take(custom_ids, params)
        return True

    def one(self, element: bytes) -> None:
        """Takes one element and notes what is wrong with it."""
        try:
            element.decode()
            msgspec.json.decode(element, type=Raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise BadJsonError(str(error)) from error
        defect = _defect(element)
        if defect is not None:
            self._defect = self._defect or f"requests.{self.count}{defect}"
            self.count += 1
            return
        [request] = _requests.decode(b"[%b]" % element)
        self._take([request.custom_id], [bytes(request.params)])

    def _take(self, custom_ids: list[str], params: list[bytes]) -> None:
        self.count += len(custom_ids)
        if self.first is None:
            self.first = custom_ids[0]
        if self._defect is None and self._duplicate is None and self.count <= self._limit:
            self._duplicate = self._repeated(custom_ids)
            self._spool.add(custom_ids, params)

    def _repeated(self, custom_ids: list[str]) -> str | None:
        """The first of some ids that has come before; None, and they are noted, if all are new."""
        fresh = set(custom_ids)
        if len(fresh) == len(custom_ids) and self._ids.isdisjoint(fresh):
            self._ids |= fresh
            return None
        for custom_id in custom_ids:
            if custom_id in self._ids:
                return custom_id
            self._ids.add(custom_id)
        return None


def _defect(element: bytes) -> str | None:
    """What is wrong with one element, as the end of a sentence that names its place."""
    try:
        members = _members.decode(element)
    except msgspec.ValidationError:
        return ": Input should be a valid dictionary"
    if "custom_id" not in members:
        return ".custom_id: Field required"
    custom_id = msgspec.json.decode(members["custom_id"])
    return _id_defect(custom_id) or _params_defect(members)


def _id_defect(custom_id: object) -> str | None:
    if not isinstance(custom_id, str):
        return ".custom_id: Input should be a valid string"
    if len(custom_id) > CUSTOM_ID_LENGTH:
        return f".custom_id: String should have at most {CUSTOM_ID_LENGTH} characters"
    if not _is_custom_id(custom_id):
        return f".custom_id: String should match pattern '{CUSTOM_ID_PATTERN}'"
    return None


def _params_defect(members: dict[str, Raw]) -> str | None:
    if "params" not in members:
        return ".params: Field required"
    if bytes(members["params"])[0] != _OBJECT:
        return ".params: Input should be a valid dictionary"
    unknown = members.keys() - {"custom_id", "params"}
    return f".{min(unknown)}: Extra inputs are not permitted" if unknown else None
