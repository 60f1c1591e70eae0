"""The base of every anticipated error; its docstring is the message a person reads."""


class ChatError(Exception):
    """Something went wrong."""

    #: The HTTP status a door answers with.
    status = 500

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail or self.message())
        self.detail = detail or self.message()

    @classmethod
    def message(cls) -> str:
        """The first paragraph of the docstring, as shown to people."""
        return " ".join((cls.__doc__ or cls.__name__).split("\n\n")[0].split())
