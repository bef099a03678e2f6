"""What is said when a sound file cannot be used."""


class UnreadableAudio(Exception):
    """A file that is not whole, readable audio within our limits.

    `what` says what is wrong with the file and `todo` what its owner can do; both are plain sentences
    made to be shown beside the file's name.
    """

    def __init__(self, what: str, todo: str) -> None:
        super().__init__(f"{what} {todo}")
        self.what = what
        self.todo = todo
