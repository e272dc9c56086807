import Datagrams
import SIP
import Scenarios

/// One step of a scenario, as SIPp's files and screens show it.
package struct SippStep: Equatable, Sendable {
    package enum Kind: Equatable, Sendable {
        /// A method, or for a response its code; whether it is sent again by a timer.
        case send(String, isRetransmitted: Bool)
        /// A method, or a code.
        case receive(String, isOptional: Bool)
        case pause(Nanoseconds?)
        case nop
    }

    package var kind: Kind
    package var startsResponseTime = false
    /// The name of the response time that ends here.
    package var stopsResponseTime: String?

    package init(kind: Kind, startsResponseTime: Bool = false, stopsResponseTime: String? = nil) {
        self.kind = kind
        self.startsResponseTime = startsResponseTime
        self.stopsResponseTime = stopsResponseTime
    }

    /// The steps of a file, without labels: the place of each is its index in SIPp's numbering and in `Journal.steps`.
    package static func steps(of scenario: Scenario) -> [SippStep] {
        scenario.steps.compactMap { step in
            guard let kind = kind(of: step) else { return nil }
            return SippStep(
                kind: kind, startsResponseTime: step.startsResponseTime != nil,
                stopsResponseTime: step.stopsResponseTime?.value)
        }
    }

    private static func kind(of step: Scenario.Step) -> Kind? {
        switch step.kind {
        case .send(let send):
            let text =
                switch send.kind {
                case .request(let method): method
                case .response(let status): "\(status)"
                }
            return .send(text, isRetransmitted: send.retransmission != nil)
        case .receive(let receive): return .receive(receive.text, isOptional: receive.presence != .mandatory)
        case .pause(let pause), .timewait(let pause):
            switch pause.length {
            case .fixed(let length): return .pause(length)
            case .runDefault, .variable, .sampled: return .pause(nil)
            }
        case .nop: return .nop
        case .label: return nil
        }
    }

    /// What SIPp names when something else came.
    package var expectation: (verb: String, what: String) {
        switch kind {
        case .send(let text, _): ("sending", text)
        case .receive(let text, _): ("expecting", text)
        case .pause: ("pausing", "")
        case .nop: ("executing command", "")
        }
    }
}
