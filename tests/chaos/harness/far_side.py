"""The emulator that the workers speak to: a server in a thread of the harness."""

import threading
from typing import Final

import httpx2
import msgspec

from backburner.emulator.creation import Witness
from backburner.emulator.ledger import Received
from backburner.emulator.server import server_for
from backburner.emulator.settings import Settings

DAY: Final = 24 * 3600.0


class Entry(msgspec.Struct, frozen=True):
    """A batch in the emulator's ledger."""

    id: str
    ordinal: int
    count: int
    created_at: float
    cost: int
    foreign: bool
    fault: str
    late: bool
    requests: list[Received]

    @property
    def prefix(self) -> str:
        """Nonce and try, as its first custom_id names them."""
        return self.requests[0].custom_id.partition("-")[0]


class FarSide:
    """Runs the emulator. The world is only asked through its server, whose thread it lives in."""

    def __init__(self, settings: Settings, patience: float | None, witness: Witness) -> None:
        self._ready = threading.Event()
        self.url = ""
        self._server = server_for(
            settings, ready=self._listening, on_complete_body=witness, patience=patience
        )
        self._thread = threading.Thread(target=self._server.run)
        self._thread.start()
        self._ready.wait(60)
        self._http = httpx2.Client(base_url=f"{self.url}/_emulator", timeout=120)

    def _listening(self, url: str) -> None:
        self.url = url
        self._ready.set()

    def ledger(self) -> list[Entry]:
        """All batches that were accepted, strangers' left out."""
        lines = self._http.get("/ledger").content.splitlines()
        entries = [msgspec.json.decode(line, type=Entry) for line in lines]
        return [entry for entry in entries if not entry.foreign]

    def bill(self) -> int:
        """All that is charged, in picodollars."""
        return self._http.get("/bill").json()["total"]

    def struck(self) -> dict[str, int]:
        """How often each fault has struck."""
        return self._http.get("/struck").json()

    def calm(self) -> None:
        """Ends all faults."""
        self._http.post("/calm").raise_for_status()

    def let_a_day_pass(self) -> None:
        """Ends batches that came to a halt."""
        self._http.post("/clock", json={"advance": DAY}).raise_for_status()

    def close(self) -> None:
        """Stops the server."""
        self._http.close()
        self._server.should_exit = True
        self._thread.join(60)
