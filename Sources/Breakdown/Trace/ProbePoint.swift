/// A place in the kernel where a request or its response is seen, in the order of a request's way through a server.
///
///     client ─► tapTransmit ─► tapRead ─► driverReceive ─► protocolStart ─► socketEnqueue ─► applicationReceive ─┐
///     client ◄─ responseReceive ◄───────────────────────── responseTransmit ◄─────────────── applicationSend  ◄──┘
///
/// Raw values are those of `trace_record.h`, and of trace files.
package enum ProbePoint: UInt8, Sendable, BitwiseCopyable, CaseIterable {
    /// Handed to the device that leads to the server: a VM's tap, a container's veth, or lo.
    case tapTransmit = 1
    /// vhost_net, or QEMU, took it from the tap.
    case tapRead = 2
    /// The driver handed it to the stack of the server's kernel.
    case driverReceive = 3
    case protocolStart = 4
    /// The protocols are done: it lies in the socket's queue.
    case socketEnqueue = 5
    case applicationReceive = 6
    case applicationSend = 7
    /// The response is handed to the device.
    case responseTransmit = 8
    /// The response is seen on the host of the VM.
    case responseReceive = 9
    /// A thread of the server is made runnable.
    case waking = 10
    /// A CPU changes from one thread to another; one of them is the server's.
    case contextSwitch = 11
    /// The socket's receive buffer was full.
    case receiveDrop = 12
    /// From a client's run: when its request left, and when the final response arrived.
    case requestSent = 64
    case responseArrived = 65
}

/// How well a point's request is known.
package enum KeyQuality: UInt8, Sendable, BitwiseCopyable, Comparable {
    /// By the call tag, by the SIP text, or by the packet itself, whose key is known from another point.
    case exact
    /// By order: the n-th in is the n-th out. Wrong where several threads read one socket and overtake each other.
    case inferred
    case missing

    package static func < (a: KeyQuality, b: KeyQuality) -> Bool { a.rawValue < b.rawValue }
}
