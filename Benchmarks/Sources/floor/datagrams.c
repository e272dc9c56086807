#include "floor.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char SDP[] =
    "v=0\r\no=floor 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 6000 RTP/AVP 0\r\n"
    "a=rtpmap:0 PCMU/8000\r\n";

volatile sig_atomic_t stopped;

_Noreturn void fail(const char *what) {
    fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
    exit(1);
}

int64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

int open_socket(uint16_t port, bool binds) {
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) fail("socket");
    int size = 4 << 20;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const struct sockaddr *place = (const struct sockaddr *)&address;
    int result = binds ? bind(fd, place, sizeof address) : connect(fd, place, sizeof address);
    if (result < 0) fail(binds ? "bind" : "connect");
    return fd;
}

struct batch incoming, outgoing;

void send_all(int fd) {
    for (int sent = 0; sent < outgoing.count;) {
        int n = sendmmsg(fd, outgoing.headers + sent, outgoing.count - sent, 0);
        if (n > 0) sent += n;
        else if (errno != EINTR && errno != ENOBUFS && errno != EAGAIN && errno != ECONNREFUSED) fail("sendmmsg");
    }
    outgoing.count = 0;
}

void prepare(struct batch *batch, int count, bool has_peers, size_t control) {
    for (int i = 0; i < count; i++) {
        batch->parts[i] = (struct iovec){batch->bytes[i], DATAGRAM};
        batch->headers[i].msg_hdr = (struct msghdr){
            .msg_name = has_peers ? &batch->peers[i] : NULL, .msg_namelen = has_peers ? sizeof batch->peers[i] : 0,
            .msg_iov = &batch->parts[i], .msg_iovlen = 1,
            .msg_control = control ? batch->control[i] : NULL, .msg_controllen = control};
    }
}

int by_value(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}
