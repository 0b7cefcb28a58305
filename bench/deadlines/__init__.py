"""Policies for a deadline, by the emulator's bill."""
