"""The command line: one file per family of commands, over the class that Python users call."""
