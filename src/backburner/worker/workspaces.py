"""Making sure that a credential acts where the lane's batches are."""

from backburner.store.lanes import lane_pin_workspace
from backburner.worker.tools import Tools


def check_workspace(tools: Tools, lane: str, workspace: str | None) -> None:
    """Pin the lane to the workspace that an answer named, or find it pinned to that one.

    Raises:
        LanePinned: The credential acts in another workspace: what it does not list says nothing.
    """
    if workspace is None:
        return
    with tools.store.write() as tx:
        lane_pin_workspace(tx, lane, workspace)
