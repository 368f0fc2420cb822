"""The exit codes of the command and of the processes under the supervisor (design, sections 5 and 6)."""

DONE = 0
FAILED = 1
USAGE = 2
FATAL_STORAGE_EXIT = (
    74  # EX_IOERR: a failed fsync or an I/O error of the catalog. The whole server stops with it (P12).
)


class StartError(Exception):
    """The server cannot start. The message is for the operator; `exit_code` is the command's."""

    def __init__(self, message: str, exit_code: int = FAILED) -> None:
        super().__init__(message)
        self.exit_code = exit_code
