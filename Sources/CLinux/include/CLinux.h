#pragma once
/* What Swift's Glibc module hides behind _GNU_SOURCE, or cannot import: thin, named wrappers, each
 * with the return value and errno of the call it stands for. */
#include <pthread.h>
#include <spawn.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* openat2(2) that can neither leave `directory` nor pass through a symbolic link on the way. */
int gosync_open_beneath(int directory, const char *path, int flags, mode_t mode);
int gosync_renameat2(int from_directory, const char *from, int to_directory, const char *to, unsigned flags);
int gosync_punch_hole(int file, int64_t offset, int64_t length);
int gosync_reserve(int file, int64_t offset, int64_t length);
/* Brings the whole file system that a file lies on to its disk. */
int gosync_sync_file_system(int file);
/* Has the disk begin to take what was written to a file, and does not wait. */
void gosync_start_writing(int file);
/* The bytes of disk that a file takes. Its times are not asked for: once they were, the next write would have to note
 * a time of its own, with the inode to be written anew. */
int64_t gosync_disk_bytes(int file);
/* Where the first hole starts; the end of the file, where it has none. */
int64_t gosync_first_hole(int file);
/* Whether anybody has the file open or mapped besides this descriptor, which must be open for writing;
 * -1 where the file system cannot tell. */
int gosync_is_open_elsewhere(int file);
int64_t gosync_copy_range(int from, int64_t from_offset, int to, int64_t to_offset, size_t length);

ssize_t gosync_fgetxattr(int file, const char *name, void *value, size_t size);
int gosync_fsetxattr(int file, const char *name, const void *value, size_t size, int flags);
ssize_t gosync_flistxattr(int file, char *list, size_t size);
int gosync_fremovexattr(int file, const char *name);

int gosync_flock_exclusive(int file);
/* SO_PEERCRED of a Unix socket: who connected it. */
int gosync_peer_user(int connection, uid_t *user);
/* In the program to be started, descriptors from `first` on are closed; a value as errno, not -1. */
int gosync_spawn_close_from(posix_spawn_file_actions_t *actions, int first);
/* Such as "ENOENT"; NULL for no error of Linux. */
const char *gosync_error_name(int error);
/* A joinable thread with every signal blocked, so that signals reach the main thread. It may run where that one may,
 * however the caller is bound. As pthread_create. */
int gosync_start_thread(pthread_t *thread, void *(*body)(void *), void *argument);
void gosync_name_thread(const char *name);
/* A process whose memory cannot be dumped leaks no keys into core files. */
void gosync_forbid_core_dumps(void);
/* Overwrites every argument of this process that is `text`, or ends in "=" and `text`, so that ps does
 * not show it; -1 where the kernel does not tell where they are. */
int gosync_hide_argument(const char *text);

/* CRC-32C (Castagnoli) of `count` bytes, continuing from `crc` (0 at the start). */
uint32_t gosync_crc32c(uint32_t crc, const void *bytes, size_t count);

/* How the calling thread waits for a store: Base/Patience explains. */
struct gosync_patience {
    int must_not_wait;
    /* The bulkhead in which a request that must not wait here is to be repeated. */
    const void *bulkhead;
    int is_unanswered;
    /* Tells whether nobody wants the result any more. */
    int (*is_over)(void *context);
    void *context;
};
/* The calling thread's own. */
struct gosync_patience *gosync_thread_patience(void);

/* The operation that the calling thread works for, retained: Base/Tracing explains. */
void **gosync_thread_operation(void);
