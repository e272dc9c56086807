import Datagrams

/// What a message is, from its first line.
package enum StartLine: Hashable, Sendable, BitwiseCopyable {
    case request(Method)
    /// 100 ... 699.
    case response(status: UInt16)
}
