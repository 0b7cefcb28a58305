"""Receipts and the maths behind them."""
