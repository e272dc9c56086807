import Datagrams
import Observations
import SIP

/// A monotonic instant that may not have come yet, in one word.
struct Moment: Sendable, BitwiseCopyable {
    private var raw: Int64 = .min

    static let never = Moment()
    init() {}
    init(_ instant: MonotonicInstant) { raw = instant.nanoseconds }

    var instant: MonotonicInstant? { raw == .min ? nil : MonotonicInstant(nanoseconds: raw) }
    var hasCome: Bool { raw != .min }
    mutating func setOnce(_ instant: MonotonicInstant) { if raw == .min { raw = instant.nanoseconds } }
    mutating func shift(by length: Nanoseconds) { if raw != .min { raw += length.rawValue } }
}

/// One transaction of a call: the RFC's state machine and what is needed to send its message again.
struct CallTransaction: Sendable, BitwiseCopyable {
    enum Machine: Sendable, BitwiseCopyable {
        case none
        case inviteClient(InviteClientTransaction)
        case client(ClientTransaction)
        case inviteServer(InviteServerTransaction)
        case server(ServerTransaction)
    }

    /// What only a client or only a server transaction keeps, in one place: there may be a hundred thousand of them.
    private enum Side: Sendable, BitwiseCopyable {
        case client(Client)
        /// Where responses go (RFC 3261, 18.2.2).
        case server(replyTo: SocketAddress)
    }

    private struct Client: Sendable, BitwiseCopyable {
        var rawCSeq: UInt32 = 0
        var branchSequence: UInt32 = 0
        var ackSequence: UInt32 = 0
        var ackStep: UInt16 = .max
        var ackStored = TextRange.empty
    }

    private var side = Side.client(Client())
    var machine = Machine.none
    var method = Method.other
    /// The call's first request: `trying`, `ringing` and `answer` are measured on it.
    var isFirst = false
    /// Made by the engine itself (CANCEL, BYE on giving up), not by a step of the scenario.
    var isAutomatic = false
    /// INVITE server: the ACK of our 2xx has come.
    var isAcknowledged = false
    var retransmissions: UInt16 = 0
    /// The step that sent it, for rendering it again; `.max` where `stored` holds the bytes.
    var step: UInt16 = .max
    /// Server: the last response sent.
    var status: UInt16 = 0
    /// Stamp of the timer entry that counts; entries with another one are void.
    var stamp: UInt32 = 0
    /// The number in the CSeq header.
    var cseq: UInt32 = 0
    /// Server: hash of the branch's text.
    var branchHash: UInt64 = 0
    var schedule = RetransmissionSchedule(start: MonotonicInstant(nanoseconds: 0), t1: .zero)
    /// Client: the request's bytes, where it cannot be rendered again. Server: the last response's.
    var stored = TextRange.empty
    var sentAt = Moment.never

    private var client: Client {
        get {
            switch side {
            case .client(let client): client
            case .server: Client()
            }
        }
        set { if case .client = side { side = .client(newValue) } }
    }

    /// Client: the call's counter when the CSeq was rendered.
    var rawCSeq: UInt32 {
        get { client.rawCSeq }
        set { client.rawCSeq = newValue }
    }
    /// Client: which branch of ours.
    var branchSequence: UInt32 {
        get { client.branchSequence }
        set { client.branchSequence = newValue }
    }
    /// INVITE client: the ACK of the 2xx, as a step and its branch, or as bytes.
    var ackStep: UInt16 {
        get { client.ackStep }
        set { client.ackStep = newValue }
    }
    var ackSequence: UInt32 {
        get { client.ackSequence }
        set { client.ackSequence = newValue }
    }
    var ackStored: TextRange {
        get { client.ackStored }
        set { client.ackStored = newValue }
    }
    /// Server: where responses go. Setting it makes this a server's.
    var replyTo: SocketAddress {
        get {
            switch side {
            case .client: SocketAddress(ipv4: 0, port: 0)
            case .server(let address): address
            }
        }
        set { side = .server(replyTo: newValue) }
    }

    /// Server: a final response is still to come.
    var awaitsFinalResponse: Bool {
        switch machine {
        case .none, .inviteClient, .client: false
        case .inviteServer(let state): state == .proceeding
        case .server(let state): state == .trying || state == .proceeding
        }
    }

    /// Its state no longer matters to the flow: the place may be given to another transaction.
    var isFinished: Bool {
        switch machine {
        case .none: true
        case .inviteClient(let state):
            switch state {
            case .completed, .terminated: true
            // Accepted must go on answering repeated 2xx.
            case .calling, .proceeding, .accepted: false
            }
        case .client(let state): state == .completed || state == .terminated
        case .inviteServer(let state):
            switch state {
            case .confirmed, .terminated: true
            case .proceeding, .completed, .accepted: false
            }
        case .server(let state): state == .completed || state == .terminated
        }
    }
}

/// A call while it is open: fixed size, no references.
struct Call: Sendable, BitwiseCopyable {
    enum Waiting: UInt8, Sendable, BitwiseCopyable { case nothing, receive, pause }

    /// Transactions at once: INVITE, one request of ours beside it, one of the peer's. A further one takes the place of
    /// a finished one.
    static let transactionLimit = 3

    // The widest first and the narrow ones together: nothing is lost between them.
    var number: UInt64 = 0
    var slot: UInt32 = 0
    var generation: UInt32 = 0
    var stamp: UInt32 = 0
    /// Backward jumps so far: keeps the branches of a repeated step apart.
    var loop: UInt32 = 0
    var cseq: UInt32 = 0
    var retransmissions: UInt32 = 0
    /// Where its transactions stand among those of all calls (`CallEngine.noPlace`: there is none).
    var places = TransactionPlaces()
    /// Index of the step the call stands on.
    var step: UInt16 = 0
    var source: UInt16 = 0
    var automaticRequests: UInt16 = 0
    var inviteStatus: UInt16 = 0
    var isOpen = false
    /// The row is written; only automatic messages (CANCEL, BYE) are still to be settled.
    var isClosing = false
    var isTagged = false
    var hasSentRequest = false
    /// The peer's BYE has come.
    var hasPeerEnded = false
    var waiting = Waiting.nothing
    /// Place of the transaction begun last.
    var newestTransaction: UInt8 = 0
    /// The server transaction that the scenario's next response answers.
    var answering: UInt8 = .max

    var destination = SocketAddress(ipv4: 0, port: 0)
    var callID = TextRange.empty
    var peerTag = TextRange.empty
    var routes = TextRange.empty
    var remoteTarget = TextRange.empty
    var lastMessage = TextRange.empty

    var dueAt = MonotonicInstant(nanoseconds: 0)
    var sentAt = Moment.never
    var tryingAt = Moment.never
    var ringingAt = Moment.never
    var answeredAt = Moment.never
    var byeSentAt = Moment.never
    var byeAnsweredAt = Moment.never
    /// The last final response, less what `hold` was then: a pause after it is no part of the response time.
    var lastFinalAt = Moment.never
    var pausedAt = Moment.never
    /// Named response times already taken: only the first stop of a call counts.
    var stoppedResponseTimes: UInt64 = 0
    var hold = Nanoseconds.zero
    var stamps = CallStamps()
}

/// Where a call's transactions stand.
struct TransactionPlaces: Sendable, BitwiseCopyable {
    private var places = InlineArray<3, UInt32>(repeating: UInt32(CallEngine.noPlace))

    subscript(t: Int) -> Int {
        get { Int(places[t]) }
        set { places[t] = UInt32(newValue) }
    }
}
