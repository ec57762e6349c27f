#define _GNU_SOURCE
#include "Rings.h"
#include "CLinux.h"

#include <errno.h>
#include <liburing.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

/* The kernel has one queue of requests for each processor. A request is put into a free entry of the queue of the
   processor that its program runs on, and the thread that registered the entry is woken on that same processor: the
   request and its answer change the program for the thread and back, and no other processor has to be woken.

   Each thread has one entry and one ring of its own, so an entry is free exactly while its thread waits for it:
   1. The thread waits in the ring. The kernel copies a request into the entry and completes the command.
   2. The thread has libfuse handle it. Its reply is copied into the entry by whoever makes it (`gosync_take_reply`).
   3. Where the handler left it to another thread, this one waits for the reply. A thread is started first if too few
      are free otherwise: a queue without a free entry would let everyone wait that asks on that processor.
   4. One system call hands the reply to the kernel and waits for the next request (1).

   Forgotten inodes, interrupted requests and notices still go through /dev/fuse, and so does everything where an
   entry cannot be registered. Once INIT is answered with the wish for rings the kernel holds all requests back until
   each queue has an entry: hence all threads have their rings before. */

enum {
    REGISTER = 1, /* commands of the kernel, its `enum fuse_uring_cmd` */
    COMMIT_AND_FETCH = 2,
    REQUEST = 1, /* what was completed */
    STOP = 2,
    page = 4096,
    free_at_least = 4, /* threads that wait in each queue of a processor that is there … */
    free_in_all = 64,  /* … and of all of them */
    most_threads = 2048, /* in a queue: each stands for a request that somebody waits for */
};

struct in_header { /* `struct fuse_in_header` */
    uint32_t length, operation;
    uint64_t unique, inode;
    uint32_t user, group, process;
    uint16_t extensions, padding;
};

struct headers { /* `struct fuse_uring_req_header` */
    char in_out[128], operation[128];
    uint64_t flags, commit;
    uint32_t payload_bytes, padding;
    uint64_t reserved;
};

struct command { /* `struct fuse_uring_cmd_req` */
    uint64_t flags, commit;
    uint16_t queue;
    uint8_t padding[6];
};

struct queue {
    struct gosync_rings *rings;
    unsigned number, free_at_least;
    /* Under the lock of the rings. */
    unsigned threads, waiting;
};

struct gosync_entry {
    struct queue *queue;
    struct io_uring ring;
    pthread_t thread;
    struct headers *headers;
    char *payload;
    struct iovec buffers[2];
    sem_t replied; /* or there will be no reply */
    int has_reply;
    int is_late; /* added while requests are answered */
    struct gosync_entry *next;
};

struct gosync_rings {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct gosync_entry *entries; /* never fewer until all threads have ended */
    unsigned started, succeeded, failed;
    int is_registering, is_ending;
    int stop; /* an eventfd that all rings look at */
    struct fuse_session *session;
    size_t payload_bytes;
    struct queue queues[];
};

static _Thread_local struct gosync_entry *here;

struct gosync_entry *gosync_here(void) { return here; }

void gosync_answer_from(struct gosync_entry *entry) { here = entry; }

void *gosync_payload(size_t bytes) {
    return here && bytes <= here->queue->rings->payload_bytes ? here->payload : NULL;
}

int gosync_take_reply(const struct iovec *parts, int count) {
    struct gosync_entry *entry = here;
    const struct out_header *header = parts[0].iov_base;
    if (!entry || header->unique != ((struct in_header *)entry->headers->in_out)->unique) return 0;
    size_t used = 0;
    for (int i = 1; i < count; used += parts[i++].iov_len) {
        if (parts[i].iov_base != entry->payload + used)
            memcpy(entry->payload + used, parts[i].iov_base, parts[i].iov_len);
    }
    memcpy(entry->headers->in_out, header, sizeof *header);
    entry->headers->payload_bytes = used;
    here = NULL;
    entry->has_reply = 1;
    sem_post(&entry->replied);
    return 1;
}

static void push(struct gosync_entry *entry, uint32_t operation) {
    struct io_uring_sqe *element = io_uring_get_sqe(&entry->ring);
    memset(element, 0, 128);
    element->opcode = IORING_OP_URING_CMD;
    element->fd = fuse_session_fd(entry->queue->rings->session);
    element->cmd_op = operation;
    element->user_data = REQUEST;
    struct command *command = (void *)element->cmd;
    command->queue = entry->queue->number;
    if (operation == REGISTER) {
        element->addr = (uint64_t)(uintptr_t)entry->buffers;
        element->len = 2;
    } else {
        command->commit = entry->headers->commit;
    }
}

/* Hands over what was pushed, and waits for the next request: 0, or what ends the thread or the entry as a negative
   errno. */
static int submit_and_wait(struct gosync_entry *entry) {
    for (;;) {
        int result = io_uring_submit_and_wait(&entry->ring, 1);
        if (result < 0 && result != -EINTR) return result;
        struct io_uring_cqe *completion;
        if (io_uring_peek_cqe(&entry->ring, &completion) != 0) continue;
        result = completion->user_data == STOP ? -ESHUTDOWN : completion->res;
        io_uring_cqe_seen(&entry->ring, completion);
        return result;
    }
}

static int start_thread(struct queue *queue);

/* Waits for the reply, if another thread makes it. */
static void await_reply(struct gosync_entry *entry) {
    if (sem_trywait(&entry->replied) == 0) return;
    struct queue *queue = entry->queue;
    struct gosync_rings *rings = queue->rings;
    pthread_mutex_lock(&rings->lock);
    queue->waiting++;
    unsigned left = queue->threads - queue->waiting;
    if (left < queue->free_at_least && queue->threads < most_threads && !rings->is_ending) start_thread(queue);
    pthread_mutex_unlock(&rings->lock);
    while (sem_wait(&entry->replied) != 0) {}
    pthread_mutex_lock(&rings->lock);
    queue->waiting--;
    pthread_mutex_unlock(&rings->lock);
}

/* libfuse wants a request in one piece. Its head is put before the payload, which stays where it is. */
static int handle(struct gosync_entry *entry) {
    struct headers *headers = entry->headers;
    struct in_header *in = (struct in_header *)headers->in_out;
    size_t operation = in->length - sizeof *in - headers->payload_bytes;
    if (operation > sizeof headers->operation) return -EPROTO;
    char *start = entry->payload - operation - sizeof *in;
    memcpy(start, in, sizeof *in);
    memcpy(start + sizeof *in, headers->operation, operation);
    const struct fuse_buf request = {.mem = start, .size = in->length};
    here = entry;
    fuse_session_process_buf(entry->queue->rings->session, &request);
    here = NULL;
    await_reply(entry);
    int has_reply = entry->has_reply;
    entry->has_reply = 0;
    return has_reply ? 0 : -ESHUTDOWN;
}

static int make_ring(struct gosync_entry *entry) {
    struct io_uring_params how = {
        .flags = IORING_SETUP_SQE128 | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
    };
    int result = io_uring_queue_init_params(2, &entry->ring, &how);
    if (result < 0) return result;
    struct io_uring_sqe *element = io_uring_get_sqe(&entry->ring);
    io_uring_prep_poll_add(element, entry->queue->rings->stop, POLLIN);
    element->user_data = STOP;
    return 0;
}

/* The head of a request, and the payload with room for the head before it. */
static void make_buffers(struct gosync_entry *entry) {
    size_t payload = entry->queue->rings->payload_bytes;
    int how = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    char *memory = mmap(NULL, 2 * page + payload, PROT_READ | PROT_WRITE, how, -1, 0);
    if (memory == MAP_FAILED) return;
    entry->headers = (struct headers *)memory;
    entry->payload = memory + 2 * page;
    entry->buffers[0] = (struct iovec){entry->headers, sizeof *entry->headers};
    entry->buffers[1] = (struct iovec){entry->payload, payload};
}

/* Whether the kernel has taken it. What it refuses it refuses at once, and if it is one of the first, it goes back to
   its device: so one of these is given to it even without buffers. */
static int register_entry(struct gosync_entry *entry) {
    make_buffers(entry);
    if (!entry->payload && entry->is_late) return 0;
    push(entry, REGISTER);
    struct io_uring_cqe *completion;
    if (io_uring_submit(&entry->ring) < 0) return 0;
    if (io_uring_peek_cqe(&entry->ring, &completion) != 0) return 1;
    return completion->user_data != REQUEST || completion->res == 0;
}

static void answer_requests(struct gosync_entry *entry) {
    for (;;) {
        int result = submit_and_wait(entry);
        if (result == 0) result = handle(entry);
        if (result < 0) return;
        push(entry, COMMIT_AND_FETCH);
    }
}

/* A thread has got one step further, or not. */
static void note(struct gosync_rings *rings, int has_succeeded) {
    pthread_mutex_lock(&rings->lock);
    if (has_succeeded) rings->succeeded++;
    else rings->failed++;
    pthread_cond_broadcast(&rings->changed);
    pthread_mutex_unlock(&rings->lock);
}

static void *serve(void *argument) {
    struct gosync_entry *entry = argument;
    struct queue *queue = entry->queue;
    struct gosync_rings *rings = queue->rings;
    gosync_name_thread("ring");
    cpu_set_t processor;
    CPU_ZERO(&processor);
    CPU_SET(queue->number, &processor);
    /* Refused where this process may not run there, or the processor is not there: then it runs anywhere. */
    pthread_setaffinity_np(pthread_self(), sizeof processor, &processor);
    int made = make_ring(entry);
    note(rings, made == 0);
    pthread_mutex_lock(&rings->lock);
    while (!rings->is_registering && !rings->is_ending) pthread_cond_wait(&rings->changed, &rings->lock);
    int is_used = made == 0 && !rings->is_ending;
    pthread_mutex_unlock(&rings->lock);
    int is_registered = is_used && register_entry(entry);
    if (is_used) note(rings, is_registered);
    if (is_registered) answer_requests(entry);
    /* The kernel takes the entry back with the ring. */
    if (made == 0) io_uring_queue_exit(&entry->ring);
    pthread_mutex_lock(&rings->lock);
    queue->threads--;
    pthread_mutex_unlock(&rings->lock);
    return NULL;
}

/* Under the lock; 0, or a negative errno. */
static int start_thread(struct queue *queue) {
    struct gosync_rings *rings = queue->rings;
    struct gosync_entry *entry = calloc(1, sizeof *entry);
    if (!entry) return -ENOMEM;
    entry->queue = queue;
    entry->is_late = rings->is_registering;
    sem_init(&entry->replied, 0, 0);
    int result = gosync_start_thread(&entry->thread, serve, entry);
    if (result != 0) {
        free(entry);
        return -result;
    }
    entry->next = rings->entries;
    rings->entries = entry;
    queue->threads++;
    rings->started++;
    return 0;
}

/* How many queues the kernel will have: one for each processor that could be there, 0 if that is not known. */
static unsigned queues_of_kernel(void) {
    FILE *file = fopen("/sys/devices/system/cpu/possible", "re");
    if (!file) return 0;
    unsigned first, last;
    int found = fscanf(file, "%u-%u", &first, &last);
    fclose(file);
    if (found < 1 || first != 0) return 0;
    return found == 1 ? 1 : last + 1;
}

/* Under the lock: whether all threads there are have got one step further. */
static int await_all(struct gosync_rings *rings) {
    while (rings->succeeded + rings->failed < rings->started) pthread_cond_wait(&rings->changed, &rings->lock);
    return rings->failed == 0;
}

struct gosync_rings *gosync_make_rings(struct fuse_session *session) {
    unsigned count = queues_of_kernel();
    long present = sysconf(_SC_NPROCESSORS_ONLN);
    if (count == 0 || present < 1) return errno = ENOSYS, NULL;
    struct gosync_rings *rings = calloc(1, sizeof *rings + count * sizeof rings->queues[0]);
    if (!rings) return NULL;
    pthread_mutex_init(&rings->lock, NULL);
    pthread_cond_init(&rings->changed, NULL);
    rings->session = session;
    rings->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    unsigned each = free_in_all / (unsigned)present;
    if (each < free_at_least) each = free_at_least;
    int problem = rings->stop < 0 ? errno : 0;
    pthread_mutex_lock(&rings->lock);
    for (unsigned i = 0; i < count && problem == 0; i++) {
        struct queue *queue = &rings->queues[i];
        queue->rings = rings;
        queue->number = i;
        queue->free_at_least = i < (unsigned)present ? each : 1;
        for (unsigned j = 0; j < queue->free_at_least && problem == 0; j++) problem = -start_thread(queue);
    }
    int have_all = await_all(rings);
    pthread_mutex_unlock(&rings->lock);
    if (problem == 0 && have_all) return rings;
    gosync_end_rings(rings);
    gosync_free_rings(rings);
    errno = problem != 0 ? problem : ENOSYS;
    return NULL;
}

int gosync_register_entries(struct gosync_rings *rings, size_t payload_bytes) {
    pthread_mutex_lock(&rings->lock);
    rings->payload_bytes = payload_bytes;
    rings->succeeded = 0;
    rings->is_registering = 1;
    pthread_cond_broadcast(&rings->changed);
    int have_all = await_all(rings);
    pthread_mutex_unlock(&rings->lock);
    return have_all;
}

void gosync_read_others(struct gosync_rings *rings) {
    struct fuse_session *session = rings->session;
    struct fuse_buf request = {0};
    struct pollfd events[] = {{fuse_session_fd(session), POLLIN, 0}, {rings->stop, POLLIN, 0}};
    while (!fuse_session_exited(session)) {
        if (poll(events, 2, -1) < 0 && errno != EINTR) break;
        if (events[1].revents) break;
        if (!events[0].revents) continue;
        int result = fuse_session_receive_buf(session, &request);
        if (result > 0) fuse_session_process_buf(session, &request);
        else if (result != -EINTR && result != -EAGAIN) break;
    }
    free(request.mem);
}

void gosync_stop_rings(struct gosync_rings *rings) { eventfd_write(rings->stop, 1); }

void gosync_end_rings(struct gosync_rings *rings) {
    pthread_mutex_lock(&rings->lock);
    rings->is_ending = 1;
    pthread_cond_broadcast(&rings->changed);
    /* None is added from now on, and those that are there stay in the list. */
    struct gosync_entry *entries = rings->entries;
    pthread_mutex_unlock(&rings->lock);
    if (rings->stop >= 0) gosync_stop_rings(rings);
    for (struct gosync_entry *entry = entries; entry; entry = entry->next) sem_post(&entry->replied);
    for (struct gosync_entry *entry = entries; entry; entry = entry->next) pthread_join(entry->thread, NULL);
}

void gosync_free_rings(struct gosync_rings *rings) {
    for (struct gosync_entry *entry = rings->entries, *next; entry; entry = next) {
        next = entry->next;
        if (entry->headers) munmap(entry->headers, 2 * page + rings->payload_bytes);
        sem_destroy(&entry->replied);
        free(entry);
    }
    if (rings->stop >= 0) close(rings->stop);
    pthread_cond_destroy(&rings->changed);
    pthread_mutex_destroy(&rings->lock);
    free(rings);
}
