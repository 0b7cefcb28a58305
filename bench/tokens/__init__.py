"""Texts whose tokens were counted once, the fit made of them, and how far off the estimate is."""
