"""Measures the cache planner on two real tables that any machine can build."""
