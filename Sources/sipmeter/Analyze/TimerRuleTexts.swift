import Captures
import Datagrams
import Latency
import Reports
import SIP

/// The timer rules in words.
enum TimerRuleTexts {
    static func report(
        _ check: TimerCheck, _ traffic: SIPTraffic, _ files: [CaptureFile], settings: TimerCheck.Settings
    ) -> TimerRulesReport {
        let groups = TimerRule.Subject.allCases.map { subject in
            TimerRulesReport.Group(
                title: title(subject),
                rules: check.verdicts.filter { $0.rule.subject == subject }.map { verdict in
                    TimerRulesReport.Rule(
                        text: text(verdict.rule), checked: verdict.checked, violated: verdict.violated,
                        example: verdict.worst.map { example($0, verdict.rule, traffic, files) })
                })
        }
        let assumed =
            "T1 \(length(settings.timers.t1)), T2 \(length(settings.timers.t2)), tolerance \(length(settings.tolerance))"
        return TimerRulesReport(settings: assumed, groups: groups)
    }

    private static func title(_ subject: TimerRule.Subject) -> String {
        switch subject {
        case .invite: "INVITE sent again (timers A, B; 17.1.1.2)"
        case .request: "other requests sent again (timers E, F; 17.1.2.2)"
        case .refusal: "300-699 to INVITE sent again (timers G, H; 17.2.1)"
        case .success: "2xx to INVITE sent again (13.3.1.4)"
        }
    }

    private static func text(_ rule: TimerRule) -> String {
        let end =
            switch rule.subject {
            case .invite: "any response"
            case .request: "the final response"
            case .refusal, .success: "the ACK"
            }
        return switch rule.aspect {
        case .first: "first copy after T1"
        case .doubling: rule.subject == .invite ? "intervals double" : "intervals double up to T2"
        case .proceeding: "after a 1xx every T2"
        case .complete: "no copy left out"
        case .stop: "none after \(end)"
        case .giveUp: "none from 64 x T1 on"
        }
    }

    private static func example(
        _ example: RuleVerdict.Example, _ rule: TimerRule, _ traffic: SIPTraffic, _ files: [CaptureFile]
    ) -> String {
        let frame =
            files.count > 1 ? "\(files[Int(example.file)].name) frame \(example.frame)" : "frame \(example.frame)"
        let place = "Call-ID \(traffic.texts.text(example.callID)), \(frame): "
        return switch rule.aspect {
        case .first, .doubling, .proceeding:
            place + "sent after \(length(example.seen)), expected after \(length(example.expected))"
        case .complete: place + "\(example.missing) \(example.missing == 1 ? "copy" : "copies") due and not seen"
        case .stop: place + "sent \(length(example.seen)) after it"
        case .giveUp: place + "sent after \(length(example.seen)), the limit is \(length(example.expected))"
        }
    }

    private static func length(_ length: Nanoseconds) -> String { DecimalText.milliseconds(length) + " ms" }
}

extension CheckedRetransmission.Check {
    /// The `check` column.
    var text: StaticString {
        switch self {
        case .ok: "ok"
        case .early: "early"
        case .late: "late"
        case .afterStop: "after_end"
        case .afterGiveUp: "after_64t1"
        case .prompted: "prompted"
        }
    }
}
