"""The command line: each command parses, calls one service function, and shows the answer as text or JSON."""
