import Datagrams
import Observations
import SIP
import Scenarios

/// What the engine is told once, at the start of a run.
package struct EngineConfiguration: Sendable {
    package enum Tagging: Sendable, Equatable {
        case none, all
        /// All calls but a share chosen by their number.
        case allBut(TagControl)

        func tags(_ number: UInt64) -> Bool {
            switch self {
            case .none: false
            case .all: true
            case .allBut(let control): control.tags(number)
            }
        }
    }

    /// Tells this run's Call-IDs and branches from every other run's.
    package var run: UInt32
    /// Times in records count from here.
    package var start: MonotonicInstant
    package var timers: TimerValues
    /// The timers above win over a scenario's `retrans`.
    package var overridesScenarioTimers = false
    /// How long a call may stay without a final response after a provisional one. RFC 3261 sets no limit (16.6, timer C
    /// is a proxy's: over 3 minutes).
    package var ringTimeout: Nanoseconds = .seconds(180)
    /// Length of a pause whose scenario gives none.
    package var hold: Nanoseconds = .zero
    package var tagging = Tagging.none
    package var transport = TransportProtocol.udp
    /// Each call has a source of its own, which its owner wants back when the call has ended (`releasedSources`).
    package var hasSourcePerCall = false
    /// Addresses calls are placed from, in turn; the first is the socket's own.
    package var sources: [SocketAddress]
    /// Rows for the journal. An answering side only counts.
    package var recordsCalls = true
    /// The wall clock at `start`, for texts of scenarios, and the local time's offset in seconds.
    package var wallStart = WallInstant(nanoseconds: 0)
    package var utcOffset: Int64 = 0
    /// Calls belong to users (`UAC`, closed loop).
    package var hasUsers = false
    /// Of everything random in the scenario.
    package var seed: UInt64 = 1
    /// Digests: see `AuthenticationExchange`. Nil: challenges cannot be answered, credentials never hold.
    package var makeCredentials: CredentialsMaker?
    package var verifyCredentials: CredentialsVerifier?
    /// Counts of each step, unexpected messages with their text.
    package var keepsMessages = false
    /// Of so many of the calls that fail first the messages are kept; 0: of none, and no message is.
    package var keepsFailures = 0
    /// INFO, NOTIFY, OPTIONS and UPDATE the scenario does not mention get a 200, and the call goes on.
    package var autoAnswers = false
    /// What the scenario does not mention is left alone: no answer, no CANCEL, no BYE, and the call goes on.
    package var isBare = false
    /// The number of the first CSeq.
    package var firstCSeq: UInt32 = 1

    package init(run: UInt32, start: MonotonicInstant, timers: TimerValues = TimerValues(), sources: [SocketAddress]) {
        self.run = run
        self.start = start
        self.timers = timers
        self.sources = sources
    }
}

/// Calls, their transactions and timers, and the scenario each call walks through: what UAC and UAS have in common.
///
/// A value that holds no socket and reads no clock. Every event brings `now`; what is to be sent collects in `outbox`, what
/// was observed in `journal` and `counters`. The owner sends the outbox, tells the instants with `didSend`, and empties it.
/// After warm-up no event allocates.
///
/// Its methods are `mutating` also where they only read: a method that is not would be handed a copy of the whole engine.
package struct CallEngine: Sendable {
    /// A Call-ID of ours names an entry here, which says where the call is now.
    struct DirectoryEntry: Sendable, BitwiseCopyable {
        enum Place: Sendable, BitwiseCopyable {
            case free
            case open(UInt32)
            /// Number in `lingering`.
            case lingering(UInt64)
        }
        var number: UInt64
        /// 0: free. Else less 1: twice the place of an open call, or twice the number of a lingering one and 1.
        private var packed: UInt64

        init(number: UInt64, place: Place) {
            self.number = number
            packed = 0
            self.place = place
        }

        var place: Place {
            get {
                if packed == 0 { return .free }
                let value = (packed - 1) >> 1
                return (packed - 1) & 1 == 0 ? .open(UInt32(truncatingIfNeeded: value)) : .lingering(value)
            }
            set {
                switch newValue {
                case .free: packed = 0
                case .open(let i): packed = UInt64(i) << 1 + 1
                case .lingering(let number): packed = (number << 1 | 1) + 1
                }
            }
        }
    }

    /// Events of one call without any wait between them; past this a scenario's loop counts as broken.
    static let stepLimit = 10_000

    /// Nobody sees when an ended call is forgotten: it may wait for others, so that forgetting is not one wake-up a call.
    static let lingeringGrace = Nanoseconds.seconds(1)

    let program: Program
    /// Unchanged but for the sources: those of connections come and go.
    private(set) var configuration: EngineConfiguration
    package var outbox = Outbox()
    package var journal = Journal()
    package var counters = Counters()
    package private(set) var openCalls = 0
    /// With `hasSourcePerCall`: sources of the calls that have ended. What they still had to say stands in the outbox.
    package var releasedSources: [UInt16] = []

    var calls: [Call] = []
    /// Of all open calls. A call takes a place when it needs one, so that one which only waits for its BYE keeps one
    /// transaction and not room for three. The first stands for no transaction: read like any other, never written.
    var transactions = [CallTransaction()]
    private var freePlaces: [UInt32] = []
    private var freeCalls: [UInt32] = []
    var directory: [DirectoryEntry] = []
    private var freeSlots = Ring<UInt32>(minimumCapacity: 1024)
    var lingering = Ring<LingeringCall>(minimumCapacity: 1024)
    var byCallID = CallIDMap()
    var timers = TimerQueue()
    var texts = TextStore()
    /// Starts of the scenario's named response times, `responseTimeNames.count` for each place of `calls`.
    var responseTimeStarts: [Moment] = []
    /// A request of ours, rendered again to make another message from it.
    var request = ByteBuffer(capacity: 2048)
    var requestIndex = MessageIndex()
    var tagText = ByteBuffer(capacity: 256)
    var idText = ByteBuffer(capacity: 64)
    var resumed = ByteBuffer(capacity: 2048)
    var resumedIndex = MessageIndex()
    var receivedIndex = MessageIndex()
    var evidence: FailureEvidence
    /// When the datagram being handled arrived, by the kernel's word.
    var arrival = Moment.never
    /// One for each instruction.
    package internal(set) var stepCounts: [StepCount]
    /// To requests of ours.
    package internal(set) var responses = ResponseCounts()
    /// The timeout being handled is one of a receive.
    var isReceiveTimeout = false
    /// What the scenario writes before `[call_id]`: `x///`, or nothing.
    var callIDPrefix = ByteBuffer(capacity: 0)
    /// Whether the scenario's Call-IDs are `[call_id]`, so that calls are found without hashing. Known after the first.
    var usesOwnCallIDs: Bool?
    let hasGlobalReceives: Bool
    /// Some receive is for an expression or a method without a name of ours.
    let hasPatternReceives: Bool

    // What only scenarios with actions or keywords of the call's own use; empty for the others.

    /// Of each place of `calls`; empty where no call needs any.
    var callExtras: [CallExtras] = []
    /// `variables.call.count` for each place of `calls`.
    var callVariables: [VariableValue] = []
    /// `variables.user.count` for each user, and at first for calls without one.
    var userVariables: [VariableValue] = []
    var globalVariables: [VariableValue] = []
    var injections: [Injection]
    /// This engine's own: the C library's have a lock inside.
    let patterns: [any Pattern]
    var random: SeededGenerator
    var dynamicID = 10_000
    /// Of `counter`: one for each of the program's names.
    package var namedCounters: [UInt64]
    /// How far an action wants the run stopped. Its owner heeds it.
    package var stopRequest = StopRequest.none
    let keepsCallExtras: Bool
    /// Users whose call has ended since the owner last looked.
    var freedUsers: [UInt32] = []
    var actionText = ByteBuffer(capacity: 0)
    var otherText = ByteBuffer(capacity: 0)
    var parameterText = ByteBuffer(capacity: 0)
    var insertLevels = [InsertedTexts(), InsertedTexts(), InsertedTexts()]
    var credentialPlaces: [(position: Int, insert: UInt16)] = []
    var authentication = AuthenticationExchange()
    /// Why credentials were missing when it was said last. Nil: never.
    var saidReason: [UInt8]?
    /// The message before the one at hand, while a receive's actions show it.
    var previous = ByteBuffer(capacity: 0)
    var previousIndex = MessageIndex()

    package init(program: Program, configuration: EngineConfiguration) {
        self.program = program
        self.configuration = configuration
        evidence = FailureEvidence(calls: configuration.keepsFailures)
        stepCounts = Array(repeating: StepCount(), count: program.instructions.count)
        hasGlobalReceives = program.instructions.contains {
            if case .receive(let receive) = $0.operation { receive.presence == .globallyOptional } else { false }
        }
        hasPatternReceives = program.instructions.contains {
            guard case .receive(let receive) = $0.operation else { return false }
            return switch receive.match {
            case .status, .method: false
            case .otherMethod, .statusPattern, .methodPattern: true
            }
        }
        injections = program.injections
        patterns = program.patterns.map { $0.copied() }
        random = SeededGenerator(seed: configuration.seed ^ UInt64(configuration.run) << 32)
        namedCounters = [UInt64](repeating: 0, count: program.counterNames.count)
        keepsCallExtras = program.needsCallExtras || configuration.hasUsers
        globalVariables = [VariableValue](repeating: .unset, count: program.variables.global.count)
        // Address space, not memory: growing later would copy everything at a bad moment.
        calls.reserveCapacity(1 << 17)
        freeCalls.reserveCapacity(1 << 17)
        directory.reserveCapacity(1 << 20)
        transactions.reserveCapacity(1 << 18)
        freePlaces.reserveCapacity(1 << 18)
        initialise()
    }

    /// When `advance` wants to be called at the latest.
    package var deadline: MonotonicInstant {
        guard let first = lingering.first else { return timers.earliest }
        return min(timers.earliest, first.until + Self.lingeringGrace)
    }

    /// Fires what is due. Stops early when the outbox wants to be flushed; call again until `deadline` lies ahead.
    package mutating func advance(to now: MonotonicInstant) {
        while !outbox.wantsFlush, let entry = timers.popDue(at: now) {
            let i = Int(entry.call)
            guard calls[i].isOpen, calls[i].generation == entry.generation else { continue }
            switch entry.kind {
            case .scenario:
                if calls[i].stamp == entry.stamp { scenarioTimerFired(i, at: now) }
            case .transaction(let t):
                if transactions[calls[i].places[Int(t)]].stamp == entry.stamp {
                    transactionTimerFired(i, Int(t), at: now)
                }
            }
        }
        expireLingering(at: now)
        dropVoidTimers()
    }

    /// Timers that were stopped do not wake anybody: nearly all are, for most messages are answered.
    private mutating func dropVoidTimers() {
        while let entry = timers.first {
            let i = Int(entry.call)
            if calls[i].isOpen, calls[i].generation == entry.generation {
                switch entry.kind {
                case .scenario where calls[i].stamp == entry.stamp: return
                case .transaction(let t) where transactions[calls[i].places[Int(t)]].stamp == entry.stamp: return
                case .scenario, .transaction: break
                }
            }
            _ = timers.removeFirst()
        }
    }

    /// The datagram of this receipt was handed to the kernel at `sentAt`.
    package mutating func didSend(_ transmit: Transmit, at sentAt: MonotonicInstant) {
        counters.datagramsSent += 1
        let receipt = transmit.receipt
        guard receipt.slot < calls.count, let kind = ReceiptKind(rawValue: receipt.kind), kind != .response else {
            return
        }
        let i = Int(receipt.slot)
        guard calls[i].generation == receipt.generation, calls[i].isOpen else { return }
        let t = Int(receipt.index)
        let place = calls[i].places[t]
        if place == Self.noPlace { return }
        // Where the kernel refused the first copy, the first one it took counts.
        noteSending(i, place, at: sentAt)
        switch kind {
        case .firstSending:
            startResponseTimes(i, step: transactions[place].step, at: sentAt)
            endReaction(i, place, at: sentAt)
        case .retransmission: recordRetransmission(i, t, due: transmit.due, sentAt: sentAt)
        case .response: break
        }
    }

    private mutating func noteSending(_ i: Int, _ place: Int, at sentAt: MonotonicInstant) {
        transactions[place].sentAt.setOnce(sentAt)
        if transactions[place].isAutomatic { return }
        if transactions[place].isFirst { calls[i].sentAt.setOnce(sentAt) }
        if transactions[place].method == .bye { calls[i].byeSentAt.setOnce(sentAt) }
    }

    // MARK: places

    mutating func open(number: UInt64, at now: MonotonicInstant) -> Int {
        let i: Int
        if let free = freeCalls.popLast() {
            i = Int(free)
        } else {
            i = calls.count
            calls.append(Call())
            for _ in program.responseTimeNames { responseTimeStarts.append(.never) }
            if keepsCallExtras { addExtras() }
        }
        let slot: Int
        if freeSlots.isEmpty {
            slot = directory.count
            directory.append(DirectoryEntry(number: 0, place: .free))
        } else {
            slot = Int(freeSlots.removeFirst())
        }
        directory[slot] = DirectoryEntry(number: number, place: .open(UInt32(i)))
        let generation = calls[i].generation &+ 1
        calls[i] = Call()
        calls[i].number = number
        calls[i].slot = UInt32(slot)
        calls[i].generation = generation
        calls[i].isOpen = true
        calls[i].dueAt = now
        calls[i].cseq = configuration.firstCSeq &- 1
        let names = program.responseTimeNames.count
        for n in 0..<names { responseTimeStarts[i * names + n] = .never }
        if keepsCallExtras { callExtras[i] = CallExtras() }
        openCalls += 1
        return i
    }

    /// The call's place becomes free; its slot stays until the lingering is over.
    mutating func release(_ i: Int, at now: MonotonicInstant) {
        let remembered = makeLingering(i, until: now + configuration.timers.transactionTimeout)
        if keepsCallExtras { releaseExtras(i) }
        if lingers(i) {
            directory[Int(calls[i].slot)].place = .lingering(lingering.append(remembered))
        } else {
            forget(remembered)
        }
        if configuration.hasSourcePerCall { releasedSources.append(calls[i].source) }
        for t in 0..<Call.transactionLimit {
            let place = calls[i].places[t]
            if place == Self.noPlace { continue }
            texts.discard(&transactions[place].stored)
            transactions[place].machine = .none
            freePlaces.append(UInt32(place))
        }
        texts.discard(&calls[i].lastMessage)
        calls[i].isOpen = false
        freeCalls.append(UInt32(i))
        openCalls -= 1
    }

    /// From now on calls from this source have this address.
    package mutating func setSource(_ index: UInt16, to address: SocketAddress) {
        while configuration.sources.count <= Int(index) { configuration.sources.append(address) }
        configuration.sources[Int(index)] = address
    }

    static let noPlace = 0

    /// A place for a transaction. Its stamp goes on from what it was, so that old timer entries stay void.
    mutating func takePlace() -> Int {
        if let place = freePlaces.popLast() { return Int(place) }
        transactions.append(CallTransaction())
        return transactions.count - 1
    }

    mutating func forgetSlot(_ slot: UInt32) {
        directory[Int(slot)] = DirectoryEntry(number: 0, place: .free)
        freeSlots.append(slot)
    }

    /// Where the call of this Call-ID is.
    mutating func find(_ callID: borrowing Span<UInt8>) -> DirectoryEntry.Place {
        if usesOwnCallIDs != false, let identity = CallIdentity.parse(callID), identity.run == configuration.run {
            guard identity.slot < directory.count, directory[Int(identity.slot)].number == identity.number else {
                return .free
            }
            return directory[Int(identity.slot)].place
        }
        return findByText(callID)
    }

    private func findByText(_ callID: borrowing Span<UInt8>) -> DirectoryEntry.Place {
        guard let slot = byCallID.find(callID, in: texts, owner: { self.callIDText(ofSlot: $0) }) else { return .free }
        return directory[Int(slot)].place
    }

    private func callIDText(ofSlot slot: UInt32) -> TextRange {
        switch directory[Int(slot)].place {
        case .free: .empty
        case .open(let i): calls[Int(i)].callID
        case .lingering(let number): lingering[number].callID
        }
    }

    // MARK: stopping

    /// Ends every open call now: CANCEL or BYE goes out where one is due, once.
    package mutating func giveUp(_ outcome: CallOutcome, at now: MonotonicInstant) {
        for i in calls.indices where calls[i].isOpen {
            if calls[i].isClosing {
                release(i, at: now)
            } else {
                finish(i, outcome, at: now)
            }
        }
    }

    /// What is remembered of calls: nothing, once all have ended and 64 x T1 have passed.
    package var lingeringCalls: Int { lingering.count }
    package var hashedCallIDs: Int { byCallID.count }
    package var textBlocksInUse: Int { texts.blocksInUse }

    /// Open calls whose row is not yet written.
    package var unfinishedCalls: Int { calls.reduce(0) { $0 + ($1.isOpen && !$1.isClosing ? 1 : 0) } }
}

/// How far a scenario's action wants the run stopped.
package enum StopRequest: UInt8, Comparable, Sendable {
    case none
    /// No new calls.
    case gracefully
    case now
    /// At once, and the run has failed (`error`).
    case failed

    package static func < (a: StopRequest, b: StopRequest) -> Bool { a.rawValue < b.rawValue }
}

/// What `Transmit.Receipt.kind` means to the engine.
enum ReceiptKind: UInt8 {
    case firstSending, retransmission
    /// Only says whose it is: nothing is measured on it.
    case response
}
