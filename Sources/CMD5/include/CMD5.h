#ifndef GOSYNC_CMD5_H
#define GOSYNC_CMD5_H

#include <stddef.h>
#include <stdint.h>

enum { gosync_md5_lanes = 8, gosync_md5_block = 64, gosync_md5_bytes = 16 };

/* MD5 (RFC 1321) of several streams of the same length, side by side: word by word, of each stream in turn. */
struct gosync_md5 {
    uint32_t words[4][gosync_md5_lanes];
};

void gosync_md5_begin(struct gosync_md5 *sums);

/* Adds `blocks` blocks to each of the first `count` streams, which are 1 to gosync_md5_lanes; those of a
 * stream begin `stride` bytes behind those of the stream before. */
void gosync_md5_add(
    struct gosync_md5 *sums, const uint8_t *bytes, size_t stride, int count, size_t blocks);

/* Adds the last `rest` bytes of each stream, less than a block, and what RFC 1321 puts behind them;
 * `total` is the length of a stream in bytes. The sums come one behind another. */
void gosync_md5_finish(
    struct gosync_md5 *sums, const uint8_t *bytes, size_t stride, int count, size_t rest,
    uint64_t total, uint8_t *result);

#endif
