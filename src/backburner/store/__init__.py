"""The SQL state: lanes, runs, batches, exceptions, ledger.

Each module holds the statements of one noun as functions over an open transaction. Every statement
that needs the time takes it as an argument.
"""

from backburner.store.engine import Store, Transaction

__all__ = ["Store", "Transaction"]
