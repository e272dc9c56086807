import Datagrams

/// What one captured frame carries, as places in its bytes. Any bytes give one of these: a capture is data, whatever it
/// says.
package enum PacketContent: Sendable, Equatable {
    case udp(UDPContent)
    /// TCP with its payload, which may be empty.
    case tcp(source: SocketAddress, destination: SocketAddress, payload: Range<Int>)
    case fragment(IPFragment)
    /// IP with something else in it.
    case otherTransport
    case notIP
    /// Ends before its ports.
    case cut
    /// Contradicts itself: a header shorter than a header, a version that does not exist.
    case broken
}

package struct UDPContent: Sendable, Equatable {
    package var source: SocketAddress
    package var destination: SocketAddress
    /// What was captured of the payload.
    package var payload: Range<Int>
    /// What the UDP header says of its length.
    package var announced: Int
    package var tag: CapturedTag?
    /// Of IPv4; 0 on IPv6 and where the sender leaves it out.
    package var identification: UInt16

    package var isCut: Bool { payload.count < announced }
}

/// A piece of an IP packet.
package struct IPFragment: Sendable, Equatable {
    package var source: SocketAddress
    package var destination: SocketAddress
    package var identification: UInt32
    /// The protocol of what was cut into pieces.
    package var transport: UInt8
    /// Of this piece in the whole.
    package var offset: Int
    package var isLast: Bool
    package var payload: Range<Int>
    /// Whether all of this piece was captured.
    package var isWhole: Bool
    package var tag: CapturedTag?
}
