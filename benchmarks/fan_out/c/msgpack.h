/* As much of msgpack as the protocol's messages need, decoded in place.
 *
 * A cursor that ran past its end, or met what it did not expect, is `broken` from then on; values read from it then
 * mean nothing. Integers are read without looking at the end first: buffers keep SLACK bytes behind what they hold.
 */
#ifndef MSGPACK_H
#define MSGPACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SLACK 64

struct cursor {
    const uint8_t *at, *end;
    bool broken;
};

static inline uint64_t big_endian(const uint8_t *at, int width) {
    uint64_t value = 0;
    for (int i = 0; i < width; i++) value = value << 8 | at[i];
    return value;
}

/* Whole numbers from 0; the protocol has no others where we look. */
static inline uint64_t read_uint(struct cursor *c) {
    const uint8_t *at = c->at;
    if (at > c->end) return c->broken = true, 0;
    if (*at < 0x80) return c->at = at + 1, *at;
    switch (*at) {
    case 0xcc: return c->at = at + 2, at[1];
    case 0xcd: return c->at = at + 3, big_endian(at + 1, 2);
    case 0xce: return c->at = at + 5, big_endian(at + 1, 4);
    case 0xcf: return c->at = at + 9, big_endian(at + 1, 8);
    }
    return c->broken = true, 0;
}

/* The length of an array or (`fix` 0x80, `wide` 0xde) a map. */
static inline uint32_t read_length(struct cursor *c, uint8_t fix, uint8_t wide) {
    const uint8_t *at = c->at;
    if (at < c->end && (*at & 0xf0) == fix) return c->at = at + 1, *at & 0x0fu;
    if (c->end - at >= 3 && *at == wide) return c->at = at + 3, (uint32_t)big_endian(at + 1, 2);
    if (c->end - at >= 5 && *at == wide + 1) return c->at = at + 5, (uint32_t)big_endian(at + 1, 4);
    return c->broken = true, 0;
}

static inline uint32_t read_array(struct cursor *c) { return read_length(c, 0x90, 0xdc); }
static inline uint32_t read_map(struct cursor *c) { return read_length(c, 0x80, 0xde); }

/* Take `size` bytes; a broken cursor returns its end. */
static inline const uint8_t *take(struct cursor *c, size_t size) {
    const uint8_t *at = c->at;
    if (c->broken || c->end - at < (ptrdiff_t)size) return c->broken = true, c->end;
    c->at = at + size;
    return at;
}

/* A text's bytes; `size` gets how many. */
static inline const uint8_t *read_text(struct cursor *c, size_t *size) {
    uint8_t head = *take(c, 1);
    *size = 0;
    if (c->broken) return c->end;
    if ((head & 0xe0) == 0xa0) *size = head & 0x1f;
    else if (head >= 0xd9 && head <= 0xdb) {
        int width = 1 << (head - 0xd9);
        *size = (size_t)big_endian(take(c, (size_t)width), width);
    } else
        c->broken = true;
    return take(c, *size);
}

/* Pass over any value; what holds others is passed over with all of them. */
static void skip(struct cursor *c) {
    for (uint64_t left = 1; left && !c->broken; left--) {
        uint8_t head = *take(c, 1);
        if (c->broken) return;
        if (head < 0x80 || head >= 0xe0 || (head >= 0xc0 && head <= 0xc3)) continue;
        if (head < 0x90) left += 2u * (head & 15u);
        else if (head < 0xa0) left += head & 15u;
        else if (head < 0xc0) take(c, head & 31u);
        else if (head >= 0xdc) { /* arrays and maps of 16 and 32 bits */
            int width = head & 1 ? 4 : 2;
            uint64_t count = big_endian(take(c, (size_t)width), width);
            left += head >= 0xde ? 2 * count : count;
        } else if (head >= 0xd9 || (head >= 0xc4 && head <= 0xc6)) { /* texts and bytes */
            int width = 1 << (head >= 0xd9 ? head - 0xd9 : head - 0xc4);
            take(c, (size_t)big_endian(take(c, (size_t)width), width));
        } else if (head >= 0xca && head <= 0xd3) { /* numbers */
            static const uint8_t widths[] = {4, 8, 1, 2, 4, 8, 1, 2, 4, 8};
            take(c, widths[head - 0xca]);
        } else
            c->broken = true; /* extensions: the protocol has none */
    }
}

#endif
