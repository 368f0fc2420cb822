/* Records what a program does to the files under one directory, in true order, for `disk_recorder.py`.
 *
 * Loaded before the C library (LD_PRELOAD), it stands before every call that changes files, names or sizes, or that
 * syncs. A change is made and written down under one lock that all processes of the recording share, so the journal
 * has the order in which the kernel saw the changes. A sync is written down twice, before it begins and after it has
 * succeeded: it vouches for what was changed before it began, and only once it has ended.
 *
 * A call that it cannot describe (a shared mapping that may be written, copy_file_range, O_DSYNC, ...) is written
 * down as such, and the reader of the journal refuses it. What passes by altogether (a bare system call) shows when
 * the journal, replayed, is compared with the directory.
 *
 * It is long because libc has many names for few calls, and a library of one file is made by one command.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define PATH_BYTES 4096
#define SYNC_US 2000 /* As on a real disk, so that a program that does not wait for its syncs is seen not to. */

/* What the journal holds of each event; the paths and the data follow. `disk_recorder.py` reads the same. */
struct record {
    uint32_t kind, process;
    uint64_t inode;
    int64_t offset, size;
    uint32_t path_bytes, other_path_bytes, data_bytes, zero;
};

static char root[PATH_BYTES], journal[PATH_BYTES];
static size_t root_bytes;
static pthread_mutex_t *lock; /* In a file that all processes map. */

static void die(const char *what)
{
    char text[PATH_BYTES + 100];
    int length = snprintf(text, sizeof text, "disk recorder: %s: %s\n", what, strerror(errno));
    syscall(SYS_write, 2, text, length);
    _exit(99);
}

/* By system call here and below, since the functions of the same names are ours. */
static void map_lock(int flags)
{
    char path[PATH_BYTES + 8];
    snprintf(path, sizeof path, "%s.lock", journal);
    int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC | flags, 0600);
    if (fd < 0 || (flags && syscall(SYS_ftruncate, fd, sizeof *lock)))
        die(path);
    lock = (pthread_mutex_t *)syscall(SYS_mmap, NULL, sizeof *lock, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (lock == MAP_FAILED)
        die(path);
    syscall(SYS_close, fd);
}

static void use(const char *journal_path, const char *root_path)
{
    snprintf(journal, sizeof journal, "%s", journal_path);
    snprintf(root, sizeof root, "%s", root_path);
    root_bytes = strlen(root);
}

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("UNDERCROFT_TEST_JOURNAL"), *under = getenv("UNDERCROFT_TEST_ROOT");
    if (path && under) {
        use(path, under);
        map_lock(0);
    }
}

/* For the process that begins a recording: makes the lock, and lets this process set marks. */
void recorder_start(const char *journal_path, const char *root_path)
{
    use(journal_path, root_path);
    map_lock(O_CREAT | O_EXCL);
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(lock, &attributes);
}

static void hold(void)
{
    if (pthread_mutex_lock(lock) == EOWNERDEAD)
        pthread_mutex_consistent(lock);
}

/* Ends what `hold` began. The caller finds the errno of the call itself. */
static void release(void)
{
    int kept = errno;
    pthread_mutex_unlock(lock);
    errno = kept;
}

/* The path below the root; "" is the root itself, NULL is somewhere else. */
static const char *below(const char *path)
{
    if (!root_bytes || strncmp(path, root, root_bytes))
        return NULL;
    if (!path[root_bytes])
        return "";
    return path[root_bytes] == '/' ? path + root_bytes + 1 : NULL;
}

static const char *path_of_fd(int fd, char *buffer)
{
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    long length = syscall(SYS_readlinkat, AT_FDCWD, link, buffer, PATH_BYTES - 1);
    if (length < 0)
        return NULL;
    buffer[length] = 0;
    return below(buffer);
}

static const char *path_at(int fd, const char *path, char *buffer)
{
    if (path[0] == '/')
        snprintf(buffer, PATH_BYTES, "%s", path);
    else {
        char link[64];
        if (fd == AT_FDCWD)
            snprintf(link, sizeof link, "/proc/self/cwd");
        else
            snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        long length = syscall(SYS_readlinkat, AT_FDCWD, link, buffer, PATH_BYTES - 1);
        if (length < 0)
            return NULL;
        snprintf(buffer + length, PATH_BYTES - length, "/%s", path);
    }
    return below(buffer);
}

/* The path of an open plain file below the root, and its inode; or NULL, quickly, since sockets come here too. */
static const char *file_of_fd(int fd, char *buffer, uint64_t *inode)
{
    struct stat status;
    if (!root_bytes || fstat(fd, &status) || !S_ISREG(status.st_mode))
        return NULL;
    *inode = status.st_ino;
    return path_of_fd(fd, buffer);
}

static void note(char kind, uint64_t inode, int64_t offset, int64_t size, const char *path, const char *other,
                 const struct iovec *data, int count)
{
    int kept = errno;
    struct record record = {kind, (uint32_t)getpid(), inode, offset, size, strlen(path), strlen(other), 0, 0};
    struct iovec all[1024 + 3] = {{&record, sizeof record}, {(void *)path, record.path_bytes}, {(void *)other,
        record.other_path_bytes}};
    int used = 3;
    for (int i = 0; i < count && record.data_bytes < size; i++, used++) {
        size_t left = size - record.data_bytes;
        all[used] = data[i];
        if (all[used].iov_len > left)
            all[used].iov_len = left;
        record.data_bytes += all[used].iov_len;
    }
    long wanted = sizeof record + record.path_bytes + record.other_path_bytes + record.data_bytes;
    int fd = (int)syscall(SYS_openat, AT_FDCWD, journal, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || syscall(SYS_writev, fd, all, used) != wanted)
        die(journal);
    syscall(SYS_close, fd);
    errno = kept;
}

static void note_locked(char kind, uint64_t inode, int64_t offset, const char *path, const char *other)
{
    hold();
    note(kind, inode, offset, 0, path, other, NULL, 0);
    release();
}

/* A word of the test between the events, such as what was acknowledged. */
void recorder_mark(const char *text, size_t size)
{
    struct iovec data = {(void *)text, size};
    hold();
    note('K', 0, 0, size, "", "", &data, 1);
    release();
}

/* Between these two no recorded call is under way but syncs, so a process that is killed leaves nothing unwritten. */
void recorder_pause(void) { hold(); }
void recorder_resume(void) { release(); }

#define REAL(result, name, ...)                                                                                        \
    static result (*real)(__VA_ARGS__);                                                                                \
    if (!real)                                                                                                         \
        real = (result(*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name)

/* -- Files come to be ---------------------------------------------------------------------------------------------- */
typedef int (*opener)(int, const char *, int, mode_t);

static int opened(opener real, int folder, const char *path, int flags, mode_t mode)
{
    char buffer[PATH_BYTES];
    struct stat status;
    int changes = (flags & (O_CREAT | O_TRUNC)) || (flags & O_ACCMODE) != O_RDONLY;
    const char *relative = changes && root_bytes ? path_at(folder, path, buffer) : NULL;
    if (!relative)
        return real(folder, path, flags, mode);
    if ((flags & O_TMPFILE) == O_TMPFILE || flags & O_DSYNC)
        note_locked('X', 0, 0, relative, "open with O_TMPFILE, O_DSYNC or O_SYNC");
    hold();
    int was_there = syscall(SYS_faccessat, AT_FDCWD, buffer, F_OK) == 0;
    int fd = real(folder, path, flags, mode);
    if (fd >= 0 && !fstat(fd, &status)) {
        if (!was_there)
            note('C', status.st_ino, 0, 0, relative, "", NULL, 0);
        else if (flags & O_TRUNC)
            note('T', status.st_ino, 0, 0, relative, "", NULL, 0);
    }
    release();
    return fd;
}

#define OPENED(name, folder)                                                                                           \
    va_list rest;                                                                                                      \
    va_start(rest, flags);                                                                                             \
    mode_t mode = flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(rest, mode_t) : 0;                      \
    va_end(rest);                                                                                                      \
    return opened(real_##name, folder, path, flags, mode);

#define OPENS(name)                                                                                                    \
    static int real_##name(int folder, const char *path, int flags, mode_t mode)                                       \
    {                                                                                                                  \
        REAL(int, name, const char *, int, ...);                                                                       \
        (void)folder;                                                                                                  \
        return real(path, flags, mode);                                                                                \
    }                                                                                                                  \
    int name(const char *path, int flags, ...)                                                                         \
    {                                                                                                                  \
        OPENED(name, AT_FDCWD)                                                                                         \
    }
#define OPENS_AT(name)                                                                                                 \
    static int real_##name(int folder, const char *path, int flags, mode_t mode)                                       \
    {                                                                                                                  \
        REAL(int, name, int, const char *, int, ...);                                                                  \
        return real(folder, path, flags, mode);                                                                        \
    }                                                                                                                  \
    int name(int folder, const char *path, int flags, ...)                                                             \
    {                                                                                                                  \
        OPENED(name, folder)                                                                                           \
    }
OPENS(open)
OPENS(open64)
OPENS_AT(openat)
OPENS_AT(openat64)

int creat(const char *path, mode_t mode) { return open(path, O_CREAT | O_WRONLY | O_TRUNC, mode); }
int creat64(const char *path, mode_t mode) { return open(path, O_CREAT | O_WRONLY | O_TRUNC, mode); }

/* -- Bytes and lengths --------------------------------------------------------------------------------------------- */
/* Where a write without an offset of its own begins. */
static int64_t position(int fd)
{
    struct stat status;
    if (syscall(SYS_fcntl, fd, F_GETFL) & O_APPEND)
        return fstat(fd, &status) ? 0 : status.st_size;
    return syscall(SYS_lseek, fd, 0, SEEK_CUR);
}

#define WRITES(name, parameters, arguments, where, vector, count, ...)                                                 \
    ssize_t name parameters                                                                                            \
    {                                                                                                                  \
        REAL(ssize_t, name, __VA_ARGS__);                                                                              \
        char buffer[PATH_BYTES];                                                                                       \
        uint64_t inode;                                                                                                \
        const char *relative = file_of_fd(fd, buffer, &inode);                                                         \
        if (!relative)                                                                                                 \
            return real arguments;                                                                                     \
        hold();                                                                                                        \
        int64_t begin = where;                                                                                         \
        ssize_t written = real arguments;                                                                              \
        if (written > 0)                                                                                               \
            note('W', inode, begin, written, relative, "", vector, count);                                             \
        release();                                                                                                     \
        return written;                                                                                                \
    }
#define ONE (&(struct iovec){(void *)data, size})
WRITES(write, (int fd, const void *data, size_t size), (fd, data, size), position(fd), ONE, 1, int, const void *,
        size_t)
WRITES(pwrite, (int fd, const void *data, size_t size, off_t at), (fd, data, size, at), at, ONE, 1, int,
        const void *, size_t, off_t)
WRITES(pwrite64, (int fd, const void *data, size_t size, off_t at), (fd, data, size, at), at, ONE, 1, int,
        const void *, size_t, off_t)
WRITES(writev, (int fd, const struct iovec *v, int n), (fd, v, n), position(fd), v, n, int, const struct iovec *, int)
WRITES(pwritev, (int fd, const struct iovec *v, int n, off_t at), (fd, v, n, at), at, v, n, int,
        const struct iovec *, int, off_t)
WRITES(pwritev64, (int fd, const struct iovec *v, int n, off_t at), (fd, v, n, at), at, v, n, int,
        const struct iovec *, int, off_t)

/* A call on an open file, written down when it has succeeded; 'X' is one that the journal cannot describe. */
#define CHANGES(result, failed, kind, name, parameters, arguments, fd, at, size, ...)                                  \
    result name parameters                                                                                             \
    {                                                                                                                  \
        REAL(result, name, __VA_ARGS__);                                                                               \
        char buffer[PATH_BYTES];                                                                                       \
        uint64_t inode;                                                                                                \
        const char *relative = file_of_fd(fd, buffer, &inode);                                                         \
        if (!relative)                                                                                                 \
            return real arguments;                                                                                     \
        hold();                                                                                                        \
        result outcome = real arguments;                                                                               \
        if (!(failed))                                                                                                 \
            note(kind, inode, at, size, relative, #name, NULL, 0);                                                     \
        release();                                                                                                     \
        return outcome;                                                                                                \
    }
CHANGES(int, outcome < 0, 'T', ftruncate, (int fd, off_t size), (fd, size), fd, 0, size, int, off_t)
CHANGES(int, outcome < 0, 'T', ftruncate64, (int fd, off_t size), (fd, size), fd, 0, size, int, off_t)
CHANGES(int, outcome > 0, 'A', posix_fallocate, (int fd, off_t at, off_t size), (fd, at, size), fd, at, size, int,
        off_t, off_t)
CHANGES(int, outcome > 0, 'A', posix_fallocate64, (int fd, off_t at, off_t size), (fd, at, size), fd, at, size, int,
        off_t, off_t)
CHANGES(int, outcome < 0, mode ? 'X' : 'A', fallocate, (int fd, int mode, off_t at, off_t size), (fd, mode, at,
        size), fd, at, size, int, int, off_t, off_t)
CHANGES(int, outcome < 0, mode ? 'X' : 'A', fallocate64, (int fd, int mode, off_t at, off_t size), (fd, mode, at,
        size), fd, at, size, int, int, off_t, off_t)
CHANGES(ssize_t, outcome < 0, 'X', pwritev2, (int fd, const struct iovec *v, int n, off_t at, int flags), (fd, v, n,
        at, flags), fd, at, 0, int, const struct iovec *, int, off_t, int)
CHANGES(ssize_t, outcome < 0, 'X', pwritev64v2, (int fd, const struct iovec *v, int n, off_t at, int flags), (fd, v,
        n, at, flags), fd, at, 0, int, const struct iovec *, int, off_t, int)
CHANGES(ssize_t, outcome < 0, 'X', sendfile, (int out, int in, off_t *at, size_t size), (out, in, at, size), out, 0,
        0, int, int, off_t *, size_t)
CHANGES(ssize_t, outcome < 0, 'X', sendfile64, (int out, int in, off_t *at, size_t size), (out, in, at, size), out,
        0, 0, int, int, off_t *, size_t)
CHANGES(ssize_t, outcome < 0, 'X', splice, (int in, off_t *from, int out, off_t *to, size_t size, unsigned flags),
        (in, from, out, to, size, flags), out, 0, 0, int, off_t *, int, off_t *, size_t, unsigned)
CHANGES(ssize_t, outcome < 0, 'X', copy_file_range, (int in, off_t *from, int out, off_t *to, size_t size,
        unsigned flags), (in, from, out, to, size, flags), out, 0, 0, int, off_t *, int, off_t *, size_t, unsigned)

static void note_mapping(int protection, int flags, int fd)
{
    char buffer[PATH_BYTES];
    uint64_t inode;
    if (!(protection & PROT_WRITE) || !(flags & MAP_SHARED) || fd < 0)
        return;
    const char *relative = file_of_fd(fd, buffer, &inode);
    if (relative)
        note_locked('X', inode, 0, relative, "mmap");
}

void *mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset)
{
    note_mapping(protection, flags, fd);
    return (void *)syscall(SYS_mmap, at, size, protection, flags, fd, offset);
}

void *mmap64(void *at, size_t size, int protection, int flags, int fd, off_t offset)
{
    note_mapping(protection, flags, fd);
    return (void *)syscall(SYS_mmap, at, size, protection, flags, fd, offset);
}

/* -- Syncs --------------------------------------------------------------------------------------------------------- */
static int64_t next_sync; /* With the process, the number that joins the end of a sync to its beginning. */

#define SYNCS(name)                                                                                                    \
    int name(int fd)                                                                                                   \
    {                                                                                                                  \
        REAL(int, name, int);                                                                                          \
        char buffer[PATH_BYTES];                                                                                       \
        struct stat status;                                                                                            \
        const char *relative = root_bytes && !fstat(fd, &status) ? path_of_fd(fd, buffer) : NULL;                      \
        if (!relative)                                                                                                 \
            return real(fd);                                                                                           \
        int64_t number = __atomic_fetch_add(&next_sync, 1, __ATOMIC_RELAXED);                                          \
        char kind = S_ISDIR(status.st_mode) ? 'D' : 'S';                                                               \
        note_locked(kind, status.st_ino, number, relative, "");                                                        \
        int outcome = real(fd);                                                                                        \
        usleep(SYNC_US);                                                                                               \
        if (outcome == 0)                                                                                              \
            note_locked('E', status.st_ino, number, relative, "");                                                     \
        return outcome;                                                                                                \
    }
SYNCS(fsync)
SYNCS(fdatasync)

/* -- Names --------------------------------------------------------------------------------------------------------- */
#define NAMES(kind, name, parameters, arguments, folder, path, ...)                                                    \
    int name parameters                                                                                                \
    {                                                                                                                  \
        REAL(int, name, __VA_ARGS__);                                                                                  \
        char buffer[PATH_BYTES];                                                                                       \
        const char *relative = root_bytes ? path_at(folder, path, buffer) : NULL;                                      \
        if (!relative)                                                                                                 \
            return real arguments;                                                                                     \
        hold();                                                                                                        \
        int outcome = real arguments;                                                                                  \
        if (outcome == 0)                                                                                              \
            note(kind, 0, 0, 0, relative, #name, NULL, 0);                                                             \
        release();                                                                                                     \
        return outcome;                                                                                                \
    }
NAMES('M', mkdir, (const char *path, mode_t mode), (path, mode), AT_FDCWD, path, const char *, mode_t)
NAMES('M', mkdirat, (int folder, const char *path, mode_t mode), (folder, path, mode), folder, path, int,
        const char *, mode_t)
NAMES('U', unlink, (const char *path), (path), AT_FDCWD, path, const char *)
NAMES(flags & AT_REMOVEDIR ? 'V' : 'U', unlinkat, (int folder, const char *path, int flags), (folder, path, flags),
        folder, path, int, const char *, int)
NAMES('V', rmdir, (const char *path), (path), AT_FDCWD, path, const char *)
NAMES('X', remove, (const char *path), (path), AT_FDCWD, path, const char *)
NAMES('X', truncate, (const char *path, off_t size), (path, size), AT_FDCWD, path, const char *, off_t)
NAMES('X', truncate64, (const char *path, off_t size), (path, size), AT_FDCWD, path, const char *, off_t)
NAMES('X', symlink, (const char *target, const char *path), (target, path), AT_FDCWD, path, const char *, const char *)
NAMES('X', symlinkat, (const char *target, int folder, const char *path), (target, folder, path), folder, path,
        const char *, int, const char *)

/* A name moves or is added. One that leaves or enters the root cannot be described. */
#define TWO_NAMES(kind, name, parameters, arguments, folder, path, other_folder, other, ...)                           \
    int name parameters                                                                                                \
    {                                                                                                                  \
        REAL(int, name, __VA_ARGS__);                                                                                  \
        char buffer[PATH_BYTES], other_buffer[PATH_BYTES];                                                             \
        const char *from = root_bytes ? path_at(folder, path, buffer) : NULL;                                          \
        const char *to = root_bytes ? path_at(other_folder, other, other_buffer) : NULL;                               \
        if (!from && !to)                                                                                              \
            return real arguments;                                                                                     \
        hold();                                                                                                        \
        int outcome = real arguments;                                                                                  \
        if (outcome == 0)                                                                                              \
            note(from && to ? kind : 'X', 0, 0, 0, from ? from : #name, to ? to : #name, NULL, 0);                     \
        release();                                                                                                     \
        return outcome;                                                                                                \
    }
TWO_NAMES('R', rename, (const char *old, const char *new), (old, new), AT_FDCWD, old, AT_FDCWD, new, const char *,
        const char *)
TWO_NAMES('R', renameat, (int f, const char *old, int g, const char *new), (f, old, g, new), f, old, g, new, int,
        const char *, int, const char *)
TWO_NAMES(flags ? 'X' : 'R', renameat2, (int f, const char *old, int g, const char *new, unsigned flags), (f, old, g,
        new, flags), f, old, g, new, int, const char *, int, const char *, unsigned)
TWO_NAMES('L', link, (const char *old, const char *new), (old, new), AT_FDCWD, old, AT_FDCWD, new, const char *,
        const char *)
TWO_NAMES('L', linkat, (int f, const char *old, int g, const char *new, int flags), (f, old, g, new, flags), f, old,
        g, new, int, const char *, int, const char *, int)
