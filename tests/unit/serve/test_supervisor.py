"""Starting, restarting and stopping processes. Each test runs a supervisor of its own in a new interpreter."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import textwrap
import time

import psutil
import pytest

PRELUDE = """
import os, signal, sys, time
from pathlib import Path
from undercroft import limits
from undercroft.serve import logs
from undercroft.serve.supervisor import Role, Supervisor

folder = Path(sys.argv[1])
logs.configure("supervisor")

def say(text):
    with (folder / "said").open("a") as file:
        file.write(text + "\\n")

def wait(ready):
    ready()
    signal.pause()
    return 0

def run(*roles, **options):
    options.setdefault("on_ready", lambda: say(f"ready {os.getpid()}"))
    code = Supervisor(roles, **options).run()
    say("over")
    sys.exit(code)
"""


class Running:
    def __init__(self, folder, program):
        self.folder = folder
        self.process = subprocess.Popen(
            [sys.executable, "-c", PRELUDE + textwrap.dedent(program), str(folder)], stderr=subprocess.PIPE, text=True
        )

    def said(self):
        file = self.folder / "said"
        return file.read_text().splitlines() if file.exists() else []

    def until(self, condition, patience_s=20.0):
        deadline = time.monotonic() + patience_s
        while not condition(self.said()):
            assert time.monotonic() < deadline, (self.said(), self.process.poll())
            time.sleep(0.01)

    def children(self):
        return psutil.Process(self.process.pid).children()

    def end(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        return self.wait()

    def wait(self):
        _, self.log = self.process.communicate(timeout=20)
        return self.process.returncode


@pytest.fixture
def running(tmp_path):
    started = []

    def start(program):
        started.append(Running(tmp_path, program))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.process.kill()
            one.process.communicate()


def is_ready(said):
    return any(line.startswith("ready") for line in said)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_all_processes_and_the_exit_code_is_0(running, number):
    one = running("run(Role('a', wait), Role('b', wait))")
    one.until(is_ready)
    children = one.children()
    assert len(children) == 2
    assert one.end(number) == 0
    assert not any(child.is_running() for child in children)


def test_the_server_is_ready_when_every_process_is(running):
    one = running("""
        def slow(ready):
            while not (folder / "go").exists():
                time.sleep(0.01)
            return wait(ready)
        run(Role('a', wait), Role('b', slow))
    """)
    one.until(lambda _said: len(one.children()) == 2)
    assert not is_ready(one.said())
    (one.folder / "go").touch()
    one.until(is_ready)
    assert one.end() == 0


@pytest.mark.parametrize(
    "crash", ["os.kill(os.getpid(), signal.SIGKILL)", "raise ValueError('x')", "return 0", "sys.exit(3)"]
)
def test_a_process_that_ends_is_started_again(running, crash):
    one = running(f"""
        def role(ready):
            say("started")
            if not (folder / "crashed").exists():
                ready()
                while not is_ready():
                    time.sleep(0.01)
                (folder / "crashed").touch()
                {crash}
            return wait(ready)
        def is_ready():
            return "ready" in (folder / "said").read_text()
        run(Role('a', role), Role('b', wait))
    """)
    one.until(lambda said: said.count("started") == 2)
    assert one.end() == 0
    assert "process_ended" in one.log


def test_a_process_that_crashes_again_and_again_is_started_less_and_less_often(running):
    one = running("""
        limits.RESTART_BACKOFF_MIN_S = 0.05
        import undercroft.serve.supervisor as s
        def role(ready):
            say(f"at {time.monotonic()}")
            ready()
            time.sleep(0.05)
            return 1
        run(Role('a', role))
    """)
    one.until(lambda said: sum(line.startswith("at ") for line in said) >= 5)
    moments = [float(line.split()[1]) for line in one.said() if line.startswith("at ")]
    gaps = [after - before for before, after in itertools.pairwise(moments)]
    assert gaps[3] > 2 * gaps[0] > 0
    assert one.end() == 0


def test_a_process_that_fails_before_the_server_was_ready_ends_it_with_1(running):
    one = running("run(Role('a', wait), Role('b', lambda ready: 5))")
    assert one.wait() == 1
    assert "start_failed" in one.log


def test_a_process_that_is_killed_before_the_server_was_ready_is_started_again(running):
    one = running("""
        def role(ready):
            if not (folder / "killed").exists():
                (folder / "killed").touch()
                os.kill(os.getpid(), signal.SIGKILL)
            return wait(ready)
        run(Role('a', role))
    """)
    one.until(is_ready)
    assert one.end() == 0


def test_p12_a_fatal_storage_error_kills_everything_at_once_and_the_exit_code_is_74(running):
    one = running("""
        def stubborn(ready):
            signal.signal(signal.SIGTERM, lambda *_: say("heard"))
            ready()
            while True:
                time.sleep(60)
        def fatal(ready):
            ready()
            while not (folder / "go").exists():
                time.sleep(0.01)
            os._exit(74)
        run(Role('a', stubborn), Role('b', fatal))
    """)
    one.until(is_ready)
    children = one.children()
    began = time.monotonic()
    (one.folder / "go").touch()
    assert one.wait() == 74
    assert time.monotonic() - began < 5
    assert not any(child.is_running() for child in children)


def test_p12_a_fatal_storage_error_while_stopping_is_not_forgotten(running):
    one = running("""
        def fatal(ready):
            signal.signal(signal.SIGTERM, lambda *_: os._exit(74))
            return wait(ready)
        run(Role('a', fatal))
    """)
    one.until(is_ready)
    assert one.end() == 74


def test_a_process_that_does_not_stop_in_time_is_killed(running):
    one = running("""
        def stubborn(ready):
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            ready()
            while True:
                time.sleep(60)
        run(Role('a', stubborn), grace_s=0.2)
    """)
    one.until(is_ready)
    assert one.end() == 0
    assert "stop_took_too_long" in one.log


def test_a_second_interrupt_kills(running):
    one = running("""
        def stubborn(ready):
            signal.signal(signal.SIGTERM, lambda *_: say("heard"))
            ready()
            while True:
                time.sleep(60)
        run(Role('a', stubborn))
    """)
    one.until(is_ready)
    one.process.send_signal(signal.SIGINT)
    one.until(lambda said: "heard" in said)
    assert one.end(signal.SIGINT) == 0


def test_a_second_sigterm_kills_unless_it_is_the_first_one_delivered_twice(running):
    one = running("""
        limits.STOP_REPEATED_S = 0.5
        def stubborn(ready):
            signal.signal(signal.SIGTERM, lambda *_: say("heard"))
            ready()
            while True:
                time.sleep(60)
        run(Role('a', stubborn))
    """)
    one.until(is_ready)
    one.process.send_signal(signal.SIGTERM)
    one.until(lambda said: "heard" in said)
    one.process.send_signal(signal.SIGTERM)
    time.sleep(0.6)
    assert len(one.children()) == 1
    assert one.end(signal.SIGTERM) == 0


def test_hangup_reaches_the_processes(running):
    one = running("""
        def role(ready):
            signal.signal(signal.SIGHUP, lambda *_: say("reloaded"))
            ready()
            while True:
                signal.pause()
        run(Role('a', role), Role('b', wait))
    """)
    one.until(is_ready)
    one.process.send_signal(signal.SIGHUP)
    one.until(lambda said: "reloaded" in said)
    assert len(one.children()) == 2
    assert one.end() == 0


def test_processes_do_not_outlive_the_supervisor(running):
    one = running("run(Role('a', wait), Role('b', wait))")
    one.until(is_ready)
    children = one.children()
    os.kill(one.process.pid, signal.SIGKILL)
    one.wait()
    gone, alive = psutil.wait_procs(children, timeout=10)
    assert (len(gone), alive) == (2, [])


def test_the_end_of_each_process_is_reported(running):
    one = running("run(Role('a', wait), Role('b', wait), on_end=lambda pid: say(f'ended {pid}'))")
    one.until(is_ready)
    children = {f"ended {child.pid}" for child in one.children()}
    assert one.end() == 0
    assert children <= set(one.said())


def test_a_process_keeps_its_own_sockets_alone_and_stopping_closes_the_supervisors(running):
    one = running("""
        import socket
        from undercroft.serve.listeners import listen
        from undercroft.settings import Address
        mine, other = listen(Address("127.0.0.1", 0), "x"), listen(Address("127.0.0.1", 0), "y")
        def role(ready):
            mine[0].getsockname()
            try:
                other[0].getsockname()
            except OSError:
                say("closed")
            return wait(ready)
        run(Role('a', role, mine), sockets=[*mine, *other])
    """)
    one.until(lambda said: is_ready(said) and "closed" in said)
    assert one.end() == 0
