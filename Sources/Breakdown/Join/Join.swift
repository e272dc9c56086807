import Captures
import Datagrams

/// One host's recording.
package typealias Recording = (source: TraceSource, log: TraceLog, tally: TraceTally)

extension Breakdown {
    /// Puts the recordings of all hosts together, request by request. They may come in any order.
    package init(_ recordings: [Recording], options: BreakdownOptions = BreakdownOptions()) {
        self.init()
        guard !recordings.isEmpty else { return }
        var join = Join(recordings, options)
        join.findOwners()
        join.readClocks()
        join.assemble()
        self = join.result()
    }
}

/// The steps from recordings to a breakdown, in their order.
private struct Join {
    /// In the order of a request's way: client, host of the virtual machine, server.
    let recordings: [Recording]
    let options: BreakdownOptions
    var logs: [ResolvedLog]
    var index: RequestIndex
    var owners: [Int] = []
    var clocks: [HostClock]
    var sentences: [String] = []
    var uncertainties: [Nanoseconds?] = []
    /// Of all requests but ACKs, by number in `requests`.
    var rows: [RequestRow] = []
    var requests: [Int] = []
    var chain: [ProbePoint] = []
    var blocks: [Breakdown.Block] = []
    var start = Int64.max
    var tally = Breakdown.Tally()

    init(_ given: [Recording], _ options: BreakdownOptions) {
        let resolved = given.map { ResolvedLog($0.log) }
        let order = given.indices.sorted {
            (resolved[$0].placeOnTheWay, $0) < (resolved[$1].placeOnTheWay, $1)
        }
        let recordings = order.map { given[$0] }
        let logs = order.map { resolved[$0] }
        let clientsLast =
            recordings.indices.filter { recordings[$0].source.rung != .client }
            + recordings.indices.filter { recordings[$0].source.rung == .client }
        index = RequestIndex(zip(recordings, logs).map { ($0.log, $1) }, order: clientsLast)
        self.recordings = recordings
        self.logs = logs
        self.options = options
        clocks = recordings.map { _ in HostClock() }
    }

    // MARK: who is believed

    /// For each point the host that saw it, where several did: of the way in and out the outer one, else the inner one.
    mutating func findOwners() {
        let counts = logs.map { $0.countsByPlace }
        owners = ProbePoint.way.map { point in
            let most = counts.map { $0[point.place] }.max() ?? 0
            if most == 0 { return -1 }
            let enough = counts.indices.filter { counts[$0][point.place] * 2 >= most }
            let isOuter = [.requestSent, .tapTransmit, .tapRead, .responseReceive, .responseArrived].contains(point)
            return (isOuter ? enough.first : enough.last) ?? -1
        }
    }

    private func assembly(_ clocks: [HostClock]?) -> RowAssembly {
        RowAssembly(logs: logs, index: index, owners: owners, end: options.end, clocks: clocks)
    }

    // MARK: clocks

    mutating func readClocks() {
        guard logs.count > 1 else { return }
        let assembly = assembly(nil)
        var crossings: [[ClockEstimate.Crossing]] = Array(repeating: [], count: logs.count)
        for request in index.keys.indices where index.keys[request].method != .ack {
            let row = assembly.row(request)
            if row.isAmbiguous || row.copies != 1 { continue }
            for far in 1..<logs.count {
                if let crossing = crossing(to: far, row) { crossings[far].append(crossing) }
            }
        }
        for far in 1..<logs.count {
            crossings[far].sort { $0.arrived < $1.arrived }
            let estimate = ClockEstimate(crossings[far], isSameClock: isSameClock(far - 1, far))
            sentences.append(
                estimate.sentence(far: recordings[far].source.label, near: recordings[far - 1].source.label))
            uncertainties.append(estimate.offset.uncertainty)
            clocks[far].lines = [estimate.line] + clocks[far - 1].lines
            clocks[far].uncertainty = clocks[far - 1].uncertainty + (estimate.offset.uncertainty ?? .zero)
        }
    }

    private func crossing(to far: Int, _ row: RequestRow) -> ClockEstimate.Crossing? {
        var out: MonotonicInstant?
        var arrived: MonotonicInstant?
        var left: MonotonicInstant?
        var back: MonotonicInstant?
        for point in ProbePoint.way {
            guard let at = row.times[point] else { continue }
            let owner = owners[point.place]
            if point.isOfRequest {
                if owner == far - 1 { out = at }
                if owner == far, arrived == nil { arrived = at }
            } else {
                if owner == far { left = at }
                if owner == far - 1, back == nil { back = at }
            }
        }
        guard let out, let arrived else { return nil }
        var crossing = ClockEstimate.Crossing(out: out, arrived: arrived)
        if let left, let back { crossing.returned = (left, back) }
        return crossing
    }

    /// One machine, not started again in between: then its two clocks stand to each other as before.
    private func isSameClock(_ a: Int, _ b: Int) -> Bool {
        let (a, b) = (recordings[a].source, recordings[b].source)
        guard a.host == b.host, !a.host.isEmpty else { return false }
        let moved = a.clocks.step(to: b.clocks)
        return max(moved, -moved) < .seconds(1)
    }

    // MARK: rows

    mutating func assemble() {
        for host in logs.indices {
            for event in [logs[host].events.first, logs[host].events.last].compactMap(\.self) {
                start = min(start, clocks[host].corrected(event.at).nanoseconds)
            }
        }
        if start == .max { start = 0 }
        let assembly = assembly(clocks)
        let span = commonSpan()
        var isOutside: [Bool] = []
        for request in index.keys.indices {
            let row = assembly.row(request)
            if index.keys[request].method == .ack {
                if row.isRequest { tally.acks += 1 }
            } else if row.isRequest || row.firstResponse != nil || row.times.first != nil {
                requests.append(request)
                rows.append(row)
                isOutside.append(span.map { !$0.contains(begin(row) ?? $0.lowerBound) } ?? false)
            }
        }
        findChain(zip(rows, isOutside).filter { !$0.1 }.map(\.0))
        setAside(isOutside)
        count()
    }

    /// When all hosts recorded; nil where their clocks could not be compared.
    private func commonSpan() -> ClosedRange<Int64>? {
        guard logs.count > 1, uncertainties.allSatisfy({ $0 != nil }) else { return nil }
        var span = Int64.min...Int64.max
        for host in logs.indices {
            guard let (from, to) = recorded(host) else { return nil }
            let own = relative(from, host: host)...max(relative(from, host: host), relative(to, host: host))
            guard span.overlaps(own) else { return nil }
            span = span.clamped(to: own)
        }
        return span
    }

    /// By the host's own clock. Probes say how long they recorded, events or not; of a client's run, and of a recording that
    /// was stopped hard, events are all that tells.
    private func recorded(_ host: Int) -> (MonotonicInstant, MonotonicInstant)? {
        guard let first = logs[host].events.first, let last = logs[host].events.last else { return nil }
        let (source, lasted) = (recordings[host].source, recordings[host].tally.lasted)
        if source.rung == .client || lasted <= .zero { return (first.at, last.at) }
        return (min(first.at, source.clocks.monotonic), max(last.at, source.clocks.monotonic + lasted))
    }

    private func begin(_ row: RequestRow) -> Int64? {
        for point in ProbePoint.way { if let at = corrected(row, point) { return at } }
        return nil
    }

    /// Of a recording of a part of the load the rest of the load is not missing. What was seen at all points counts.
    private mutating func setAside(_ isOutside: [Bool]) {
        let kept = rows.indices.filter { i in !isOutside[i] || chain.allSatisfy { rows[i].times.has($0) } }
        tally.outside = rows.count - kept.count
        if tally.outside == 0 { return }
        rows = kept.map { rows[$0] }
        requests = kept.map { requests[$0] }
    }

    private mutating func findChain(_ rows: [RequestRow]) {
        func counts(_ point: ProbePoint, in rows: [RequestRow]) -> Double { Double(rows.count { $0.times.has(point) }) }
        // A request that was dropped or never answered does not say which points there are: those with an end do.
        let ends = ProbePoint.way.filter(\.isOfResponse).map { (point: $0, count: counts($0, in: rows)) }
        let most = ends.map(\.count).max() ?? 0
        let end = ends.last { $0.count > 0 && $0.count >= most * options.leastPresence }
        let whole = end.map { end in rows.filter { $0.times.has(end.point) } } ?? rows
        chain = ProbePoint.way.filter { point in
            let seen = counts(point, in: whole)
            return seen > 0 && seen >= Double(whole.count) * options.leastPresence
        }
        blocks = zip(chain, chain.dropFirst()).map { from, to in
            var block = Breakdown.Block(
                name: BlockName.name(from: from, to: to), from: from, to: to,
                quality: max(quality(from), quality(to)))
            let (a, b) = (owners[from.place], owners[to.place])
            if a != b {
                let crossed = uncertainties[min(a, b)..<max(a, b)]
                // Where one of the pairs could not be compared, nothing is known: half the longest time there is.
                block.clockUncertainty = crossed.reduce(.zero) { sum, length in sum + (length ?? Self.unbounded) }
            }
            return block
        }
    }

    private func quality(_ point: ProbePoint) -> KeyQuality {
        let seen = rows.count { $0.times.has(point) }
        let inferred = rows.count { $0.times.has(point) && $0.times.isInferred(point) }
        return Double(inferred) > Double(seen) * Self.mostInferred ? .inferred : .exact
    }

    private mutating func count() {
        tally.requests = rows.count
        tally.receiveDrops = logs.reduce(0) { $0 + $1.drops }
        tally.requestsDropped = rows.count { $0.dropped > 0 }
        tally.sentAgain = rows.count { $0.copies > 1 }
        tally.unreadable = recordings.reduce(0) { $0 + $1.log.unreadable }
        tally.unkept = recordings.reduce(0) { $0 + $1.log.unkept }
        var lacking = [Int](repeating: 0, count: ProbePoint.way.count)
        for row in rows {
            if let point = chain.first(where: { !row.times.has($0) }) { lacking[point.place] += 1 }
        }
        if chain.count >= 2 { tally.joined = rows.count - lacking.reduce(0, +) }
        tally.lacking = ProbePoint.way.compactMap { lacking[$0.place] > 0 ? ($0, lacking[$0.place]) : nil }
    }

    // MARK: the result

    func result() -> Breakdown {
        var result = Breakdown()
        result.blocks = blocks
        result.tally = tally
        result.clocks = sentences
        result.sources = recordings.map(\.source)
        result.recordings = recordings.map(\.tally)
        result.texts = index.texts
        result.start = MonotonicInstant(nanoseconds: start)
        let bursts = Bursts(arrivals(), gap: options.burstGap)
        let order = joinedInOrder()
        result.requests = order.map { request($0, bursts) }
        result.queues = queues()
        let server = owners[ProbePoint.applicationReceive.place]
        addThreads(server, order, to: &result)
        result.bursts = bursts.groups(of: result.requests, wait: blocks.firstIndex { $0.to == .applicationReceive })
        result.shares = BlockShare.shares(of: result.requests, blocks: blocks.count)
        return result
    }

    private func corrected(_ row: RequestRow, _ point: ProbePoint) -> Int64? {
        row.times[point].map { relative($0, host: owners[point.place]) }
    }

    /// Since the start, by the first host's clock.
    private func relative(_ instant: MonotonicInstant, host: Int) -> Int64 {
        clocks[host].corrected(instant).nanoseconds - start
    }

    private func joinedInOrder() -> [Int] {
        guard chain.count >= 2 else { return [] }
        let joined = rows.indices.filter { i in chain.allSatisfy { rows[i].times.has($0) } }
        let begins = joined.map { (corrected(rows[$0], chain[0]) ?? 0, $0) }
        return begins.sorted { $0 < $1 }.map { $0.1 }
    }

    private func request(_ i: Int, _ bursts: Bursts) -> Breakdown.Request {
        let (row, key) = (rows[i], index.keys[requests[i]])
        let times = chain.map { corrected(row, $0) ?? 0 }
        let begin = times[0]
        let end = times[times.count - 1]
        let first = row.firstResponse.map { relative($0, host: owners[ProbePoint.responseTransmit.place]) } ?? end
        let burst = bursts.burst(of: i)
        return Breakdown.Request(
            callID: key.callID, method: key.method, cseq: key.cseq, begin: Nanoseconds(begin),
            lengths: zip(times, times.dropFirst()).map { Nanoseconds($1 - $0) },
            first: Nanoseconds(first - begin), total: Nanoseconds(end - begin), status: row.status,
            copies: UInt16(clamping: max(row.copies, 1)), receiver: row.receiver, sender: row.sender,
            burstSize: UInt32(burst.size), burst: UInt32(burst.number), depth: row.depth)
    }

    /// When each request came to the server, also those that were not joined.
    private func arrivals() -> [(row: Int, at: Int64)] {
        let candidates: [ProbePoint] = [.protocolStart, .driverReceive, .socketEnqueue, .tapTransmit, .requestSent]
        guard let point = candidates.first(where: { chain.contains($0) }) ?? chain.first else { return [] }
        return rows.indices.compactMap { i in corrected(rows[i], point).map { (i, $0) } }
    }

    // MARK: queues

    private func queues() -> [QueueSample] {
        var samples: [QueueSample] = []
        for host in logs.indices {
            if owners[ProbePoint.tapRead.place] == host { addTap(host, to: &samples) }
            if owners[ProbePoint.socketEnqueue.place] == host { addSockets(host, to: &samples) }
        }
        // Of one instant the order of the events stays.
        let order = samples.indices.sorted { (samples[$0].at, $0) < (samples[$1].at, $1) }
        return order.map { samples[$0] }
    }

    private func addTap(_ host: Int, to samples: inout [QueueSample]) {
        var depth: UInt32 = 0
        for event in logs[host].events {
            let at = Nanoseconds(relative(event.at, host: host))
            if event.point == .tapTransmit {
                depth += 1
                samples.append(QueueSample(at: at, queue: .tap, event: .enqueue, depth: depth))
            } else if event.point == .tapRead {
                samples.append(QueueSample(at: at, queue: .tap, event: .read, depth: depth))
                if depth > 0 { depth -= 1 }
            }
        }
    }

    private func addSockets(_ host: Int, to samples: inout [QueueSample]) {
        let log = logs[host]
        for (event, depth) in zip(log.events, log.depths)
        where event.point == .socketEnqueue && !event.flags.contains(.dropped) {
            let at = Nanoseconds(relative(event.at, host: host))
            samples.append(QueueSample(at: at, queue: .socket, event: .enqueue, depth: depth))
        }
    }

    // MARK: threads

    private func addThreads(_ host: Int, _ order: [Int], to result: inout Breakdown) {
        let host = host >= 0 ? host : logs.count - 1
        let states = ThreadStates(
            logs[host].events, servers: servers(host), time: { relative($0, host: host) })
        guard states.hasRecords else { return }
        let commands = Commands(recordings[host].log)
        result.threads = states.threads.sorted { $0.key < $1.key }.map { number, thread in
            ThreadTimeline(
                thread: number, process: thread.process, command: commands[thread.command],
                slices: thread.slices.map { slice in
                    ThreadTimeline.Slice(
                        from: Nanoseconds(slice.from), to: Nanoseconds(slice.to), state: slice.state,
                        cpu: UInt32(slice.cpu), behind: commands[slice.behind])
                })
        }
        guard owners[ProbePoint.applicationReceive.place] == host else { return }
        let seesQueue = owners[ProbePoint.socketEnqueue.place] == host
        let seesSend = owners[ProbePoint.applicationSend.place] == host
        for (number, i) in order.enumerated() {
            let row = rows[i]
            if seesQueue, let wait = cut(row, .socketEnqueue, .applicationReceive, number, states, commands) {
                result.waits.append(wait)
            }
            if seesSend, row.receiver == row.sender,
                let work = cut(row, .applicationReceive, .applicationSend, number, states, commands)
            {
                result.work.append(work)
            }
        }
    }

    private func servers(_ host: Int) -> Set<UInt32> {
        var servers = Set(recordings[host].source.threads.map(\.process))
        for event in logs[host].events {
            switch event.point {
            case .applicationReceive, .applicationSend, .waking: servers.insert(event.process)
            case .tapTransmit, .tapRead, .driverReceive, .protocolStart, .socketEnqueue, .responseTransmit,
                .responseReceive, .contextSwitch, .receiveDrop, .requestSent, .responseArrived:
                break
            }
        }
        servers.remove(0)
        return servers
    }

    private func cut(
        _ row: RequestRow, _ begin: ProbePoint, _ end: ProbePoint, _ number: Int, _ states: ThreadStates,
        _ commands: Commands
    ) -> SocketWait? {
        guard let from = corrected(row, begin), let to = corrected(row, end) else { return nil }
        let total = Nanoseconds(to - from)
        guard let thread = states.threads[row.receiver] else {
            var causes = InlineArray<5, Nanoseconds>(repeating: .zero)
            causes[WaitCause.unknown.rawValue] = total
            return SocketWait(request: number, thread: row.receiver, command: "", cpu: 0, total: total, causes: causes)
        }
        let runnable = thread.lastRunnable(from: from, to: to)
        return SocketWait(
            request: number, thread: row.receiver, command: commands[thread.command],
            cpu: UInt32(thread.cpu(at: to)), total: total, causes: thread.cut(from: from, to: to),
            behind: commands[thread.longestBehind(from: from, to: to)],
            wakeToRun: runnable.map { Nanoseconds($0.to - $0.from) })
    }

    /// Of the points of so many requests the key may come from the order of a queue, and the point is still called exact:
    /// two in a thousand do where a thread slept in its receive before the probes came.
    private static let mostInferred = 0.01
    private static let unbounded = Nanoseconds.seconds(3600)
}

/// A log's command names as strings, made once.
private struct Commands {
    private let names: [String]

    init(_ log: TraceLog) {
        names = [""] + (0..<log.commandCount).map { log.command(UInt32($0) + 1) }
    }

    subscript(_ number: UInt32) -> String { Int(number) < names.count ? names[Int(number)] : "" }
}

extension ResolvedLog {
    /// Events with a key, by place in `ProbePoint.way`.
    fileprivate var countsByPlace: [Int] {
        var counts = [Int](repeating: 0, count: ProbePoint.way.count)
        for event in events where event.hasKey && event.point.place < counts.count {
            if event.point.isOfResponse && !event.flags.contains(.isResponse) { continue }
            counts[event.point.place] += 1
        }
        return counts
    }

    /// 0: a client's run; 1: the host of a virtual machine; 2: the server.
    fileprivate var placeOnTheWay: Int {
        var isHost = false
        var isServer = false
        for event in events {
            switch event.point {
            case .requestSent, .responseArrived: return 0
            case .tapRead, .responseReceive: isHost = true
            case .socketEnqueue, .applicationReceive, .applicationSend, .responseTransmit: isServer = true
            case .tapTransmit, .driverReceive, .protocolStart, .waking, .contextSwitch, .receiveDrop: break
            }
        }
        return isHost && !isServer ? 1 : 2
    }
}

extension TraceSource {
    fileprivate var label: String {
        let name = host.isEmpty ? "a host without a name" : host
        return rung == .client ? "the client on " + name : name
    }
}
