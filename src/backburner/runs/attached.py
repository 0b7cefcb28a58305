"""Files that a prompt attaches: found, read, and turned into blocks of a body.

A file is read where it lies when its row is rendered. What travels is what was read then, since
the body holds it; that it is the same file as another time is told by its content alone.
"""

import re
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

import msgspec

from backburner.plan.preflight import MAX_REQUEST_BYTES

IMAGES: Final = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
}
"""What images begin with.

Source: platform.claude.com build-with-claude/vision, read November 2026, for the formats.
"""

_WEBP: Final = re.compile(rb"RIFF.{4}WEBP", re.DOTALL)
_PDF: Final = b"%PDF-"
_PDF_START_BYTES: Final = 1024
"""Within so many bytes readers look for the beginning of a PDF."""

_MOST_BYTES: Final = MAX_REQUEST_BYTES * 3 // 4
"""What base64 makes a whole request of."""

# Noncharacters, which no text for interchange holds. What a cell says in them can repeat a file
# of its own row, and nothing else.
_OPEN, _CLOSE = "\ufdd0", "\ufdd1"
_MARK: Final = re.compile(f"{_OPEN}([0-9]+){_CLOSE}")


class FileRefused(Exception):  # named for what happened
    """A file cannot be attached: a fault of the row that names it.

    Attributes:
        code: Of the fault.
        what: A sentence that names the file.
        hint: What to do next.
    """

    def __init__(self, code: str, what: str, hint: str) -> None:
        super().__init__(what)
        self.code = code
        self.what = what
        self.hint = hint


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """Where files may lie.

    Attributes:
        base: Where a relative path begins.
        roots: The folders within which a file must lie, links followed.
    """

    base: Path
    roots: tuple[Path, ...]

    def find(self, name: str) -> Path:
        """The real path of a file.

        Raises:
            FileRefused: It is not there, or lies outside.
        """
        if not name or "\0" in name:
            raise FileRefused("file_missing", "attaches a file without a name", "name one")
        try:
            path = (self.base / name).resolve(strict=True)
        except (OSError, RuntimeError) as error:
            what = f"attaches {name}, which is not in {self.base}"
            hint = "check the path; it begins where the input lies"
            raise FileRefused("file_missing", what, hint) from error
        if not any(path.is_relative_to(root.resolve()) for root in self.roots):
            what = f"attaches {name}, which lies outside of {self.roots[0]}"
            hint = f"copy it there, or allow its folder: --allow-path {path.parent}"
            raise FileRefused("file_outside", what, hint)
        return path


class AttachedFiles:
    """Reads the files of one pass over an input."""

    def __init__(self, reach: Reach) -> None:
        self._reach = reach
        self._digest = sha256()

    @property
    def digest(self) -> str:
        """The hash of the contents of all files so far, in the order in which they were read."""
        return self._digest.hexdigest()

    def block(self, name: str) -> bytes:
        """The content block of a file, as JSON.

        Raises:
            FileRefused: It cannot be attached.
        """
        data = _read(self._reach.find(name), name)
        self._digest.update(sha256(data).digest())
        return msgspec.json.encode(_block(data, name))


class RowFiles:
    """The files of one row, in the order in which its prompt attaches them.

    Attributes:
        names: Their paths, as the prompt gives them.
    """

    def __init__(self, files: AttachedFiles) -> None:
        self._files = files
        self._blocks: list[bytes] = []
        self.names: list[str] = []

    def attach(self, path: object) -> str:
        """Read a file; gives what stands for it in the prompt."""
        self.names.append(str(path))
        self._blocks.append(self._files.block(str(path)))
        return f"{_OPEN}{len(self._blocks) - 1}{_CLOSE}"

    def blocks(self, prompt: str) -> list[bytes]:
        """The content of a message: the files of a prompt, and the texts between them.

        Text that is blank, which the API refuses, is left out. Without a file there are none.
        """
        return list(self._split(prompt)) if self._blocks else []

    def _split(self, prompt: str) -> Iterator[bytes]:
        for place, part in enumerate(_MARK.split(prompt)):
            if place % 2 and int(part) < len(self._blocks):
                yield self._blocks[int(part)]
            elif not place % 2 and part.strip():
                yield msgspec.json.encode({"type": "text", "text": part})


def _read(path: Path, name: str) -> bytes:
    try:
        size = path.stat().st_size
        if size > _MOST_BYTES:
            what = f"attaches {name}, which has {size:,} bytes; {_MOST_BYTES:,} fit into a request"
            hint = "split it, or put it in with the Files API and name its id"
            raise FileRefused("request_too_large", what, hint)
        data = path.read_bytes()
    except OSError as error:
        what = f"attaches {name}, which cannot be read: {error.strerror}"
        raise FileRefused("file_unreadable", what, "mend its permissions") from error
    if not data.strip():
        raise FileRefused("file_unreadable", f"attaches {name}, which is empty", "fill it")
    return data


def _block(data: bytes, name: str) -> dict[str, object]:
    if _PDF in data[:_PDF_START_BYTES]:
        return {"type": "document", "source": _encoded("application/pdf", data)}
    image = next((kind for start, kind in IMAGES.items() if data.startswith(start)), None)
    if image is None and _WEBP.match(data):
        image = "image/webp"
    if image is not None:
        return {"type": "image", "source": _encoded(image, data)}
    source = {"type": "text", "media_type": "text/plain", "data": _text(data, name)}
    return {"type": "document", "source": source}


def _encoded(kind: str, data: bytes) -> dict[str, str]:
    return {"type": "base64", "media_type": kind, "data": b64encode(data).decode("ascii")}


def _text(data: bytes, name: str) -> str:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        what = f"attaches {name}, which is no PDF, no image and no UTF-8 text"
        hint = "save it as one of these; images are PNG, JPEG, GIF or WebP"
        raise FileRefused("file_unreadable", what, hint)
    return text
