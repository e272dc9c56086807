#include "floor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t invites, byes, acks, dropped;
static int64_t *arrivals;
static uint64_t arrival_capacity;

static void note_arrival(struct msghdr *message) {
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SO_TIMESTAMPNS) continue;
        struct timespec t;
        memcpy(&t, CMSG_DATA(c), sizeof t);
        if (invites < arrival_capacity) arrivals[invites] = t.tv_sec * 1000000000LL + t.tv_nsec;
    }
}

/// The headers a response repeats, in the order of the request; `tag` ends the To of an INVITE's.
static size_t repeat_headers(char *out, const char *in, size_t count, const char *tag) {
    size_t n = 0;
    const char *end = in + count, *line = memchr(in, '\n', count);
    while (line && ++line < end && *line != '\r') {
        const char *next = memchr(line, '\n', (size_t)(end - line));
        if (!next) break;
        size_t length = (size_t)(next - line) + 1;
        bool is_to = !strncmp(line, "To:", 3);
        if (is_to || !strncmp(line, "Via:", 4) || !strncmp(line, "From:", 5) || !strncmp(line, "Call-ID:", 8)
            || !strncmp(line, "CSeq:", 5)) {
            if (n + length + 512 > DATAGRAM) break;
            memcpy(out + n, line, length);
            n += length;
            if (is_to && *tag) n += (size_t)sprintf(out + n - 2, "%s\r\n", tag) - 2;
        }
        line = next;
    }
    return n;
}

static void answer(int request, const char *status, const char *tag, const char *rest) {
    int i = outgoing.count++;
    char *out = outgoing.bytes[i];
    size_t n = strlen(status);
    memcpy(out, status, n);
    n += repeat_headers(out + n, incoming.bytes[request], incoming.headers[request].msg_len, tag);
    size_t tail = strlen(rest);
    memcpy(out + n, rest, tail);
    outgoing.peers[i] = incoming.peers[request];
    outgoing.parts[i].iov_len = n + tail;
}

static void report_arrivals(double rate) {
    uint64_t n = invites < arrival_capacity ? invites : arrival_capacity;
    if (n < 3) return;
    double sum = 0, squares = 0, earliest = 0;
    uint64_t longest = 1, burst = 1;
    double ideal = rate > 0 ? 1e9 / rate : (double)(arrivals[n - 1] - arrivals[0]) / (double)(n - 1);
    for (uint64_t i = 1; i < n; i++) {
        double gap = (double)(arrivals[i] - arrivals[i - 1]);
        sum += gap;
        squares += gap * gap;
        burst = gap < ideal / 4 ? burst + 1 : 1;
        if (burst > longest) longest = burst;
        double ahead = (double)(arrivals[i] - arrivals[0]) - (double)i * ideal;
        if (ahead < earliest) earliest = ahead;
    }
    double mean = sum / (double)(n - 1), variance = squares / (double)(n - 1) - mean * mean;
    uint32_t *late = calloc(n, sizeof *late);
    for (uint64_t i = 0; i < n; i++) {
        double ns = (double)(arrivals[i] - arrivals[0]) - (double)i * ideal - earliest;
        late[i] = ns > 4e9 ? UINT32_MAX : (uint32_t)ns;
    }
    qsort(late, n, sizeof *late, by_value);
    // Square root by Newton, for want of libm.
    double deviation = mean;
    for (int i = 0; i < 60; i++) deviation = (deviation + (variance > 0 ? variance : 0) / (deviation + 1e-9)) / 2;
    printf(", \"gap_mean_us\": %.3f, \"gap_variation\": %.4f, \"longest_burst\": %llu, \"late_p50_us\": %.1f, "
           "\"late_p99_us\": %.1f",
        mean / 1e3, deviation / mean, (unsigned long long)longest, late[n / 2] / 1e3, late[n * 99 / 100] / 1e3);
}

int run_answers(uint16_t port, bool keeps_arrivals, double rate) {
    int fd = open_socket(port, true), on = 1;
    if (keeps_arrivals) {
        arrival_capacity = 1 << 20;
        arrivals = calloc(arrival_capacity, sizeof *arrivals);
        setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
    }
    struct timeval time = {0, 200000};  // how soon a stop is noticed
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time);
    char ok[512], empty[128];
    snprintf(empty, sizeof empty, "Contact: <sip:127.0.0.1:%u>\r\nContent-Length: 0\r\n\r\n", port);
    snprintf(ok, sizeof ok,
        "Contact: <sip:127.0.0.1:%u>\r\nContent-Type: application/sdp\r\nContent-Length: %zu\r\n\r\n%s", port,
        strlen(SDP), SDP);
    prepare(&outgoing, BATCH * 2, true, 0);
    size_t control = keeps_arrivals ? CMSG_SPACE(sizeof(struct timespec)) : 0;
    prepare(&incoming, BATCH, true, control);
    while (!stopped) {
        int n = recvmmsg(fd, incoming.headers, BATCH, MSG_WAITFORONE, NULL);
        for (int i = 0; i < n; i++) {
            switch (incoming.bytes[i][0]) {
            case 'I':
                if (keeps_arrivals) note_arrival(&incoming.headers[i].msg_hdr);
                invites++;
                answer(i, "SIP/2.0 180 Ringing\r\n", ";tag=floor", empty);
                answer(i, "SIP/2.0 200 OK\r\n", ";tag=floor", ok);
                break;
            case 'B':
                byes++;
                answer(i, "SIP/2.0 200 OK\r\n", "", empty);
                break;
            case 'A': acks++; break;
            default: dropped++;
            }
            incoming.headers[i].msg_hdr.msg_controllen = control;
            incoming.headers[i].msg_hdr.msg_namelen = sizeof incoming.peers[i];
        }
        send_all(fd);
    }
    printf("{\"invites\": %llu, \"acks\": %llu, \"byes\": %llu, \"other\": %llu", (unsigned long long)invites,
        (unsigned long long)acks, (unsigned long long)byes, (unsigned long long)dropped);
    if (keeps_arrivals) report_arrivals(rate);
    printf("}\n");
    return 0;
}
