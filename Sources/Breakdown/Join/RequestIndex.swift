import Captures
import Datagrams

/// All requests of all hosts, numbered from 0, and for each host the events of each request in the order of time.
struct RequestIndex {
    struct Key: Hashable {
        /// Over all hosts.
        var callID: UInt32
        var cseq: UInt32
        var method: CallTag.Method
    }

    private struct Transaction: Hashable {
        var callID: UInt32
        var method: CallTag.Method
    }

    /// Events of one host by request: of request n those of `order[starts[n] ..< starts[n + 1]]`.
    struct Sightings {
        fileprivate var starts: [Int32]
        fileprivate var order: [Int32]

        func events(of request: Int) -> ArraySlice<Int32> {
            request + 1 < starts.count ? order[Int(starts[request])..<Int(starts[request + 1])] : []
        }
    }

    private(set) var keys: [Key] = []
    private(set) var sightings: [Sightings] = []
    /// Call-IDs as people read them, by number; 0 is none.
    private(set) var texts: [String] = [""]
    private var numbers: [Key: Int32] = [:]
    /// The first request of a Call-ID and method, for those who do not know its CSeq number.
    private var transactions: [Transaction: Int32] = [:]
    private var callIDs = ByteTable()

    /// Clients' runs must come last: they may not know CSeq numbers.
    init(_ logs: [(log: TraceLog, resolved: ResolvedLog)], order: [Int]) {
        sightings = Array(repeating: Sightings(starts: [], order: []), count: logs.count)
        for i in order { add(logs[i].log, logs[i].resolved.events, to: i) }
    }

    private mutating func add(_ log: TraceLog, _ events: [TraceEvent], to place: Int) {
        let global = globalNumbers(log)
        var requests = [Int32](repeating: -1, count: events.count)
        for i in events.indices where events[i].hasKey && !events[i].isForeign {
            requests[i] = number(of: events[i], callID: global[Int(events[i].callID)])
        }
        sightings[place] = Self.sorted(requests, count: keys.count)
    }

    private mutating func globalNumbers(_ log: TraceLog) -> [UInt32] {
        var global: [UInt32] = [0]
        for local in 0..<UInt32(log.callIDCount) {
            let number = log.withKey(local + 1) { callIDs.number(of: $0) }
            if Int(number) == texts.count {
                texts.append(log.callID(local + 1))
            } else if texts[Int(number)].utf8.count < log.callID(local + 1).utf8.count {
                // The other host had only its digest.
                texts[Int(number)] = log.callID(local + 1)
            }
            global.append(number)
        }
        return global
    }

    private mutating func number(of event: TraceEvent, callID: UInt32) -> Int32 {
        let transaction = Transaction(callID: callID, method: event.method)
        if event.flags.contains(.anyCSeq), let known = transactions[transaction] { return known }
        let key = Key(callID: callID, cseq: event.cseq, method: event.method)
        if let known = numbers[key] { return known }
        let number = Int32(keys.count)
        numbers[key] = number
        keys.append(key)
        if transactions[transaction] == nil { transactions[transaction] = number }
        return number
    }

    /// A counting sort: events are in the order of time already.
    private static func sorted(_ requests: [Int32], count: Int) -> Sightings {
        var starts = [Int32](repeating: 0, count: count + 1)
        for request in requests where request >= 0 { starts[Int(request) + 1] += 1 }
        for i in 0..<count { starts[i + 1] += starts[i] }
        var next = starts
        var order = [Int32](repeating: 0, count: Int(starts[count]))
        for (event, request) in requests.enumerated() where request >= 0 {
            order[Int(next[Int(request)])] = Int32(event)
            next[Int(request)] += 1
        }
        return Sightings(starts: starts, order: order)
    }
}

extension TraceEvent {
    /// A request of the server's own, or a response to one: a proxy's other side.
    fileprivate var isForeign: Bool {
        switch point {
        case .applicationSend, .responseTransmit, .responseReceive: !flags.contains(.isResponse)
        case .tapTransmit, .tapRead, .driverReceive, .protocolStart, .socketEnqueue, .receiveDrop:
            flags.contains(.isResponse)
        // It says of its packet that it was none of ours.
        case .applicationReceive: false
        case .waking, .contextSwitch: true
        case .requestSent, .responseArrived: false
        }
    }
}
