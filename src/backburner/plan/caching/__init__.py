"""What of a prompt is worth caching: pure decisions over token counts, rates and hit rates."""
