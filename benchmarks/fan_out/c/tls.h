/* TLS under the C users, by OpenSSL; compiled in with -DTLS. Without it, or for a user without a session, plain sockets.
 *
 * A session is one user's. `tls_receive` takes whole records as long as there are some, since what OpenSSL holds no epoll
 * tells of.
 */
#ifndef TLS_H
#define TLS_H

#include <errno.h>
#include <sys/socket.h>

#include "websocket.h"

#ifdef TLS
#include <openssl/err.h>
#include <openssl/ssl.h>

typedef SSL tls_session;
static SSL_CTX *tls_context;

/* Have all users speak TLS 1.3, and believe servers whose certificate is in a file of authorities. */
static inline void tls_believe(const char *authorities) {
    tls_context = SSL_CTX_new(TLS_client_method());
    if (!tls_context || !SSL_CTX_set_min_proto_version(tls_context, TLS1_3_VERSION)) fail("--tls", "no TLS 1.3");
    SSL_CTX_set_verify(tls_context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_read_ahead(tls_context, 1);
    if (!SSL_CTX_load_verify_locations(tls_context, authorities, NULL)) fail(authorities, "holds no certificate");
}

static inline bool tls_is_wanted(void) { return tls_context != NULL; }

static inline tls_session *tls_begin(int fd) {
    SSL *session = SSL_new(tls_context);
    if (!session || !SSL_set_fd(session, fd)) fail("TLS", "no session");
    SSL_set_connect_state(session);
    return session;
}

/* Go on with the handshake: 1 done, 0 more must come, -1 failed. */
static inline int tls_shake(tls_session *session) {
    int done = SSL_do_handshake(session);
    if (done == 1) return 1;
    ERR_clear_error();
    return SSL_get_error(session, done) == SSL_ERROR_WANT_READ ? 0 : -1;
}

static inline ssize_t tls_send(tls_session *session, int fd, const void *bytes, size_t size) {
    if (!session) return send(fd, bytes, size, MSG_NOSIGNAL);
    return SSL_write(session, bytes, (int)size);
}

static inline ssize_t tls_receive(tls_session *session, int fd, void *bytes, size_t room) {
    if (!session) return recv(fd, bytes, room, 0);
    size_t taken = 0;
    while (taken < room) {
        int got = SSL_read(session, (uint8_t *)bytes + taken, (int)(room - taken));
        if (got > 0) {
            taken += (size_t)got;
            continue;
        }
        int why = SSL_get_error(session, got);
        ERR_clear_error();
        if (taken) break; /* an end is met again at the next read */
        if (why == SSL_ERROR_WANT_READ) {
            errno = EAGAIN;
            return -1;
        }
        if (why == SSL_ERROR_ZERO_RETURN) return 0;
        errno = ECONNRESET;
        return -1;
    }
    return (ssize_t)taken;
}

static inline void tls_end(tls_session *session) {
    if (session) SSL_free(session);
}
#else
typedef void tls_session;
static inline void tls_believe(const char *authorities) { fail(authorities, "this program was compiled without TLS"); }
static inline bool tls_is_wanted(void) { return false; }
static inline tls_session *tls_begin(int fd) { return fd < 0 ? NULL : NULL; }
static inline int tls_shake(tls_session *session) { return session ? 1 : -1; }
static inline ssize_t tls_send(tls_session *session, int fd, const void *bytes, size_t size) {
    return session ? -1 : send(fd, bytes, size, MSG_NOSIGNAL);
}
static inline ssize_t tls_receive(tls_session *session, int fd, void *bytes, size_t room) {
    return session ? -1 : recv(fd, bytes, room, 0);
}
static inline void tls_end(tls_session *session) { (void)session; }
#endif

#endif
