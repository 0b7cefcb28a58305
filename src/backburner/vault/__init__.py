"""The bytes: inputs, segments and results, as immutable files of zstd frames."""

from backburner.vault.directory import Vault

__all__ = ["Vault"]
