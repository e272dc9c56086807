import Breakdown
import Datagrams
import Foundation
import Testing

@Suite struct AdviceTests {
    private static func block(_ from: ProbePoint, _ to: ProbePoint, _ name: String = "block") -> Breakdown.Block {
        Breakdown.Block(name: name, from: from, to: to, quality: .exact)
    }

    private static func figures(_ set: (inout AdviceFigures) -> Void) -> AdviceFigures {
        var figures = AdviceFigures()
        (figures.requests, figures.joined) = (1_000, 1_000)
        set(&figures)
        return figures
    }

    private static func cause(_ cause: WaitCause) -> @Sendable (Double) -> AdviceFigures {
        { value in
            figures {
                $0.largest = block(.socketEnqueue, .applicationReceive, "socket wait")
                ($0.waitShare, $0.largestShare) = (0.9, 0.9)
                $0.causeShares[cause.rawValue] = value
            }
        }
    }

    private static func work(_ cause: WaitCause) -> @Sendable (Double) -> AdviceFigures {
        { value in
            figures {
                $0.largest = block(.applicationReceive, .applicationSend, "application")
                ($0.workShare, $0.largestShare) = (0.9, 0.9)
                $0.workShares[cause.rawValue] = value
            }
        }
    }

    private static func largest(_ from: ProbePoint, _ to: ProbePoint) -> @Sendable (Double) -> AdviceFigures {
        { value in
            figures {
                $0.largest = block(from, to)
                $0.largestShare = value
            }
        }
    }

    /// Figures whose measure by this rule is the value.
    private static let makers: [String: @Sendable (Double) -> AdviceFigures] = [
        "nothing joined": { value in figures { $0.joined = value >= 1 ? 0 : 1 } },
        "nothing answered": { value in figures { $0.isUnanswered = value >= 1 } },
        "receive drops": { value in figures { $0.receiveDrops = Int(value) } },
        "earlier work": cause(.earlierWork), "behind another task": cause(.behindAnotherTask),
        "CPU waking": cause(.cpuWaking), "asleep": cause(.asleep), "unknown thread": cause(.unknown),
        "application": work(.earlierWork), "application behind another task": work(.behindAnotherTask),
        "application, CPU waking": work(.cpuWaking), "application asleep": work(.asleep),
        "application unseen": { value in figures { $0.workShare = value } },
        "tap queue": largest(.tapTransmit, .tapRead),
        "host to guest": largest(.tapRead, .driverReceive), "driver and softirq": largest(.tapTransmit, .driverReceive),
        "protocol": largest(.protocolStart, .socketEnqueue), "reply": largest(.applicationSend, .responseTransmit),
        "guest to host": largest(.responseTransmit, .responseReceive), "network": largest(.requestSent, .tapTransmit),
        "server as a whole": largest(.tapTransmit, .responseTransmit),
        "bursts": { value in figures { $0.burstSize = Int(value) } },
        "steady block": { value in figures { $0.steadyShare = value } },
        "stolen time": { value in figures { $0.stolenShare = value } },
        "memory full": { value in figures { $0.unkept = Int(value) } },
        "sent again": { value in
            figures {
                ($0.requests, $0.joined) = (100_000, 100_000)
                $0.sentAgain = Int((value * 100_000).rounded())
            }
        },
        "lost records": { value in figures { $0.lost = UInt64(value) } },
        "not joined": { value in
            figures { ($0.requests, $0.joined) = (100_000, 100_000 - Int((value * 100_000).rounded())) }
        },
        "clock uncertainty": { value in figures { $0.clockShare = value } },
        "inferred": { value in
            figures {
                $0.largest = block(.socketEnqueue, .applicationReceive)
                $0.largest?.quality = value >= 1 ? .inferred : .exact
                $0.largestShare = 0.9
            }
        },
    ]

    /// The largest value below the threshold that the figure can have.
    private static func below(_ rule: AdviceRule) -> Double {
        rule.threshold >= 1 ? rule.threshold - 1 : rule.threshold - 0.0005
    }

    @Test(arguments: AdviceRule.table.map(\.name))
    func aRuleHoldsAtItsThresholdAndNotBelow(name: String) throws {
        let rule = try #require(AdviceRule.table.first { $0.name == name })
        let maker = try #require(Self.makers[name], "no test for the rule \(name)")
        #expect(rule.holds(maker(rule.threshold)))
        #expect(!rule.holds(maker(Self.below(rule))))
        let advice = Advice(maker(rule.threshold))
        let step = try #require(advice.steps.first { $0.name == name })
        #expect(step.text.hasSuffix(".") && step.command != "")
        #expect(!Advice(maker(Self.below(rule))).steps.contains { $0.name == name })
    }

    @Test func theSameStepIsSaidOnce() {
        let advice = Advice(
            Self.figures {
                $0.largest = Self.block(.socketEnqueue, .applicationReceive, "socket wait")
                $0.second = Self.block(.applicationReceive, .applicationSend, "application")
                ($0.largestShare, $0.waitShare, $0.secondShare, $0.workShare) = (0.5, 0.5, 0.4, 0.4)
                $0.causeShares[WaitCause.behindAnotherTask.rawValue] = 0.8
                $0.workShares[WaitCause.behindAnotherTask.rawValue] = 0.7
                ($0.behind, $0.workBehind) = ("cc1", "cc1")
            })
        #expect(advice.steps.map(\.name) == ["behind another task"])
    }

    @Test func rulesHaveNamesOfTheirOwn() {
        #expect(Set(AdviceRule.table.map(\.name)).count == AdviceRule.table.count)
    }

    @Test func theSentenceSaysShareCauseAndBursts() {
        let advice = Advice(
            Self.figures {
                $0.isSwinging = true
                $0.largest = Self.block(.socketEnqueue, .applicationReceive, "socket wait")
                ($0.largestShare, $0.waitShare, $0.burstSize) = (0.83, 0.83, 8)
                $0.causeShares[WaitCause.earlierWork.rawValue] = 0.71
            })
        #expect(
            advice.verdict
                == "83 % of the swing is socket wait; 71 % of that is the server thread busy with earlier requests; "
                + "arrivals come in bursts of 8")
        #expect(advice.steps.map(\.name) == ["earlier work", "bursts"] && advice.cautions.isEmpty)
    }

    @Test func dropsLeadTheSentence() {
        let advice = Advice(
            Self.figures {
                ($0.receiveDrops, $0.requestsDropped) = (37, 35)
                $0.largest = Self.block(.applicationReceive, .applicationSend, "application")
                ($0.largestShare, $0.workShare) = (0.6, 0.6)
                $0.workShares[WaitCause.asleep.rawValue] = 0.99
            })
        #expect(
            advice.verdict
                == "a full receive buffer dropped 37 datagrams, and each of 35 requests among them waited for a "
                + "retransmission; 60 % of the response time is application; 99 % of that is the server thread asleep "
                + "with the request")
        #expect(advice.steps.map(\.name) == ["receive drops", "application asleep"])
    }

    @Test func theNeighbourIsNamedAndTheStrongestCauseComesFirst() {
        let advice = Advice(
            Self.figures {
                $0.largest = Self.block(.socketEnqueue, .applicationReceive, "socket wait")
                ($0.largestShare, $0.waitShare, $0.behind, $0.process) = (0.5, 0.5, "stress", 4242)
                $0.causeShares[WaitCause.earlierWork.rawValue] = 0.35
                $0.causeShares[WaitCause.behindAnotherTask.rawValue] = 0.65
            })
        #expect(
            advice.verdict
                == "50 % of the response time is socket wait; 65 % of that is the server thread runnable behind `stress`"
        )
        #expect(advice.steps.map(\.name) == ["behind another task", "earlier work"])
        #expect(advice.steps[0].command == "chrt --rr --all-tasks --pid 10 4242")
    }

    @Test func twoBlocksThatStandOutHaveEachItsCause() {
        let advice = Advice(
            Self.figures {
                $0.isSwinging = true
                $0.largest = Self.block(.applicationReceive, .applicationSend, "application")
                $0.second = Self.block(.socketEnqueue, .applicationReceive, "socket wait")
                ($0.largestShare, $0.workShare, $0.secondShare, $0.waitShare) = (0.53, 0.53, 0.39, 0.39)
                $0.causeShares[WaitCause.behindAnotherTask.rawValue] = 0.97
                $0.workShares[WaitCause.behindAnotherTask.rawValue] = 0.8
                ($0.behind, $0.workBehind) = ("make", "cc")
            })
        #expect(
            advice.verdict
                == "53 % of the swing is application, 39 % is socket wait; 80 % of the application is the server thread "
                + "runnable behind `cc`; 97 % of the socket wait is the server thread runnable behind `make`")
        #expect(advice.steps.map(\.name) == ["behind another task", "application behind another task"])
    }

    @Test func whereNoBlockStandsOutItSaysSo() {
        let advice = Advice(
            Self.figures {
                $0.largest = Self.block(.applicationReceive, .applicationSend, "application")
                $0.largestShare = 0.29
            })
        #expect(advice.verdict == "no block stands out: the largest, application, is 29 % of the response time")
        #expect(advice.steps.isEmpty)
    }

    @Test func cautionsAreSentencesOfTheirOwn() {
        let advice = Advice(
            Self.figures {
                ($0.lost, $0.joined) = (12, 900)
                $0.largest = Self.block(.applicationReceive, .applicationSend, "application")
                $0.largestShare = 0.6
            })
        #expect(
            advice.cautions == [
                "12 records found no room in the ring and are missing.",
                "100 of 1000 requests could not be followed and are not in these figures.",
            ])
    }

    @Test(arguments: [(Int64(50), true), (10, false)])
    func onlyAWideSpreadIsCalledASwing(spread: Int64, isSwinging: Bool) {
        var breakdown = Breakdown()
        breakdown.blocks = [Self.block(.applicationReceive, .applicationSend, "application")]
        for length in [100 - spread, 100 + spread] {
            breakdown.requests.append(
                Breakdown.Request(
                    callID: 0, method: .invite, cseq: 1, begin: .zero, lengths: [Nanoseconds(length)], first: .zero,
                    total: Nanoseconds(length), status: 200))
        }
        breakdown.shares = [
            BlockShare(
                block: 0, mean: Nanoseconds(100), sd: Nanoseconds(spread), p50: .zero, p99: .zero, maximum: .zero,
                ofMean: 1, ofVariance: 1)
        ]
        #expect(AdviceFigures(breakdown).isSwinging == isSwinging)
    }

    @Test func aBlockThatIsLongAndSteadyIsNamedBesideTheSwing() {
        var breakdown = Breakdown()
        breakdown.tally.joined = 2
        breakdown.blocks = [
            Self.block(.socketEnqueue, .applicationReceive, "socket wait"),
            Self.block(.applicationReceive, .applicationSend, "application"),
        ]
        for wait in [Int64(0), 3_000] {
            breakdown.requests.append(
                Breakdown.Request(
                    callID: 0, method: .invite, cseq: 1, begin: .zero,
                    lengths: [Nanoseconds(wait), Nanoseconds(5_000)],
                    first: .zero, total: Nanoseconds(5_000 + wait), status: 200))
        }
        breakdown.shares = [(0, 3, 1.0), (1, 10, 0)].map { block, mean, variance in
            BlockShare(
                block: block, mean: .zero, sd: .zero, p50: .zero, p99: .zero, maximum: .zero,
                ofMean: Double(mean) / 13, ofVariance: variance)
        }
        #expect(Advice(breakdown).verdict == "100 % of the swing is socket wait; 77 % of the mean is application")
    }

    @Test func theDocumentShowsTheSameTable() throws {
        let file = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "docs/explain.md")
        let lines = try String(contentsOf: file, encoding: .utf8).split(separator: "\n")
        let rows = lines.drop { !$0.hasPrefix("## From the figures") }.filter { $0.hasPrefix("| ") }
        for rule in AdviceRule.table {
            let row = try #require(rows.first { $0.hasPrefix("| \(rule.name) |") }, "no row for \(rule.name)")
            let cells = row.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
            try #require(cells.count == 5)
            #expect(cells[2] == Self.shown(rule) && cells[3] == rule.reason, "\(row)")
            if let command = rule.command?(AdviceFigures()) {
                #expect(cells[4].contains("`\(command)`"), "\(row)")
            }
        }
    }

    /// Shares in percent, counts as they are.
    private static func shown(_ rule: AdviceRule) -> String {
        rule.threshold >= 1 ? "\(Int(rule.threshold))" : "\(trimmed(rule.threshold * 100)) %"
    }

    private static func trimmed(_ value: Double) -> String {
        let text = "\((value * 1000).rounded() / 1000)"
        return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }
}
