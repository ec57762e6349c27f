#pragma once
/* FUSE over io_uring (Linux 6.14), which this libfuse does not know: what CFUSE.c and Rings.c have in common. */
#include "CFUSE.h"

struct iovec;

/* The kernel's `struct fuse_out_header`, which every reply begins with. */
struct out_header {
    uint32_t length;
    int32_t error;
    uint64_t unique;
};

/* INIT was answered, and the kernel waits for entries: registers them, with room for the largest payload. 0 if the
   kernel has not taken all of them. */
int gosync_register_entries(struct gosync_rings *rings, size_t payload_bytes);

/* Takes a reply for the entry that this thread answers; 0 if the request did not come through one. */
int gosync_take_reply(const struct iovec *parts, int count);
