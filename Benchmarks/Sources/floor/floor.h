// What the calling and the answering side share: batches of datagrams, and the clock.
#ifndef FLOOR_H
#define FLOOR_H

#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <time.h>

enum { BATCH = 64, DATAGRAM = 2048, OPTION = 40 };

struct batch {
    struct mmsghdr headers[BATCH * 2];
    struct iovec parts[BATCH * 2];
    struct sockaddr_in peers[BATCH * 2];
    char control[BATCH * 2][CMSG_SPACE(OPTION) + CMSG_SPACE(sizeof(struct timespec))] __attribute__((aligned(8)));
    char bytes[BATCH * 2][DATAGRAM];
    int count;
};

extern struct batch incoming, outgoing;
extern const char SDP[];
extern volatile sig_atomic_t stopped;

_Noreturn void fail(const char *what);
int64_t now(void);
int open_socket(uint16_t port, bool binds);
void prepare(struct batch *batch, int count, bool has_peers, size_t control);
void send_all(int fd);
int by_value(const void *a, const void *b);

/// How calls are placed: `open` of them at any time, or `rate` a second.
struct pacing {
    uint64_t calls, open;
    double rate;
    bool watches;    // wakes for datagrams, too
    int64_t window;  // ns between two wake-ups; 0: sleep until the next call
};

int run_calls(uint16_t port, const struct pacing *pacing, bool has_option, bool keeps_times);
int run_answers(uint16_t port, bool keeps_arrivals, double rate);

#endif
