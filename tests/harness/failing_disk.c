/* A disk that fails: loaded before the C library (LD_PRELOAD), it stands between a process and its system calls.
 *
 * It is told what to fail in one of two ways. A file of rules, named by UNDERCROFT_TEST_FAULTS, serves a real server with all
 * its processes: each call that a rule names fails with EIO while the rule is there. A plan, made by `failing_disk_arm`,
 * serves a process that breaks itself: the n-th call of the chosen classes under a folder fails, or is cut short.
 *
 * The log's index ("-shm") is left alone: it is shared memory that SQLite makes anew, nothing of it has to last.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/* The classes of calls; `Calls` in failing_disk.py has the same numbers. */
enum {
    OPEN = 1,
    CREATE = 2,
    READ = 4,
    WRITE = 8,
    SYNC = 16,
    TRUNCATE = 32,
    ALLOCATE = 64,
    MKDIR = 128,
    RENAME = 256,
    LINK = 512,
    UNLINK = 1024,
    STATVFS = 2048
};

enum { PATH_BYTES = 4096, PASSES = 0, CUT_SHORT = -1 };

/* -- The plan ------------------------------------------------------------------------------------------------------ */
static struct {
    char root[PATH_BYTES];
    size_t root_length;
    unsigned calls;
    long nth;
    int error;     /* 0: nothing fails. */
    int stays;     /* Every later call of the classes fails too, until the plan ends. */
    int cuts_short; /* The n-th call, if it writes, is cut short instead of failing. */
} plan;
static atomic_int armed;
static atomic_long count, counts[12];
static char hit[PATH_BYTES + 32];

void failing_disk_arm(const char *root, unsigned calls, long nth, int error, int stays, int cuts_short)
{
    snprintf(plan.root, sizeof plan.root, "%s", root);
    plan.root_length = strlen(plan.root);
    plan.calls = calls;
    plan.nth = nth;
    plan.error = error;
    plan.stays = stays;
    plan.cuts_short = cuts_short;
    hit[0] = 0;
    atomic_store(&count, 0);
    for (int bit = 0; bit < 12; bit++)
        atomic_store(&counts[bit], 0);
    atomic_store(&armed, 1);
}

void failing_disk_disarm(void)
{
    atomic_store(&armed, 0);
}

/* How many calls of these classes there were since the plan was made, whether or not it is about them. */
long failing_disk_count(unsigned calls)
{
    long sum = 0;
    for (int bit = 0; bit < 12; bit++)
        if (calls & 1u << bit)
            sum += atomic_load(&counts[bit]);
    return sum;
}

/* The call that was the n-th, and its path; empty where there was none. */
const char *failing_disk_hit(void)
{
    return hit;
}

static int planned(unsigned call, const char *name, const char *path)
{
    size_t length = strlen(path);
    if (strncmp(path, plan.root, plan.root_length) || (length > 4 && !strcmp(path + length - 4, "-shm")))
        return PASSES;
    atomic_fetch_add(&counts[__builtin_ctz(call)], 1);
    if (!(plan.calls & call))
        return PASSES;
    long number = atomic_fetch_add(&count, 1) + 1;
    if (number < plan.nth || (number > plan.nth && !plan.stays))
        return PASSES;
    if (number > plan.nth)
        return plan.error;
    snprintf(hit, sizeof hit, "%s %s", name, path + plan.root_length);
    return plan.cuts_short && call == WRITE ? CUT_SHORT : plan.error;
}

/* -- The rules ----------------------------------------------------------------------------------------------------- */
static int ruled(const char *call, char *path)
{
    const char *file = getenv("UNDERCROFT_TEST_FAULTS");
    int rules_fd = file ? (int)syscall(SYS_openat, AT_FDCWD, file, O_RDONLY | O_CLOEXEC) : -1;
    if (rules_fd < 0)
        return PASSES;
    char rules[1024];
    long size = syscall(SYS_read, rules_fd, rules, sizeof rules - 1);
    syscall(SYS_close, rules_fd);
    rules[size > 0 ? size : 0] = 0;
    strcat(path, "|");
    char *rest, *line = strtok_r(rules, "\n", &rest);
    for (; line; line = strtok_r(NULL, "\n", &rest)) {
        char *wanted = strchr(line, ' ');
        if (!wanted)
            continue;
        *wanted++ = 0;
        if (!strcmp(line, call) && strstr(path, wanted))
            return EIO;
    }
    return PASSES;
}

/* -- The calls ----------------------------------------------------------------------------------------------------- */
static int verdict(unsigned call, const char *name, int fd, const char *given)
{
    char path[PATH_BYTES + 2];
    if (given) {
        snprintf(path, PATH_BYTES, "%s", given);
    } else {
        char link[64];
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        /* By system call, since the functions of the same names may be ours. */
        long length = syscall(SYS_readlinkat, AT_FDCWD, link, path, PATH_BYTES - 1);
        if (length < 0)
            return PASSES;
        path[length] = 0;
    }
    if (atomic_load(&armed))
        return planned(call, name, path);
    return given ? PASSES : ruled(name, path);
}

#define REAL(name) \
    static __typeof__(name) *real; \
    if (!real) \
        real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name);

#define FAILING(result, name, call, shown, fd, path, parameters, arguments) \
    result name parameters \
    { \
        REAL(name) \
        int error = verdict(call, shown, fd, path); \
        if (error == PASSES) \
            return real arguments; \
        errno = error; \
        return -1; \
    }

/* One that writes `n` bytes may also be made to write half of them. */
#define SHORTENING(name, parameters, whole, half) \
    ssize_t name parameters \
    { \
        REAL(name) \
        int error = verdict(WRITE, "write", fd, NULL); \
        if (error == PASSES || (error == CUT_SHORT && n < 2)) \
            return real whole; \
        if (error == CUT_SHORT) \
            return real half; \
        errno = error; \
        return -1; \
    }

FAILING(int, fsync, SYNC, "fsync", fd, NULL, (int fd), (fd))
FAILING(int, fdatasync, SYNC, "fdatasync", fd, NULL, (int fd), (fd))
FAILING(ssize_t, read, READ, "read", fd, NULL, (int fd, void *b, size_t n), (fd, b, n))
FAILING(ssize_t, pread64, READ, "read", fd, NULL, (int fd, void *b, size_t n, off64_t o), (fd, b, n, o))
FAILING(ssize_t, preadv64v2, READ, "read", fd, NULL, (int fd, const struct iovec *v, int n, off64_t o, int f), (fd, v, n, o, f))
FAILING(int, ftruncate64, TRUNCATE, "ftruncate", fd, NULL, (int fd, off64_t n), (fd, n))
FAILING(int, mkdir, MKDIR, "mkdir", -1, p, (const char *p, mode_t m), (p, m))
FAILING(int, rename, RENAME, "rename", -1, to, (const char *from, const char *to), (from, to))
FAILING(int, link, LINK, "link", -1, to, (const char *from, const char *to), (from, to))
FAILING(int, unlink, UNLINK, "unlink", -1, p, (const char *p), (p))
FAILING(int, statvfs64, STATVFS, "statvfs", -1, p, (const char *p, struct statvfs64 *s), (p, s))

SHORTENING(write, (int fd, const void *b, size_t n), (fd, b, n), (fd, b, n / 2))
SHORTENING(pwrite64, (int fd, const void *b, size_t n, off64_t o), (fd, b, n, o), (fd, b, n / 2, o))
SHORTENING(writev, (int fd, const struct iovec *v, int n), (fd, v, n), (fd, v, n / 2))
SHORTENING(pwritev64v2, (int fd, const struct iovec *v, int n, off64_t o, int f), (fd, v, n, o, f), (fd, v, n / 2, o, f))

/* Tells of its failure by what it returns. */
int posix_fallocate64(int fd, off64_t offset, off64_t length)
{
    REAL(posix_fallocate64)
    int error = verdict(ALLOCATE, "fallocate", fd, NULL);
    return error == PASSES ? real(fd, offset, length) : error;
}

int open64(const char *path, int flags, ...)
{
    REAL(open64)
    va_list rest;
    va_start(rest, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    /* What is there already takes no room, whether or not it might be created. */
    struct stat found;
    int saved = errno;
    int creates = flags & O_CREAT && syscall(SYS_newfstatat, AT_FDCWD, path, &found, AT_SYMLINK_NOFOLLOW);
    errno = saved;
    int error = verdict(creates ? CREATE : OPEN, creates ? "create" : "open", -1, path);
    if (error == PASSES)
        return real(path, flags, mode);
    errno = error;
    return -1;
}
