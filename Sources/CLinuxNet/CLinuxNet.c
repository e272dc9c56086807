#define _GNU_SOURCE
#include "include/CLinuxNet.h"

#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <linux/errqueue.h>
#include <linux/ethtool.h>
#include <linux/net_tstamp.h>
#include <linux/sock_diag.h>
#include <linux/sockios.h>
#include <linux/udp.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <sys/xattr.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

_Static_assert(sizeof(struct clinuxnet_mmsghdr) == sizeof(struct mmsghdr), "mmsghdr");
_Static_assert(offsetof(struct clinuxnet_mmsghdr, count) == offsetof(struct mmsghdr, msg_len), "mmsghdr.msg_len");
_Static_assert(sizeof(struct clinuxnet_cmsghdr) == sizeof(struct cmsghdr), "cmsghdr");
_Static_assert(offsetof(struct clinuxnet_cmsghdr, length) == offsetof(struct cmsghdr, cmsg_len), "cmsg_len");
_Static_assert(offsetof(struct clinuxnet_cmsghdr, level) == offsetof(struct cmsghdr, cmsg_level), "cmsg_level");
_Static_assert(offsetof(struct clinuxnet_cmsghdr, type) == offsetof(struct cmsghdr, cmsg_type), "cmsg_type");
_Static_assert(
    offsetof(struct clinuxnet_outgoing, payload) == offsetof(struct clinuxnet_outgoing, headers) + sizeof(struct iovec),
    "the two pieces of a message are one array");
_Static_assert(
    offsetof(struct clinuxnet_outgoing, option) ==
        offsetof(struct clinuxnet_outgoing, control) + CMSG_ALIGN(sizeof(struct cmsghdr)),
    "the option is its control message's content");
_Static_assert(CMSG_SPACE(CLINUXNET_OPTION_CAPACITY) == CMSG_LEN(CLINUXNET_OPTION_CAPACITY), "no room after the option");
_Static_assert(2 * CMSG_SPACE(sizeof(uint32_t)) == CLINUXNET_STAMP_CAPACITY, "two requests of four bytes");
_Static_assert(CLINUXNET_ORIGIN_ICMP == SO_EE_ORIGIN_ICMP && CLINUXNET_ORIGIN_ICMP6 == SO_EE_ORIGIN_ICMP6, "origins");

void clinuxnet_wire_outgoing(struct clinuxnet_mmsghdr *messages, struct clinuxnet_outgoing *items, unsigned int n) {
    memset(messages, 0, n * sizeof *messages);
    memset(items, 0, n * sizeof *items);
    for (unsigned int i = 0; i < n; i++) {
        items[i].headers.iov_base = items[i].header_bytes;
        messages[i].header.msg_name = &items[i].destination;
        messages[i].header.msg_iov = &items[i].payload;
        messages[i].header.msg_iovlen = 1;
        messages[i].header.msg_control = &items[i].control;
    }
}

void clinuxnet_wire_incoming(
    struct clinuxnet_mmsghdr *messages, struct clinuxnet_incoming *items, uint8_t *buffers, size_t stride,
    size_t capacity, unsigned int n) {
    memset(messages, 0, n * sizeof *messages);
    memset(items, 0, n * sizeof *items);
    for (unsigned int i = 0; i < n; i++) {
        items[i].payload.iov_base = buffers + i * stride;
        items[i].payload.iov_len = capacity;
        messages[i].header.msg_name = &items[i].source;
        messages[i].header.msg_iov = &items[i].payload;
        messages[i].header.msg_iovlen = 1;
        messages[i].header.msg_control = items[i].control;
    }
    clinuxnet_reset_incoming(messages, n);
}

void clinuxnet_reset_incoming(struct clinuxnet_mmsghdr *messages, unsigned int n) {
    for (unsigned int i = 0; i < n; i++) {
        messages[i].header.msg_namelen = sizeof(struct sockaddr_in6);
        messages[i].header.msg_controllen = CLINUXNET_CONTROL_CAPACITY;
    }
}

int clinuxnet_sendmmsg(int fd, struct clinuxnet_mmsghdr *messages, unsigned int n) {
    int result = sendmmsg(fd, (struct mmsghdr *)messages, n, MSG_DONTWAIT | MSG_NOSIGNAL);
    return result < 0 ? -errno : result;
}

int clinuxnet_recvmmsg(int fd, struct clinuxnet_mmsghdr *messages, unsigned int n, bool waits) {
    int result = recvmmsg(fd, (struct mmsghdr *)messages, n, waits ? MSG_WAITFORONE : MSG_DONTWAIT, NULL);
    return result < 0 ? -errno : result;
}

int clinuxnet_let_receive_wait(int fd, int64_t timeout_nanoseconds) {
    struct timeval timeout = {
        .tv_sec = timeout_nanoseconds / 1000000000,
        .tv_usec = timeout_nanoseconds % 1000000000 / 1000,
    };
    if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout) < 0) return -errno;
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) < 0) return -errno;
    return 0;
}

const uint8_t *clinuxnet_find_control(const struct msghdr *header, int level, int type, size_t *count) {
    for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c != NULL; c = CMSG_NXTHDR((struct msghdr *)header, c)) {
        if (c->cmsg_level == level && c->cmsg_type == type) {
            *count = c->cmsg_len - CMSG_LEN(0);
            return CMSG_DATA(c);
        }
    }
    return NULL;
}

int clinuxnet_recvmmsg_errors(int fd, struct clinuxnet_mmsghdr *messages, unsigned int n) {
    int result = recvmmsg(fd, (struct mmsghdr *)messages, n, MSG_ERRQUEUE | MSG_DONTWAIT, NULL);
    return result < 0 ? -errno : result;
}

void clinuxnet_read_error(const struct clinuxnet_mmsghdr *message, struct clinuxnet_error *error) {
    const struct msghdr *header = &message->header;
    memset(error, 0, sizeof *error);
    error->count = message->count;
    memcpy(&error->destination, header->msg_name, sizeof error->destination);

    size_t count = 0;
    const uint8_t *found = clinuxnet_find_control(header, IPPROTO_IP, IP_RECVERR, &count);
    if (found == NULL) found = clinuxnet_find_control(header, IPPROTO_IPV6, IPV6_RECVERR, &count);
    if (found == NULL || count < sizeof(struct sock_extended_err)) return;
    struct sock_extended_err extended;
    memcpy(&extended, found, sizeof extended);
    error->error = extended.ee_errno;
    error->origin = extended.ee_origin;
    error->type = extended.ee_type;
    error->code = extended.ee_code;
    if (extended.ee_origin == SO_EE_ORIGIN_TIMESTAMPING) {
        error->stamp = clinuxnet_receive_stamp(header);
        error->stamp_number = extended.ee_data;
        return;
    }
    size_t left = count - sizeof extended;
    memcpy(&error->offender, found + sizeof extended, left < sizeof error->offender ? left : sizeof error->offender);
}

// asm-generic/socket.h: SCM_TS_OPT_ID, which not every system's headers have.
enum { CHOSEN_STAMP_NUMBER = 81 };
// linux/socket.h: MSG_PROBE.
enum { PROBE_ONLY = 0x10 };

int clinuxnet_enable_stamps(int fd) {
    int flags = SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE | SOF_TIMESTAMPING_OPT_ID |
                SOF_TIMESTAMPING_OPT_TSONLY;
    return setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPING, &flags, sizeof flags) < 0 ? -errno : 0;
}

static int has_address(const struct sockaddr *candidate, const struct sockaddr *wanted) {
    if (candidate == NULL || candidate->sa_family != wanted->sa_family) return 0;
    if (wanted->sa_family == AF_INET) {
        return ((const struct sockaddr_in *)candidate)->sin_addr.s_addr ==
               ((const struct sockaddr_in *)wanted)->sin_addr.s_addr;
    }
    return memcmp(
               &((const struct sockaddr_in6 *)candidate)->sin6_addr, &((const struct sockaddr_in6 *)wanted)->sin6_addr,
               sizeof(struct in6_addr)) == 0;
}

int clinuxnet_offers_hardware_stamps(const struct sockaddr *address) {
    struct ifaddrs *interfaces = NULL;
    if (getifaddrs(&interfaces) < 0) return 0;
    struct clinuxnet_timestamping found = {0};
    int result = -ENODEV;
    for (struct ifaddrs *i = interfaces; i != NULL && result == -ENODEV; i = i->ifa_next) {
        if (has_address(i->ifa_addr, address)) result = clinuxnet_interface_timestamping(i->ifa_name, &found);
    }
    freeifaddrs(interfaces);
    uint32_t needed = SOF_TIMESTAMPING_TX_HARDWARE | SOF_TIMESTAMPING_RX_HARDWARE | SOF_TIMESTAMPING_RAW_HARDWARE;
    return result == 0 && (found.abilities & needed) == needed;
}

static size_t put_control(uint8_t *at, int type, uint32_t value) {
    struct cmsghdr *control = (struct cmsghdr *)at;
    control->cmsg_level = SOL_SOCKET;
    control->cmsg_type = type;
    control->cmsg_len = CMSG_LEN(sizeof value);
    memcpy(CMSG_DATA(control), &value, sizeof value);
    return CMSG_SPACE(sizeof value);
}

void clinuxnet_ask_for_stamp(struct clinuxnet_mmsghdr *message, int64_t number) {
    struct msghdr *header = &message->header;
    uint8_t *control = header->msg_control;
    header->msg_controllen += put_control(control + header->msg_controllen, SO_TIMESTAMPING, SOF_TIMESTAMPING_TX_SOFTWARE);
    if (number < 0) return;
    header->msg_controllen += put_control(control + header->msg_controllen, CHOSEN_STAMP_NUMBER, (uint32_t)number);
}

int clinuxnet_can_choose_stamp_numbers(void) {
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return -errno;
    _Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof(uint32_t))] = {0};
    struct sockaddr_in loopback = {
        .sin_family = AF_INET, .sin_port = htons(9), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct msghdr header = {
        .msg_name = &loopback,
        .msg_namelen = sizeof loopback,
        .msg_control = control,
        .msg_controllen = put_control(control, CHOSEN_STAMP_NUMBER, 0),
    };
    // With these flags and no payload udp(7) looks at everything and sends nothing.
    int result = clinuxnet_enable_stamps(fd);
    if (result == 0) result = sendmsg(fd, &header, MSG_CONFIRM | PROBE_ONLY) < 0 ? -errno : 0;
    close(fd);
    return result;
}

int64_t clinuxnet_receive_stamp(const struct msghdr *header) {
    size_t count = 0;
    const uint8_t *found = clinuxnet_find_control(header, SOL_SOCKET, SO_TIMESTAMPING, &count);
    struct timespec software;
    if (found == NULL || count < sizeof software) return 0;
    memcpy(&software, found, sizeof software);
    return (int64_t)software.tv_sec * 1000000000 + software.tv_nsec;
}

int clinuxnet_socket_drops(int fd, uint32_t *drops) {
    uint32_t counters[SK_MEMINFO_VARS] = {0};
    socklen_t size = sizeof counters;
    if (getsockopt(fd, SOL_SOCKET, SO_MEMINFO, counters, &size) < 0) return -errno;
    *drops = counters[SK_MEMINFO_DROPS];
    return 0;
}

_Static_assert(CLINUXNET_IN == EPOLLIN && CLINUXNET_OUT == EPOLLOUT, "epoll's numbers");
_Static_assert(CLINUXNET_ERROR == EPOLLERR && CLINUXNET_HANGUP == EPOLLHUP, "epoll's numbers");

int clinuxnet_epoll(void) {
    int fd = epoll_create1(EPOLL_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

static int epoll_set(int epoll, int operation, int fd, uint32_t events, uint64_t key) {
    struct epoll_event event = {.events = events, .data.u64 = key};
    return epoll_ctl(epoll, operation, fd, &event) < 0 ? -errno : 0;
}

int clinuxnet_epoll_add(int epoll, int fd, uint32_t events, uint64_t key) {
    return epoll_set(epoll, EPOLL_CTL_ADD, fd, events, key);
}

int clinuxnet_epoll_change(int epoll, int fd, uint32_t events, uint64_t key) {
    return epoll_set(epoll, EPOLL_CTL_MOD, fd, events, key);
}

int clinuxnet_epoll_ready(int epoll, struct clinuxnet_ready *ready, unsigned int n) {
    struct epoll_event events[64];
    int count = epoll_wait(epoll, events, n < 64 ? (int)n : 64, 0);
    if (count < 0) return -errno;
    for (int i = 0; i < count; i++) ready[i] = (struct clinuxnet_ready){events[i].data.u64, events[i].events};
    return count;
}

int clinuxnet_accept(int fd, struct sockaddr_in6 *peer) {
    socklen_t length = sizeof *peer;
    int accepted = accept4(fd, (struct sockaddr *)peer, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
    return accepted < 0 ? -errno : accepted;
}

int clinuxnet_ppoll(struct pollfd *descriptors, unsigned int n, int64_t timeout_nanoseconds) {
    struct timespec timeout = {
        .tv_sec = timeout_nanoseconds / 1000000000,
        .tv_nsec = timeout_nanoseconds % 1000000000,
    };
    int result = ppoll(descriptors, n, timeout_nanoseconds < 0 ? NULL : &timeout, NULL);
    return result < 0 ? -errno : result;
}

int clinuxnet_set_timer_slack(unsigned long nanoseconds) {
    return prctl(PR_SET_TIMERSLACK, nanoseconds, 0, 0, 0) < 0 ? -errno : 0;
}

// glibc has no wrapper for these before 2.41.
struct scheduling {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
};

int clinuxnet_set_slice(uint64_t nanoseconds) {
    struct scheduling now = {.size = sizeof now};
    if (syscall(SYS_sched_getattr, 0, &now, sizeof now, 0) < 0) return -errno;
    if (now.policy != SCHED_OTHER) return -EINVAL;
    now.runtime = nanoseconds;
    now.flags = 0;
    return syscall(SYS_sched_setattr, 0, &now, 0) < 0 ? -errno : 0;
}

int clinuxnet_be_nice(int by) {
    // Of this thread alone: on Linux a thread has a nice value of its own.
    return setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), by) < 0 ? -errno : 0;
}

int clinuxnet_eventfd(void) {
    int result = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    return result < 0 ? -errno : result;
}

int clinuxnet_thread_start(
    pthread_t *thread, int cpu, int priority, void *(*body)(void *), void *argument) {
    pthread_attr_t attributes;
    int result = pthread_attr_init(&attributes);
    if (result != 0) return -result;
    if (cpu >= 0) {
        cpu_set_t cpus;
        CPU_ZERO(&cpus);
        CPU_SET(cpu, &cpus);
        result = pthread_attr_setaffinity_np(&attributes, sizeof cpus, &cpus);
    }
    if (result == 0 && priority > 0) {
        struct sched_param parameters = {.sched_priority = priority};
        result = pthread_attr_setinheritsched(&attributes, PTHREAD_EXPLICIT_SCHED);
        if (result == 0) result = pthread_attr_setschedpolicy(&attributes, SCHED_FIFO);
        if (result == 0) result = pthread_attr_setschedparam(&attributes, &parameters);
    }
    if (result == 0) result = pthread_create(thread, &attributes, body, argument);
    pthread_attr_destroy(&attributes);
    return -result;
}

int clinuxnet_end_with_parent(void) { return prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0) < 0 ? -errno : 0; }

void clinuxnet_name_thread(const char *name) { prctl(PR_SET_NAME, name, 0, 0, 0); }

static atomic_int interruptions;
static atomic_int poked_eventfd = -1;

// Only what signal-safety(7) allows.
static void count_signal(int number) {
    (void)number;
    int saved = errno;
    uint64_t one = 1;
    atomic_fetch_add(&interruptions, 1);
    if (write(atomic_load(&poked_eventfd), &one, sizeof one) < 0) {
        // Full already: whoever waits is awake.
    }
    errno = saved;
}

int clinuxnet_trap_signals(int eventfd) {
    struct sigaction action = {.sa_handler = eventfd < 0 ? SIG_DFL : count_signal, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    if (eventfd >= 0) {
        atomic_store(&interruptions, 0);
        atomic_store(&poked_eventfd, eventfd);
    }
    if (sigaction(SIGINT, &action, NULL) < 0 || sigaction(SIGTERM, &action, NULL) < 0) return -errno;
    if (eventfd < 0) return 0;
    // A parent that blocks signals leaves them blocked in its children, and then nothing could stop a run.
    sigset_t heard;
    sigemptyset(&heard);
    sigaddset(&heard, SIGINT);
    sigaddset(&heard, SIGTERM);
    return -pthread_sigmask(SIG_UNBLOCK, &heard, NULL);
}

int clinuxnet_interruptions(void) { return atomic_load(&interruptions); }

int clinuxnet_interface_timestamping(const char *name, struct clinuxnet_timestamping *timestamping) {
    struct ethtool_ts_info found = {.cmd = ETHTOOL_GET_TS_INFO};
    struct ifreq request = {.ifr_data = (void *)&found};
    strncpy(request.ifr_name, name, IFNAMSIZ - 1);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return -errno;
    int result = ioctl(fd, SIOCETHTOOL, &request) < 0 ? -errno : 0;
    close(fd);
    timestamping->abilities = found.so_timestamping;
    timestamping->clock = found.phc_index;
    return result;
}

int clinuxnet_file_capabilities(const char *path, uint8_t *bytes, size_t capacity) {
    ssize_t result = getxattr(path, "security.capability", bytes, capacity);
    return result < 0 ? -errno : (int)result;
}

int clinuxnet_try_segmentation(void) {
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return -errno;
    int size = 1000;
    int result = setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &size, sizeof size) < 0 ? -errno : 0;
    close(fd);
    return result;
}

int clinuxnet_read_clock_state(struct clinuxnet_clock_state *state) {
    struct timex clock = {.modes = 0};
    if (adjtimex(&clock) < 0) return -errno;
    state->is_synchronised = (clock.status & STA_UNSYNC) == 0;
    state->most_error_us = clock.maxerror;
    state->estimated_error_us = clock.esterror;
    return 0;
}

// The terminal, as it was before the live screen took it; given back however this process ends.
static struct termios terminal_before;
static atomic_int keyboard = -1;
static atomic_int screen = -1;
static const int crashes[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGHUP, SIGQUIT};
enum { CRASHES = sizeof crashes / sizeof *crashes };
static struct sigaction before_crash[CRASHES];

static int is_in_foreground(int fd) { return tcgetpgrp(fd) == getpgrp(); }

// Only what signal-safety(7) allows.
void clinuxnet_give_terminal_back(void) {
    int keys = atomic_exchange(&keyboard, -1);
    if (keys >= 0 && is_in_foreground(keys)) tcsetattr(keys, TCSANOW, &terminal_before);
    int painted = atomic_exchange(&screen, -1);
    // End of a synchronised frame, colours off, cursor on; pasted text is marked no more.
    static const char sane[] = "\033[?2026l\033[0m\033[?25h\033[?2004l";
    if (painted >= 0 && is_in_foreground(painted) && write(painted, sane, sizeof sane - 1) < 0) {
        // It is gone.
    }
}

static void give_back_and_die(int number) {
    clinuxnet_give_terminal_back();
    for (int i = 0; i < CRASHES; i++) {
        if (crashes[i] == number) sigaction(number, &before_crash[i], NULL);
    }
    raise(number);
}

int clinuxnet_take_terminal(int keys, int painted) {
    static atomic_bool is_guarded;
    if (!atomic_exchange(&is_guarded, true)) {
        struct sigaction action = {.sa_handler = give_back_and_die};
        sigemptyset(&action.sa_mask);
        for (int i = 0; i < CRASHES; i++) {
            sigaction(crashes[i], &action, &before_crash[i]);
            // As under nohup.
            if (before_crash[i].sa_handler == SIG_IGN) sigaction(crashes[i], &before_crash[i], NULL);
        }
        atexit(clinuxnet_give_terminal_back);
    }
    atomic_store(&screen, painted);
    if (keys < 0) return 0;
    struct termios settings;
    if (tcgetattr(keys, &settings) < 0) return -errno;
    terminal_before = settings;
    settings.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    atomic_store(&keyboard, keys);
    if (tcsetattr(keys, TCSANOW, &settings) < 0) return -errno;
    // Pasted text comes between marks, so that its letters are not taken for keys.
    static const char marked[] = "\033[?2004h";
    if (write(painted, marked, sizeof marked - 1) < 0) {
        // It has no use for it.
    }
    return 0;
}

int clinuxnet_is_in_foreground(int fd) { return is_in_foreground(fd); }

int clinuxnet_terminal_size(int fd, unsigned short *columns, unsigned short *rows) {
    struct winsize size = {0};
    if (ioctl(fd, TIOCGWINSZ, &size) < 0) return -errno;
    *columns = size.ws_col;
    *rows = size.ws_row;
    return 0;
}
