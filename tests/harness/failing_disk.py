"""A disk that fails at chosen system calls of a real server: a library that is loaded before the C library (LD_PRELOAD).

While a file of rules exists, each call of it fails with EIO: a line is the name of a call and what the path must contain,
where `|` stands for its end. So `fdatasync catalog.db|` fails the database's syncs and not those of its log.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

_VARIABLE = "UNDERCROFT_TEST_FAULTS"
_SOURCE = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/* By system call, since the functions of the same names are ours. */
static int fails(const char *call, int fd)
{
    const char *file = getenv("UNDERCROFT_TEST_FAULTS");
    int rules_fd = file ? (int)syscall(SYS_openat, AT_FDCWD, file, O_RDONLY | O_CLOEXEC) : -1;
    if (rules_fd < 0)
        return 0;
    char rules[1024];
    long size = syscall(SYS_read, rules_fd, rules, sizeof rules - 1);
    syscall(SYS_close, rules_fd);
    rules[size > 0 ? size : 0] = 0;
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    long length = syscall(SYS_readlinkat, AT_FDCWD, link, path, sizeof path - 2);
    if (length < 0)
        return 0;
    path[length] = '|';
    path[length + 1] = 0;
    char *rest, *line = strtok_r(rules, "\n", &rest);
    for (; line; line = strtok_r(NULL, "\n", &rest)) {
        char *wanted = strchr(line, ' ');
        if (!wanted)
            continue;
        *wanted++ = 0;
        if (!strcmp(line, call) && strstr(path, wanted)) {
            errno = EIO;
            return 1;
        }
    }
    return 0;
}

#define FAILING(result, name, call, parameters, arguments)                     \
    result name parameters                                                     \
    {                                                                          \
        static result(*real) parameters;                                       \
        if (!real)                                                             \
            real = (result(*) parameters)dlsym(RTLD_NEXT, #name);              \
        return fails(call, fd) ? -1 : real arguments;                          \
    }

FAILING(int, fsync, "fsync", (int fd), (fd))
FAILING(int, fdatasync, "fdatasync", (int fd), (fd))
FAILING(ssize_t, pread64, "read", (int fd, void *b, size_t n, off64_t o), (fd, b, n, o))
FAILING(ssize_t, preadv64v2, "read", (int fd, const struct iovec *v, int n, off64_t o, int f), (fd, v, n, o, f))
FAILING(ssize_t, pwrite64, "write", (int fd, const void *b, size_t n, off64_t o), (fd, b, n, o))
FAILING(ssize_t, writev, "write", (int fd, const struct iovec *v, int n), (fd, v, n))
"""


class FailingDisk:
    """The library, made for this machine in `folder`, and the file of rules."""

    def __init__(self, folder: Path) -> None:
        if shutil.which("gcc") is None:
            pytest.skip("there is no gcc here to make the failing disk with")
        self._rules = folder / "faults"
        self._library = folder / "failing_disk.so"
        source = folder / "failing_disk.c"
        source.write_text(_SOURCE)
        subprocess.run(
            ["gcc", "-Wall", "-Werror", "-O1", "-shared", "-fPIC", "-o", self._library, source, "-ldl"],
            check=True,
            capture_output=True,
            text=True,
        )

    @property
    def environment(self) -> dict[str, str]:
        """What a server must have in its environment."""
        return {"LD_PRELOAD": str(self._library), _VARIABLE: str(self._rules)}

    def fail(self, *rules: str) -> None:
        """From now on, calls after these rules fail."""
        new = self._rules.with_suffix(".new")
        new.write_text("".join(rule + "\n" for rule in rules))
        os.replace(new, self._rules)  # noqa: PTH105 - at once: a server never sees half of the rules.

    def heal(self) -> None:
        """From now on, nothing fails."""
        self._rules.unlink(missing_ok=True)
