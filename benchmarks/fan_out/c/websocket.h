/* What the C client and the C server share of RFC 6455: the handshake's key, frame headers, and a clock.
 *
 * Header only, libc only. Compression and fragmentation on our own side are never used.
 */
#ifndef WEBSOCKET_H
#define WEBSOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum opcode { CONTINUATION = 0x0, TEXT = 0x1, BINARY = 0x2, CLOSE = 0x8, PING = 0x9, PONG = 0xA };

#define KEY_TEXT 24    /* a handshake key is 16 bytes, 24 letters in base64 */
#define ACCEPT_TEXT 28 /* its answer is 20 bytes, 28 letters */
#define HEADER_MAX 14  /* the longest frame header: 2, 8 of length, 4 of mask */

static inline void fail(const char *what, const char *why) {
    fprintf(stderr, "%s: %s\n", what, why);
    exit(2);
}

/* Microseconds since 1970, the clock that servers stamp their messages with. */
static inline uint64_t time_us(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
}

/* Seconds that never go backwards. */
static inline double seconds_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

struct cpu {
    double user, system;
};

/* CPU seconds of this process so far. */
static inline struct cpu cpu_used(void) {
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return (struct cpu){(double)used.ru_utime.tv_sec + (double)used.ru_utime.tv_usec / 1e6,
                        (double)used.ru_stime.tv_sec + (double)used.ru_stime.tv_usec / 1e6};
}

/* Allow as many open files as the machine lets us, and refuse to begin with too few. */
static inline void need_open_files(size_t wanted) {
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur < wanted) fail("open files", "the limit is too low (ulimit -Hn)");
}

static inline uint32_t rotated(uint32_t word, int by) { return word << by | word >> (32 - by); }

/* SHA-1 (FIPS 180-4) of at most 119 bytes: a handshake's key is all that it is for. */
static inline void sha1(const uint8_t *text, size_t size, uint8_t digest[20]) {
    uint8_t padded[128] = {0};
    size_t blocks = (size + 9 + 63) / 64;
    uint32_t state[5] = {0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0};

    memcpy(padded, text, size);
    padded[size] = 0x80;
    for (size_t i = 0; i < 8; i++) padded[blocks * 64 - 1 - i] = (uint8_t)((uint64_t)size * 8 >> (8 * i));
    for (size_t block = 0; block < blocks; block++) {
        const uint8_t *at = padded + block * 64;
        uint32_t w[80], a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];
        for (int i = 0; i < 16; i++, at += 4)
            w[i] = (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
        for (int i = 16; i < 80; i++) w[i] = rotated(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
        for (int i = 0; i < 80; i++) {
            uint32_t f = i < 20   ? ((b & c) | (~b & d)) + 0x5A827999
                         : i < 40 ? (b ^ c ^ d) + 0x6ED9EBA1
                         : i < 60 ? ((b & c) | (b & d) | (c & d)) + 0x8F1BBCDC
                                  : (b ^ c ^ d) + 0xCA62C1D6;
            uint32_t next = rotated(a, 5) + f + e + w[i];
            e = d, d = c, c = rotated(b, 30), b = a, a = next;
        }
        state[0] += a, state[1] += b, state[2] += c, state[3] += d, state[4] += e;
    }
    for (int i = 0; i < 20; i++) digest[i] = (uint8_t)(state[i / 4] >> (24 - 8 * (i % 4)));
}

/* Base64 with padding; `text` must hold 4 letters for every 3 bytes begun, and an ending zero. */
static inline void base64(const uint8_t *bytes, size_t size, char *text) {
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < size; i += 3) {
        uint32_t three = (uint32_t)bytes[i] << 16;
        if (i + 1 < size) three |= (uint32_t)bytes[i + 1] << 8;
        if (i + 2 < size) three |= bytes[i + 2];
        *text++ = letters[three >> 18];
        *text++ = letters[three >> 12 & 63];
        *text++ = i + 1 < size ? letters[three >> 6 & 63] : '=';
        *text++ = i + 2 < size ? letters[three & 63] : '=';
    }
    *text = 0;
}

/* The answer to a handshake's key (section 4.2.2). */
static inline void accept_for(const char *key, char accept[ACCEPT_TEXT + 1]) {
    uint8_t text[KEY_TEXT + 36], digest[20];
    memcpy(text, key, KEY_TEXT);
    memcpy(text + KEY_TEXT, "258EAFA5-E914-47DA-95CA-C5AB0DC85B11", 36);
    sha1(text, sizeof text, digest);
    base64(digest, sizeof digest, accept);
}

struct frame {
    const uint8_t *payload;
    size_t size;
    enum opcode opcode;
    bool is_last; /* of a fragmented message; true for a whole one */
};

enum cut { WHOLE, NEEDS_MORE, BROKEN };

/* Cut the next unmasked frame off `size` bytes at `at`; `whole` gets how long it is with its header. */
static inline enum cut cut_frame(const uint8_t *at, size_t size, struct frame *frame, size_t *whole) {
    size_t header = 2, length;
    if (size < 2) return NEEDS_MORE;
    if (at[0] & 0x70 || at[1] & 0x80) return BROKEN; /* compressed, or masked by a server */
    length = at[1];
    if (length == 126) {
        header = 4;
        if (size < header) return NEEDS_MORE;
        length = (size_t)at[2] << 8 | at[3];
    } else if (length == 127) {
        header = 10;
        if (size < header) return NEEDS_MORE;
        length = 0;
        for (int i = 2; i < 10; i++) length = length << 8 | at[i];
        if (length > (size_t)1 << 30) return BROKEN;
    }
    *whole = header + length;
    if (size < *whole) return NEEDS_MORE;
    *frame = (struct frame){at + header, length, (enum opcode)(at[0] & 0x0F), at[0] >> 7};
    return WHOLE;
}

/* Write a server's frame header for `size` bytes; returns its length. */
static inline size_t put_header(uint8_t *at, enum opcode opcode, size_t size) {
    at[0] = (uint8_t)(0x80 | opcode);
    if (size < 126) return at[1] = (uint8_t)size, 2;
    if (size < 1 << 16) return at[1] = 126, at[2] = (uint8_t)(size >> 8), at[3] = (uint8_t)size, 4;
    at[1] = 127;
    for (int i = 0; i < 8; i++) at[2 + i] = (uint8_t)((uint64_t)size >> (56 - 8 * i));
    return 10;
}

#endif
