// What the probes are told before they are loaded; constant from then on.
#ifndef PROBE_CONFIG_H
#define PROBE_CONFIG_H

#include "trace_record.h"

struct probe_config {
    // Of /proc/PID/ns/net; 0: any.
    trace_u32 network_namespace;
    // The server's IPv4 address as it stands in the packet; 0: any.
    trace_u32 address;
    // The server's, in host order.
    trace_u16 port;
    trace_u8 tag_type;
    // The host of a virtual machine: requests are seen on their way into it, responses on their way out.
    trace_u8 is_host;
    // The tap that leads to the server; 0: any. Only of a host.
    trace_u32 tap_interface;
    // Numbers of the system calls that receive and send.
    trace_u32 nr_recvfrom, nr_recvmsg, nr_recvmmsg, nr_sendto, nr_sendmsg, nr_sendmmsg;
};

// A receive or send a thread has entered and not left.
struct probe_call {
    trace_u64 time;
    // Its second argument: the buffer, a msghdr or the first of several mmsghdr.
    trace_u64 argument;
    trace_u32 kind;
    // Messages of recvmmsg or sendmmsg done so far.
    trace_u32 done;
};

enum probe_call_kind { PROBE_CALL_BUFFER = 0, PROBE_CALL_MESSAGE = 1, PROBE_CALL_MESSAGES = 2 };

// Slots of the map `counts`.
enum { PROBE_COUNT_LOST = 0, PROBE_COUNT_SLOT_MISSES = 1, PROBE_COUNTS = 2 };

#endif
