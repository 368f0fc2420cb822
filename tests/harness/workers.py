"""Which of the server's processes serves a connection, found in the system's own tables."""

from __future__ import annotations

import contextlib

import psutil


class Workers:
    """The processes under one supervisor, by the connections that they hold."""

    def __init__(self, supervisor_pid: int) -> None:
        self._supervisor = psutil.Process(supervisor_pid)
        self._known: list[psutil.Process] = []

    def serving(self, client_port: int) -> int | None:
        """The id of the process that holds the other end of a connection from this local port; None where nobody does.

        Ask after the first answer on it: until then nobody may have accepted it.
        """
        for look_again in (False, True):
            if look_again:
                self._known = self._supervisor.children()
            for process in self._known:
                with contextlib.suppress(psutil.NoSuchProcess):
                    connections = process.net_connections("tcp4")
                    if any(one.raddr and one.raddr.port == client_port for one in connections):
                        return process.pid
        return None
