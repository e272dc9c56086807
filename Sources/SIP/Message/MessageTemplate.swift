import Datagrams

/// INTERFACE SKETCH, to be completed: a message compiled once into literal bytes and slots.
package struct MessageTemplate: Sendable {
    package let pieces: [Piece]
    package init(pieces: [Piece]) throws(TemplateError) { self.pieces = pieces }

    package var usesLastMessage: Bool { false }
    package var usesRouteSet: Bool { false }
}

package struct TemplateError: Error { package var description: String { "" } }

package enum Piece: Hashable, Sendable { case literal([UInt8]), slot(Slot) }

package enum Slot: Hashable, Sendable {
    case callNumber, callID, branch(offset: Int32), cseq(offset: Int32), peerTag, localIP
    case messageIndex(offset: Int32)
    case contentLength(offset: Int32)
    case lastHeader(name: String, withName: Bool)
    case lastRequestURI
    case lastCSeqNumber(offset: Int32), lastMessage
    case routes
    case nextURL
}
