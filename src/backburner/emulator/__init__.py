"""An emulator of Anthropic's Message Batches API, written from its documentation alone."""
