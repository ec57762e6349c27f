#define _GNU_SOURCE
#include "Rings.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

/* The kernel's own words, which the headers of this libfuse lack. */
struct init_out {
    uint32_t major, minor, max_readahead, flags;
    uint16_t max_background, congestion_threshold;
    uint32_t max_write, time_gran;
    uint16_t max_pages, map_alignment;
    uint32_t flags2, max_stack_depth;
};

struct open_out {
    uint64_t handle;
    uint32_t flags;
    int32_t backing;
};

struct backing_map {
    int32_t file;
    uint32_t flags;
    uint64_t padding;
};

enum {
    INIT_HANDLE_KILLPRIV_V2 = 1 << 28, /* flags */
    INIT_EXTENDED = 1 << 30,           /* flags: flags2 counts */
    INIT_PASSTHROUGH = 1 << 5,         /* flags2 */
    INIT_OVER_IO_URING = 1 << 9,       /* flags2 */
    OPEN_PASSTHROUGH = 1 << 7,
    ENTRY_BYTES = 128,         /* what comes before open_out in a reply to CREATE */
    NOTIFY_EPOCH = 8,
    SMALLEST_PAYLOAD = 8192, /* FUSE_MIN_READ_BUFFER */
};

#define BACKING_OPEN _IOW(229, 1, struct backing_map)
#define BACKING_CLOSE _IOW(229, 2, uint32_t)

/* What the reply that this thread is sending lacks; replies are sent by the thread that makes them. */
static _Thread_local struct {
    enum { NOTHING, INIT, OPEN, CREATE } reply;
    int32_t backing;
    int passthrough;
} missing;

/* Set by `gosync_start_rings`, whose thread answers INIT itself. */
static _Thread_local struct {
    int is_wanted;
    size_t payload_bytes; /* as agreed with the kernel */
} rings_missing;

static size_t larger(size_t a, size_t b) { return a > b ? a : b; }

static void complete(struct iovec *part) {
    if (missing.reply == INIT && part->iov_len >= sizeof(struct init_out)) {
        struct init_out *out = part->iov_base;
        out->flags |= INIT_HANDLE_KILLPRIV_V2;
        if (missing.passthrough) {
            out->flags |= INIT_EXTENDED;
            out->flags2 |= INIT_PASSTHROUGH;
            /* The files lent lie on file systems that are not stacked on others. */
            out->max_stack_depth = 1;
        }
        if (rings_missing.is_wanted) {
            out->flags |= INIT_EXTENDED;
            out->flags2 |= INIT_OVER_IO_URING;
            size_t pages = out->max_pages * (size_t)sysconf(_SC_PAGESIZE);
            rings_missing.payload_bytes = larger(SMALLEST_PAYLOAD, larger(out->max_write, pages));
        }
        return;
    }
    size_t start = missing.reply == CREATE ? ENTRY_BYTES : 0;
    if (missing.reply != INIT && part->iov_len >= start + sizeof(struct open_out)) {
        struct open_out *out = (struct open_out *)((char *)part->iov_base + start);
        out->flags |= OPEN_PASSTHROUGH;
        out->backing = missing.backing;
    }
}

static ssize_t write_reply(int device, struct iovec *parts, int count, void *user) {
    (void)user;
    if (missing.reply != NOTHING && count > 1) {
        const struct out_header *header = parts[0].iov_base;
        if (header->error == 0) complete(&parts[1]);
    }
    missing.reply = NOTHING;
    if (gosync_take_reply(parts, count)) return ((struct out_header *)parts[0].iov_base)->length;
    return writev(device, parts, count);
}

static ssize_t read_request(int device, void *buffer, size_t length, void *user) {
    (void)user;
    return read(device, buffer, length);
}

static ssize_t splice_part(int from, off_t *from_offset, int to, off_t *to_offset, size_t length,
                           unsigned flags, void *user) {
    (void)user;
    return splice(from, from_offset, to, to_offset, length, flags);
}

int gosync_take_over(struct fuse_session *session) {
    const struct fuse_custom_io io = {
        .writev = write_reply,
        .read = read_request,
        .splice_receive = splice_part,
        .splice_send = splice_part,
    };
    return fuse_session_custom_io(session, &io, fuse_session_fd(session));
}

void gosync_complete_init(int passthrough) {
    missing.reply = INIT;
    missing.passthrough = passthrough;
}

int gosync_start_rings(struct fuse_session *session, struct gosync_rings *rings) {
    struct fuse_buf request = {0};
    int is_used = 0;
    if (fuse_session_receive_buf(session, &request) > 0) {
        rings_missing.is_wanted = 1;
        fuse_session_process_buf(session, &request);
        rings_missing.is_wanted = 0;
        if (rings_missing.payload_bytes > 0) is_used = gosync_register_entries(rings, rings_missing.payload_bytes);
    }
    free(request.mem);
    return is_used;
}

int gosync_reply_open(fuse_req_t request, const struct fuse_file_info *info, int32_t backing) {
    if (backing > 0) missing.reply = OPEN;
    missing.backing = backing;
    return fuse_reply_open(request, info);
}

int gosync_reply_create(fuse_req_t request, const struct fuse_entry_param *entry,
                        const struct fuse_file_info *info, int32_t backing) {
    if (backing > 0) missing.reply = CREATE;
    missing.backing = backing;
    return fuse_reply_create(request, entry, info);
}

int32_t gosync_lend(struct fuse_session *session, int file) {
    struct backing_map map = {.file = file};
    return ioctl(fuse_session_fd(session), BACKING_OPEN, &map);
}

int gosync_take_back(struct fuse_session *session, int32_t backing) {
    uint32_t number = (uint32_t)backing;
    return ioctl(fuse_session_fd(session), BACKING_CLOSE, &number);
}

int gosync_forget_names(struct fuse_session *session) {
    struct out_header header = {.length = sizeof header, .error = NOTIFY_EPOCH};
    return write(fuse_session_fd(session), &header, sizeof header) < 0 ? -1 : 0;
}
