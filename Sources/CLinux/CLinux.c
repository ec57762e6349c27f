#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

int gosync_open_beneath(int directory, const char *path, int flags, mode_t mode) {
    struct open_how how = {
        .flags = (uint64_t)(flags | O_CLOEXEC),
        .mode = (flags & O_CREAT) ? mode : 0,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
    };
    return (int)syscall(SYS_openat2, directory, path, &how, sizeof how);
}

int gosync_renameat2(int from_directory, const char *from, int to_directory, const char *to, unsigned flags) {
    return renameat2(from_directory, from, to_directory, to, flags);
}

int gosync_punch_hole(int file, int64_t offset, int64_t length) {
    return fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, length);
}

int gosync_reserve(int file, int64_t offset, int64_t length) {
    if (fallocate(file, FALLOC_FL_KEEP_SIZE, offset, length) == 0) return 0;
    /* A file system that cannot reserve (EOPNOTSUPP) reports a full disk at the write itself. */
    return errno == EOPNOTSUPP ? 0 : -1;
}

int gosync_sync_file_system(int file) { return syncfs(file); }

void gosync_start_writing(int file) { (void)sync_file_range(file, 0, 0, SYNC_FILE_RANGE_WRITE); }

int64_t gosync_disk_bytes(int file) {
    struct statx found;
    if (statx(file, "", AT_EMPTY_PATH, STATX_BLOCKS, &found) != 0) return -1;
    return (int64_t)found.stx_blocks * 512;
}

int64_t gosync_first_hole(int file) { return lseek(file, 0, SEEK_HOLE); }

int gosync_is_open_elsewhere(int file) {
    /* The kernel gives a write lease to the only one who has a file open. Should somebody open it before
     * the lease is given back, the signal that tells must not be one that ends the process. */
    if (fcntl(file, F_SETSIG, SIGURG) != 0) return -1;
    if (fcntl(file, F_SETLEASE, F_WRLCK) != 0) return errno == EAGAIN ? 1 : -1;
    fcntl(file, F_SETLEASE, F_UNLCK);
    return 0;
}

int64_t gosync_copy_range(int from, int64_t from_offset, int to, int64_t to_offset, size_t length) {
    return copy_file_range(from, &from_offset, to, &to_offset, length, 0);
}

ssize_t gosync_fgetxattr(int file, const char *name, void *value, size_t size) {
    return fgetxattr(file, name, value, size);
}

int gosync_fsetxattr(int file, const char *name, const void *value, size_t size, int flags) {
    return fsetxattr(file, name, value, size, flags);
}

ssize_t gosync_flistxattr(int file, char *list, size_t size) { return flistxattr(file, list, size); }

int gosync_fremovexattr(int file, const char *name) { return fremovexattr(file, name); }

int gosync_flock_exclusive(int file) { return flock(file, LOCK_EX | LOCK_NB); }

int gosync_peer_user(int connection, uid_t *user) {
    struct ucred peer;
    socklen_t size = sizeof peer;
    int result = getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &size);
    if (result == 0) *user = peer.uid;
    return result;
}

const char *gosync_error_name(int error) { return strerrorname_np(error); }

int gosync_start_thread(pthread_t *thread, void *(*body)(void *), void *argument) {
    pthread_attr_t how;
    pthread_attr_init(&how);
    cpu_set_t processors;
    if (sched_getaffinity(getpid(), sizeof processors, &processors) == 0)
        pthread_attr_setaffinity_np(&how, sizeof processors, &processors);
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int result = pthread_create(thread, &how, body, argument);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&how);
    return result;
}

void gosync_name_thread(const char *name) {
    char shortened[16];
    snprintf(shortened, sizeof shortened, "%s", name);
    pthread_setname_np(pthread_self(), shortened);
}

int gosync_spawn_close_from(posix_spawn_file_actions_t *actions, int first) {
    return posix_spawn_file_actions_addclosefrom_np(actions, first);
}

void gosync_forbid_core_dumps(void) { prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); }

int gosync_hide_argument(const char *text) {
    size_t length = strlen(text);
    FILE *file = fopen("/proc/self/stat", "re");
    if (!file || !length) {
        if (file) fclose(file);
        return -1;
    }
    char line[4096];
    size_t count = fread(line, 1, sizeof line - 1, file);
    fclose(file);
    line[count] = 0;
    /* The name of the program may hold anything; fields 48 and 49 are arg_start and arg_end. */
    char *field = strrchr(line, ')');
    for (int number = 2; field && number < 48; number++) field = strchr(field + 1, ' ');
    unsigned long start, end;
    if (!field || sscanf(field, "%lu %lu", &start, &end) != 2 || !start || end <= start) return -1;
    char *limit = (char *)end;
    for (char *word = (char *)start; word < limit; word += strnlen(word, limit - word) + 1) {
        size_t size = strnlen(word, limit - word);
        char *tail = word + size - length;
        if (size < length || memcmp(tail, text, length)) continue;
        if (size == length || tail[-1] == '=') memset(tail, '*', length);
    }
    return 0;
}

/* Table for processors without SSE 4.2, made on first use. Polynomial: RFC 3720, appendix B.4. */
static uint32_t table[256];
static pthread_once_t table_made = PTHREAD_ONCE_INIT;

static void make_table(void) {
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t value = i;
        for (int bit = 0; bit < 8; bit++) value = (value >> 1) ^ ((value & 1) ? 0x82f63b78u : 0);
        table[i] = value;
    }
}

static uint32_t crc_by_table(uint32_t crc, const unsigned char *bytes, size_t count) {
    pthread_once(&table_made, make_table);
    while (count--) crc = (crc >> 8) ^ table[(crc ^ *bytes++) & 0xff];
    return crc;
}

#if defined(__x86_64__)
/* The instruction takes three cycles and could begin in each: so three lanes are summed side by side, and
   their sums put together. Without what it is started from, a sum is linear in it: what a lane's worth of
   zeros makes of a sum is the exclusive or of what it makes of the sum's bytes. */
enum { lane_bytes = 2048 };
static uint32_t behind_lane[4][256];
static pthread_once_t behind_lane_made = PTHREAD_ONCE_INIT;

__attribute__((target("sse4.2")))
static inline uint64_t crc_of_word(uint64_t crc, const unsigned char *bytes) {
    uint64_t word;
    __builtin_memcpy(&word, bytes, 8);
    return __builtin_ia32_crc32di(crc, word);
}

__attribute__((target("sse4.2")))
static void make_behind_lane(void) {
    static const unsigned char zeros[8];
    for (int bit = 0; bit < 32; bit++) {
        uint64_t sum = 1u << bit;
        for (int i = 0; i < lane_bytes / 8; i++) sum = crc_of_word(sum, zeros);
        uint32_t *sums = behind_lane[bit / 8];
        for (int byte = 0; byte < 256; byte++) if (byte >> bit % 8 & 1) sums[byte] ^= (uint32_t)sum;
    }
}

static uint32_t past_lane(uint32_t sum) {
    return behind_lane[0][sum & 0xff] ^ behind_lane[1][sum >> 8 & 0xff]
        ^ behind_lane[2][sum >> 16 & 0xff] ^ behind_lane[3][sum >> 24];
}

__attribute__((target("sse4.2")))
static uint32_t crc_by_instruction(uint32_t crc, const unsigned char *bytes, size_t count) {
    uint64_t wide = crc;
    if (count >= 3 * lane_bytes) pthread_once(&behind_lane_made, make_behind_lane);
    for (; count >= 3 * lane_bytes; count -= 3 * lane_bytes, bytes += 3 * lane_bytes) {
        uint64_t second = 0, third = 0;
        for (size_t i = 0; i < lane_bytes; i += 8) {
            wide = crc_of_word(wide, bytes + i);
            second = crc_of_word(second, bytes + lane_bytes + i);
            third = crc_of_word(third, bytes + 2 * lane_bytes + i);
        }
        wide = past_lane(past_lane((uint32_t)wide) ^ (uint32_t)second) ^ (uint32_t)third;
    }
    for (; count >= 8; count -= 8, bytes += 8) wide = crc_of_word(wide, bytes);
    crc = (uint32_t)wide;
    for (; count; count--) crc = __builtin_ia32_crc32qi(crc, *bytes++);
    return crc;
}
#endif

uint32_t gosync_crc32c(uint32_t crc, const void *bytes, size_t count) {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("sse4.2")) return ~crc_by_instruction(~crc, bytes, count);
#endif
    return ~crc_by_table(~crc, bytes, count);
}

struct gosync_patience *gosync_thread_patience(void) {
    static _Thread_local struct gosync_patience patience;
    return &patience;
}

void **gosync_thread_operation(void) {
    static _Thread_local void *operation;
    return &operation;
}
