"""What can go wrong with the HTTP of a request before any protocol has a word to say about it."""


class HTTPInputError(Exception):
    """The request's bytes are unusable. Faces answer each kind in their own dialect."""


class BodyTooLarge(HTTPInputError):
    """A document body exceeds its limit. `limit_bytes` is the limit."""

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(f"The request body exceeds {limit_bytes} bytes.")
        self.limit_bytes = limit_bytes


class BodyStalled(HTTPInputError):
    """Nothing of the body arrived for too long, or the whole took too long."""


class BodyBroken(HTTPInputError):
    """The connection ended before the declared body had arrived; nobody is left to read the answer."""


class MalformedURL(HTTPInputError):
    """The path or query is not percent-encoded UTF-8."""


class MalformedXML(HTTPInputError):
    """The document of the body is no XML, or none that is taken."""

    def __init__(self, message: str = "The XML of the body is not well-formed or does not fit this request.") -> None:
        super().__init__(message)
