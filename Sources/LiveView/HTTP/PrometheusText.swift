import Datagrams
import Latency
import Observations

/// `/metrics`: Prometheus' text format, version 0.0.4. What is undefined is left out; what only grows does so over all
/// levels of a command.
package enum PrometheusText {
    package static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    package static func text(_ state: LiveState) -> String {
        var text = Writer()
        calls(state, &text)
        responses(state, &text)
        times(state, &text)
        generator(state, &text)
        about(state, &text)
        return text.text
    }

    private static func calls(_ state: LiveState, _ text: inout Writer) {
        let totals = state.totals
        text.counter("sip_calls_offered_total", "Calls that fell due.", totals.counters.offered)
        text.counter("sip_calls_started_total", "Calls placed.", totals.counters.started)
        text.family(
            "sip_calls_total", "counter", "Calls that have ended, by result as in the column outcome of rtt.csv.")
        let results = Dictionary(totals.outcomes.map { ($0.key.kindText, $0.value) }, uniquingKeysWith: +)
        for (result, count) in (["ok": 0] as [String: UInt64]).merging(results, uniquingKeysWith: { $1 }).sorted(by: {
            $0.key < $1.key
        }) {
            text.sample("sip_calls_total", [("result", result)], "\(count)")
        }
        text.gauge("sip_concurrent_calls", "Calls open now.", "\(state.open)")
        if let rate = state.rate, state.phase != .ended {
            let now = state.phase == .running ? rate : 0
            text.gauge("sip_offered_rate", "Calls per second that the schedule asks for now.", number(now))
        }
        let sessions = totals.sessions
        for (name, help, ratio) in [
            ("sip_ser_ratio", "Session Establishment Ratio (RFC 6076, 4.6), 0 to 1.", sessions.ser),
            ("sip_seer_ratio", "Session Establishment Effectiveness Ratio (RFC 6076, 4.7), 0 to 1.", sessions.seer),
            ("sip_isa_ratio", "Ineffective Session Attempts (RFC 6076, 4.8), 0 to 1.", sessions.isa),
            ("sip_scr_ratio", "Session Completion Ratio (RFC 6076, 4.9), 0 to 1.", sessions.scr),
        ] {
            if let percent = ratio.percent { text.gauge(name, help, number(percent / 100)) }
        }
    }

    private static func responses(_ state: LiveState, _ text: inout Writer) {
        let totals = state.totals
        if !totals.responses.isEmpty {
            text.family(
                "sip_responses_total", "counter",
                "Responses received, by the method of the request and the status, repeats of final ones left out.")
            let byName = totals.responses.sorted {
                ($0.key.name, $0.key.status) < ($1.key.name, $1.key.status)
            }
            for (kind, count) in byName {
                let code = kind.status == 0 ? "other" : "\(kind.status)"
                text.sample("sip_responses_total", [("method", kind.name), ("code", code)], "\(count)")
            }
        }
        text.family(
            "sip_retransmissions_total", "counter",
            "Messages sent again, by the timer of RFC 3261 and 6026 that did it.")
        for timer in TimerName.allCases {
            // Those of the calling side always: a rate over a series that is not there yet is none.
            let count = totals.timers[timer] ?? 0
            guard count > 0 || timer == .a || timer == .e else { continue }
            text.sample("sip_retransmissions_total", [("timer", "\(timer.text)")], "\(count)")
        }
        text.counter(
            "sip_acks_repeated_total", "ACKs sent again for a repeated final response.", totals.counters.acksRepeated)
        text.counter(
            "sip_repeats_received_total", "Requests and final responses that came again.",
            totals.counters.repeatsReceived)
        text.counter(
            "sip_stray_messages_total", "Messages of no call or transaction of this run.", totals.counters.stray)
    }

    private static func times(_ state: LiveState, _ text: inout Writer) {
        text.family(
            "sip_rtt_seconds", "histogram",
            "Response time of calls that ended ok, from the first request sent or due to the last final response, less the pauses."
        )
        text.histogram("sip_rtt_seconds", [("base", "sent")], state.totals.fromSent)
        text.histogram("sip_rtt_seconds", [("base", "due")], state.totals.fromDue)
        text.family("sipmeter_lag_seconds", "histogram", "How late calls were placed, of those that have ended.")
        text.histogram("sipmeter_lag_seconds", [], state.totals.late)
    }

    private static func generator(_ state: LiveState, _ text: inout Writer) {
        let counters = state.totals.counters
        text.counter("sipmeter_datagrams_sent_total", "Datagrams or messages sent.", counters.datagramsSent)
        text.counter("sipmeter_datagrams_received_total", "Datagrams or messages received.", counters.datagramsReceived)
        text.counter(
            "sipmeter_rx_drops_total", "Datagrams the kernel dropped because the receive queue was full.",
            counters.receiveQueueDrops)
        text.counter(
            "sipmeter_send_queue_full_total", "Sends refused because the send queue was full, and made later.",
            counters.sendQueueFull)
        text.counter("sipmeter_send_errors_total", "Sends that failed otherwise.", counters.sendErrors)
        text.family("sipmeter_sending_cpu_seconds_total", "counter", "CPU time of the sending threads.")
        text.sample("sipmeter_sending_cpu_seconds_total", [], number(state.totals.cpu.seconds))
        if let verdict = state.verdict {
            text.family("sipmeter_verdict", "gauge", "1 for the verdict on the generator so far.")
            for level in [Verdict.Level.valid, .suspect, .invalid] {
                text.sample("sipmeter_verdict", [("level", level.text)], verdict.level == level ? "1" : "0")
            }
        }
    }

    private static func about(_ state: LiveState, _ text: inout Writer) {
        let subject = state.subject
        text.gauge(
            "sipmeter_run_ended", "1 when the run is over and its figures are final.", state.phase == .ended ? "1" : "0"
        )
        text.family("sipmeter_run_info", "gauge", "What is run; always 1.")
        text.sample(
            "sipmeter_run_info",
            [
                ("command", subject.command), ("target", subject.target), ("transport", subject.transport),
                ("scenario", subject.scenario),
            ], "1")
        text.family("sipmeter_build_info", "gauge", "The program; always 1.")
        text.sample("sipmeter_build_info", [("version", subject.version)], "1")
    }

    /// As short as it can be read back.
    private static func number(_ value: Double) -> String {
        value == value.rounded() && value.magnitude < 1e15 ? "\(Int64(value))" : "\(value)"
    }

    private struct Writer {
        private(set) var text = ""

        mutating func family(_ name: String, _ type: String, _ help: String) {
            text += "# HELP \(name) \(escaped(help, quotes: false))\n# TYPE \(name) \(type)\n"
        }

        mutating func counter(_ name: String, _ help: String, _ value: UInt64) {
            family(name, "counter", help)
            sample(name, [], "\(value)")
        }

        mutating func gauge(_ name: String, _ help: String, _ value: String) {
            family(name, "gauge", help)
            sample(name, [], value)
        }

        mutating func sample(_ name: String, _ labels: [(String, String)], _ value: String) {
            let pairs = labels.map { "\($0.0)=\"\(escaped($0.1, quotes: true))\"" }.joined(separator: ",")
            text += name + (pairs.isEmpty ? "" : "{\(pairs)}") + " \(value)\n"
        }

        mutating func histogram(_ name: String, _ labels: [(String, String)], _ buckets: LatencyBuckets) {
            for (edge, count) in zip(LatencyBuckets.edges, buckets.counts) {
                sample(name + "_bucket", labels + [("le", number(edge.seconds))], "\(count)")
            }
            sample(name + "_bucket", labels + [("le", "+Inf")], "\(buckets.count)")
            sample(name + "_sum", labels, number(buckets.seconds))
            sample(name + "_count", labels, "\(buckets.count)")
        }

        private func escaped(_ text: String, quotes: Bool) -> String {
            var escaped = ""
            for character in text.unicodeScalars {
                switch character {
                case "\\": escaped += "\\\\"
                case "\n": escaped += "\\n"
                case "\"" where quotes: escaped += "\\\""
                case _: escaped.unicodeScalars.append(character)
                }
            }
            return escaped
        }
    }
}

extension LiveTotals.Responses {
    fileprivate var name: String { method == .other ? "other" : "\(method.text)" }
}
