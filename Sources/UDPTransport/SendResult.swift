/// How far one batch got.
package struct SendResult: Sendable, Equatable {
    /// Index of the first datagram not dealt with: where to go on.
    package var next: Int
    package var sent = 0
    /// Datagrams the kernel would not take at all; each is in the sender's `rejections`.
    package var rejected = 0
    /// The send queue is full: wait until the socket is writable, then go on from `next`.
    package var isQueueFull = false

    init(next: Int) { self.next = next }
}

/// A datagram the kernel refused for good, and its errno.
package struct Rejection: Sendable, Equatable {
    package var index: Int
    package var errno: Int32

    package init(index: Int, errno: Int32) {
        self.index = index
        self.errno = errno
    }
}
