#include "floor.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

static void add_option(struct batch *batch, int count) {
    for (int i = 0; i < count; i++) {
        struct cmsghdr *header = CMSG_FIRSTHDR(&batch->headers[i].msg_hdr);
        header->cmsg_level = IPPROTO_IP;
        header->cmsg_type = IP_RETOPTS;
        header->cmsg_len = CMSG_LEN(OPTION);
        memset(CMSG_DATA(header), 0, OPTION);
        CMSG_DATA(header)[0] = 94;  // RFC 4727: for experiments
        CMSG_DATA(header)[1] = OPTION;
    }
}

enum state { FREE, INVITED, ENDING };

struct call {
    int64_t sent_at;
    uint32_t number;
    uint32_t next_free;
    uint32_t state;
    uint32_t spare;
};
_Static_assert(sizeof(struct call) == 24, "what a call costs in memory");

// Each holds the number of its call at fixed places, in the branch, From tag and Call-ID, and there also its slot.
struct template {
    char text[1024];
    size_t count, branch, tag, id, tail;
};
static struct template invite, ack, bye;

static void compile(struct template *t, const char *method, uint16_t port, uint16_t local, const char *rest) {
    t->count = (size_t)snprintf(
        t->text, sizeof t->text,
        "%s sip:service@127.0.0.1:%u SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:%u;branch=z9hG4bK%c00000000;rport\r\n"
        "Max-Forwards: 70\r\nFrom: <sip:floor@127.0.0.1:%u>;tag=00000000\r\nCall-ID: 00000000-00000000.%u@127.0.0.1\r\n"
        "CSeq: %d %s\r\nContact: <sip:floor@127.0.0.1:%u>\r\nTo: <sip:service@127.0.0.1:%u>",
        method, port, local, method[0], local, (unsigned)getpid(), method[0] == 'B' ? 2 : 1, method, local, port);
    t->branch = (size_t)(strstr(t->text, "z9hG4bK") - t->text) + 8;
    t->tag = (size_t)(strstr(t->text, ";tag=") - t->text) + 5;
    t->id = (size_t)(strstr(t->text, "Call-ID: ") - t->text) + 9;
    t->tail = t->count;  // the peer's tag goes here
    t->count += (size_t)snprintf(t->text + t->count, sizeof t->text - t->count, "%s", rest);
}

static void put_hex(char *at, uint32_t value) {
    for (int i = 7; i >= 0; i--, value >>= 4) at[i] = "0123456789abcdef"[value & 15];
}

static void send_message(int fd, const struct template *t, uint32_t slot, uint32_t number, const char *tag, size_t n) {
    if (outgoing.count == BATCH) send_all(fd);
    int i = outgoing.count++;
    char *bytes = outgoing.bytes[i];
    memcpy(bytes, t->text, t->tail);
    put_hex(bytes + t->branch, number);
    put_hex(bytes + t->tag, number);
    put_hex(bytes + t->id, slot);
    put_hex(bytes + t->id + 9, number);
    memcpy(bytes + t->tail, tag, n);
    memcpy(bytes + t->tail + n, t->text + t->tail, t->count - t->tail);
    outgoing.parts[i].iov_len = t->count + n;
}

static struct call *calls;
static uint32_t capacity, first_free = UINT32_MAX, used;
static uint64_t started, answered, ended, failed, unexpected;
static uint32_t *round_trips;

static void start_call(int fd) {
    uint32_t slot = first_free;
    if (slot != UINT32_MAX) first_free = calls[slot].next_free;
    else slot = used++;
    calls[slot].number = (uint32_t)started++;
    calls[slot].state = INVITED;
    calls[slot].sent_at = now();
    send_message(fd, &invite, slot, calls[slot].number, "", 0);
}

static void end_call(uint32_t slot) {
    calls[slot].state = FREE;
    calls[slot].next_free = first_free;
    first_free = slot;
}

static const char *find(const char *bytes, size_t count, const char *text) {
    const char *found = memmem(bytes, count, text, strlen(text));
    return found ? found + strlen(text) : NULL;
}

static void receive_response(int fd, const char *bytes, size_t count) {
    const char *id = find(bytes, count, "\nCall-ID: "), *cseq = find(bytes, count, "\nCSeq: ");
    if (count < 12 || !id || !cseq || memcmp(bytes, "SIP/2.0 ", 8)) { unexpected++; return; }
    uint32_t slot = (uint32_t)strtoul(id, NULL, 16);
    if (bytes[8] == '1') return;
    if (slot >= used || (calls[slot].state == FREE)) { unexpected++; return; }
    bool is_invite = calls[slot].state == INVITED && cseq[0] == '1';
    if (bytes[8] != '2') { failed++; end_call(slot); return; }
    if (is_invite) {
        const char *to = find(bytes, count, "\nTo: "), *tag = NULL;
        size_t n = 0;
        if (to) {
            const char *end = memchr(to, '\r', count - (size_t)(to - bytes));
            if (end && (tag = memmem(to, (size_t)(end - to), ";tag=", 5))) n = (size_t)(end - tag);
        }
        if (round_trips) round_trips[answered] = (uint32_t)(now() - calls[slot].sent_at);
        answered++;
        calls[slot].state = ENDING;
        send_message(fd, &ack, slot, calls[slot].number, tag ? tag : "", n);
        send_message(fd, &bye, slot, calls[slot].number, tag ? tag : "", n);
    } else if (calls[slot].state == ENDING && cseq[0] == '2') {
        ended++;
        end_call(slot);
    } else unexpected++;
}

static bool receive_all(int fd) {
    bool any = false;
    for (;;) {
        int n = recvmmsg(fd, incoming.headers, BATCH, MSG_DONTWAIT, NULL);
        if (n <= 0) return any;
        any = true;
        for (int i = 0; i < n; i++) receive_response(fd, incoming.bytes[i], incoming.headers[i].msg_len);
        if (n < BATCH) return any;
    }
}

static uint64_t wakeups;

/// Until the instant, or with `watches` until something can be read.
static void wait_until(int fd, int64_t instant, bool watches) {
    int64_t left = instant - now();
    if (left <= 0) return;
    struct timespec time = {left / 1000000000, left % 1000000000};
    struct pollfd poll = {.fd = fd, .events = POLLIN};
    wakeups++;
    ppoll(&poll, watches ? 1 : 0, &time, NULL);
}

static const int64_t PATIENCE = 500000000;  // what is not answered by then is lost

static void run_flat_out(int fd, const struct pacing *p) {
    int64_t heard = now();
    while (ended + failed < p->calls && now() - heard < PATIENCE && !stopped) {
        while (started < p->calls && started - ended - failed < p->open && outgoing.count < BATCH) start_call(fd);
        send_all(fd);
        wait_until(fd, now() + 10000000, true);
        if (receive_all(fd)) heard = now();
    }
}

static void run_paced(int fd, const struct pacing *p, int64_t begin) {
    int64_t last = 0;
    while (!stopped) {
        int64_t time = now();
        int64_t next = begin + (int64_t)((double)started * 1e9 / p->rate);
        while (started < p->calls && next <= time && outgoing.count < BATCH) {
            start_call(fd);
            next = begin + (int64_t)((double)started * 1e9 / p->rate);
        }
        if (started == p->calls) {
            if (!last) last = time;
            if (ended + failed == p->calls || time - last > PATIENCE) return;
            next = time + 1000000;
        }
        receive_all(fd);
        send_all(fd);
        if (p->window) next = begin + ((now() - begin) / p->window + 1) * p->window;
        wait_until(fd, next, p->watches);
    }
}

int run_calls(uint16_t port, const struct pacing *p, bool has_option, bool keeps_times) {
    if (keeps_times) round_trips = calloc(p->calls, sizeof *round_trips);
    capacity = p->open ? (uint32_t)p->open + BATCH : (uint32_t)p->calls + BATCH;
    calls = calloc(capacity, sizeof *calls);
    int fd = open_socket(port, false);
    struct sockaddr_in own;
    socklen_t length = sizeof own;
    getsockname(fd, (struct sockaddr *)&own, &length);
    uint16_t local = ntohs(own.sin_port);
    char offer[512];
    snprintf(offer, sizeof offer, "\r\nContent-Type: application/sdp\r\nContent-Length: %zu\r\n\r\n%s", strlen(SDP), SDP);
    compile(&invite, "INVITE", port, local, offer);
    compile(&ack, "ACK", port, local, "\r\nContent-Length: 0\r\n\r\n");
    compile(&bye, "BYE", port, local, "\r\nContent-Length: 0\r\n\r\n");
    prepare(&incoming, BATCH, false, 0);
    prepare(&outgoing, BATCH, false, has_option ? CMSG_SPACE(OPTION) : 0);
    if (has_option) add_option(&outgoing, BATCH);
    prctl(PR_SET_TIMERSLACK, 1UL);
    int64_t begin = now();
    if (p->rate > 0) run_paced(fd, p, begin);
    else run_flat_out(fd, p);
    double seconds = (double)(now() - begin) / 1e9;
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    double cpu = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6
        + (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
    double p50 = 0, p99 = 0;
    if (round_trips && answered) {
        qsort(round_trips, answered, sizeof *round_trips, by_value);
        p50 = round_trips[answered / 2] / 1e3;
        p99 = round_trips[answered * 99 / 100] / 1e3;
    }
    printf("{\"calls\": %llu, \"ok\": %llu, \"lost\": %llu, \"failed\": %llu, \"unexpected\": %llu, \"seconds\": %.6f, "
           "\"calls_per_s\": %.1f, \"cpu_us_per_call\": %.3f, \"wakeups_per_call\": %.3f, \"rtt_p50_us\": %.1f, "
           "\"rtt_p99_us\": %.1f}\n",
        (unsigned long long)started, (unsigned long long)ended,
        (unsigned long long)(started - ended - failed), (unsigned long long)failed, (unsigned long long)unexpected,
        seconds, (double)started / seconds, cpu / (double)(started ? started : 1),
        (double)wakeups / (double)(started ? started : 1), p50, p99);
    return ended == p->calls ? 0 : 2;
}
