#pragma once
/* libfuse, and what it does not know yet of the kernel: passthrough (Linux 6.9), requests by io_uring (6.14),
 * epochs (6.16), and that it need not ask before each write whether a file has capabilities (5.11). */
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

/* Requests by io_uring: threads and their rings, which wait until they are started. NULL with errno where this
 * machine cannot. */
struct gosync_rings;
struct gosync_rings *gosync_make_rings(struct fuse_session *session);

/* Answers INIT, which must be the next request, and has the kernel use the rings. To be called once, after the
 * session was taken over. 0 if the kernel does not; then requests come by libfuse's loop, as without rings. */
int gosync_start_rings(struct fuse_session *session, struct gosync_rings *rings);

/* Instead of libfuse's loop: answers what still comes by the device, until the session ends or the rings stop. */
void gosync_read_others(struct gosync_rings *rings);

/* No request is answered any more; from any thread. */
void gosync_stop_rings(struct gosync_rings *rings);

/* Ends and joins the threads; who still waits for the reply to a request waits no longer. */
void gosync_end_rings(struct gosync_rings *rings);

/* After `gosync_end_rings`, and when nobody will reply to a request any more. */
void gosync_free_rings(struct gosync_rings *rings);

/* Where this thread's reply will go; NULL is libfuse's device. A handler that leaves its request to another thread
 * passes this on, and the other thread calls `gosync_answer_from` before it replies. */
struct gosync_entry;
struct gosync_entry *gosync_here(void);
void gosync_answer_from(struct gosync_entry *entry);

/* Room of this size that this thread's reply may be made in and sent from without a copy; NULL if there is none. */
void *gosync_payload(size_t bytes);
