#pragma once
/* libfuse, and what it does not know yet of the kernel: passthrough (Linux 6.9), epochs (6.16), and
 * that it need not ask before each write whether a file has capabilities (5.11). */
#define FUSE_USE_VERSION 312
#include <fuse3/fuse_lowlevel.h>
#include <stdint.h>

/* Takes over the session's reading and writing, so that replies can be completed on their way out.
 * To be called after the session was mounted; 0, or an errno as a negative value. */
int gosync_take_over(struct fuse_session *session);

/* Completes the reply that this thread sends next, which is that to INIT: set-user-id and set-group-id are
 * taken away here where a file changes, and passthrough is asked for if `passthrough` is not 0. */
void gosync_complete_init(int passthrough);

/* As fuse_reply_open and fuse_reply_create; a `backing` above 0 is what the kernel shall read itself
 * (a handle with `direct_io` is served by us all the same, and only mapped from there). */
int gosync_reply_open(fuse_req_t request, const struct fuse_file_info *info, int32_t backing);
int gosync_reply_create(fuse_req_t request, const struct fuse_entry_param *entry,
                        const struct fuse_file_info *info, int32_t backing);

/* Lends an open file to the kernel; its number there, or -1 with errno. */
int32_t gosync_lend(struct fuse_session *session, int file);
int gosync_take_back(struct fuse_session *session, int32_t backing);

/* Makes the kernel ask anew for every name it knows; -1 with errno where it cannot. */
int gosync_forget_names(struct fuse_session *session);
