import Datagrams

// What the receiver of a request adds to its top Via, so that the responses show where it came from.

extension MessageIndex {
    /// Of a request: where the datagram came from. Its responses then say so in the top Via, where the client asked for it
    /// (`rport`, RFC 3581, 4) or where the host it wrote is not that address (`received`, RFC 3261, 18.2.1).
    ///
    /// An IPv6 address has many spellings: there `received` is always added, which says nothing wrong.
    package mutating func noteSource(_ source: SocketAddress, in bytes: borrowing Span<UInt8>) {
        guard isRequest, viaCount > 0 else { return }
        if viaRportEnd == 0 {
            if viaHasReceived { return }
            if source.family == .ipv4, Self.ipv4(bytes, viaHost) == source.ipv4 { return }
        }
        viaSource = source
    }

    /// Nil where it is not an address in dotted form.
    private static func ipv4(_ bytes: borrowing Span<UInt8>, _ range: ByteRange) -> UInt32? {
        var address: UInt32 = 0
        var number: UInt32 = 0
        var digits = 0
        var parts = 1
        for i in range.bounds {
            if let digit = bytes[i].digitValue, digits < 3 {
                number = number &* 10 &+ UInt32(truncatingIfNeeded: digit)
                digits &+= 1
            } else if bytes[i] == UInt8(ascii: "."), digits > 0, number < 256, parts < 4 {
                address = address << 8 | number
                number = 0
                digits = 0
                parts &+= 1
            } else {
                return nil
            }
        }
        return parts == 4 && digits > 0 && number < 256 ? address << 8 | number : nil
    }
}

extension ByteBuffer {
    /// A Via header of a response to `bytes`: the request's own, the first one with what `noteSource` found.
    mutating func append(
        via header: MessageIndex.Header, of bytes: borrowing Span<UInt8>, _ index: borrowing MessageIndex
    ) {
        guard let source = index.viaSource, header.value.start == index.topVia.start else {
            return append(unfolding: bytes, header)
        }
        var start = Int(header.value.start)
        if index.viaRportEnd > 0 {
            append(unfolding: bytes, ByteRange(start, Int(index.viaRportEnd)))
            append("=")
            append(decimal: UInt64(source.port))
            start = Int(index.viaRportEnd)
        }
        append(unfolding: bytes, ByteRange(start, index.topVia.end))
        if !index.viaHasReceived {
            append(";received=")
            append(host: source)
        }
        append(unfolding: bytes, ByteRange(index.topVia.end, header.value.end))
    }
}
