/// What a capture held, frame by frame: every frame is in exactly one of the first group's counts.
package struct CaptureCounts: Sendable, Equatable {
    package var frames: UInt64 = 0

    // What became of a frame
    /// Its UDP payload is SIP.
    package var sipDatagrams: UInt64 = 0
    /// UDP, and not SIP.
    package var otherUDP: UInt64 = 0
    /// UDP with nothing in it, or with line ends and zeros alone (RFC 5626's keep-alive).
    package var emptyUDP: UInt64 = 0
    /// Begins as SIP does and is broken further on.
    package var malformed: UInt64 = 0
    /// Cut short by the snap length before the headers a call is known by.
    package var unreadable: UInt64 = 0
    /// TCP that begins as a SIP message does; not analysed.
    package var sipOverTCP: UInt64 = 0
    package var otherTCP: UInt64 = 0
    /// Pieces of larger packets, but for the one that completes a datagram.
    package var fragments: UInt64 = 0
    package var otherTransport: UInt64 = 0
    package var notIP: UInt64 = 0
    /// Cut short before the ports.
    package var cut: UInt64 = 0
    package var brokenPackets: UInt64 = 0
    /// SIP on another port than `--port`.
    package var otherPort: UInt64 = 0

    // Remarks
    package var messages: UInt64 = 0
    /// The same datagram captured again (two interfaces, both directions of `lo`): left out.
    package var duplicates: UInt64 = 0
    /// Whose time lies before that of the frame before it in the same file: put in order.
    package var outOfOrder: UInt64 = 0
    /// Read in spite of a snap length that cut them.
    package var cutMessages: UInt64 = 0
    /// Datagrams put together from fragments, and packets of which a piece is missing.
    package var reassembled: UInt64 = 0
    package var incompletePackets: UInt64 = 0
    /// Messages that stood behind another one in their datagram (segmentation offload on the capturing host).
    package var segments: UInt64 = 0

    package init() {}
}
