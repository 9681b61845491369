/* Marks: what servers that are not ours carry, so that the same client can time and count them.
 *
 *     OOUT:<16 hex digits: us since 1970>:<16 hex digits: a counter>;
 *
 * One mark is one update. Filler around marks must hold no letter O. Servers may put several into a frame, or cut one
 * between two frames; a reader keeps the beginning of a mark that has not come whole.
 */
#ifndef MARKS_H
#define MARKS_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define MARK 39

struct mark {
    uint64_t time_us, counter;
};

struct mark_reader {
    uint64_t next; /* the counter that must come; meant once has_first */
    bool has_first;
    uint8_t held_size;
    uint8_t held[MARK - 1];
};

static inline bool read_hex(const uint8_t *at, uint64_t *value) {
    *value = 0;
    for (int i = 0; i < 16; i++) {
        uint8_t digit = at[i], low = digit | 0x20;
        if (digit >= '0' && digit <= '9') *value = *value << 4 | (digit - '0');
        else if (low >= 'a' && low <= 'f') *value = *value << 4 | (uint64_t)(low - 'a' + 10);
        else return false;
    }
    return true;
}

/* Read the mark that begins at `at`, all of which is there. */
static inline bool read_mark(const uint8_t *at, struct mark *mark) {
    return read_hex(at + 5, &mark->time_us) && at[21] == ':' && read_hex(at + 22, &mark->counter) && at[38] == ';';
}

/* Find the next whole mark; `at` moves behind it, or to where one may begin that is not whole. */
static inline const uint8_t *find_mark(const uint8_t **at, const uint8_t *end) {
    const uint8_t *found = memmem(*at, (size_t)(end - *at), "OOUT:", 5);
    if (found && end - found >= MARK) return *at = found + MARK, found;
    const uint8_t *last = end - *at < MARK ? *at : end - (MARK - 1);
    const uint8_t *start = memchr(last, 'O', (size_t)(end - last));
    *at = start ? start : end;
    return NULL;
}

#endif
