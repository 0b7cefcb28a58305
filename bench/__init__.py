"""The benchmark: ours, the plain SDK script and the floor, side by side against the emulator."""
