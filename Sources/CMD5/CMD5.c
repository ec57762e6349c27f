#include "CMD5.h"

#include <string.h>

/* A step of MD5 needs the result of the one before, so a processor has most of its units idle with one
   stream. Here each word of a vector is of another stream. The compiler makes of a vector whatever the
   machine has: one register of AVX2, or two of SSE2 or NEON. */
enum { lanes = gosync_md5_lanes, block = gosync_md5_block };
typedef uint32_t vector __attribute__((vector_size(4 * lanes)));
typedef uint32_t unaligned_vector __attribute__((vector_size(4 * lanes), aligned(1), may_alias));

/* RFC 1321, 3.4: the functions of the four rounds, each written so that it waits least for `b`, which is
   what the step before has made. */
#define F(b, c, d) (((c ^ d) & b) ^ d)
#define G(b, c, d) ((b & d) | (c & ~d))
#define H(b, c, d) (b ^ (c ^ d))
#define I(b, c, d) (c ^ (b | ~d))

#define STEP(f, a, b, c, d, word, constant, bits)  \
    a += word + constant##u;                       \
    a += f(b, c, d);                               \
    a = (a << bits | a >> (32 - bits)) + b;

#define FOUR(f, r, s, t, u, i, j, k, l, p, q, v, w) \
    STEP(f, a, b, c, d, x[i], p, r)                 \
    STEP(f, d, a, b, c, x[j], q, s)                 \
    STEP(f, c, d, a, b, x[k], v, t)                 \
    STEP(f, b, c, d, a, x[l], w, u)

#define PAIRS(a, b, from) __builtin_shufflevector(a, b, \
    from, from + 8, from + 1, from + 9, from + 4, from + 12, from + 5, from + 13)
#define HALVES(a, b, from) __builtin_shufflevector(a, b, \
    from, from + 1, from + 8, from + 9, from + 4, from + 5, from + 12, from + 13)
#define QUARTERS(a, b, from) __builtin_shufflevector(a, b, \
    from, from + 1, from + 2, from + 3, from + 8, from + 9, from + 10, from + 11)

/* Eight words of each of the eight streams, so that there is a vector for each word. They are little-endian,
   as every machine is that this is built for. */
__attribute__((always_inline))
static inline void transpose(vector x[8], const uint8_t *const from[lanes], size_t offset) {
    vector in[8], pairs[8], fours[8];
    for (int i = 0; i < 8; i++) in[i] = *(const unaligned_vector *)(from[i] + offset);
    for (int i = 0; i < 8; i += 2) {
        pairs[i] = PAIRS(in[i], in[i + 1], 0);
        pairs[i + 1] = PAIRS(in[i], in[i + 1], 2);
    }
    for (int i = 0; i < 8; i += 4) {
        fours[i] = HALVES(pairs[i], pairs[i + 2], 0);
        fours[i + 1] = HALVES(pairs[i], pairs[i + 2], 2);
        fours[i + 2] = HALVES(pairs[i + 1], pairs[i + 3], 0);
        fours[i + 3] = HALVES(pairs[i + 1], pairs[i + 3], 2);
    }
    for (int i = 0; i < 4; i++) {
        x[i] = QUARTERS(fours[i], fours[i + 4], 0);
        x[i + 4] = QUARTERS(fours[i], fours[i + 4], 4);
    }
}

__attribute__((always_inline))
static inline void add_blocks(
    struct gosync_md5 *sums, const uint8_t *const from[lanes], size_t blocks) {
    vector a, b, c, d, x[16];
    memcpy(&a, sums->words[0], sizeof a);
    memcpy(&b, sums->words[1], sizeof b);
    memcpy(&c, sums->words[2], sizeof c);
    memcpy(&d, sums->words[3], sizeof d);
    for (size_t i = 0; i < blocks; i++) {
        vector a0 = a, b0 = b, c0 = c, d0 = d;
        transpose(x, from, i * block);
        transpose(x + 8, from, i * block + block / 2);
        /* RFC 1321, 3.4 and appendix A.3. */
        FOUR(F, 7, 12, 17, 22, 0, 1, 2, 3, 0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee)
        FOUR(F, 7, 12, 17, 22, 4, 5, 6, 7, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501)
        FOUR(F, 7, 12, 17, 22, 8, 9, 10, 11, 0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be)
        FOUR(F, 7, 12, 17, 22, 12, 13, 14, 15, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821)
        FOUR(G, 5, 9, 14, 20, 1, 6, 11, 0, 0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa)
        FOUR(G, 5, 9, 14, 20, 5, 10, 15, 4, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8)
        FOUR(G, 5, 9, 14, 20, 9, 14, 3, 8, 0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed)
        FOUR(G, 5, 9, 14, 20, 13, 2, 7, 12, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a)
        FOUR(H, 4, 11, 16, 23, 5, 8, 11, 14, 0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c)
        FOUR(H, 4, 11, 16, 23, 1, 4, 7, 10, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70)
        FOUR(H, 4, 11, 16, 23, 13, 0, 3, 6, 0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05)
        FOUR(H, 4, 11, 16, 23, 9, 12, 15, 2, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665)
        FOUR(I, 6, 10, 15, 21, 0, 7, 14, 5, 0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039)
        FOUR(I, 6, 10, 15, 21, 12, 3, 10, 1, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1)
        FOUR(I, 6, 10, 15, 21, 8, 15, 6, 13, 0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1)
        FOUR(I, 6, 10, 15, 21, 4, 11, 2, 9, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391)
        a += a0;
        b += b0;
        c += c0;
        d += d0;
    }
    memcpy(sums->words[0], &a, sizeof a);
    memcpy(sums->words[1], &b, sizeof b);
    memcpy(sums->words[2], &c, sizeof c);
    memcpy(sums->words[3], &d, sizeof d);
}

#if defined(__x86_64__)
/* Has a rotation of each word, and any function of three vectors in one instruction. */
__attribute__((target("avx512f,avx512vl")))
static void add_by_avx512(
    struct gosync_md5 *sums, const uint8_t *const from[lanes], size_t blocks) {
    add_blocks(sums, from, blocks);
}

__attribute__((target("avx2")))
static void add_by_avx2(
    struct gosync_md5 *sums, const uint8_t *const from[lanes], size_t blocks) {
    add_blocks(sums, from, blocks);
}
#endif

void gosync_md5_begin(struct gosync_md5 *sums) {
    static const uint32_t start[4] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};
    for (int i = 0; i < 4; i++) for (int j = 0; j < lanes; j++) sums->words[i][j] = start[i];
}

void gosync_md5_add(
    struct gosync_md5 *sums, const uint8_t *bytes, size_t stride, int count, size_t blocks) {
    const uint8_t *from[lanes];
    /* Those that nobody asked for sum up what the first one does. */
    for (int i = 0; i < lanes; i++) from[i] = bytes + (i < count ? i : 0) * stride;
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512vl")) return add_by_avx512(sums, from, blocks);
    if (__builtin_cpu_supports("avx2")) return add_by_avx2(sums, from, blocks);
#endif
    add_blocks(sums, from, blocks);
}

void gosync_md5_finish(
    struct gosync_md5 *sums, const uint8_t *bytes, size_t stride, int count, size_t rest,
    uint64_t total, uint8_t *result) {
    uint8_t last[lanes][2 * block] = {0};
    size_t blocks = rest + 1 + sizeof total > block ? 2 : 1;
    uint64_t bits = total * 8;
    for (int i = 0; i < count; i++) {
        if (rest) memcpy(last[i], bytes + i * stride, rest);
        last[i][rest] = 0x80;
        memcpy(last[i] + blocks * block - sizeof bits, &bits, sizeof bits);
    }
    gosync_md5_add(sums, last[0], sizeof last[0], count, blocks);
    for (int i = 0; i < count; i++)
        for (int j = 0; j < 4; j++) memcpy(result + i * gosync_md5_bytes + j * 4, &sums->words[j][i], 4);
}
