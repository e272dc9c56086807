import Datagrams
import SIP
import Testing

@testable import Captures

@Suite struct HopJoinTests {
    /// Three points; each clock is ahead of the first one's by `clocks`, in ms.
    private struct Path {
        var clocks: [Double] = [0, 0, 0]
        /// From a point to the next one, either way.
        var delays: [Double] = [1, 2]
        private(set) var frames: [[(text: String, isForth: Bool, at: Double)]] = [[], [], []]

        /// A datagram sent `at` by the end of the path it starts from; seen only by the points it reaches.
        mutating func send(_ text: String, forth: Bool, at: Double, reaching count: Int = 3, extra: [Double] = [0, 0]) {
            var now = at
            let way = forth ? [0, 1, 2] : [2, 1, 0]
            for (step, point) in way.enumerated().prefix(count) {
                if step > 0 {
                    let stretch = min(point, way[step - 1])
                    now += delays[stretch] + extra[stretch]
                }
                frames[point].append((text, forth, now + clocks[point]))
            }
        }

        func join(isSameClock: Bool = false) -> HopJoin {
            var tape = Tape { $0.separatesFiles = true }
            for (point, frames) in frames.enumerated() {
                tape.beginFile(point)
                for frame in frames.sorted(by: { $0.at < $1.at }) {
                    if frame.isForth {
                        tape.caller(frame.text, at: frame.at)
                    } else {
                        tape.callee(frame.text, at: frame.at)
                    }
                }
            }
            return HopJoin(tape.finished(), points: 3, isSameClock: isSameClock)
        }
    }

    /// INVITE out in 3 ms, 10 ms at the far end, 3 ms back.
    private static func calls(_ count: Int, on path: inout Path) {
        for i in 0..<count {
            let (id, at) = ("c\(i)", Double(i) * 100)
            path.send(Text.request("INVITE", call: id), forth: true, at: at)
            path.send(Text.response(200, "INVITE", call: id), forth: false, at: at + 13)
        }
    }

    @Test func oneClockGivesEachStretchItsTime() {
        var path = Path()
        Self.calls(3, on: &path)
        let join = path.join()
        #expect(join.offsets.allSatisfy { $0.basis == .compatible && $0.value == .zero })
        #expect(join.offsets.map(\.uncertainty) == [.milliseconds(1), .milliseconds(2)])
        #expect(join.paths.count == 3 && join.lost == [0, 0] && join.unexplained == [0, 0] && join.incomplete == 0)
        for request in join.paths {
            #expect(request.forth == [.milliseconds(1), .milliseconds(2)])
            #expect(request.back == [.milliseconds(1), .milliseconds(2)])
            #expect(request.beyond == .milliseconds(10) && request.total == .milliseconds(16))
            #expect(request.status == 200 && request.isFromCaller && request.resent == .zero)
        }
    }

    @Test func clocksApartAreFoundByTheirTraffic() throws {
        var path = Path(clocks: [0, 5000, -250])
        Self.calls(3, on: &path)
        let join = path.join()
        #expect(join.offsets.map(\.basis) == [.estimated, .estimated])
        #expect(join.offsets.map(\.value) == [.milliseconds(5000), .milliseconds(-5250)])
        #expect(join.offsets.map(\.uncertainty) == [.milliseconds(1), .milliseconds(2)])
        let request = try #require(join.paths.first)
        #expect(request.forth == [.milliseconds(1), .milliseconds(2)] && request.beyond == .milliseconds(10))
    }

    /// Whatever the offsets, the parts add up to what one clock measured.
    @Test(arguments: 0..<6 as Range<UInt64>) func thePartsAddUp(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var path = Path(clocks: [0, generator.unit() * 1000, generator.unit() * -1000])
        for i in 0..<50 {
            let (id, at) = ("c\(i)", Double(i) * 100)
            let extra = (0..<4).map { _ in generator.unit() * 3 }
            path.send(Text.request("INVITE", call: id), forth: true, at: at, extra: [extra[0], extra[1]])
            path.send(Text.response(200, "INVITE", call: id), forth: false, at: at + 20, extra: [extra[2], extra[3]])
        }
        let join = path.join()
        #expect(join.paths.count == 50)
        for request in join.paths {
            let sum = (request.forth + request.back).reduce(request.resent + request.beyond, +)
            #expect(sum == request.total)
            // The truth is 1 and 2 ms and what was added; the estimate errs by no more than it says.
            for (stretch, length) in request.forth.enumerated() {
                let uncertainty = join.offsets[stretch].uncertainty ?? .zero
                #expect(length >= .milliseconds(Int64(1 + stretch)) - uncertainty)
                #expect(length <= .milliseconds(Int64(4 + stretch)) + uncertainty)
            }
        }
    }

    @Test func theUserMayKnowBetter() {
        var path = Path(clocks: [0, 5000, 0])
        Self.calls(1, on: &path)
        let join = path.join(isSameClock: true)
        #expect(join.offsets.allSatisfy { $0.basis == .asserted && $0.value == .zero && $0.uncertainty == .zero })
    }

    @Test func aClockThatWasSetIsNoticed() {
        var path = Path()
        Self.calls(2, on: &path)
        path.clocks = [0, 900, 0]
        path.send(Text.request("INVITE", call: "late"), forth: true, at: 5000)
        path.clocks = [0, -900, 0]
        path.send(Text.request("INVITE", call: "later"), forth: true, at: 6000)
        path.send(Text.response(200, "INVITE", call: "later"), forth: false, at: 6020)
        #expect(path.join().offsets.map(\.basis).contains(.contradictory))
    }

    /// The first copy got as far as the second point, the second one through.
    @Test func aLostCopyIsCountedWhereItWasLost() throws {
        var path = Path()
        Self.calls(2, on: &path)
        path.send(Text.request("INVITE", call: "x"), forth: true, at: 1000, reaching: 2)
        path.send(Text.request("INVITE", call: "x"), forth: true, at: 1500)
        path.send(Text.response(200, "INVITE", call: "x"), forth: false, at: 1513)
        let join = path.join()
        #expect(join.lost == [0, 1] && join.unexplained == [0, 0])
        let request = try #require(join.paths.last)
        #expect(request.resent == .milliseconds(500) && request.forth == [.milliseconds(1), .milliseconds(2)])
        #expect(request.total == .milliseconds(516))
    }

    @Test func whatNoPointSawIsIncomplete() {
        var path = Path()
        Self.calls(1, on: &path)
        path.send(Text.request("INVITE", call: "x"), forth: true, at: 1000, reaching: 2)
        path.send(Text.response(480, "INVITE", call: "x"), forth: false, at: 1003)
        let join = path.join()
        #expect(join.paths.count == 1 && join.incomplete == 1)
    }

    @Test func theCalleesRequestsRunTheOtherWay() throws {
        var path = Path()
        path.send(Text.request("INVITE"), forth: true, at: 0)
        path.send(Text.response(200, "INVITE"), forth: false, at: 13)
        path.send(Text.request("BYE", cseq: 7, branch: "b", toTag: "f"), forth: false, at: 100)
        path.send(Text.response(200, "BYE", cseq: 7, branch: "b", toTag: "f"), forth: true, at: 108)
        let request = try #require(path.join().paths.last)
        #expect(!request.isFromCaller && request.beyond == .milliseconds(5) && request.total == .milliseconds(11))
        #expect(request.forth == [.milliseconds(1), .milliseconds(2)] && request.back == request.forth)
    }

    @Test func oneDirectionAloneSaysNothingOfTheClocks() {
        var path = Path(clocks: [0, -50, 0])
        path.send(Text.request("INVITE"), forth: true, at: 0)
        let join = path.join()
        #expect(join.offsets.map(\.basis) == [.unbounded, .unbounded])
        #expect(join.offsets.allSatisfy { $0.uncertainty == nil })
    }
}
