/* The limit: a WebSocket server that does nothing but `send`, one plain call for each client and update.
 *
 *     send_loop PORT FEED
 *
 * Listens on two ports of 127.0.0.1. PORT takes WebSocket clients, whose handshake is answered properly and who are not
 * listened to any more afterwards. FEED takes one publisher: each update is its length, 4 bytes with the highest first,
 * and so many bytes. A frame is built once an update and written to every client in turn; a write waits until the
 * kernel has taken it, so a client that does not read stops everyone. A client that is gone is forgotten.
 *
 * One thread; epoll is for the handshakes and the feed. Ends by a signal.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "websocket.h"

#define CLIENTS_MAX 60000
#define BACKLOG 4096
#define EVENTS_MAX 256
#define REQUEST_MAX 4096
#define FEED_MAX ((size_t)1 << 20) /* bytes of one read, and of the longest update */

struct request {
    char bytes[REQUEST_MAX];
    size_t size;
};

static int clients[CLIENTS_MAX]; /* those who shook hands */
static size_t clients_count;
static struct request *requests[CLIENTS_MAX]; /* by descriptor: what has come of a handshake */
static int epoll, listener, feed_listener, feed = -1;

static int listen_on(const char *port) {
    int yes = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) || listen(fd, BACKLOG)) fail(port, strerror(errno));
    return fd;
}

static void watch(int fd) {
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event)) fail("epoll_ctl", strerror(errno));
}

static int accept_from(int from) {
    int yes = 1, fd = accept4(from, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0) fail("accept", strerror(errno));
    if (fd >= CLIENTS_MAX) fail("accept", "too many clients");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    watch(fd);
    return fd;
}

/* Answer a whole request; false if it has no key. */
static bool answer(int fd, char *head) {
    char text[256], accept[ACCEPT_TEXT + 1];
    char *key = strcasestr(head, "\r\nsec-websocket-key:");
    if (!key) return false;
    key += strlen("\r\nsec-websocket-key:");
    key += strspn(key, " ");
    if (strcspn(key, "\r\n ") != KEY_TEXT) return false;
    accept_for(key, accept);
    int size = snprintf(text, sizeof text,
                        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                        "Sec-WebSocket-Accept: %s\r\n\r\n",
                        accept);
    return send(fd, text, (size_t)size, MSG_NOSIGNAL) == size;
}

static void take_request(int fd) {
    struct request *request = requests[fd] ? requests[fd] : (requests[fd] = calloc(1, sizeof *request));
    ssize_t got = recv(fd, request->bytes + request->size, sizeof request->bytes - 1 - request->size, 0);
    if (got > 0) {
        request->size += (size_t)got;
        if (!strstr(request->bytes, "\r\n\r\n")) return;
        if (answer(fd, request->bytes)) clients[clients_count++] = fd;
        else close(fd);
        epoll_ctl(epoll, EPOLL_CTL_DEL, fd, NULL);
    } else
        close(fd);
    free(request);
    requests[fd] = NULL;
}

/* One frame to everybody; who has left is forgotten, the last taking the place. */
static void tell_everyone(const uint8_t *payload, size_t size) {
    static uint8_t frame[FEED_MAX + HEADER_MAX];
    size_t header = put_header(frame, BINARY, size);
    memcpy(frame + header, payload, size);
    for (size_t i = 0; i < clients_count;) {
        if (send(clients[i], frame, header + size, MSG_NOSIGNAL) > 0) i++;
        else close(clients[i]), clients[i] = clients[--clients_count];
    }
}

static void take_updates(void) {
    static uint8_t bytes[FEED_MAX];
    static size_t size;
    ssize_t got = recv(feed, bytes + size, sizeof bytes - size, 0);
    if (got <= 0) {
        close(feed);
        feed = -1;
        size = 0;
        return;
    }
    size += (size_t)got;
    size_t at = 0;
    while (size - at >= 4) {
        uint32_t length;
        memcpy(&length, bytes + at, 4);
        length = ntohl(length);
        if (length > FEED_MAX - 4) fail("feed", "an update is too long");
        if (size - at - 4 < length) break;
        tell_everyone(bytes + at + 4, length);
        at += 4 + length;
    }
    memmove(bytes, bytes + at, size -= at);
}

int main(int argc, char **argv) {
    struct epoll_event events[EVENTS_MAX];
    if (argc != 3) fail("usage", "send_loop PORT FEED");
    need_open_files(256);
    epoll = epoll_create1(EPOLL_CLOEXEC);
    watch(listener = listen_on(argv[1]));
    watch(feed_listener = listen_on(argv[2]));
    for (;;) {
        int ready = epoll_wait(epoll, events, EVENTS_MAX, -1);
        for (int i = 0; i < ready; i++) {
            int fd = events[i].data.fd;
            if (fd == listener) accept_from(listener);
            else if (fd == feed_listener) feed = accept_from(feed_listener);
            else if (fd == feed) take_updates();
            else take_request(fd);
        }
    }
}
