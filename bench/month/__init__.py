"""A month of one company's calls on the emulator, under three policies: `make month`."""
