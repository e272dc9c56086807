import Captures
import Datagrams
import Latency
import Observations
import Reports

/// What a capture's report says beside the calls: its frames, its transactions by method, its directions.
enum CaptureFigures {
    static func report(
        _ traffic: SIPTraffic, _ table: TransactionTable, _ calls: [CapturedCall], begunBefore: UInt64
    ) -> CaptureReport {
        var report = CaptureReport()
        report.contents = contents(traffic.counts, table, calls, begunBefore: begunBefore)
        report.methods = methods(traffic, table)
        report.directions = directions(traffic, calls)
        register(traffic, table, &report)
        return report
    }

    /// In the order of a reader's interest.
    static func contents(
        _ counts: CaptureCounts, _ table: TransactionTable, _ calls: [CapturedCall], begunBefore: UInt64
    ) -> [(name: String, count: UInt64)] {
        let further = UInt64(calls.filter(\.hasFurtherLegs).count)
        let byCallee = UInt64(calls.filter(\.isEndedByCallee).count)
        return [
            ("in all", counts.frames), ("SIP over UDP", counts.sipDatagrams), ("messages", counts.messages),
            ("left out as captured twice", counts.duplicates), ("out of order", counts.outOfOrder),
            ("cut by the snap length and read", counts.cutMessages),
            ("cut and not readable", counts.unreadable + counts.cut), ("malformed SIP", counts.malformed),
            ("SIP over TCP, not analysed", counts.sipOverTCP), ("fragments", counts.fragments),
            ("packets put together", counts.reassembled), ("packets with a piece missing", counts.incompletePackets),
            ("messages behind another in one datagram", counts.segments), ("SIP on another port", counts.otherPort),
            ("UDP without payload", counts.emptyUDP), ("other UDP", counts.otherUDP), ("other TCP", counts.otherTCP),
            ("other IP", counts.otherTransport), ("not IP", counts.notIP), ("broken", counts.brokenPackets),
            ("responses without their request", table.strayResponses), ("ACKs without their INVITE", table.strayACKs),
            ("calls begun before the capture", begunBefore), ("calls ended by the callee", byCallee),
            ("calls seen on further legs", further),
        ]
    }

    private static func methods(_ traffic: SIPTraffic, _ table: TransactionTable) -> [CaptureReport.Method] {
        var byName: [String: Int] = [:]
        var methods: [CaptureReport.Method] = []
        for transaction in table.transactions {
            let first = traffic.messages[transaction.first]
            let name = first.method == .other ? traffic.texts.text(first.methodText) : first.method.text.description
            let number = byName[name] ?? methods.count
            if number == methods.count {
                byName[name] = number
                methods.append(CaptureReport.Method(name: name))
            }
            methods[number].transactions += 1
            methods[number].copies += UInt64(transaction.requests.count - 1)
            if transaction.requests.count > 1 { methods[number].resent += 1 }
            if let final = transaction.final(in: traffic.messages) {
                methods[number].times.record(final.at - first.at)
            } else {
                methods[number].unanswered += 1
            }
        }
        return methods
    }

    /// A recorder is megabytes; beyond this many pairs of hosts the rest is one direction.
    private static let mostDirections = 6

    private static func directions(_ traffic: SIPTraffic, _ calls: [CapturedCall]) -> [CaptureReport.Direction] {
        var byPair: [String: [CallRecord]] = [:]
        for call in calls {
            let name = "\(traffic.addresses[call.caller].host) -> \(traffic.addresses[call.callee])"
            byPair[name, default: []].append(call.record)
        }
        let sorted = byPair.sorted { ($1.value.count, $0.key) < ($0.value.count, $1.key) }
        var groups = sorted.prefix(mostDirections).map { (name: $0.key, records: $0.value) }
        let rest = sorted.dropFirst(mostDirections)
        if !rest.isEmpty { groups.append(("\(rest.count) other directions", rest.flatMap(\.value))) }
        return groups.map { name, records in
            var recorder = LatencyRecorder()
            for record in records { recorder.record(record) }
            return CaptureReport.Direction(name: name, calls: UInt64(records.count), recorder)
        }
    }

    /// RFC 6076, 4.1 and 4.2: the delay includes the challenge, and a challenge is no failure.
    private static func register(_ traffic: SIPTraffic, _ table: TransactionTable, _ report: inout CaptureReport) {
        var begun: [UInt32: Nanoseconds] = [:]
        for transaction in table.transactions {
            let first = traffic.messages[transaction.first]
            guard first.method == .register else { continue }
            report.ira.denominator += 1
            let start = begun[first.callID] ?? first.at
            begun[first.callID] = start
            guard let final = transaction.final(in: traffic.messages) else {
                if let last = traffic.lastFrame, last - first.at >= .seconds(32) { report.ira.numerator += 1 }
                continue
            }
            switch final.status {
            case 401, 402, 407: continue
            case 400...: report.ira.numerator += 1
            case 200..<300: report.rrd.record(final.at - start)
            case _: break
            }
            begun[first.callID] = nil
        }
    }

    // MARK: the capture's own verdict

    /// Whether the capture can be believed: what it did not hold, nobody can measure.
    static func verdict(_ traffic: SIPTraffic, _ files: [CaptureFile], notes: [String]) -> Verdict {
        let counts = traffic.counts
        var evidence: [String] = []
        for file in files {
            if let complaint = file.complaint {
                evidence.append("\(file.name) ends before its end (\(complaint)): \(file.frames) frames were read.")
            }
        }
        let lost = counts.unreadable + counts.cut
        if lost > 0 { evidence.append("\(lost) frames were cut by the snap length before what they are known by.") }
        if counts.incompletePackets > 0 {
            evidence.append("Of \(counts.incompletePackets) fragmented packets a piece is missing.")
        }
        var notes = notes
        if counts.sipOverTCP > 0 {
            notes.append("\(counts.sipOverTCP) TCP segments begin SIP messages: TCP is not analysed.")
        }
        notes.append("Times are those of the capture point: what lies between it and the caller is not in them.")
        if evidence.isEmpty {
            return Verdict(
                level: .valid, evidence: ["The capture is whole: \(counts.frames) frames, none cut short."],
                notes: notes)
        }
        return Verdict(level: .suspect, evidence: evidence, notes: notes)
    }
}
