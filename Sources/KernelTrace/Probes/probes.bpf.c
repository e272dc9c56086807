// The probes. Each writes one record of trace_record.h for each packet, message or switch that is the server's, and does
// nothing else: keys are compared and text is read by the program that drains the ring.
//
// Nothing here ever wakes that program: a reader woken by each event would take the CPU from the server it watches
// (docs/explain.md). Records lie in the ring until its timer comes round.
#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "kernel_types.h"
#include "probe_config.h"

// Several of the helpers are for programs under such a licence only.
char licence[] SEC("license") = "Dual BSD/GPL";

const volatile struct probe_config config = {};

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 16 << 20);
} ring SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, PROBE_COUNTS);
    __type(key, __u32);
    __type(value, __u64);
} counts SEC(".maps");

// Processes of the server.
struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 4096);
    __type(key, __u32);
    __type(value, __u8);
} watched SEC(".maps");

// By thread.
struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 16384);
    __type(key, __u32);
    __type(value, struct probe_call);
} calls SEC(".maps");

// The packet this CPU is taking through the protocols.
struct slot {
    __u64 packet;
    __u32 interface;
    __u32 is_taken;
    __u8 tag[TRACE_TAG_CAPACITY];
};

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct slot);
} slots SEC(".maps");

static __always_inline void count(__u32 which) {
    __u64 *n = bpf_map_lookup_elem(&counts, &which);
    if (n) ++*n;
}

// MARK: packets

enum {
    IPV4_HEADER = 20,
    IPV4_TAGGED_HEADER = 60,
    IPV6_HEADER = 40,
    IPV6_TAGGED_HEADER = 88,
    UDP_HEADER = 8,
    UDP = 17,
    DESTINATION_OPTIONS = 60,
    IPV6_TAG = IPV6_HEADER + 2,
    IPV6_TAG_TYPE = 0x1e,
    IPV6_TAG_LENGTH = 38,
    // The longest of them: IPv6 with the tag, and UDP.
    HEADERS = 96,
};

struct packet {
    __u8 bytes[HEADERS];
    // Of the message, from the IP header on.
    __u32 text;
    __u32 text_count;
    // Of the tag, its type first; 0: it has none.
    __u32 tag;
    // Both of its ports are the server's: the usual thing between two SIP servers.
    __u32 is_between_servers;
};

enum direction { FOREIGN, REQUEST, RESPONSE };

// `SIP/`, as it stands in memory.
enum { STATUS_LINE = 0x2f504953 };

static __always_inline __u16 port_at(const struct packet *packet, __u32 at) {
    return (__u16)(packet->bytes[at] << 8 | packet->bytes[at + 1]);
}

static __always_inline __u32 address_at(const struct packet *packet, __u32 at) {
    return *(const __u32 *)(packet->bytes + at);
}

static __always_inline enum direction direction(struct packet *packet, __u32 udp) {
    __u16 length = port_at(packet, udp + 4);
    packet->text = udp + UDP_HEADER;
    packet->text_count = length > UDP_HEADER ? length - UDP_HEADER : 0;
    int is_to = port_at(packet, udp + 2) == config.port, is_from = port_at(packet, udp) == config.port;
    packet->is_between_servers = is_to && is_from;
    return is_to ? REQUEST : is_from ? RESPONSE : FOREIGN;
}

// Where ports do not tell them apart, the text does: only a response begins with the protocol.
static __always_inline enum direction told_by_text(struct packet *packet, enum direction found, const void *ip) {
    if (!packet->is_between_servers || packet->tag) return found;
    __u32 start = 0;
    bpf_probe_read_kernel(&start, sizeof(start), ip + packet->text);
    return start == STATUS_LINE ? RESPONSE : REQUEST;
}

// Reads the headers at `ip`. `reads_text`: on the way out, where a packet between two servers may be either's. Ports lie at few
// places: behind a plain header, behind a tagged one, behind other options.
static __always_inline enum direction read_packet(struct packet *packet, const void *ip, int reads_text) {
    packet->tag = 0;
    packet->is_between_servers = 0;
    if (bpf_probe_read_kernel(packet->bytes, HEADERS, ip)) return FOREIGN;
    __u8 version = packet->bytes[0] >> 4;
    if (version == 4) {
        if (packet->bytes[9] != UDP) return FOREIGN;
        // Later fragments have no ports.
        if ((packet->bytes[6] & 0x1f) | packet->bytes[7]) return FOREIGN;
        enum direction found = FOREIGN;
        __u32 udp = (packet->bytes[0] & 15) * 4;
        if (udp == IPV4_HEADER) {
            found = direction(packet, IPV4_HEADER);
        } else if (udp == IPV4_TAGGED_HEADER) {
            if (packet->bytes[20] == config.tag_type && packet->bytes[21] == TRACE_TAG_CAPACITY) packet->tag = IPV4_HEADER;
            found = direction(packet, IPV4_TAGGED_HEADER);
        } else {
            // Somebody else's options: the ports are brought to where they lie without any.
            if (bpf_probe_read_kernel(packet->bytes + IPV4_HEADER, UDP_HEADER, ip + udp)) return FOREIGN;
            found = direction(packet, IPV4_HEADER);
            packet->text = udp + UDP_HEADER;
        }
        if (reads_text) found = told_by_text(packet, found, ip);
        if (config.address && found == REQUEST && address_at(packet, 16) != config.address) return FOREIGN;
        if (config.address && found == RESPONSE && address_at(packet, 12) != config.address) return FOREIGN;
        return found;
    }
    if (version != 6) return FOREIGN;
    if (packet->bytes[6] == UDP) {
        enum direction found = direction(packet, IPV6_HEADER);
        return reads_text ? told_by_text(packet, found, ip) : found;
    }
    // The tag's header: next header, 5 for 48 bytes, the option of 40, padding.
    if (packet->bytes[6] != DESTINATION_OPTIONS || packet->bytes[40] != UDP || packet->bytes[41] != 5) return FOREIGN;
    if (packet->bytes[IPV6_TAG] == IPV6_TAG_TYPE && packet->bytes[IPV6_TAG + 1] == IPV6_TAG_LENGTH) packet->tag = IPV6_TAG;
    return direction(packet, IPV6_TAGGED_HEADER);
}

static __always_inline __u32 namespace_of(struct net_device *device) {
    return BPF_CORE_READ(device, nd_net.net, ns.inum);
}

static __always_inline int is_in_namespace(struct net_device *device) {
    return !config.network_namespace || namespace_of(device) == config.network_namespace;
}

// MARK: records

static __always_inline void fill(struct trace_record *record, __u16 point, __u64 time, __u64 packet, __u64 socket) {
    __u64 id = bpf_get_current_pid_tgid();
    record->time = time;
    record->packet = packet;
    record->socket = socket;
    record->other = 0;
    record->cpu = bpf_get_smp_processor_id();
    record->thread = (__u32)id;
    record->process = id >> 32;
    record->interface = 0;
    record->point = point;
    record->count = 0;
    record->flags = 0;
}

static __always_inline void no_command(struct trace_record *record) {
    __builtin_memset(record->command, 0, sizeof(record->command));
}

static __always_inline void no_tag(struct trace_record *record) {
    __builtin_memset(record->tag, 0, sizeof(record->tag));
}

static __always_inline void *reserve(__u64 size) {
    void *place = bpf_ringbuf_reserve(&ring, size, 0);
    if (!place) count(PROBE_COUNT_LOST);
    return place;
}

static __always_inline void submit(void *record) { bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP); }

struct text_record {
    struct trace_record record;
    __u8 text[TRACE_TEXT_CAPACITY];
};

// As much of `length` as there is room for. The barrier keeps the compiler from comparing some other copy of it than the
// one that is used: the verifier believes only what it saw compared.
static __always_inline __u32 clamped(__u32 length) {
    barrier_var(length);
    return length > TRACE_TEXT_CAPACITY ? TRACE_TEXT_CAPACITY : length;
}

static __always_inline void copy_tag(__u8 *target, const struct packet *packet) {
    __builtin_memcpy(target, packet->bytes + (packet->tag == IPV6_TAG ? IPV6_TAG : IPV4_HEADER), TRACE_TAG_CAPACITY);
}

static __always_inline void record_tagged(
    __u16 point, __u64 now, struct sk_buff *skb, __u64 socket, __u32 interface, const struct packet *packet
) {
    struct trace_record *record = reserve(sizeof(*record));
    if (!record) return;
    fill(record, point, now, (__u64)skb, socket);
    no_command(record);
    record->interface = interface;
    copy_tag(record->tag, packet);
    submit(record);
}

static __always_inline void record_text(
    __u16 point, __u64 now, struct sk_buff *skb, __u64 socket, __u32 interface, const void *ip,
    const struct packet *packet
) {
    struct text_record *record = reserve(sizeof(*record));
    if (!record) return;
    fill(&record->record, point, now, (__u64)skb, socket);
    no_command(&record->record);
    no_tag(&record->record);
    record->record.interface = interface;
    __u32 length = clamped(packet->text_count);
    if (!bpf_probe_read_kernel(record->text, length, ip + packet->text)) record->record.count = length;
    submit(record);
}

// A packet with its key: the tag where it has one, else the beginning of its text.
static __always_inline void record_packet(
    __u16 point, __u64 now, struct sk_buff *skb, __u64 socket, __u32 interface, const void *ip,
    const struct packet *packet
) {
    if (packet->tag) {
        record_tagged(point, now, skb, socket, interface, packet);
    } else {
        record_text(point, now, skb, socket, interface, ip, packet);
    }
}

static __always_inline int is_watched(int process) {
    __u32 key = process;
    return process && bpf_map_lookup_elem(&watched, &key);
}

// MARK: on the way to the socket

SEC("tp_btf/net_dev_start_xmit")
int BPF_PROG(device_transmit, struct sk_buff *skb, struct net_device *device) {
    __u64 now = bpf_ktime_get_ns();
    struct packet packet;
    const void *ip = skb->head + skb->network_header;
    enum direction found = read_packet(&packet, ip, 1);
    if (found == FOREIGN) return 0;
    if (found == REQUEST) {
        if (config.tap_interface && device->ifindex != (int)config.tap_interface) return 0;
        // What the server itself sends to its next hop, a proxy for instance, is no request to it.
        if (packet.is_between_servers && !config.is_host && is_watched(bpf_get_current_pid_tgid() >> 32)) return 0;
        record_packet(TRACE_TAP_TRANSMIT, now, skb, 0, device->ifindex, ip, &packet);
    } else if (!config.is_host && is_in_namespace(device)) {
        record_text(TRACE_RESPONSE_TRANSMIT, now, skb, 0, device->ifindex, ip, &packet);
    }
    return 0;
}

// Only on the host of a virtual machine, where vhost_net or QEMU reads a tap.
SEC("tp_btf/skb_copy_datagram_iovec")
int BPF_PROG(tap_read, struct sk_buff *skb, int length) {
    __u64 now = bpf_ktime_get_ns();
    struct packet packet;
    const void *ip = skb->head + skb->network_header;
    struct net_device *device = skb->dev;
    if (!device || (config.tap_interface && device->ifindex != (int)config.tap_interface)) return 0;
    if (read_packet(&packet, ip, 0) == REQUEST) record_packet(TRACE_TAP_READ, now, skb, 0, device->ifindex, ip, &packet);
    return 0;
}

static __always_inline int driver_receive(struct sk_buff *skb) {
    __u64 now = bpf_ktime_get_ns();
    struct packet packet;
    const void *ip = skb->data;
    struct net_device *device = skb->dev;
    if (read_packet(&packet, ip, 0) != REQUEST || !is_in_namespace(device)) return 0;
    record_packet(TRACE_DRIVER_RECEIVE, now, skb, 0, device->ifindex, ip, &packet);
    return 0;
}

SEC("tp_btf/netif_rx_entry")
int BPF_PROG(driver_receive_single, struct sk_buff *skb) { return driver_receive(skb); }

SEC("tp_btf/napi_gro_receive_entry")
int BPF_PROG(driver_receive_polled, struct sk_buff *skb) { return driver_receive(skb); }

SEC("tp_btf/netif_receive_skb")
int BPF_PROG(protocol_start, struct sk_buff *skb) {
    __u64 now = bpf_ktime_get_ns();
    struct packet packet;
    const void *ip = skb->data;
    struct net_device *device = skb->dev;
    enum direction found = read_packet(&packet, ip, config.is_host);
    if (found == FOREIGN) return 0;
    if (config.is_host) {
        if (found == RESPONSE && (!config.tap_interface || device->ifindex == (int)config.tap_interface))
            record_text(TRACE_RESPONSE_RECEIVE, now, skb, 0, device->ifindex, ip, &packet);
        return 0;
    }
    if (found != REQUEST || !is_in_namespace(device)) return 0;
    record_packet(TRACE_PROTOCOL_START, now, skb, 0, device->ifindex, ip, &packet);
    __u32 zero = 0;
    struct slot *slot = bpf_map_lookup_elem(&slots, &zero);
    if (!slot) return 0;
    slot->packet = (__u64)skb;
    slot->interface = device->ifindex;
    slot->is_taken = 0;
    if (packet.tag) {
        copy_tag(slot->tag, &packet);
    } else {
        __builtin_memset(slot->tag, 0, TRACE_TAG_CAPACITY);
    }
    return 0;
}

static __always_inline int is_servers(struct sock *sk) {
    if (sk->__sk_common.skc_num != config.port || sk->sk_protocol != UDP) return 0;
    // A caller on this machine may have bound the same port of another address.
    __u32 address = sk->__sk_common.skc_rcv_saddr;
    if (config.address && address && address != config.address) return 0;
    return !config.network_namespace || BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum) == config.network_namespace;
}

// With the key of the packet this CPU is working on, unless an earlier event of the socket's was that packet's.
static __always_inline void record_slot(__u16 point, __u64 now, __u64 socket, int is_first) {
    __u32 zero = 0;
    struct slot *slot = bpf_map_lookup_elem(&slots, &zero);
    struct trace_record *record = reserve(sizeof(*record));
    if (!record) return;
    fill(record, point, now, 0, socket);
    no_command(record);
    if (slot && slot->packet && !(is_first && slot->is_taken)) {
        record->packet = slot->packet;
        record->interface = slot->interface;
        __builtin_memcpy(record->tag, slot->tag, TRACE_TAG_CAPACITY);
        slot->is_taken = 1;
    } else {
        no_tag(record);
        count(PROBE_COUNT_SLOT_MISSES);
    }
    submit(record);
}

SEC("tp_btf/sk_data_ready")
int BPF_PROG(socket_ready, struct sock *sk) {
    __u64 now = bpf_ktime_get_ns();
    if (is_servers(sk)) record_slot(TRACE_SOCKET_ENQUEUE, now, (__u64)sk, 1);
    return 0;
}

// A raw tracepoint and not tp_btf: newer kernels pass the packet, too.
SEC("raw_tp/udp_fail_queue_rcv_skb")
int receive_drop(struct bpf_raw_tracepoint_args *ctx) {
    __u64 now = bpf_ktime_get_ns();
    struct sock *sk = (struct sock *)ctx->args[1];
    if (BPF_CORE_READ(sk, __sk_common.skc_num) != config.port) return 0;
    __u32 address = BPF_CORE_READ(sk, __sk_common.skc_rcv_saddr);
    if (config.address && address && address != config.address) return 0;
    if (config.network_namespace && BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum) != config.network_namespace)
        return 0;
    record_slot(TRACE_RECEIVE_DROP, now, (__u64)sk, 0);
    return 0;
}

// The packet itself, where functions may be entered: whichever CPU queues it. It may still be dropped (`receive_drop`).
SEC("fentry/__udp_enqueue_schedule_skb")
int BPF_PROG(socket_enqueue, struct sock *sk, struct sk_buff *skb) {
    __u64 now = bpf_ktime_get_ns();
    if (!is_servers(sk)) return 0;
    struct packet packet;
    const void *ip = skb->head + skb->network_header;
    if (read_packet(&packet, ip, 0) == REQUEST) record_packet(TRACE_SOCKET_ENQUEUE, now, skb, (__u64)sk, 0, ip, &packet);
    return 0;
}

// MARK: in the application

static __always_inline void watch_current(void) {
    __u32 process = bpf_get_current_pid_tgid() >> 32;
    __u8 one = 1;
    if (!bpf_map_lookup_elem(&watched, &process)) bpf_map_update_elem(&watched, &process, &one, BPF_ANY);
}

SEC("raw_tp/sys_enter")
int system_call(struct bpf_raw_tracepoint_args *ctx) {
    __u32 number = ctx->args[1];
    struct probe_call call = {};
    if (number == config.nr_recvfrom || number == config.nr_sendto) {
        call.kind = PROBE_CALL_BUFFER;
    } else if (number == config.nr_recvmsg || number == config.nr_sendmsg) {
        call.kind = PROBE_CALL_MESSAGE;
    } else if (number == config.nr_recvmmsg || number == config.nr_sendmmsg) {
        call.kind = PROBE_CALL_MESSAGES;
    } else {
        return 0;
    }
    __u64 id = bpf_get_current_pid_tgid();
    __u32 process = id >> 32, thread = (__u32)id;
    if (!bpf_map_lookup_elem(&watched, &process)) return 0;
    call.time = bpf_ktime_get_ns();
    call.argument = SECOND_ARGUMENT(ctx->args[0]);
    bpf_map_update_elem(&calls, &thread, &call, BPF_ANY);
    return 0;
}

// Where the bytes of the message lie that the thread's call has just done. struct msghdr and mmsghdr are the same in every
// 64-bit program.
static __always_inline __u64 message_bytes(const struct probe_call *call) {
    enum { MSG_IOV = 16, MMSGHDR = 64 };
    if (call->kind == PROBE_CALL_BUFFER) return call->argument;
    __u64 header = call->argument + (call->kind == PROBE_CALL_MESSAGES ? (__u64)call->done * MMSGHDR : 0);
    __u64 vector = 0, base = 0;
    if (bpf_probe_read_user(&vector, sizeof(vector), (void *)(header + MSG_IOV))) return 0;
    if (bpf_probe_read_user(&base, sizeof(base), (void *)vector)) return 0;
    return base;
}

static __always_inline int record_message(__u16 point, __u64 now, struct sock *sk, int result, int is_send) {
    if (result <= 0) return 0;
    watch_current();
    __u32 thread = bpf_get_current_pid_tgid();
    struct probe_call *call = bpf_map_lookup_elem(&calls, &thread);
    struct text_record *record = reserve(sizeof(*record));
    if (!record) return 0;
    // A call that is done says nothing of the next one, which may be none that is looked at (read, write).
    if (call && !call->argument) call = 0;
    fill(&record->record, point, is_send && call ? call->time : now, 0, (__u64)sk);
    bpf_get_current_comm(record->record.command, sizeof(record->record.command));
    no_tag(&record->record);
    if (call) {
        __u64 bytes = message_bytes(call);
        __u32 length = clamped(result);
        if (bytes && !bpf_probe_read_user(record->text, length, (void *)bytes)) record->record.count = length;
        if (call->kind == PROBE_CALL_MESSAGES) {
            call->done++;
            // The next of sendmmsg's messages begins where this one ended.
            call->time = now;
        } else {
            call->argument = 0;
        }
    }
    submit(record);
    return 0;
}

enum { PEEK = 2 };

SEC("tp_btf/sock_recv_length")
int BPF_PROG(socket_receive, struct sock *sk, int result, int flags) {
    __u64 now = bpf_ktime_get_ns();
    if (flags & PEEK || !is_servers(sk)) return 0;
    return record_message(TRACE_APPLICATION_RECEIVE, now, sk, result, 0);
}

SEC("tp_btf/sock_send_length")
int BPF_PROG(socket_send, struct sock *sk, int result, int flags) {
    __u64 now = bpf_ktime_get_ns();
    if (!is_servers(sk)) return 0;
    return record_message(TRACE_APPLICATION_SEND, now, sk, result, 1);
}

SEC("fentry/skb_consume_udp")
int BPF_PROG(socket_consume, struct sock *sk, struct sk_buff *skb, int length) {
    __u64 now = bpf_ktime_get_ns();
    if (length <= 0 || !is_servers(sk)) return 0;
    watch_current();
    struct packet packet;
    const void *ip = skb->head + skb->network_header;
    if (read_packet(&packet, ip, 0) != REQUEST) return 0;
    struct text_record *record = reserve(sizeof(*record));
    if (!record) return 0;
    fill(&record->record, TRACE_APPLICATION_RECEIVE, now, (__u64)skb, (__u64)sk);
    bpf_get_current_comm(record->record.command, sizeof(record->record.command));
    if (packet.tag) {
        copy_tag(record->record.tag, &packet);
    } else {
        no_tag(&record->record);
        __u32 size = clamped(packet.text_count);
        if (!bpf_probe_read_kernel(record->text, size, ip + packet.text)) record->record.count = size;
    }
    submit(record);
    return 0;
}

// Before the tracepoint of sends there was (Linux 6.3).
SEC("fentry/udp_sendmsg")
int BPF_PROG(socket_send_entry, struct sock *sk, void *message, unsigned long length) {
    __u64 now = bpf_ktime_get_ns();
    if (!is_servers(sk)) return 0;
    return record_message(TRACE_APPLICATION_SEND, now, sk, length > 0x7fffffff ? 0x7fffffff : (int)length, 1);
}

// MARK: the scheduler

SEC("tp_btf/sched_waking")
int BPF_PROG(waking, struct task_struct *task) {
    __u64 now = bpf_ktime_get_ns();
    if (!is_watched(task->tgid)) return 0;
    struct trace_record *record = reserve(sizeof(*record));
    if (!record) return 0;
    fill(record, TRACE_WAKING, now, 0, 0);
    record->other = record->thread;
    record->thread = task->pid;
    record->process = task->tgid;
    bpf_probe_read_kernel(record->command, sizeof(record->command), task->comm);
    no_tag(record);
    submit(record);
    return 0;
}

SEC("tp_btf/sched_switch")
int BPF_PROG(
    context_switch, _Bool preempt, struct task_struct *previous, struct task_struct *next, unsigned int state
) {
    __u64 now = bpf_ktime_get_ns();
    if (!is_watched(previous->tgid) && !is_watched(next->tgid)) return 0;
    struct trace_record *record = reserve(sizeof(*record));
    if (!record) return 0;
    fill(record, TRACE_SWITCH, now, 0, 0);
    record->thread = previous->pid;
    record->process = previous->tgid;
    record->other = (__u64)(__u32)next->tgid << 32 | (__u32)next->pid;
    record->flags = preempt || !state ? TRACE_FLAG_PREEMPTED : 0;
    bpf_probe_read_kernel(record->command, sizeof(record->command), previous->comm);
    no_tag(record);
    bpf_probe_read_kernel(record->tag, sizeof(next->comm), next->comm);
    submit(record);
    return 0;
}

// Loaded by itself to learn whether functions may be entered at all; does nothing.
SEC("fentry/__udp_enqueue_schedule_skb")
int BPF_PROG(may_enter_functions, struct sock *sk) { return 0; }
