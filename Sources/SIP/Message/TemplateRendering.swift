import Datagrams

extension MessageTemplate {
    /// Appends the message to `out`. `last` and `lastIndex` are the last received message and its index; a template
    /// that does not use them (`usesLastMessage`) may be given an empty span and any index.
    package func render(
        into out: inout ByteBuffer, values: RenderValues, texts: borrowing Span<UInt8>,
        last: borrowing Span<UInt8>, lastIndex: borrowing MessageIndex
    ) -> Rendered {
        // Spans: an empty `InsertedTexts` would be counted in and out for each message.
        render(into: &out, values, texts, last, lastIndex, Span(), Span())
    }

    /// `inserts` has a text for each of the template's `inserts`; one that is missing is empty.
    package func render(
        into out: inout ByteBuffer, values: RenderValues, texts: borrowing Span<UInt8>,
        last: borrowing Span<UInt8>, lastIndex: borrowing MessageIndex, inserts: borrowing InsertedTexts
    ) -> Rendered {
        render(into: &out, values, texts, last, lastIndex, inserts.bytes.storage.span, inserts.ranges.span)
    }

    private func render(
        into out: inout ByteBuffer, _ values: RenderValues, _ texts: borrowing Span<UInt8>,
        _ last: borrowing Span<UInt8>, _ lastIndex: borrowing MessageIndex, _ inserts: borrowing Span<UInt8>,
        _ places: borrowing Span<TextRange>
    ) -> Rendered {
        let start = out.count
        var callID = 0..<0
        var bodyCount = 0
        if measuresBody {
            // Written once to learn its length, and again where it belongs.
            render(
                bodyStart..<parts.count, into: &out, values, texts, last, lastIndex, inserts, places, bodyCount: 0,
                &callID)
            bodyCount = out.count - start
            out.truncate(to: start)
        }
        render(
            parts.indices, into: &out, values, texts, last, lastIndex, inserts, places, bodyCount: bodyCount, &callID)
        let place = callID.isEmpty ? 0..<0 : callID.lowerBound - start..<callID.upperBound - start
        return Rendered(
            start: start, count: out.count - start, callIDStart: UInt16(clamping: place.lowerBound),
            callIDCount: UInt16(clamping: place.count))
    }

    private func render(
        _ range: Range<Int>, into out: inout ByteBuffer, _ values: RenderValues, _ texts: borrowing Span<UInt8>,
        _ last: borrowing Span<UInt8>, _ lastIndex: borrowing MessageIndex, _ inserts: borrowing Span<UInt8>,
        _ places: borrowing Span<TextRange>, bodyCount: Int, _ callID: inout Range<Int>
    ) {
        let bytes = self.literals
        let literals = bytes.span
        for i in range {
            switch parts[i] {
            case .literal(let text):
                out.append(literals.extracting(text.bounds))
            case .callNumber:
                out.append(decimal: values.identity.number)
            case .callID:
                values.identity.append(to: &out)
            case .branch(let offset):
                BranchIdentity(
                    run: values.identity.run, number: values.identity.number,
                    sequence: UInt32(truncatingIfNeeded: Int64(values.branchSequence) + Int64(offset))
                ).append(to: &out)
            case .cseq(let offset):
                out.append(number: values.cseq, plus: offset)
            case .peerTag:
                if values.peerTag.isEmpty { continue }
                out.append(";tag=")
                out.append(texts.extracting(values.peerTag.bounds))
            case .localIP:
                out.append(hostInURI: values.localAddress)
            case .localPort(let offset):
                out.append(number: UInt32(values.localAddress.port), plus: offset)
            case .messageIndex(let offset):
                out.append(number: values.messageIndex, plus: offset)
            case .contentLength(let offset):
                out.append(contentLength: bodyCount + Int(offset))
            case .lastHeader(let header):
                let value = append(header, from: last, lastIndex, to: &out)
                if header.name == .callID, header.withName { callID = value }
            case .lastRequestURI:
                out.append(last, lastIndex.toURI)
            case .lastCSeqNumber(let offset):
                out.append(number: lastIndex.cseq, plus: offset)
            case .lastMessage:
                out.append(last.extracting(0..<lastIndex.body.end))
            case .routes(let ownsLine):
                if values.routes.isEmpty { continue }
                out.append("Route: ")
                out.append(texts.extracting(values.routes.bounds))
                if ownsLine { out.append("\r\n") }
            case .nextURL:
                let target = values.remoteTarget.isEmpty ? values.requestURI : values.remoteTarget
                out.append(texts.extracting(target.bounds))
            case .insert(let position, let ownsLine):
                guard Int(position) < places.count, !places[Int(position)].isEmpty else { continue }
                out.append(inserts.extracting(places[Int(position)].bounds))
                if ownsLine { out.append("\r\n") }
            case .callIDStart:
                callID = out.count..<out.count
            case .callIDEnd:
                callID = callID.lowerBound..<out.count
            }
        }
    }

    /// Gives the place of the value.
    private func append(
        _ wanted: LastHeader, from last: borrowing Span<UInt8>, _ index: borrowing MessageIndex,
        to out: inout ByteBuffer
    ) -> Range<Int> {
        let literals = self.literals
        let name = wanted.text.bounds
        var valueStart: Int?
        let headers = index.headers.span
        for i in headers.indices {
            let header = headers[i]
            if header.name != wanted.name { continue }
            if header.name == .other {
                let text = last.extracting(header.nameRange.bounds)
                if !text.equalsIgnoringCase(literals.span.extracting(name)) { continue }
            }
            if valueStart != nil {
                out.append(", ")
            } else {
                if wanted.withName { out.append(literals.span.extracting(name.lowerBound..<name.upperBound + 2)) }
                valueStart = out.count
            }
            if header.name == .via {
                out.append(via: header, of: last, index)
            } else {
                out.append(unfolding: last, header)
            }
        }
        guard let valueStart else { return out.count..<out.count }
        let value = valueStart..<out.count
        if wanted.ownsLine { out.append("\r\n") }
        return value
    }
}

extension ByteBuffer {
    mutating func append(_ bytes: borrowing Span<UInt8>, _ range: ByteRange) {
        append(bytes.extracting(range.bounds))
    }

    /// A header's value on one line: folding and the blanks around it become one blank (RFC 3261, 7.3.1).
    mutating func append(unfolding bytes: borrowing Span<UInt8>, _ header: MessageIndex.Header) {
        if header.isFolded { append(unfolding: bytes, header.value) } else { append(bytes, header.value) }
    }

    mutating func append(unfolding bytes: borrowing Span<UInt8>, _ range: ByteRange) {
        if bytes.firstIndex(of: .lineFeed, from: Int(range.start), to: range.end) == range.end {
            return append(bytes, range)
        }
        var i = Int(range.start)
        while i < range.end {
            let afterBlanks = bytes.skipBlanks(from: i, to: range.end)
            var isFold = false
            for j in i..<afterBlanks where bytes[j] == .lineFeed { isFold = true }
            if isFold {
                append(UInt8.space)
            } else {
                append(bytes.extracting(i..<afterBlanks))
            }
            i = afterBlanks
            while i < range.end, !bytes[i].isLinearBlank {
                append(bytes[i])
                i += 1
            }
        }
    }

    /// Never below zero: the texts that use it have no sign.
    mutating func append(number: UInt32, plus offset: Int32) {
        append(decimal: UInt64(max(Int64(number) + Int64(offset), 0)))
    }

    /// `SocketAddress.hostInURI` without making a string.
    package mutating func append(hostInURI address: SocketAddress) {
        switch address.family {
        case .ipv4:
            for i: UInt32 in 0..<4 {
                if i > 0 { append(UInt8(ascii: ".")) }
                append(decimal: UInt64(address.ipv4 >> (24 - 8 * i) & 255))
            }
        case .ipv6:
            append(UInt8(ascii: "["))
            append(ipv6: address)
            append(UInt8(ascii: "]"))
        }
    }

    /// The same without brackets.
    mutating func append(host address: SocketAddress) {
        switch address.family {
        case .ipv4: append(hostInURI: address)
        case .ipv6: append(ipv6: address)
        }
    }

    /// RFC 5952, 4.2: the longest run of two or more zero groups is shortened, the first one if they tie.
    private mutating func append(ipv6 address: SocketAddress) {
        func group(_ i: Int) -> UInt64 {
            (i < 4 ? address.high : address.low) >> UInt64((3 - i % 4) * 16) & 0xFFFF
        }
        var zeros = 8..<8
        var start = 0
        while start < 8 {
            var end = start
            while end < 8, group(end) == 0 { end += 1 }
            if end - start > max(zeros.count, 1) { zeros = start..<end }
            start = end + 1
        }
        for i in 0..<8 {
            if i == zeros.lowerBound { append("::") }
            if zeros.contains(i) { continue }
            if i > 0, i != zeros.upperBound { append(UInt8(ascii: ":")) }
            append(hex: group(i))
        }
    }
}
