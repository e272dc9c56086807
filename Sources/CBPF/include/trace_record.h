// What a probe writes into the ring, and what a trace file holds after its header: little endian, as the machine has it.
// Sources/Breakdown/Trace/TraceRecord.swift reads it by these offsets; a test holds the two together.
#ifndef TRACE_RECORD_H
#define TRACE_RECORD_H

#ifdef __bpf__
typedef unsigned char trace_u8;
typedef unsigned short trace_u16;
typedef unsigned int trace_u32;
typedef unsigned long long trace_u64;
#else
#include <stdint.h>
typedef uint8_t trace_u8;
typedef uint16_t trace_u16;
typedef uint32_t trace_u32;
typedef uint64_t trace_u64;
#endif

enum { TRACE_COMMAND_CAPACITY = 16, TRACE_TAG_CAPACITY = 40, TRACE_TEXT_CAPACITY = 640 };

enum trace_point {
    TRACE_TAP_TRANSMIT = 1,
    TRACE_TAP_READ = 2,
    TRACE_DRIVER_RECEIVE = 3,
    TRACE_PROTOCOL_START = 4,
    TRACE_SOCKET_ENQUEUE = 5,
    TRACE_APPLICATION_RECEIVE = 6,
    TRACE_APPLICATION_SEND = 7,
    TRACE_RESPONSE_TRANSMIT = 8,
    TRACE_RESPONSE_RECEIVE = 9,
    TRACE_WAKING = 10,
    TRACE_SWITCH = 11,
    TRACE_RECEIVE_DROP = 12,
};

// Of a switch: the thread that left the CPU could have gone on (it was preempted). Of a waking: none.
enum { TRACE_FLAG_PREEMPTED = 1 };

struct trace_record {
    // CLOCK_MONOTONIC of the host, nanoseconds.
    trace_u64 time;
    // The kernel's addresses of the packet (struct sk_buff) and of the socket (struct sock): they tell neighbours apart and
    // mean nothing else. 0: not known at this point.
    trace_u64 packet;
    trace_u64 socket;
    // waking: who woke it (thread). switch: the thread that got the CPU, and in the upper half its process.
    trace_u64 other;
    trace_u32 cpu;
    // waking: the thread that was woken. switch: the thread that left the CPU. Else: the one that was running.
    trace_u32 thread;
    trace_u32 process;
    trace_u32 interface;
    trace_u16 point;
    // Bytes of text after the record.
    trace_u16 count;
    trace_u32 flags;
    // Of `thread`.
    trace_u8 command[TRACE_COMMAND_CAPACITY];
    // The call tag as it stood in the IP header, type and length first; zero where there was none. Of a switch its first 16
    // bytes are the name of the thread that got the CPU.
    trace_u8 tag[TRACE_TAG_CAPACITY];
};

_Static_assert(sizeof(struct trace_record) == 112, "trace_record has no holes");

#endif
