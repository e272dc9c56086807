/// Which elements, attributes and actions SIPp knows, and which of them run here.
///
/// What SIPp knows and sipmeter cannot do is refused by name: a scenario that runs is a scenario that was understood.
enum ScenarioVocabulary {
    enum Support: Hashable {
        case runs
        /// Screen layout and the like: no effect on the calls.
        case ignored
        case notYet
        /// Not yet, but `false` says it is not wanted.
        case notYetUnlessFalse
    }

    /// An element below `<scenario>`.
    enum TopElement: String, CaseIterable {
        case send, recv, pause, timewait, nop, label, sendCmd, recvCmd
        case initialisation = "init"
        case global = "Global"
        case user = "User"
        case reference = "Reference"
        case responseTimeRepartition = "ResponseTimeRepartition"
        case callLengthRepartition = "CallLengthRepartition"
        case defaultMessage = "DefaultMessage"

        /// Its attributes; `nil` where the element does not run.
        var attributes: [String: Support]? {
            switch self {
            case .send: ScenarioVocabulary.send
            case .recv: ScenarioVocabulary.receive
            case .pause: ScenarioVocabulary.pause
            case .timewait: ScenarioVocabulary.pause
            case .nop: ScenarioVocabulary.common
            case .label: ["id": .runs]
            case .reference: ["variables": .runs]
            case .responseTimeRepartition, .callLengthRepartition: ["value": .runs]
            case .sendCmd, .recvCmd, .initialisation, .global, .user, .defaultMessage: nil
            }
        }
    }

    static let actions: Set<String> = [
        "ereg", "log", "warning", "error", "assign", "add", "subtract", "multiply", "divide", "assignstr", "todouble",
        "trim", "urlencode", "urldecode", "test", "strcmp", "gettimeofday", "index", "jump", "pauserestore", "sample",
        "lookup", "insert", "replace", "verifyauth", "setdest", "closecon", "exec", "rtp_echo",
    ]

    static let common: [String: Support] = [
        "start_rtd": .runs, "rtd": .runs, "next": .runs, "ontimeout": .runs, "crlf": .ignored, "hide": .ignored,
        "hiderest": .ignored, "display": .ignored, "repeat_rtd": .notYetUnlessFalse, "counter": .notYet,
        "test": .notYet, "chance": .notYet, "condexec": .notYet, "condexec_inverse": .notYet, "lost": .notYet,
        "ignoresdp": .notYetUnlessFalse,
    ]

    static let send = withCommon([
        "retrans": .runs, "timeout": .notYet, "start_txn": .notYet, "ack_txn": .notYet,
    ])

    static let receive = withCommon([
        "response": .runs, "request": .runs, "optional": .runs, "timeout": .runs, "rrs": .runs,
        "regexp_match": .notYetUnlessFalse, "auth": .notYetUnlessFalse, "response_txn": .notYet,
        "advance_state": .notYet,
    ])

    static let pause = withCommon([
        "milliseconds": .runs, "sanity_check": .ignored, "variable": .notYet, "distribution": .notYet,
        "value": .notYet, "min": .notYet, "max": .notYet, "mean": .notYet, "stdev": .notYet, "lambda": .notYet,
        "k": .notYet, "x_m": .notYet, "shape": .notYet, "scale": .notYet, "location": .notYet, "theta": .notYet,
        "n": .notYet, "p": .notYet,
    ])

    private static func withCommon(_ own: [String: Support]) -> [String: Support] { common.merging(own) { $1 } }
}
