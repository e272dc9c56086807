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
            case .reference, .global, .user: ["variables": .runs]
            case .responseTimeRepartition, .callLengthRepartition: ["value": .runs]
            case .initialisation: [:]
            case .defaultMessage: ["id": .runs]
            case .sendCmd, .recvCmd: nil
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
        "hiderest": .ignored, "display": .ignored, "repeat_rtd": .runs, "counter": .runs, "test": .runs,
        "chance": .runs, "condexec": .runs, "condexec_inverse": .runs, "lost": .runs, "ignoresdp": .ignored,
    ]

    static let send = withCommon([
        // Congestion of a stream; a datagram is sent or refused at once.
        "retrans": .runs, "timeout": .ignored, "start_txn": .runs, "ack_txn": .runs,
    ])

    static let receive = withCommon([
        "response": .runs, "request": .runs, "optional": .runs, "timeout": .runs, "rrs": .runs,
        "regexp_match": .runs, "auth": .runs, "response_txn": .runs, "advance_state": .runs,
    ])

    static let pause = withCommon([
        "milliseconds": .runs, "sanity_check": .ignored, "variable": .runs, "distribution": .runs, "value": .runs,
        "min": .runs, "max": .runs, "mean": .runs, "stdev": .runs, "lambda": .runs, "k": .runs, "x_m": .runs,
        "shape": .runs, "scale": .runs, "location": .runs, "theta": .runs, "n": .runs, "p": .runs,
    ])

    private static func withCommon(_ own: [String: Support]) -> [String: Support] { common.merging(own) { $1 } }

    /// Attributes of each action.
    static let actionAttributes: [String: [String]] = [
        "ereg": [
            "regexp", "search_in", "header", "occurrence", "occurence", "case_indep", "start_line", "check_it",
            "check_it_inverse", "assign_to", "variable",
        ],
        "log": ["message"], "warning": ["message"], "error": ["message"],
        "assign": ["assign_to", "value", "variable"], "add": ["assign_to", "value", "variable"],
        "subtract": ["assign_to", "value", "variable"], "multiply": ["assign_to", "value", "variable"],
        "divide": ["assign_to", "value", "variable"], "assignstr": ["assign_to", "value"],
        "todouble": ["assign_to", "variable"], "trim": ["assign_to"], "urlencode": ["variable"],
        "urldecode": ["variable"],
        "test": ["assign_to", "variable", "variable2", "value", "compare", "check_it", "check_it_inverse"],
        "strcmp": ["assign_to", "variable", "variable2", "value", "check_it", "check_it_inverse"],
        "gettimeofday": ["assign_to"], "index": ["assign_to"], "jump": ["value", "variable"],
        "pauserestore": ["value", "variable"],
        "sample": [
            "assign_to", "distribution", "value", "min", "max", "mean", "stdev", "lambda", "k", "x_m", "shape",
            "scale", "location", "theta", "n", "p",
        ],
        "lookup": ["assign_to", "file", "key"], "insert": ["file", "value"], "replace": ["file", "line", "value"],
        "verifyauth": ["assign_to", "username", "password"],
        "exec": [
            "command", "int_cmd", "play_pcap_audio", "play_pcap_image", "play_pcap_video", "play_dtmf", "rtp_stream",
            "rtp_echo",
        ],
        "rtp_echo": ["value", "variable"],
    ]

    /// Actions SIPp knows and sipmeter does not.
    static let unsupportedActions: Set<String> = ["setdest", "closecon"]
}
