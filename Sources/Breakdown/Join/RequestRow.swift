import Datagrams

/// One request put together over all hosts, by each host's own clock.
struct RequestRow {
    var times = PointTimes()
    /// The first response on the wire, whatever its status.
    var firstResponse: MonotonicInstant?
    var status: UInt16 = 0
    var copies = 0
    var dropped = 0
    var receiver: UInt32 = 0
    var sender: UInt32 = 0
    var depth: UInt32?
    /// It was seen to be a request.
    var isRequest = false
    /// Which copy on one host is which on another could not be told.
    var isAmbiguous = false
}

/// Makes the rows: for each point one host is believed.
struct RowAssembly {
    let logs: [ResolvedLog]
    let index: RequestIndex
    /// By place in `ProbePoint.way`; -1: no host saw it.
    let owners: [Int]
    let end: BreakdownOptions.End
    /// By host; nil before they are known.
    var clocks: [HostClock]?

    /// -1 also for what is no point of the way.
    func owner(_ point: ProbePoint) -> Int { point.place < owners.count ? owners[point.place] : -1 }

    func row(_ request: Int) -> RequestRow {
        var row = RequestRow()
        var copies: [RequestCopies] = []
        for host in logs.indices {
            copies.append(self.copies(of: request, on: host))
            row.copies = max(row.copies, copies[host].copies.count)
            row.dropped = max(row.dropped, copies[host].copies.count { $0.isDropped })
        }
        row.isRequest = row.copies > 0
        takeRequest(copies, &row)
        for host in logs.indices { takeResponse(request, on: host, &row) }
        for host in logs.indices { takeEnd(request, on: host, &row) }
        keepOrder(&row)
        return row
    }

    // MARK: the request

    private func copies(of request: Int, on host: Int) -> RequestCopies {
        var copies = RequestCopies()
        for i in index.sightings[host].events(of: request) {
            let event = logs[host].events[Int(i)]
            let isOurs = event.point == .receiveDrop || event.point.isOfRequest && owner(event.point) == host
            if isOurs { copies.add(event, place: Int(i)) }
        }
        copies.finish()
        return copies
    }

    /// The first copy that reached the application, where that is seen, and on the other hosts the same one.
    private func takeRequest(_ copies: [RequestCopies], _ row: inout RequestRow) {
        let last = ProbePoint.way.last { $0.isOfRequest && owner($0) >= 0 }
        guard let last else { return }
        let home = owner(last)
        let all = copies[home].copies
        let chosen = all.firstIndex { $0.isReceived } ?? all.firstIndex { !$0.isDropped } ?? (all.isEmpty ? nil : 0)
        if let chosen {
            take(all[chosen], on: home, &row)
            row.receiver = all[chosen].receiver
            row.depth = all[chosen].enqueue.map { logs[home].depths[$0] }
        }
        for host in logs.indices where host != home {
            guard let copy = counterpart(of: chosen, on: host, home: home, copies, &row) else { continue }
            take(copies[host].copies[copy], on: host, &row)
        }
    }

    private func counterpart(
        of chosen: Int?, on host: Int, home: Int, _ copies: [RequestCopies], _ row: inout RequestRow
    ) -> Int? {
        let others = copies[host].copies
        if others.isEmpty { return nil }
        guard let chosen, others.count > 1, others.count != copies[home].copies.count else {
            return min(chosen ?? 0, others.count - 1)
        }
        row.isAmbiguous = true
        guard let clocks, let arrival = copies[home].copies[chosen].times.first else { return 0 }
        // The last one that can have caused it.
        let limit = clocks[home].corrected(arrival) + clocks[home].uncertainty + clocks[host].uncertainty
        return others.lastIndex { copy in copy.times.first.map { clocks[host].corrected($0) <= limit } ?? false } ?? 0
    }

    private func take(_ copy: RequestCopies.Copy, on host: Int, _ row: inout RequestRow) {
        for point in ProbePoint.way where point.isOfRequest && owner(point) == host {
            row.times[point] = copy.times[point]
            row.times.setInferred(point, copy.times.isInferred(point))
        }
    }

    // MARK: the response

    private func isEnd(_ status: UInt16) -> Bool {
        switch end {
        case .first: status >= 100
        case .final: status >= 200
        }
    }

    /// The response that ends the request, as it left the server.
    private func takeResponse(_ request: Int, on host: Int, _ row: inout RequestRow) {
        guard owner(.responseTransmit) == host else { return }
        let earliest = owner(.applicationReceive) == host ? row.times[.applicationReceive] : nil
        let events = index.sightings[host].events(of: request)
        for i in events {
            let event = logs[host].events[Int(i)]
            guard event.point == .responseTransmit, earliest.map({ event.at >= $0 }) ?? true else { continue }
            if row.firstResponse == nil { row.firstResponse = event.at }
            guard isEnd(event.status) else { continue }
            row.times[.responseTransmit] = event.at
            row.status = event.status
            takeSend(of: event, events, on: host, since: earliest, &row)
            return
        }
    }

    /// Of the sends of this status: its thread's own first one before it, else anyone's.
    private func takeSend(
        of transmit: TraceEvent, _ events: ArraySlice<Int32>, on host: Int, since earliest: MonotonicInstant?,
        _ row: inout RequestRow
    ) {
        guard owner(.applicationSend) == host else { return }
        var found: TraceEvent?
        for i in events {
            let event = logs[host].events[Int(i)]
            if event.at > transmit.at { break }
            guard event.point == .applicationSend, event.status == transmit.status,
                earliest.map({ event.at >= $0 }) ?? true
            else { continue }
            if event.thread == transmit.thread {
                found = event
                break
            }
            if found == nil { found = event }
        }
        guard let found else { return }
        row.times[.applicationSend] = found.at
        row.sender = found.thread
    }

    /// The same response further on; and what stands for it where the server's own was not seen.
    private func takeEnd(_ request: Int, on host: Int, _ row: inout RequestRow) {
        for i in index.sightings[host].events(of: request) {
            let event = logs[host].events[Int(i)]
            guard owner(event.point) == host, !row.times.has(event.point) else { continue }
            switch event.point {
            case .responseReceive, .responseArrived:
                // A client's run knows that a final response came, not always which.
                let isSame = row.status == 0 || row.status == event.status || event.flags.contains(.anyCSeq)
                if isEnd(event.status), isSame {
                    row.times[event.point] = event.at
                    if row.status == 0 { row.status = event.status }
                }
            case .applicationSend:
                // Only where nothing shows the response on the wire.
                if owner(.responseTransmit) < 0, isEnd(event.status) {
                    row.times[.applicationSend] = event.at
                    row.sender = event.thread
                    row.status = event.status
                }
            case .requestSent, .tapTransmit, .tapRead, .driverReceive, .protocolStart, .socketEnqueue,
                .applicationReceive, .responseTransmit, .waking, .contextSwitch, .receiveDrop:
                break
            }
        }
    }

    /// A reader on another CPU may be faster than the stamp of the point before: there the later point counts.
    private func keepOrder(_ row: inout RequestRow) {
        var later: (at: MonotonicInstant, host: Int)?
        for point in ProbePoint.way.reversed() where point.isOfRequest {
            guard let at = row.times[point] else { continue }
            let host = owner(point)
            if let bound = later, bound.host == host, at > bound.at { row.times[point] = bound.at }
            if let at = row.times[point] { later = (at, host) }
        }
    }
}

extension PointTimes {
    /// At the first point that saw it.
    var first: MonotonicInstant? {
        for point in ProbePoint.way { if let at = self[point] { return at } }
        return nil
    }
}
