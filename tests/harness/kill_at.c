/* Kills its process before the n-th of the calls that change files or take locks on them, for `kill_at.py`. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <sys/file.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static atomic_int armed, calls, last;

void undercroft_test_arm(int at)
{
    atomic_store(&calls, 0);
    atomic_store(&last, at);
    atomic_store(&armed, 1);
}

int undercroft_test_calls(void)
{
    return atomic_load(&calls);
}

static void count(void)
{
    if (atomic_load(&armed) && atomic_fetch_add(&calls, 1) + 1 == atomic_load(&last))
        kill(getpid(), SIGKILL);
}

#define COUNTED(result, name, parameters, arguments)                           \
    result name parameters                                                     \
    {                                                                          \
        static result(*real) parameters;                                       \
        if (!real)                                                             \
            real = (result(*) parameters)dlsym(RTLD_NEXT, #name);              \
        count();                                                               \
        return real arguments;                                                 \
    }

COUNTED(int, fsync, (int fd), (fd))
COUNTED(int, fdatasync, (int fd), (fd))
COUNTED(ssize_t, pwrite64, (int fd, const void *b, size_t n, off64_t o), (fd, b, n, o))
COUNTED(ssize_t, writev, (int fd, const struct iovec *v, int n), (fd, v, n))
COUNTED(int, ftruncate64, (int fd, off64_t n), (fd, n))
COUNTED(int, unlink, (const char *path), (path))
COUNTED(int, flock, (int fd, int operation), (fd, operation))

static int counted_fcntl(const char *name, int fd, int command, void *argument)
{
    int (*real)(int, int, ...) = (int (*)(int, int, ...))dlsym(RTLD_NEXT, name);
    if (command == F_SETLK || command == F_SETLKW)
        count();
    return real(fd, command, argument);
}

#define COUNTED_FCNTL(name)                                                    \
    int name(int fd, int command, ...)                                         \
    {                                                                          \
        va_list rest;                                                          \
        va_start(rest, command);                                               \
        void *argument = va_arg(rest, void *);                                 \
        va_end(rest);                                                          \
        return counted_fcntl(#name, fd, command, argument);                    \
    }

COUNTED_FCNTL(fcntl)
COUNTED_FCNTL(fcntl64)
