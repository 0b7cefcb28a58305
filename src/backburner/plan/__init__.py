"""Decisions: pure functions over values. Asking one what it would do costs nothing."""
