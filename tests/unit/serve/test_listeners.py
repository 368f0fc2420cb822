"""Binding."""

from __future__ import annotations

import socket
from contextlib import closing

import pytest

from undercroft.serve.exits import FAILED, StartError
from undercroft.serve.listeners import listen
from undercroft.settings import Address


def close_all(sockets):
    for one in sockets:
        one.close()


def test_port_0_is_chosen_by_the_system_and_accepts_connections():
    sockets = listen(Address("127.0.0.1", 0), "--listen")
    with closing(socket.create_connection(sockets[0].getsockname(), timeout=5)):
        pass
    close_all(sockets)


def test_a_name_listens_on_every_address_it_stands_for_with_one_port():
    sockets = listen(Address("localhost", 0), "--listen")
    assert len({one.getsockname()[1] for one in sockets}) == 1
    close_all(sockets)


def test_a_port_that_is_taken_is_a_clear_error():
    sockets = listen(Address("127.0.0.1", 0), "--listen")
    port = sockets[0].getsockname()[1]
    with pytest.raises(StartError, match=rf"^--listen: cannot listen on 127.0.0.1:{port}: another program") as caught:
        listen(Address("127.0.0.1", port), "--listen")
    assert caught.value.exit_code == FAILED
    close_all(sockets)


def test_a_port_that_was_left_a_moment_ago_can_be_had_again():
    sockets = listen(Address("127.0.0.1", 0), "--listen")
    target = sockets[0].getsockname()
    with closing(socket.create_connection(target, timeout=5)):
        sockets[0].setblocking(True)
        accepted, _ = sockets[0].accept()
        accepted.close()  # The server closes first, so its port waits out the connection.
    close_all(sockets)
    close_all(listen(Address(*target), "--listen"))


@pytest.mark.parametrize("host", ["no-such-host.invalid", "192.0.2.1", "a" * 300])
def test_a_host_that_is_not_this_machines_is_a_clear_error(host):
    with pytest.raises(StartError, match=r"^--console-listen: "):
        listen(Address(host, 0), "--console-listen")
