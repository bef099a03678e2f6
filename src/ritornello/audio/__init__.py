"""Sound files: judging whether one can be trusted, reading it as mono samples, writing it again."""
