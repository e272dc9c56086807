import CLinuxNet
import Datagrams
import UDPTransport

/// Waits for many connections at once. Each is known by a key that comes back with what it is ready for.
package struct StreamPoller: ~Copyable {
    package struct Ready: Sendable, BitwiseCopyable {
        package var key: Int
        /// There is something to read, or the other side has closed.
        package var isReadable: Bool
        /// Writable, or broken.
        package var isWritable: Bool
    }

    /// What the last `wait` found.
    package private(set) var ready: [Ready] = []
    private let descriptor: SocketDescriptor
    private var poller: Poller
    private let events: UnsafeMutablePointer<clinuxnet_ready>
    private static let capacity = 64

    package init(wakeup: Wakeup) throws(SystemError) {
        let descriptor = SocketDescriptor(adopting: try kernelResult("epoll_create1", clinuxnet_epoll()))
        poller = try Poller(receiving: [descriptor.number], wakeup: wakeup)
        events = .allocate(capacity: Self.capacity)
        self.descriptor = descriptor
        ready.reserveCapacity(Self.capacity)
    }

    deinit { events.deallocate() }

    package mutating func add(_ connection: StreamConnection, key: Int) throws(SystemError) {
        connection.isWatchedForWriting = connection.wantsWrite
        try kernelResult(
            "epoll_ctl",
            clinuxnet_epoll_add(
                descriptor.number, connection.fileDescriptor, Self.interest(connection.wantsWrite), UInt64(key)))
    }

    package mutating func add(_ listener: borrowing StreamListener, key: Int) throws(SystemError) {
        try kernelResult(
            "epoll_ctl",
            clinuxnet_epoll_add(descriptor.number, listener.fileDescriptor, UInt32(CLINUXNET_IN), UInt64(key)))
    }

    /// Readiness to write is reported from now on, or no longer.
    package mutating func watch(_ connection: StreamConnection, key: Int, forWriting: Bool) {
        _ = clinuxnet_epoll_change(
            descriptor.number, connection.fileDescriptor, Self.interest(forWriting), UInt64(key))
    }

    package mutating func watch(_ listener: borrowing StreamListener, key: Int, forConnections: Bool) {
        _ = clinuxnet_epoll_change(
            descriptor.number, listener.fileDescriptor, forConnections ? UInt32(CLINUXNET_IN) : 0, UInt64(key))
    }

    /// Until something is ready, the instant has come or somebody pokes the wake-up; one that has passed only looks.
    package mutating func wait(until deadline: MonotonicInstant?) {
        ready.removeAll(keepingCapacity: true)
        let readiness = poller.wait(until: deadline)
        guard readiness.contains(.readable) else { return }
        let count = clinuxnet_epoll_ready(descriptor.number, events, UInt32(Self.capacity))
        for i in 0..<Int(max(count, 0)) {
            let bits = events[i].events
            let isBroken = bits & UInt32(CLINUXNET_ERROR | CLINUXNET_HANGUP) != 0
            ready.append(
                Ready(
                    key: Int(events[i].key), isReadable: isBroken || bits & UInt32(CLINUXNET_IN) != 0,
                    isWritable: isBroken || bits & UInt32(CLINUXNET_OUT) != 0))
        }
    }

    private static func interest(_ wantsWrite: Bool) -> UInt32 {
        UInt32(wantsWrite ? CLINUXNET_IN | CLINUXNET_OUT : CLINUXNET_IN)
    }
}
