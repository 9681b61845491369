/* One user's book, kept and proved: docs/protocol.md, "The client's rule" and "Digest".
 *
 * Price and quantity of every level stand in one open-addressing table keyed by price and side, 8 bytes a level: the
 * books of a thousand users stay within a processor's cache. A removed level stays as quantity 0 until the table grows.
 */
#ifndef BOOK_H
#define BOOK_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#define SIDE_ASK 0x80000000u /* beside a price, which is below 2**31 */
#define SLOTS_MIN 64

struct level {
    uint32_t key; /* price and side; 0 is an empty slot, as no price is 0 */
    uint32_t quantity;
};

struct book {
    uint64_t epoch, seq;
    struct level *levels;
    uint32_t slots, used; /* slots is a power of two; used counts removed levels too */
    uint32_t digest;
    bool is_whole; /* false before its snapshot, and after a gap or a wrong digest until the next */
};

static inline uint32_t mix(uint32_t x) {
    x ^= x >> 16;
    x *= 0x7feb352du;
    x ^= x >> 15;
    x *= 0x846ca68bu;
    return x ^ x >> 16;
}

static inline struct level *find_level(const struct book *book, uint32_t key, uint32_t hash) {
    for (uint32_t slot = hash & (book->slots - 1);; slot = (slot + 1) & (book->slots - 1)) {
        struct level *level = &book->levels[slot];
        if (level->key == key || !level->key) return level;
    }
}

static inline void make_slots(struct book *book, uint32_t slots) {
    book->levels = calloc(slots, sizeof *book->levels);
    if (!book->levels) abort();
    book->slots = slots;
    book->used = 0;
}

/* Make the table anew without removed levels, at most a quarter full. */
static void rehash(struct book *book) {
    struct level *old = book->levels;
    uint32_t old_slots = book->slots, held = 0, slots = SLOTS_MIN;
    for (uint32_t i = 0; i < old_slots; i++) held += old[i].quantity != 0;
    while (slots < 4 * held) slots *= 2;
    make_slots(book, slots);
    for (uint32_t i = 0; i < old_slots; i++)
        if (old[i].quantity) *find_level(book, old[i].key, mix(old[i].key)) = old[i], book->used++;
    free(old);
}

/* Set a level's quantity, 0 to remove it, and keep the digest. */
static inline void set_level(struct book *book, uint32_t key, uint32_t quantity) {
    uint32_t hash = mix(key);
    struct level *level = find_level(book, key, hash);
    if (!level->key) {
        if (!quantity) return; /* removing an absent level is normal */
        if (2 * (book->used + 1) > book->slots) {
            rehash(book);
            level = find_level(book, key, hash);
        }
        level->key = key;
        book->used++;
    }
    if (level->quantity) book->digest -= mix(hash ^ level->quantity);
    if (quantity) book->digest += mix(hash ^ quantity);
    level->quantity = quantity;
}

static inline void empty_book(struct book *book) {
    free(book->levels);
    make_slots(book, SLOTS_MIN);
    book->digest = 0;
}

#endif
