import Datagrams

/// A request, its copies, and what answered it, as the capture point saw them. Members name messages by their place in
/// `SIPTraffic.messages`.
package struct Transaction: Sendable {
    package var requests: [Int]
    package var responses: [Int] = []
    /// Of an INVITE: the ACKs to its final response, whatever transaction they are in.
    package var acks: [Int] = []

    package var first: Int { requests[0] }
}

/// All transactions of a capture, in the order of their first request.
///
/// A transaction is known by Call-ID, branch, CSeq and the host that asked (RFC 3261, 17.1.3): each side of a proxy has a
/// branch of its own, and of an address translator an address of its own, so that each leg is apart.
package struct TransactionTable: Sendable {
    package private(set) var transactions: [Transaction] = []
    /// Responses whose request was not captured, and ACKs whose INVITE was not.
    package private(set) var strayResponses: UInt64 = 0
    package private(set) var strayACKs: UInt64 = 0
    /// Of each address, the number of the first one with the same host.
    package let hosts: [UInt32]

    private struct Key: Hashable {
        var callID: UInt32
        var branch: UInt32
        var cseq: UInt32
        var method: CallTag.Method
        var methodText: UInt32
        /// `anyHost` where the response came to another address than the request was sent from.
        var host: UInt32
    }

    /// The 2xx's ACK is a transaction of its own: what it has in common with its INVITE.
    private struct DialogKey: Hashable {
        var callID: UInt32
        var cseq: UInt32
        var host: UInt32
    }

    private static let anyHost = UInt32.max

    private var byKey: [Key: Int] = [:]
    private var invites: [DialogKey: Int] = [:]

    package init(_ traffic: SIPTraffic) {
        hosts = Self.hosts(of: traffic.addresses)
        for (place, message) in traffic.messages.enumerated() {
            if !message.isRequest {
                addResponse(message, place)
            } else if message.method == .ack {
                addACK(message, place)
            } else {
                addRequest(message, place)
            }
        }
        byKey = [:]
        invites = [:]
    }

    private static func hosts(of addresses: AddressTable) -> [UInt32] {
        var numbers: [SocketAddress: UInt32] = [:]
        return addresses.addresses.enumerated().map { number, address in
            let host = address.withPort(0)
            if let known = numbers[host] { return known }
            numbers[host] = UInt32(number)
            return UInt32(number)
        }
    }

    private mutating func addRequest(_ message: CapturedMessage, _ place: Int) {
        let key = key(of: message, method: message.method, host: hosts[Int(message.source)])
        if let known = byKey[key] { return transactions[known].requests.append(place) }
        byKey[key] = transactions.count
        var anyHost = key
        anyHost.host = Self.anyHost
        byKey[anyHost] = transactions.count
        if message.method == .invite { invites[dialogKey(of: message)] = transactions.count }
        transactions.append(Transaction(requests: [place]))
    }

    private mutating func addResponse(_ message: CapturedMessage, _ place: Int) {
        let exact = key(of: message, method: message.method, host: hosts[Int(message.destination)])
        guard let known = byKey[exact] ?? byKey[key(of: message, method: message.method, host: Self.anyHost)] else {
            strayResponses += 1
            return
        }
        transactions[known].responses.append(place)
    }

    private mutating func addACK(_ message: CapturedMessage, _ place: Int) {
        // To a 3xx-6xx within the INVITE's transaction, to a 2xx with a branch of its own (17.1.1.3, 13.2.2.4).
        let within = byKey[key(of: message, method: .invite, host: hosts[Int(message.source)])]
        guard let known = within ?? invites[dialogKey(of: message)] else {
            strayACKs += 1
            return
        }
        transactions[known].acks.append(place)
    }

    private func key(of message: CapturedMessage, method: CallTag.Method, host: UInt32) -> Key {
        Key(
            callID: message.callID, branch: message.branch, cseq: message.cseq, method: method,
            methodText: message.methodText, host: host)
    }

    private func dialogKey(of message: CapturedMessage) -> DialogKey {
        DialogKey(callID: message.callID, cseq: message.cseq, host: hosts[Int(message.source)])
    }
}

extension Transaction {
    /// The first final response.
    package func final(in messages: [CapturedMessage]) -> CapturedMessage? {
        responses.lazy.map { messages[$0] }.first { $0.isFinal }
    }
}
