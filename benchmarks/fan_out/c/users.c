/* Thousands of WebSocket users for next to nothing: one process, one thread, epoll, raw sockets.
 *
 *     users --connect HOST:PORT[,HOST:PORT...]   user i goes to target i mod n
 *           --path PATH [--subprotocol NAME]
 *           [--tokens FILE]                      one bearer token a line, user i takes line i
 *           --users N [--opening K]              at most K handshakes under way at once (64)
 *           [--source ADDRESS[,ADDRESS...]]      local addresses, user i binds to i mod n
 *           [--hello FILE]                       bytes (finished, masked frames) sent once the handshake is done,
 *           [--hello-after TEXT]                 or after the first frame that contains TEXT
 *           --check book | marks                 what frames hold (book.h, marks.h)
 *           [--books N]                          whole books that make a user whole (1)
 *           [--latency published | entered]      what delays of deltas are measured from: their time, or (`entered`)
 *                                                the quantities of their levels, see below (published)
 *           [--tls AUTHORITIES]                  speak TLS 1.3 with servers that this PEM file vouches for (tls.h)
 *           [--slow PERCENT]                     so many users never read once they are whole, and are counted apart
 *
 * Each line on standard input is a command, one line of JSON on standard output answers it; the end of input is `quit`.
 *
 * open    Connect everyone. Answers when all are open and whole (`book`: hold every subscribed book; `marks`: have sent
 *         the hello), or after 60 s: opened, failed, whole, seconds (first connect to the last that became whole),
 *         first_failure (a text, or null).
 * reset   Counts and histogram start anew: {}.
 * report  users and open (those who read), stale (of them, not whole now), seconds (since reset), frames, bytes,
 *         updates (`book`: sum over users of seq's advance by deltas; `marks`: marks found), leapt (seq's advance by
 *         later snapshots), deltas, snapshots, others (further messages), digests_checked, digests_wrong, gaps,
 *         out_of_order (repetitions included), ignored (deltas for a book that is not whole), refused (replies that
 *         are not ok), malformed, disconnects, slow_users, slow_open, slow_disconnects,
 *         latency_us {count, mean, p50, p90, p99, p999, max}, first_mark, last_mark (0 of none), cpu_user_s,
 *         cpu_system_s, books [{instrument, epoch, seq, digest, users}...] (final positions of whole books and how
 *         many reading users hold each; BOOK_ROWS_MAX of them, and books_left_off).
 *
 * `book` speaks the binary protocol of docs/protocol.md: each user decodes every message, keeps every book, checks
 * seq's chain and the digest after every snapshot and delta, and heartbeats against the seq held. A book with a gap or
 * a wrong digest is stale, and ignored until its next snapshot; nothing is asked for. A user may not follow `book` and
 * `top` of one instrument. Latency is from a delta's time, or a mark's, to the end of the read that completed it: one
 * value for each delta or mark and user; what comes before its time by clock adjustment counts as 0.
 *
 * `--latency entered` measures the whole way of an order: every order's quantity must be the moment of its entry, in us
 * since 1970 modulo 2**31, and its level its alone. One value for each level that a delta sets above 0, and user.
 *
 * Pings are answered. A lost connection is a disconnect; nobody reconnects.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "book.h"
#include "histogram.h"
#include "marks.h"
#include "msgpack.h"
#include "tls.h"
#include "websocket.h"

#define OPEN_SECONDS_MAX 60.0
#define ADDRESSES_MAX 256
#define INSTRUMENTS_MAX 2048
#define INSTRUMENT_TEXT 32
#define FRAME_ROOM ((size_t)4 << 20) /* of one read and the longest frame; beyond: malformed */
#define REQUEST_MAX 4096
#define RESPONSE_MAX 8192
#define EVENTS_MAX 512
#define BOOK_ROWS_MAX 1000
#define KEPT_ROOM 4096 /* a user's buffer above this is given back when it is empty */

enum phase { WAITING, CONNECTING, SECURING, SHAKING, OPEN, GONE };

struct user {
    int fd;
    tls_session *tls;
    enum phase phase;
    bool is_slow, has_said_hello, was_whole;
    uint8_t *held; /* the beginning of what has not come whole: response head, or frame */
    size_t held_size, held_room;
    struct mark_reader marks;
    struct book *books; /* by instrument number */
    uint32_t books_room, books_whole;
};

struct counts {
    uint64_t frames, bytes, updates, leapt, deltas, snapshots, others, digests_checked, digests_wrong, gaps,
        out_of_order, ignored, refused, malformed, disconnects, slow_disconnects, first_mark, last_mark;
    struct histogram latency;
    struct cpu cpu;
    double since;
};

static struct {
    struct sockaddr_in targets[ADDRESSES_MAX], sources[ADDRESSES_MAX];
    size_t targets_count, sources_count, users_count, opening_max, hello_size, tokens_count;
    char **tokens;
    uint8_t *hello;
    const char *hosts[ADDRESSES_MAX], *path, *subprotocol, *hello_after;
    bool checks_books, dates_by_entry;
    uint32_t books_wanted;
    double slow_percent;
} options = {.opening_max = 64, .books_wanted = 1, .path = "/"};

static struct {
    struct user *users;
    size_t next, opening, opened, failed, whole; /* next user to connect; handshakes under way; failed: never whole */
    bool is_opening;
    double opening_since, whole_at;
    char first_failure[200];
} fleet;

static struct counts counts;
static struct {
    char names[INSTRUMENTS_MAX][INSTRUMENT_TEXT];
    uint8_t sizes[INSTRUMENTS_MAX];
    uint32_t slots[4 * INSTRUMENTS_MAX], count; /* slots hold number + 1 */
} instruments;
static uint8_t buffer[FRAME_ROOM + SLACK];
static char handshake_key[KEY_TEXT + 1], handshake_accept[ACCEPT_TEXT + 1];
static uint64_t now_us; /* when the read at hand returned */
static int epoll;

/* -- connections ------------------------------------------------------------------------------------------------ */

static void watch(struct user *user, int operation, uint32_t events) {
    struct epoll_event event = {.events = events, .data.ptr = user};
    if (epoll_ctl(epoll, operation, user->fd, &event)) fail("epoll_ctl", strerror(errno));
}

static bool reads(const struct user *user) { return !(user->is_slow && user->was_whole); }

/* Give a user up, for a reason that `open` tells of the first that never became whole. */
static void drop(struct user *user, const char *reason) {
    if (user->phase == OPEN) {
        if (reads(user)) counts.disconnects++;
        else counts.slow_disconnects++;
    }
    if (!user->was_whole) {
        fleet.failed++;
        if (!fleet.first_failure[0]) snprintf(fleet.first_failure, sizeof fleet.first_failure, "%s", reason);
    }
    if (user->phase == CONNECTING || user->phase == SECURING || user->phase == SHAKING) fleet.opening--;
    tls_end(user->tls);
    user->tls = NULL;
    if (user->fd >= 0) close(user->fd);
    user->fd = -1;
    user->phase = GONE;
}

static bool say(struct user *user, const void *bytes, size_t size) {
    if (tls_send(user->tls, user->fd, bytes, size) == (ssize_t)size) return true;
    drop(user, "the server does not take our bytes");
    return false;
}

static void start_connecting(struct user *user) {
    size_t number = (size_t)(user - fleet.users);
    const struct sockaddr_in *target = &options.targets[number % options.targets_count];
    int yes = 1;
    user->phase = CONNECTING;
    fleet.opening++;
    user->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (user->fd < 0) fail("socket", strerror(errno));
    if (options.sources_count) {
        const struct sockaddr_in *source = &options.sources[number % options.sources_count];
        setsockopt(user->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &yes, sizeof yes);
        if (bind(user->fd, (const struct sockaddr *)source, sizeof *source)) fail("--source", strerror(errno));
    }
    if (connect(user->fd, (const struct sockaddr *)target, sizeof *target) && errno != EINPROGRESS) {
        drop(user, strerror(errno));
        return;
    }
    watch(user, EPOLL_CTL_ADD, EPOLLOUT);
}

static void start_more(void) {
    while (fleet.is_opening && fleet.next < options.users_count && fleet.opening < options.opening_max)
        start_connecting(&fleet.users[fleet.next++]);
}

static void ask(struct user *user) {
    size_t number = (size_t)(user - fleet.users);
    char request[REQUEST_MAX];
    int size;
    const char *protocol = options.subprotocol;
    const char *token = options.tokens_count ? options.tokens[number % options.tokens_count] : NULL;
    size = snprintf(request, sizeof request,
                    "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                    "Sec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\n%s%s%s%s%s%s\r\n",
                    options.path, options.hosts[number % options.targets_count], handshake_key,
                    protocol ? "Sec-WebSocket-Protocol: " : "", protocol ? protocol : "", protocol ? "\r\n" : "",
                    token ? "Authorization: Bearer " : "", token ? token : "", token ? "\r\n" : "");
    if (size >= REQUEST_MAX) fail("handshake", "path, subprotocol and token are too long");
    user->phase = SHAKING;
    say(user, request, (size_t)size);
}

static void secure(struct user *user) {
    int done = tls_shake(user->tls);
    if (done < 0) drop(user, "no TLS, or with a certificate that is not believed");
    if (done > 0) ask(user);
}

static void connected(struct user *user) {
    int error = 0;
    socklen_t width = sizeof error;
    getsockopt(user->fd, SOL_SOCKET, SO_ERROR, &error, &width);
    if (error) {
        drop(user, strerror(error));
        return;
    }
    watch(user, EPOLL_CTL_MOD, EPOLLIN);
    if (tls_is_wanted()) {
        user->tls = tls_begin(user->fd);
        user->phase = SECURING;
        secure(user);
    } else ask(user);
}

/* A user who holds all it asked for: the slow ones stop reading here. */
static void became_whole(struct user *user) {
    if (user->was_whole) return;
    user->was_whole = true;
    fleet.whole++;
    fleet.whole_at = seconds_now();
    if (user->is_slow) watch(user, EPOLL_CTL_MOD, EPOLLRDHUP);
}

static void say_hello(struct user *user) {
    user->has_said_hello = true;
    if (options.hello_size && !say(user, options.hello, options.hello_size)) return;
    if (!options.checks_books || !options.books_wanted) became_whole(user);
}

/* Whether the response accepts our key; other fields are the server's own. */
static bool is_accepted(const char *head) {
    const char *field = strcasestr(head, "\r\nsec-websocket-accept:");
    if (strncmp(head, "HTTP/1.1 101", 12) || !field) return false;
    field += strlen("\r\nsec-websocket-accept:");
    field += strspn(field, " \t");
    return !strncmp(field, handshake_accept, ACCEPT_TEXT);
}

/* Take the response's head; returns its length, 0 if it has not come whole or the user was dropped. */
static size_t shake_hands(struct user *user, uint8_t *bytes, size_t size) {
    uint8_t *end = memmem(bytes, size, "\r\n\r\n", 4);
    if (!end) {
        if (size > RESPONSE_MAX) drop(user, "no end of the response");
        return 0;
    }
    *end = 0;
    if (!is_accepted((char *)bytes)) {
        drop(user, (char *)bytes);
        return 0;
    }
    user->phase = OPEN;
    fleet.opening--;
    fleet.opened++;
    if (!options.hello_after) say_hello(user);
    return (size_t)(end + 4 - bytes);
}

/* -- marks -------------------------------------------------------------------------------------------------------- */

static void take_mark(struct user *user, const uint8_t *at) {
    struct mark mark;
    struct mark_reader *reader = &user->marks;
    if (!read_mark(at, &mark)) {
        counts.malformed++;
        return;
    }
    counts.updates++;
    record(&counts.latency, now_us > mark.time_us ? now_us - mark.time_us : 0);
    if (!counts.first_mark || mark.counter < counts.first_mark) counts.first_mark = mark.counter;
    if (mark.counter > counts.last_mark) counts.last_mark = mark.counter;
    if (reader->has_first && mark.counter < reader->next) {
        counts.out_of_order++;
        return;
    }
    if (reader->has_first && mark.counter > reader->next) counts.gaps++;
    reader->has_first = true;
    reader->next = mark.counter + 1;
}

static void scan(struct user *user, const uint8_t *at, const uint8_t *end) {
    const uint8_t *found;
    while ((found = find_mark(&at, end))) take_mark(user, found);
    user->marks.held_size = (uint8_t)(end - at);
    memmove(user->marks.held, at, (size_t)(end - at));
}

static void take_marks(struct user *user, const struct frame *frame) {
    const uint8_t *at = frame->payload, *end = at + frame->size;
    struct mark_reader *reader = &user->marks;
    if (reader->held_size) {
        /* The held beginning with as much of this frame as it may need: no mark of this frame fits in whole. */
        uint8_t joined[2 * MARK];
        size_t more = frame->size < MARK - 1 ? frame->size : MARK - 1, held = reader->held_size;
        memcpy(joined, reader->held, held);
        memcpy(joined + held, at, more);
        scan(user, joined, joined + held + more);
        if (more == frame->size) return;
    }
    scan(user, at, end);
}

/* -- books -------------------------------------------------------------------------------------------------------- */

static uint32_t instrument_number(const uint8_t *name, size_t size) {
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < size; i++) hash = (hash ^ name[i]) * 16777619u;
    for (uint32_t slot = mix(hash);; slot++) {
        uint32_t *found = &instruments.slots[slot % (4 * INSTRUMENTS_MAX)], number = *found - 1;
        if (!*found) {
            if (instruments.count == INSTRUMENTS_MAX || size >= INSTRUMENT_TEXT) fail("instruments", "too many");
            memcpy(instruments.names[instruments.count], name, size);
            instruments.sizes[instruments.count] = (uint8_t)size;
            *found = ++instruments.count;
            return *found - 1;
        }
        if (instruments.sizes[number] == size && !memcmp(instruments.names[number], name, size)) return number;
    }
}

static struct book *book_of(struct user *user, struct cursor *c) {
    size_t size;
    const uint8_t *name = read_text(c, &size);
    if (c->broken) return NULL;
    uint32_t number = instrument_number(name, size);
    if (number >= user->books_room) {
        uint32_t room = number + 1 > 2 * user->books_room ? number + 1 : 2 * user->books_room;
        user->books = realloc(user->books, room * sizeof *user->books);
        if (!user->books) fail("memory", strerror(errno));
        memset(user->books + user->books_room, 0, (room - user->books_room) * sizeof *user->books);
        user->books_room = room;
    }
    return &user->books[number];
}

static void set_whole(struct user *user, struct book *book, bool is_whole) {
    user->books_whole += (uint32_t)is_whole - (uint32_t)book->is_whole;
    book->is_whole = is_whole;
    if (user->books_whole >= options.books_wanted) became_whole(user);
}

static void check_digest(struct user *user, struct book *book, uint64_t digest) {
    counts.digests_checked++;
    counts.digests_wrong += digest != book->digest;
    set_whole(user, book, digest == book->digest);
}

/* Microseconds since an order was entered whose quantity tells when. */
static uint64_t since_entry(uint64_t quantity) { return (now_us - quantity) & 0x7fffffff; }

/* Set one side's levels; each is [price, quantity, ...], and what a later version adds is passed over. */
static void set_levels(struct cursor *c, struct book *book, uint32_t side) {
    for (uint32_t left = read_array(c); left && !c->broken; left--) {
        uint32_t fields = read_array(c);
        uint64_t price = read_uint(c), quantity = read_uint(c);
        if (fields < 2 || !price || price >= SIDE_ASK || quantity > UINT32_MAX || c->at > c->end) c->broken = true;
        if (c->broken) return;
        set_level(book, (uint32_t)price | side, (uint32_t)quantity);
        if (options.dates_by_entry && quantity) record(&counts.latency, since_entry(quantity));
        for (; fields > 2; fields--)
            if (*c->at < 0x80) c->at++; /* an order count, nearly always */
            else skip(c);
    }
}

static void take_snapshot(struct user *user, struct cursor *c) {
    struct book *book = book_of(user, c);
    uint64_t epoch = read_uint(c), seq = read_uint(c);
    skip(c); /* time: of the newest change, not of the snapshot */
    skip(c); /* depth */
    if (!book || c->broken) return;
    if (book->is_whole && book->epoch == epoch && seq > book->seq) counts.leapt += seq - book->seq;
    empty_book(book);
    set_levels(c, book, 0);
    set_levels(c, book, SIDE_ASK);
    book->epoch = epoch;
    book->seq = seq;
    counts.snapshots++;
    check_digest(user, book, read_uint(c));
}

/* Apply a delta that continues what is held. */
static void apply(struct user *user, struct book *book, struct cursor *c, uint64_t seq, uint64_t time) {
    set_levels(c, book, 0);
    set_levels(c, book, SIDE_ASK);
    counts.updates += seq - book->seq;
    book->seq = seq;
    if (!options.dates_by_entry) record(&counts.latency, now_us > time ? now_us - time : 0);
    check_digest(user, book, read_uint(c));
}

static void take_delta(struct user *user, struct cursor *c) {
    struct book *book = book_of(user, c);
    uint64_t prev_seq = read_uint(c), seq = read_uint(c), time = read_uint(c);
    skip(c); /* depth */
    if (!book || c->broken) return;
    counts.deltas++;
    if (book->is_whole && prev_seq <= book->seq && seq > book->seq) {
        apply(user, book, c, seq, time);
        return;
    }
    skip(c);
    skip(c);
    uint64_t digest = read_uint(c);
    if (!book->is_whole) counts.ignored++;
    else if (prev_seq > book->seq) counts.gaps++, set_whole(user, book, false);
    else if (prev_seq == seq && seq == book->seq) check_digest(user, book, digest); /* confirms what is held */
    else counts.out_of_order++;
}

/* A heartbeat names the last seq sent for every followed book: it shows a last delta that was lost. */
static void take_heartbeat(struct user *user, struct cursor *c) {
    skip(c); /* server_time */
    for (uint32_t left = read_map(c); left && !c->broken; left--) {
        struct book *book = book_of(user, c);
        uint64_t seq = read_uint(c);
        if (book && book->is_whole && seq > book->seq) counts.gaps++, set_whole(user, book, false);
    }
    counts.others++;
}

static void take_reply(struct cursor *c) {
    skip(c); /* id */
    counts.refused += *take(c, 1) != 0xc3;
    counts.others++;
}

static void take_message(struct user *user, struct cursor *c) {
    uint32_t fields = read_array(c), known = 1;
    switch (read_uint(c)) {
    case 2: known = 3; take_reply(c); break;
    case 3: known = 9; take_snapshot(user, c); break;
    case 4: known = 9; take_delta(user, c); break;
    case 8: known = 3; take_heartbeat(user, c); break;
    default: counts.others++;
    }
    if (fields < known) c->broken = true;
    for (; fields > known && !c->broken; fields--) skip(c);
}

static void take_packet(struct user *user, const struct frame *frame) {
    struct cursor cursor = {frame->payload, frame->payload + frame->size, false};
    for (uint32_t left = read_array(&cursor); left && !cursor.broken; left--) take_message(user, &cursor);
    if (!cursor.broken && cursor.at == cursor.end) return;
    counts.malformed++;
    drop(user, "a frame that is no array of messages");
}

/* -- frames ------------------------------------------------------------------------------------------------------- */

static void answer_ping(struct user *user, const struct frame *ping) {
    uint8_t pong[HEADER_MAX + 125] = {0x80 | PONG, (uint8_t)(0x80 | ping->size)}; /* a mask of zeros changes nothing */
    if (ping->size > 125) return;
    memcpy(pong + 6, ping->payload, ping->size);
    say(user, pong, 6 + ping->size);
}

static void take_frame(struct user *user, const struct frame *frame) {
    switch (frame->opcode) {
    case PING: answer_ping(user, frame); return;
    case PONG: return;
    case CLOSE: drop(user, "closed by the server"); return;
    default: break;
    }
    counts.frames++;
    if (!user->has_said_hello && memmem(frame->payload, frame->size, options.hello_after, strlen(options.hello_after)))
        say_hello(user);
    if (user->phase != OPEN) return;
    if (!options.checks_books) take_marks(user, frame);
    else if (frame->opcode == BINARY && frame->is_last) take_packet(user, frame);
    else counts.malformed++, drop(user, "a text frame or a fragment");
}

/* Take all that is whole of some bytes; returns how many were taken. */
static size_t take_bytes(struct user *user, uint8_t *bytes, size_t size) {
    size_t at = 0, whole;
    struct frame frame;
    if (user->phase == SHAKING && !(at = shake_hands(user, bytes, size))) return 0;
    while (user->phase == OPEN && reads(user)) {
        enum cut cut = cut_frame(bytes + at, size - at, &frame, &whole);
        if (cut == BROKEN || (cut == NEEDS_MORE && size - at == FRAME_ROOM)) {
            counts.malformed++;
            drop(user, "a masked, compressed or oversized frame");
        }
        if (cut != WHOLE) break;
        take_frame(user, &frame);
        at += whole;
    }
    return at;
}

/* Keep the beginning of what has not come whole, until the next read. */
static void hold(struct user *user, const uint8_t *bytes, size_t size) {
    user->held_size = size;
    if (size > user->held_room || (!size && user->held_room > KEPT_ROOM)) {
        free(user->held);
        user->held = size ? malloc(size) : NULL;
        user->held_room = size;
        if (size && !user->held) fail("memory", strerror(errno));
    }
    if (size) memcpy(user->held, bytes, size);
}

static void receive(struct user *user) {
    size_t held = user->held_size;
    if (held) memcpy(buffer, user->held, held);
    ssize_t got = tls_receive(user->tls, user->fd, buffer + held, FRAME_ROOM - held);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) {
        drop(user, got ? strerror(errno) : "closed during the handshake");
        return;
    }
    now_us = time_us();
    counts.bytes += (uint64_t)got;
    size_t size = held + (size_t)got, taken = take_bytes(user, buffer, size);
    if (user->phase != GONE && reads(user)) hold(user, buffer + taken, size - taken);
}

/* -- commands ----------------------------------------------------------------------------------------------------- */

static void tell_opened(void) {
    double until = fleet.whole ? fleet.whole_at : seconds_now();
    fleet.is_opening = false;
    for (char *at = fleet.first_failure; *at; at++)
        if (*at == '"' || *at == '\\' || (unsigned char)*at < ' ') *at = ' ';
    printf("{\"opened\":%zu,\"failed\":%zu,\"whole\":%zu,\"seconds\":%.6f,\"first_failure\":", fleet.opened,
           options.users_count - fleet.opened, fleet.whole, until - fleet.opening_since);
    printf(fleet.first_failure[0] ? "\"%s\"}\n" : "null}\n", fleet.first_failure);
}

/* Answer `open` as soon as nobody is left who could become whole, or time is over. */
static void check_opening(void) {
    if (!fleet.is_opening) return;
    bool is_over = seconds_now() - fleet.opening_since > OPEN_SECONDS_MAX;
    size_t settled = fleet.whole + fleet.failed;
    if (is_over || settled >= options.users_count) tell_opened();
}

static void reset(void) {
    memset(&counts, 0, sizeof counts);
    counts.cpu = cpu_used();
    counts.since = seconds_now();
}

struct position {
    uint32_t instrument, digest;
    uint64_t epoch, seq, users;
};

static int by_position(const void *left, const void *right) {
    const struct position *a = left, *b = right;
    int name = strcmp(instruments.names[a->instrument], instruments.names[b->instrument]);
    if (name) return name;
    if (a->epoch != b->epoch) return a->epoch < b->epoch ? -1 : 1;
    if (a->seq != b->seq) return a->seq < b->seq ? -1 : 1;
    return a->digest < b->digest ? -1 : a->digest > b->digest;
}

/* Collect where every reading user's whole books stand, equal positions together; returns how many. */
static size_t positions(struct position **found) {
    size_t count = 0, distinct = 0, room = 1;
    for (size_t i = 0; i < options.users_count; i++) room += fleet.users[i].books_whole;
    struct position *all = malloc(room * sizeof *all);
    if (!all) fail("memory", strerror(errno));
    for (size_t i = 0; i < options.users_count; i++) {
        struct user *user = &fleet.users[i];
        if (user->phase != OPEN || !reads(user)) continue;
        for (uint32_t number = 0; number < user->books_room; number++) {
            struct book *book = &user->books[number];
            if (book->is_whole) all[count++] = (struct position){number, book->digest, book->epoch, book->seq, 1};
        }
    }
    qsort(all, count, sizeof *all, by_position);
    for (size_t i = 0; i < count; i++)
        if (distinct && !by_position(&all[distinct - 1], &all[i])) all[distinct - 1].users++;
        else all[distinct++] = all[i];
    *found = all;
    return distinct;
}

static void print_books(void) {
    struct position *found;
    size_t count = positions(&found), shown = count < BOOK_ROWS_MAX ? count : BOOK_ROWS_MAX;
    printf(",\"books\":[");
    for (size_t i = 0; i < shown; i++)
        printf("%s{\"instrument\":\"%s\",\"epoch\":%" PRIu64 ",\"seq\":%" PRIu64 ",\"digest\":%u,"
               "\"users\":%" PRIu64 "}",
               i ? "," : "", instruments.names[found[i].instrument], found[i].epoch, found[i].seq, found[i].digest,
               found[i].users);
    printf("],\"books_left_off\":%zu}\n", count - shown);
    free(found);
}

static void print_count(const char *name, uint64_t value) { printf("\"%s\":%" PRIu64 ",", name, value); }

static void print_users(void) {
    uint64_t users = 0, open = 0, stale = 0, slow = 0, slow_open = 0;
    for (size_t i = 0; i < options.users_count; i++) {
        const struct user *user = &fleet.users[i];
        bool is_open = user->phase == OPEN;
        if (user->is_slow) slow++, slow_open += is_open;
        else users++, open += is_open;
        stale += !user->is_slow && is_open && options.checks_books && user->books_whole < options.books_wanted;
    }
    print_count("users", users), print_count("open", open), print_count("stale", stale);
    print_count("slow_users", slow), print_count("slow_open", slow_open);
    print_count("slow_disconnects", counts.slow_disconnects);
}

static void report(void) {
    const struct histogram *latency = &counts.latency;
    struct cpu cpu = cpu_used();
    printf("{");
    print_users();
    print_count("frames", counts.frames), print_count("bytes", counts.bytes);
    print_count("updates", counts.updates), print_count("leapt", counts.leapt);
    print_count("deltas", counts.deltas), print_count("snapshots", counts.snapshots);
    print_count("others", counts.others), print_count("digests_checked", counts.digests_checked);
    print_count("digests_wrong", counts.digests_wrong), print_count("gaps", counts.gaps);
    print_count("out_of_order", counts.out_of_order), print_count("ignored", counts.ignored);
    print_count("refused", counts.refused), print_count("malformed", counts.malformed);
    print_count("disconnects", counts.disconnects);
    print_count("first_mark", counts.first_mark), print_count("last_mark", counts.last_mark);
    printf("\"latency_us\":{\"count\":%" PRIu64 ",\"mean\":%.1f,", latency->count,
           latency->count ? (double)latency->sum / (double)latency->count : 0.0);
    print_count("p50", percentile(latency, 0.50)), print_count("p90", percentile(latency, 0.90));
    print_count("p99", percentile(latency, 0.99)), print_count("p999", percentile(latency, 0.999));
    printf("\"max\":%" PRIu64 "},\"seconds\":%.6f,", latency->max, seconds_now() - counts.since);
    printf("\"cpu_user_s\":%.6f,\"cpu_system_s\":%.6f", cpu.user - counts.cpu.user, cpu.system - counts.cpu.system);
    print_books();
}

static void obey(const char *command) {
    if (!strcmp(command, "open") && !fleet.next) {
        fleet.is_opening = true;
        fleet.opening_since = seconds_now();
    } else if (!strcmp(command, "reset")) reset(), printf("{}\n");
    else if (!strcmp(command, "report")) report();
    else if (!strcmp(command, "quit")) exit(0);
    else fail("command", command);
}

static void read_commands(void) {
    static char line[64];
    static size_t size;
    ssize_t got = read(STDIN_FILENO, line + size, sizeof line - 1 - size);
    if (got <= 0) exit(0);
    size += (size_t)got;
    for (char *end; (end = memchr(line, '\n', size));) {
        *end = 0;
        obey(line);
        size -= (size_t)(end + 1 - line);
        memmove(line, end + 1, size);
    }
    if (size == sizeof line - 1) fail("command", "too long");
}

/* -- the options -------------------------------------------------------------------------------------------------- */

static uint8_t *read_file(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    if (!file) fail(path, strerror(errno));
    fseek(file, 0, SEEK_END);
    *size = (size_t)ftell(file);
    rewind(file);
    uint8_t *bytes = calloc(*size + 1, 1);
    if (!bytes || fread(bytes, 1, *size, file) != *size) fail(path, "cannot be read");
    fclose(file);
    return bytes;
}

static void read_tokens(const char *path) {
    size_t size, lines = 0;
    char *text = (char *)read_file(path, &size);
    for (size_t i = 0; i < size; i++) lines += text[i] == '\n';
    options.tokens = calloc(lines + 1, sizeof *options.tokens);
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
        options.tokens[options.tokens_count++] = line;
}

/* Resolve HOST[:PORT]; a source has no port. */
static struct sockaddr_in resolved(const char *text) {
    char host[256];
    struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *found;
    snprintf(host, sizeof host, "%s", text);
    char *port = strrchr(host, ':');
    if (port) *port++ = 0;
    int error = getaddrinfo(host, port, &hints, &found);
    if (error) fail(text, gai_strerror(error));
    struct sockaddr_in address = *(struct sockaddr_in *)found->ai_addr;
    freeaddrinfo(found);
    return address;
}

static size_t resolve_list(char *list, struct sockaddr_in *addresses, const char **texts) {
    size_t count = 0;
    for (char *text = strtok(list, ","); text; text = strtok(NULL, ",")) {
        if (count == ADDRESSES_MAX) fail("addresses", "too many");
        if (texts) texts[count] = text;
        addresses[count++] = resolved(text);
    }
    return count;
}

static void set_option(int option, char *value) {
    switch (option) {
    case 'c': options.targets_count = resolve_list(value, options.targets, options.hosts); break;
    case 'p': options.path = value; break;
    case 's': options.subprotocol = value; break;
    case 't': read_tokens(value); break;
    case 'u': options.users_count = strtoul(value, NULL, 10); break;
    case 'o': options.opening_max = strtoul(value, NULL, 10); break;
    case 'a': options.sources_count = resolve_list(value, options.sources, NULL); break;
    case 'h': options.hello = read_file(value, &options.hello_size); break;
    case 'H': options.hello_after = value; break;
    case 'b': options.books_wanted = (uint32_t)strtoul(value, NULL, 10); break;
    case 'S': options.slow_percent = strtod(value, NULL); break;
    case 'T': tls_believe(value); break;
    case 'l': options.dates_by_entry = !strcmp(value, "entered"); break;
    case 'k':
        options.checks_books = !strcmp(value, "book");
        if (!options.checks_books && strcmp(value, "marks")) fail("--check", "book or marks");
        break;
    default: exit(2);
    }
}

static void read_options(int argc, char **argv) {
    static const struct option known[] = {
        {"connect", 1, 0, 'c'}, {"path", 1, 0, 'p'},        {"subprotocol", 1, 0, 's'}, {"tokens", 1, 0, 't'},
        {"users", 1, 0, 'u'},   {"opening", 1, 0, 'o'},     {"source", 1, 0, 'a'},      {"hello", 1, 0, 'h'},
        {"check", 1, 0, 'k'},   {"hello-after", 1, 0, 'H'}, {"books", 1, 0, 'b'},       {"slow", 1, 0, 'S'},
        {"latency", 1, 0, 'l'}, {"tls", 1, 0, 'T'},
        {0, 0, 0, 0}};
    for (int option; (option = getopt_long(argc, argv, "", known, NULL)) != -1;) set_option(option, optarg);
    if (!options.targets_count || !options.users_count || !options.opening_max)
        fail("options", "--connect, --users and --opening must be given and above 0");
}

static void make_users(void) {
    size_t every = options.slow_percent > 0 ? (size_t)(100.0 / options.slow_percent + 0.5) : 0;
    fleet.users = calloc(options.users_count, sizeof *fleet.users);
    if (!fleet.users) fail("memory", strerror(errno));
    for (size_t i = 0; i < options.users_count; i++) {
        fleet.users[i].fd = -1;
        fleet.users[i].is_slow = every && i % every == 0;
    }
}

/* One key serves all: it proves that the server speaks WebSocket, and need not be secret. */
static void make_key(void) {
    uint8_t random[16];
    for (size_t i = 0; i < sizeof random; i++) random[i] = (uint8_t)mix((uint32_t)(time_us() + i));
    base64(random, sizeof random, handshake_key);
    accept_for(handshake_key, handshake_accept);
}

static void turn(const struct epoll_event *event) {
    struct user *user = event->data.ptr;
    if (!user) read_commands();
    else if (user->phase == CONNECTING) connected(user);
    else if (user->phase == SECURING) secure(user);
    else if (user->phase != GONE && !reads(user)) drop(user, "gone");
    else if (user->phase != GONE) receive(user);
}

int main(int argc, char **argv) {
    struct epoll_event events[EVENTS_MAX], input = {.events = EPOLLIN};
    setvbuf(stdout, NULL, _IOLBF, 0);
    read_options(argc, argv);
    need_open_files(options.users_count + 32);
    make_users();
    make_key();
    reset();
    epoll = epoll_create1(EPOLL_CLOEXEC);
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, STDIN_FILENO, &input)) fail("standard input must be a pipe", strerror(errno));
    for (;;) {
        start_more();
        int ready = epoll_wait(epoll, events, EVENTS_MAX, fleet.is_opening ? 100 : -1);
        if (ready < 0 && errno != EINTR) fail("epoll_wait", strerror(errno));
        for (int i = 0; i < ready; i++) turn(&events[i]);
        check_opening();
    }
}
