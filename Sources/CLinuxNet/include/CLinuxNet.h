// What Swift's Glibc module cannot see of Linux networking: the batch calls (their message header is a GNU extension),
// the macros that walk control messages, ppoll, eventfd, and thread attributes. Nothing here decides anything.
//
// Functions that make a system call return its result, or minus errno.
#ifndef CLINUXNET_H
#define CLINUXNET_H

#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/uio.h>

// struct mmsghdr; CLinuxNet.c asserts that the two are laid out alike.
struct clinuxnet_mmsghdr {
    struct msghdr header;
    unsigned int count;
};

// struct cmsghdr without its open end, so that it can stand inside a block.
struct clinuxnet_cmsghdr {
    size_t length;
    int level;
    int type;
};

// CMSG_SPACE of the longer of the two tags, IPv6's padded destination-options header.
enum { CLINUXNET_OPTION_CAPACITY = 48, CLINUXNET_HEADERS_CAPACITY = 68 };
// CMSG_SPACE of the two requests a stamped datagram carries: for the stamp, and for the number it comes back with.
enum { CLINUXNET_STAMP_CAPACITY = 48 };

// Everything one outgoing message header points to. `headers` and `payload` are adjacent, so that a message has either
// both pieces or the payload alone.
struct clinuxnet_outgoing {
    struct sockaddr_in6 destination;
    struct iovec headers;
    struct iovec payload;
    struct clinuxnet_cmsghdr control;
    uint8_t option[CLINUXNET_OPTION_CAPACITY];
    uint8_t stamp[CLINUXNET_STAMP_CAPACITY];
    uint8_t header_bytes[CLINUXNET_HEADERS_CAPACITY];
};

// Everything one incoming message header points to, but its payload. The control block has room for the drop count,
// 40 bytes of options, three timestamps and a packet's interface.
enum { CLINUXNET_CONTROL_CAPACITY = 256 };
struct clinuxnet_incoming {
    struct sockaddr_in6 source;
    struct iovec payload;
    _Alignas(struct clinuxnet_cmsghdr) uint8_t control[CLINUXNET_CONTROL_CAPACITY];
};

// One entry of a socket's error queue: an ICMP error, or the transmit stamp of a datagram.
struct clinuxnet_error {
    // CLOCK_REALTIME in nanoseconds; 0: no stamp. `stamp_number` tells of which datagram.
    int64_t stamp;
    uint32_t stamp_number;
    struct sockaddr_in6 destination;
    struct sockaddr_in6 offender;
    uint32_t error;
    uint8_t origin;
    uint8_t type;
    uint8_t code;
    size_t count;
};

void clinuxnet_wire_outgoing(struct clinuxnet_mmsghdr *messages, struct clinuxnet_outgoing *items, unsigned int n);
void clinuxnet_wire_incoming(
    struct clinuxnet_mmsghdr *messages, struct clinuxnet_incoming *items, uint8_t *buffers, size_t stride,
    size_t capacity, unsigned int n);
// The kernel writes the lengths it filled over the lengths it was offered: this offers them again.
void clinuxnet_reset_incoming(struct clinuxnet_mmsghdr *messages, unsigned int n);

int clinuxnet_sendmmsg(int fd, struct clinuxnet_mmsghdr *messages, unsigned int n);
// With `waits`, until there is one datagram or the socket's own receive time-out has passed; what else is there comes too.
int clinuxnet_recvmmsg(int fd, struct clinuxnet_mmsghdr *messages, unsigned int n, bool waits);
// Gives a socket that was opened non-blocking a receive that can wait, this long at most. Sends never wait (MSG_DONTWAIT).
int clinuxnet_let_receive_wait(int fd, int64_t timeout_nanoseconds);
int clinuxnet_recvmmsg_errors(int fd, struct clinuxnet_mmsghdr *messages, unsigned int n);
void clinuxnet_read_error(const struct clinuxnet_mmsghdr *message, struct clinuxnet_error *error);

// The first control message of this level and type, or null.
const uint8_t *clinuxnet_find_control(const struct msghdr *header, int level, int type, size_t *count);

// Software stamps for everything received, and for each datagram that asks (SO_TIMESTAMPING); they come back without the
// datagram's bytes.
int clinuxnet_enable_stamps(int fd);
// Whether the kernel lets a datagram choose the number its stamp comes back with (SCM_TS_OPT_ID, Linux 6.13). Sends
// nothing.
int clinuxnet_can_choose_stamp_numbers(void);
// 1 where the device that has this address stamps packets in both directions by a clock of its own; 0 where not, or
// where it cannot be asked.
int clinuxnet_offers_hardware_stamps(const struct sockaddr *address);
// Appends the request for a transmit stamp to the message's control block; number < 0: the kernel counts by itself.
void clinuxnet_ask_for_stamp(struct clinuxnet_mmsghdr *message, int64_t number);
// When the kernel took this datagram from the device: CLOCK_REALTIME in nanoseconds, 0 where it was not stamped.
int64_t clinuxnet_receive_stamp(const struct msghdr *header);

static inline uint8_t *clinuxnet_option(struct clinuxnet_outgoing *item) { return item->option; }
static inline uint8_t *clinuxnet_header_bytes(struct clinuxnet_outgoing *item) { return item->header_bytes; }
static inline struct iovec *clinuxnet_pieces(struct clinuxnet_outgoing *item) { return &item->headers; }
static inline size_t clinuxnet_cmsg_len(size_t count) { return CMSG_LEN(count); }
static inline size_t clinuxnet_cmsg_space(size_t count) { return CMSG_SPACE(count); }

enum { CLINUXNET_ORIGIN_ICMP = 2, CLINUXNET_ORIGIN_ICMP6 = 3 };

// SK_MEMINFO_DROPS of SO_MEMINFO: what the socket has dropped so far, 32 bits that wrap.
int clinuxnet_socket_drops(int fd, uint32_t *drops);

// Readiness of many descriptors (epoll). The key comes back with what is ready.
struct clinuxnet_ready {
    uint64_t key;
    uint32_t events;
};
enum { CLINUXNET_IN = 0x001, CLINUXNET_OUT = 0x004, CLINUXNET_ERROR = 0x008, CLINUXNET_HANGUP = 0x010 };
int clinuxnet_epoll(void);
int clinuxnet_epoll_add(int epoll, int fd, uint32_t events, uint64_t key);
int clinuxnet_epoll_change(int epoll, int fd, uint32_t events, uint64_t key);
// What is ready now, without waiting.
int clinuxnet_epoll_ready(int epoll, struct clinuxnet_ready *ready, unsigned int n);

// The next connection made to a listening socket, non-blocking, and whose it is.
int clinuxnet_accept(int fd, struct sockaddr_in6 *peer);

// Negative nanoseconds: no time-out.
int clinuxnet_ppoll(struct pollfd *descriptors, unsigned int n, int64_t timeout_nanoseconds);
int clinuxnet_set_timer_slack(unsigned long nanoseconds);
// The calling thread's slice under the ordinary scheduler, 100 us to 100 ms (kernel 6.12; older ones ignore it).
int clinuxnet_set_slice(uint64_t nanoseconds);
// The calling thread's nice value, 1 to 19.
int clinuxnet_be_nice(int by);
int clinuxnet_eventfd(void);

// The calling process gets SIGTERM when the one that started it ends, however that ends.
int clinuxnet_end_with_parent(void);

// cpu < 0: any. priority 0: the ordinary scheduler; else SCHED_FIFO.
int clinuxnet_thread_start(
    pthread_t *thread, int cpu, int priority, void *(*body)(void *), void *argument);

// Names the calling thread; the kernel keeps 15 bytes.
void clinuxnet_name_thread(const char *name);

// SIGINT and SIGTERM count and poke the eventfd; a negative one gives both their default action back.
int clinuxnet_trap_signals(int eventfd);
int clinuxnet_interruptions(void);

// What ETHTOOL_GET_TS_INFO says of an interface. `clock` is negative where it has no PTP hardware clock.
struct clinuxnet_timestamping {
    uint32_t abilities;
    int32_t clock;
};
int clinuxnet_interface_timestamping(const char *name, struct clinuxnet_timestamping *timestamping);

// The extended attribute security.capability of a file: how many bytes it has.
int clinuxnet_file_capabilities(const char *path, uint8_t *bytes, size_t capacity);

// 0 where the kernel knows UDP_SEGMENT.
int clinuxnet_try_segmentation(void);

// What the kernel says of its wall clock (adjtimex): whether something keeps it synchronised, and how far off it may be.
struct clinuxnet_clock_state {
    bool is_synchronised;
    int64_t most_error_us;
    int64_t estimated_error_us;
};
int clinuxnet_read_clock_state(struct clinuxnet_clock_state *state);

// Reads keys from `keys` one by one and without echo (-1: reads none), and paints on `painted`; what is pasted comes marked,
// between ESC [ 200 ~ and ESC [ 201 ~. However the process ends, both are given back first: at exit and by signals that
// kill.
int clinuxnet_take_terminal(int keys, int painted);
// May be called at any time, also from a signal handler, and again.
void clinuxnet_give_terminal_back(void);
// Whether this process may read from and paint on the terminal.
int clinuxnet_is_in_foreground(int fd);
int clinuxnet_terminal_size(int fd, unsigned short *columns, unsigned short *rows);

#endif
