import Datagrams

/// How requests of a dialog travel: the Route values and the remote target, taken from the message that made the dialog
/// (RFC 3261, 12.1 and 12.2.1.1). Both are written as text into buffers that the caller keeps; nothing is allocated.
package enum RouteSet {
    package enum Role: Sendable, BitwiseCopyable {
        /// Took the Record-Route headers from a response: the route runs through them backwards.
        case client
        /// Took them from the request: in their order.
        case server
    }

    /// The call's path crosses a few proxies; one hop too many is refused instead of being dropped in silence.
    package static let hopLimit = 32

    /// Appends `<a>, <b>` to `routes` (nothing without Record-Route) and to `target` the URI that requests in the dialog
    /// carry (nothing without Contact, unless the first hop is a strict router).
    ///
    /// A first hop without `;lr` is a strict router: its URI becomes the request URI and the Contact the last route.
    package static func append(
        from bytes: borrowing Span<UInt8>, index: borrowing MessageIndex, role: Role,
        routes: inout ByteBuffer, target: inout ByteBuffer
    ) throws(MalformedMessage) {
        var hops = Hops()
        try hops.collect(from: bytes, index)
        if hops.count == 0 {
            target.append(unfolding: bytes, index.contactURI)
            return
        }
        let first = hops[role == .client ? hops.count - 1 : 0]
        guard let firstHop = NameAddress.parse(bytes, from: Int(first.start), to: first.end) else {
            throw .address(.recordRoute, offset: Int(first.start))
        }
        let isStrict = !bytes.hasURIParameter(.lr, in: firstHop.uri)
        target.append(bytes, isStrict ? firstHop.uri : index.contactURI)
        let start = routes.count
        for i in (isStrict ? 1 : 0)..<hops.count {
            if routes.count > start { routes.append(", ") }
            routes.append(unfolding: bytes, hops[role == .client ? hops.count - 1 - i : i])
        }
        if isStrict, !index.contactURI.isEmpty {
            if routes.count > start { routes.append(", ") }
            routes.append("<")
            routes.append(bytes, index.contactURI)
            routes.append(">")
        }
    }

    /// The Record-Route values of all headers, in the order of the message.
    private struct Hops {
        private(set) var count = 0
        private var ranges = InlineArray<32, ByteRange>(repeating: .empty)

        subscript(i: Int) -> ByteRange { ranges[i] }

        mutating func collect(
            from bytes: borrowing Span<UInt8>, _ index: borrowing MessageIndex
        ) throws(MalformedMessage) {
            for header in index.headers where header.name == .recordRoute {
                var itemStart = Int(header.value.start)
                while itemStart < header.value.end {
                    let itemEnd = bytes.endOfListItem(from: itemStart, to: header.value.end)
                    let first = bytes.skipBlanks(from: itemStart, to: itemEnd)
                    let hop = ByteRange(first, bytes.trimBlanks(from: first, to: itemEnd))
                    if !hop.isEmpty {
                        if count == hopLimit { throw .tooManyRoutes }
                        ranges[count] = hop
                        count += 1
                    }
                    itemStart = itemEnd + 1
                }
            }
        }
    }
}

extension Span<UInt8> {
    /// Parameters of a URI follow its host; a `;` before the `@` belongs to the user (RFC 3261, 19.1.1).
    func hasURIParameter(_ name: PackedName, in uri: ByteRange) -> Bool {
        var position = firstIndex(of: UInt8(ascii: "@"), from: Int(uri.start), to: uri.end)
        if position == uri.end { position = Int(uri.start) }
        // What follows `?` are headers.
        let end = firstIndex(of: UInt8(ascii: "?"), from: position, to: uri.end)
        position = firstIndex(of: UInt8(ascii: ";"), from: position, to: end)
        while let parameter = nextParameter(at: &position, to: end) {
            if isName(parameter.name, name) { return true }
        }
        return false
    }
}
