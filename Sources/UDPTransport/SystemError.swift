import Datagrams
import Glibc

/// A system call the kernel refused: `bind 127.0.0.1:5060: Address already in use`.
package struct SystemError: Error, Equatable, Sendable, CustomStringConvertible {
    package let call: String
    /// The address the call was about, where it was about one.
    package let subject: SocketAddress?
    package let errno: Int32

    package init(call: String, subject: SocketAddress? = nil, errno: Int32) {
        self.call = call
        self.subject = subject
        self.errno = errno
    }

    package var description: String {
        "\(call)\(subject.map { " \($0)" } ?? ""): \(Self.text(of: errno))"
    }

    /// The kernel's sentence for an error number, as `SendResult` and `ICMPError` carry them.
    package static func text(of errno: Int32) -> String { String(cString: strerror(errno)) }
}

/// Makes a call that returns -1 and sets errno, again while a signal interrupts it. Never inlined, so that nothing
/// comes between the call and the reading of errno.
@inline(never)
@discardableResult
package func kernel(
    _ call: StaticString, _ subject: SocketAddress? = nil, _ body: () -> Int32
) throws(SystemError) -> Int32 {
    while true {
        let result = body()
        let code = errno
        if result >= 0 { return result }
        if code != EINTR { throw SystemError(call: "\(call)", subject: subject, errno: code) }
    }
}

/// The same for CLinuxNet's functions, which return minus errno.
@discardableResult
package func kernelResult(_ call: StaticString, _ result: Int32) throws(SystemError) -> Int32 {
    if result < 0 { throw SystemError(call: "\(call)", errno: -result) }
    return result
}
