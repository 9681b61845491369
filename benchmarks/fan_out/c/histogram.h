/* A log-linear histogram of microseconds, three significant figures: HdrHistogram's layout, counts only. */
#ifndef HISTOGRAM_H
#define HISTOGRAM_H

#include <stdint.h>
#include <string.h>

#define LINEAR 2048      /* below this every value has a bucket of its own */
#define HALF 1024        /* buckets of each doubling above it */
#define DOUBLINGS 26     /* up to 2048 << 26 us, 38 hours; what is longer counts as that */
#define BUCKETS (LINEAR + HALF * DOUBLINGS)

struct histogram {
    uint64_t counts[BUCKETS], count, sum, max;
};

static inline size_t bucket_of(uint64_t value) {
    if (value < LINEAR) return (size_t)value;
    int shift = 53 - __builtin_clzll(value); /* so that value >> shift is 1024 to 2047 */
    size_t bucket = LINEAR + (size_t)(shift - 1) * HALF + (size_t)((value >> shift) - HALF);
    return bucket < BUCKETS ? bucket : BUCKETS - 1;
}

/* The highest value that a bucket holds. */
static inline uint64_t top_of(size_t bucket) {
    if (bucket < LINEAR) return bucket;
    size_t above = bucket - LINEAR;
    int shift = (int)(above / HALF) + 1;
    return (((uint64_t)(above % HALF) + HALF + 1) << shift) - 1;
}

static inline void record(struct histogram *histogram, uint64_t value) {
    histogram->counts[bucket_of(value)]++;
    histogram->count++;
    histogram->sum += value;
    if (value > histogram->max) histogram->max = value;
}

/* The value below or at which a share of all lie; 0 of none. */
static inline uint64_t percentile(const struct histogram *histogram, double share) {
    uint64_t wanted = (uint64_t)(share * (double)histogram->count + 0.5), seen = 0;
    if (wanted < 1) wanted = 1;
    for (size_t bucket = 0; bucket < BUCKETS; bucket++) {
        seen += histogram->counts[bucket];
        if (seen >= wanted) return top_of(bucket) < histogram->max ? top_of(bucket) : histogram->max;
    }
    return histogram->max;
}

#endif
