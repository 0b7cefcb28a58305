"""Backburner: Claude work that can wait, at half price."""
