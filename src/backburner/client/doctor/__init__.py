"""Is this installation in order, and is the API as the emulator has it?"""
