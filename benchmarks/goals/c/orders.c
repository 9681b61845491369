/* Users who send orders at a given rate, and wait for each one's reply: one process, one thread, open loop.
 *
 *     orders --connect HOST:PORT[,HOST:PORT...]   user i goes to target i mod n
 *            --subprotocol NAME --tokens FILE      one bearer token a line, user i takes line i
 *            --users N
 *            --orders FILE                         finished frames under a mask of zeros, sent in turn
 *
 * What differs from order to order is filled in: ten `#` become its number, in digits; the number 0x7f7f7f7f becomes
 * the moment when it was due, in us since 1970 modulo 2**31; the number 0x7e7e7e7e one of OWN_NUMBERS, in turn.
 *
 * Each line on standard input is a command, one line of JSON on standard output answers it; the end of input ends it.
 *
 * open              Connect everyone, one after the other: {"opened"}.
 * run RATE SECONDS  Order n is due n / RATE seconds after the beginning and goes out on user n mod N's connection,
 *                   whether or not earlier ones were answered. Answers when all are, or ANSWER_SECONDS after the last:
 *                   sent, accepted, refused, unanswered, disconnects, first_refusal, seconds (to the last reply),
 *                   latency_us {count, mean, p50, p90, p99, p999, max}, cpu_user_s, cpu_system_s.
 *
 * Faster than one in TURN_SECONDS, orders go out in turns of so long, and what has come is read in between: to sleep and
 * wake for each order would take from the exchange the CPU that users elsewhere do not. Each waits for its turn from when
 * it was due, and so may its reply; both count.
 *
 * Latency is from the moment when an order was *due* to its reply: what this program is late by counts too, so nothing
 * is omitted. A reply is found in a frame by its shape in the binary protocol: type 2, the id of ten digits, ok.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "histogram.h"
#include "websocket.h"

#define DIGITS 10
#define OWN_NUMBERS 50000
#define TARGETS_MAX 64
#define FRAMES_MAX 1024
#define FRAME_MAX 1024
#define PLACES_MAX 8 /* to fill in, of a frame */
#define ORDERS_MAX 10000000 /* of a run */
#define ROOM 65536          /* of one read and what has not come whole before it */
#define EVENTS_MAX 256
#define TURN_SECONDS 0.001
#define ANSWER_SECONDS 6.0 /* a gateway answers `outcome_unknown` after 5 */
#define HANDSHAKE_SECONDS 10

struct user {
    int fd;
    uint8_t *held;
    size_t held_size;
};

enum blank { NUMBER, DUE, OWN, BLANKS };

/* What stands where something is to be filled in. 0xce is msgpack's head of a number of 32 bits. */
static const struct {
    const char *text;
    size_t size;
} blanks[BLANKS] = {{"##########", DIGITS}, {"\xce\x7f\x7f\x7f\x7f", 5}, {"\xce\x7e\x7e\x7e\x7e", 5}};

struct order_frame {
    uint8_t bytes[FRAME_MAX];
    size_t size, places[PLACES_MAX], places_count;
    enum blank kinds[PLACES_MAX];
};

static struct sockaddr_in targets[TARGETS_MAX];
static size_t targets_count, users_count, frames_count;
static const char *hosts[TARGETS_MAX], *subprotocol = "";
static char **tokens;
static struct user *users;
static struct order_frame frames[FRAMES_MAX];
static int epoll;

static struct {
    uint64_t sent, accepted, refused, disconnects, base; /* order numbers begin at base */
    double begun, rate, last_reply;
    uint64_t begun_us;
    char first_refusal[64];
    struct histogram latency;
} run;
static uint64_t next_number = 1; /* of an order; never used again, in any run */

static uint64_t answered(void) { return run.accepted + run.refused; }

/* -- connections ---------------------------------------------------------------------------------------------------- */

static void send_all(int fd, const void *bytes, size_t size) {
    if (send(fd, bytes, size, MSG_NOSIGNAL) != (ssize_t)size) fail("send", "the server does not take our bytes");
}

/* Connect and shake hands, waiting for each step; what comes after the response's head is kept. */
static void open_user(size_t number) {
    struct user *user = &users[number];
    struct timeval patience = {.tv_sec = HANDSHAKE_SECONDS};
    static const uint8_t key_bytes[16] = "0123456789abcdef";
    char key[KEY_TEXT + 1], request[4096], *end = NULL;
    int yes = 1;
    base64(key_bytes, 16, key);
    user->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(user->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(user->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    if (connect(user->fd, (struct sockaddr *)&targets[number % targets_count], sizeof *targets))
        fail("connect", strerror(errno));
    int size = snprintf(request, sizeof request,
                        "GET /v1/stream HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                        "Sec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: %s\r\n"
                        "Authorization: Bearer %s\r\n\r\n",
                        hosts[number % targets_count], key, subprotocol, tokens[number]);
    if (size >= (int)sizeof request) fail("handshake", "the token is too long");
    send_all(user->fd, request, (size_t)size);
    user->held = calloc(ROOM, 1);
    while (!end) {
        ssize_t got = recv(user->fd, user->held + user->held_size, ROOM - 1 - user->held_size, 0);
        if (got <= 0) fail("handshake", "no answer");
        user->held_size += (size_t)got;
        end = memmem(user->held, user->held_size, "\r\n\r\n", 4);
    }
    if (strncmp((char *)user->held, "HTTP/1.1 101", 12)) fail("handshake", (char *)user->held);
    user->held_size -= (size_t)(end + 4 - (char *)user->held);
    memmove(user->held, end + 4, user->held_size);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = user};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, user->fd, &event)) fail("epoll_ctl", strerror(errno));
}

static void lose(struct user *user) {
    close(user->fd);
    user->fd = -1;
    run.disconnects++;
}

/* -- replies -------------------------------------------------------------------------------------------------------- */

static void take_reply(const uint8_t *number, const uint8_t *rest, size_t left) {
    uint64_t order = 0;
    for (int i = 0; i < DIGITS; i++) order = order * 10 + (uint64_t)(number[i] - '0');
    if (order < run.base || order - run.base >= run.sent) return; /* of an earlier run */
    double now = seconds_now(), due = run.begun + (double)(order - run.base) / run.rate;
    run.last_reply = now;
    record(&run.latency, (uint64_t)((now - due) * 1e6));
    if (rest[0] == 0xc3) {
        run.accepted++;
        return;
    }
    if (!run.refused++ && left > 2) snprintf(run.first_refusal, sizeof run.first_refusal, "%.*s", rest[1] & 0x1f, rest + 2);
}

/* Find replies: 0x02 (type), 0xaa (a text of ten), ten digits, then ok. */
static void read_messages(const uint8_t *payload, size_t size) {
    static const uint8_t head[] = {0x02, 0xa0 | DIGITS};
    const uint8_t *at = payload, *end = payload + size;
    while ((at = memmem(at, (size_t)(end - at), head, 2))) {
        at += 2;
        if (end - at <= DIGITS) return;
        if (strspn((const char *)at, "0123456789") >= DIGITS) take_reply(at, at + DIGITS, (size_t)(end - at) - DIGITS);
    }
}

static void receive(struct user *user) {
    struct frame frame;
    size_t at = 0, whole;
    enum cut cut;
    ssize_t got = recv(user->fd, user->held + user->held_size, ROOM - 1 - user->held_size, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) {
        lose(user);
        return;
    }
    user->held_size += (size_t)got;
    user->held[user->held_size] = 0;
    while ((cut = cut_frame(user->held + at, user->held_size - at, &frame, &whole)) == WHOLE) {
        if (frame.opcode == BINARY) read_messages(frame.payload, frame.size);
        else if (frame.opcode == PING) fail("ping", "this server sends none");
        at += whole;
    }
    if (cut == BROKEN || (!at && user->held_size == ROOM - 1)) fail("frame", "none of ours");
    user->held_size -= at;
    memmove(user->held, user->held + at, user->held_size);
}

/* -- a run ---------------------------------------------------------------------------------------------------------- */

static void put_number(uint8_t *at, uint32_t value) {
    uint32_t big_endian = htonl(value);
    memcpy(at + 1, &big_endian, sizeof big_endian);
}

static void fill_in(struct order_frame *frame, uint64_t number) {
    uint64_t due_us = run.begun_us + (uint64_t)((double)run.sent / run.rate * 1e6);
    char digits[DIGITS + 1];
    snprintf(digits, sizeof digits, "%010" PRIu64, number % 10000000000u);
    for (size_t i = 0; i < frame->places_count; i++) {
        uint8_t *at = frame->bytes + frame->places[i];
        if (frame->kinds[i] == NUMBER) memcpy(at, digits, DIGITS);
        else put_number(at, frame->kinds[i] == DUE ? (uint32_t)(due_us & 0x7fffffff) : (uint32_t)(1 + number % OWN_NUMBERS));
    }
}

static void send_order(uint64_t number) {
    struct order_frame *frame = &frames[number % frames_count];
    struct user *user = &users[number % users_count];
    fill_in(frame, number);
    if (user->fd >= 0) send_all(user->fd, frame->bytes, frame->size);
    run.sent++;
}

static struct timespec time_left(double until) {
    double left = until - seconds_now();
    if (left < 0) left = 0;
    return (struct timespec){.tv_sec = (time_t)left, .tv_nsec = (long)((left - (double)(time_t)left) * 1e9)};
}

static void wait_for_replies(double until) {
    struct epoll_event events[EVENTS_MAX];
    struct timespec patience = time_left(until);
    int ready = epoll_pwait2(epoll, events, EVENTS_MAX, &patience, NULL);
    if (ready < 0 && errno != EINTR) fail("epoll_pwait2", strerror(errno));
    for (int i = 0; i < ready; i++) receive(events[i].data.ptr);
}

static void report(struct cpu before) {
    struct cpu after = cpu_used();
    const struct histogram *latency = &run.latency;
    printf("{\"sent\":%" PRIu64 ",\"accepted\":%" PRIu64 ",\"refused\":%" PRIu64 ",\"unanswered\":%" PRIu64
           ",\"disconnects\":%" PRIu64 ",\"first_refusal\":\"%s\",\"seconds\":%.6f,",
           run.sent, run.accepted, run.refused, run.sent - answered(), run.disconnects, run.first_refusal,
           run.last_reply - run.begun);
    printf("\"latency_us\":{\"count\":%" PRIu64 ",\"mean\":%.1f,\"p50\":%" PRIu64 ",\"p90\":%" PRIu64 ",\"p99\":%" PRIu64
           ",\"p999\":%" PRIu64 ",\"max\":%" PRIu64 "},\"cpu_user_s\":%.6f,\"cpu_system_s\":%.6f}\n",
           latency->count, latency->count ? (double)latency->sum / (double)latency->count : 0.0,
           percentile(latency, 0.50), percentile(latency, 0.90), percentile(latency, 0.99), percentile(latency, 0.999),
           latency->max, after.user - before.user, after.system - before.system);
}

static void start(double rate, double seconds) {
    uint64_t orders = (uint64_t)(rate * seconds);
    struct cpu before = cpu_used();
    if (!orders || orders > ORDERS_MAX) fail("run", "too many orders, or none");
    memset(&run, 0, sizeof run);
    run.base = next_number;
    run.rate = rate;
    run.begun = seconds_now();
    run.begun_us = time_us();
    double turn = run.begun;
    while (run.sent < orders) {
        double due = run.begun + (double)run.sent / rate;
        if (seconds_now() >= due) {
            send_order(next_number++);
            if (run.sent % 32 == 0) wait_for_replies(0); /* when late, replies are read all the same */
        } else if (rate * TURN_SECONDS > 1) {
            turn += TURN_SECONDS;
            struct timespec left = time_left(turn);
            nanosleep(&left, NULL);
            wait_for_replies(0);
        } else wait_for_replies(due);
    }
    double give_up = seconds_now() + ANSWER_SECONDS;
    while (answered() < run.sent && seconds_now() < give_up) wait_for_replies(give_up);
    report(before);
}

static void obey(const char *line) {
    double rate, seconds;
    if (!strncmp(line, "open", 4)) {
        for (size_t i = 0; i < users_count; i++) open_user(i);
        printf("{\"opened\":%zu}\n", users_count);
    } else if (sscanf(line, "run %lf %lf", &rate, &seconds) == 2) start(rate, seconds);
    else fail("command", line);
}

/* -- the options ---------------------------------------------------------------------------------------------------- */

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
    size_t size, count = 0;
    char *text = (char *)read_file(path, &size);
    tokens = calloc(users_count, sizeof *tokens);
    for (char *line = strtok(text, "\n"); line && count < users_count; line = strtok(NULL, "\n")) tokens[count++] = line;
    if (count < users_count) fail("--tokens", "fewer than --users");
}

static void find_blanks(struct order_frame *frame, enum blank kind) {
    uint8_t *end = frame->bytes + frame->size, *at = frame->bytes;
    while ((at = memmem(at, (size_t)(end - at), blanks[kind].text, blanks[kind].size))) {
        if (frame->places_count == PLACES_MAX) fail("--orders", "too much to fill in");
        frame->places[frame->places_count] = (size_t)(at - frame->bytes);
        frame->kinds[frame->places_count++] = kind;
        at += blanks[kind].size;
    }
}

/* Cut the file into frames; a client's header has a mask, here four zeros. */
static void read_frames(const char *path) {
    size_t size, at = 0;
    uint8_t *bytes = read_file(path, &size);
    while (at < size) {
        size_t length = bytes[at + 1] & 0x7f, header = 6;
        if (length == 126) length = (size_t)bytes[at + 2] << 8 | bytes[at + 3], header = 8;
        if (frames_count == FRAMES_MAX || header + length > FRAME_MAX || at + header + length > size)
            fail(path, "too many frames, or one too long");
        struct order_frame *frame = &frames[frames_count++];
        frame->size = header + length;
        memcpy(frame->bytes, bytes + at, frame->size);
        for (enum blank kind = NUMBER; kind < BLANKS; kind++) find_blanks(frame, kind);
        at += frame->size;
    }
    if (!frames_count) fail(path, "no frames");
}

static void read_targets(char *list) {
    for (char *text = strtok(list, ","); text; text = strtok(NULL, ",")) {
        char host[64], *port = strchr(text, ':');
        if (targets_count == TARGETS_MAX || !port || port - text >= (int)sizeof host) fail("--connect", text);
        snprintf(host, sizeof host, "%.*s", (int)(port - text), text);
        hosts[targets_count] = text;
        targets[targets_count] = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port + 1))};
        if (inet_pton(AF_INET, host, &targets[targets_count++].sin_addr) != 1) fail("--connect", text);
    }
}

int main(int argc, char **argv) {
    static const struct option known[] = {{"connect", 1, 0, 'c'}, {"subprotocol", 1, 0, 's'}, {"tokens", 1, 0, 't'},
                                          {"users", 1, 0, 'u'},   {"orders", 1, 0, 'o'},      {0, 0, 0, 0}};
    const char *tokens_path = NULL;
    char line[256];
    for (int option; (option = getopt_long(argc, argv, "", known, NULL)) != -1;) switch (option) {
        case 'c': read_targets(optarg); break;
        case 's': subprotocol = optarg; break;
        case 't': tokens_path = optarg; break;
        case 'u': users_count = strtoul(optarg, NULL, 10); break;
        case 'o': read_frames(optarg); break;
        default: return 2;
        }
    if (!targets_count || !users_count || !tokens_path || !frames_count)
        fail("options", "--connect, --users, --tokens and --orders must be given");
    prctl(PR_SET_TIMERSLACK, 1UL);
    need_open_files(users_count + 32);
    read_tokens(tokens_path);
    users = calloc(users_count, sizeof *users);
    epoll = epoll_create1(EPOLL_CLOEXEC);
    setvbuf(stdout, NULL, _IOLBF, 0);
    while (fgets(line, sizeof line, stdin)) obey(line);
    return 0;
}
