import Datagrams
import Testing

@testable import UDPTransport

/// Stamps as this machine's kernel gives them.
@Suite(.enabled(if: Permitted.stamps, "this kernel does not stamp")) struct KernelStampTests {
    private static func socket(_ address: SocketAddress = loopback4, segments: Bool = false) throws -> UDPSocket {
        var options = UDPSocket.Options()
        options.stamps = true
        options.segments = segments
        return try UDPSocket(binding: address, options: options)
    }

    private static func receipt(_ n: UInt32) -> Transmit.Receipt {
        Transmit.Receipt(slot: n, generation: n &* 3, kind: 0, index: 1)
    }

    private static func outbox(_ count: UInt32, to target: SocketAddress, tagged: Bool = false) -> Outbox {
        var outbox = Outbox()
        for n in 0..<count {
            let start = outbox.bytes.count
            outbox.bytes.append(text: "call-\(n % 10)@sipmeter and what follows it")
            var transmit = Transmit(start: start, count: outbox.bytes.count - start, destination: target)
            if tagged {
                transmit.tag = CallTag(
                    method: .invite, isRetransmission: false, cseq: n, callIDStart: 0, callIDCount: 15)
            }
            transmit.receipt = receipt(n)
            transmit.wantsStamp = n % 3 != 1
            outbox.append(transmit)
        }
        return outbox
    }

    /// Carries a socket out of a closure.
    private final class Handed {
        private var socket: UDPSocket?
        init(_ socket: consuming UDPSocket) { self.socket = consume socket }
        func take() -> UDPSocket { socket.take()! }
    }

    private struct Stamped: Equatable {
        var receipt: Transmit.Receipt
        var at: WallInstant
    }

    private static func stamps(_ drain: ((ErrorQueueEntry, borrowing Span<UInt8>) -> Void) -> Void) -> [Stamped] {
        var found: [Stamped] = []
        drain { entry, _ in
            switch entry {
            case .transmitted(let receipt, let at): found.append(Stamped(receipt: receipt, at: at))
            case .unreachable: break
            }
        }
        return found
    }

    @Test(arguments: [(family: "4", tagged: false), ("4", true), ("6", false), ("6", true)])
    func everyStampComesBackToItsDatagram(_ kind: (family: String, tagged: Bool)) throws {
        let isIPv6 = kind.family == "6"
        if isIPv6, !Permitted.ipv6 { return }
        if kind.tagged, !(isIPv6 ? Permitted.tag6 : Permitted.tag4) { return }
        let address = isIPv6 ? loopback6 : loopback4
        let opened = try KernelStamps.withGrant { grant in
            try #require(grant == .granted)
            return (Handed(try Self.socket(address)), Handed(try Self.socket(address)))
        }
        var receiver = opened.0.take()
        var sender = opened.1.take()
        let outbox = Self.outbox(100, to: receiver.localAddress, tagged: kind.tagged)
        let before = SystemClock.wall()
        #expect(sender.send(outbox, tag: kind.tagged ? TagOptions() : nil).sent == 100)
        let stamps = Self.stamps { sender.drainStamps($0) }
        let after = SystemClock.wall()
        #expect(stamps.map(\.receipt.slot) == (0..<100).filter { $0 % 3 != 1 })
        #expect(stamps.allSatisfy { before < $0.at && $0.at < after })
        #expect(stamps.map(\.at) == stamps.map(\.at).sorted())
        let isWaiting = sender.awaitsStamps
        #expect(!isWaiting)

        var arrivals: [WallInstant] = []
        while arrivals.count < 100 {
            let n = receiver.receive()
            try #require(n > 0)
            for i in 0..<n {
                receiver.withDatagram(i) { _, received in arrivals += received.arrivedAt.map { [$0] } ?? [] }
            }
        }
        // On loopback a datagram has arrived when it has left.
        for (n, stamp) in zip((0..<100).filter { $0 % 3 != 1 }, stamps) { #expect(stamp.at <= arrivals[n]) }
    }

    @Test(.enabled(if: Permitted.raw, "needs CAP_NET_RAW")) func aRawSenderStampsToo() throws {
        let receiver = try Self.socket()
        var sender = try RawSender(sources: [SocketAddress(ipv4: 0x7F00_0002, port: 5060)], stamps: true)
        #expect(sender.send(Self.outbox(9, to: receiver.localAddress), tag: TagOptions()).sent == 9)
        let stamps = Self.stamps { sender.drainStamps($0) }
        #expect(stamps.map(\.receipt.slot) == [0, 2, 3, 5, 6, 8])
    }

    @Test func oneStampForManySegmentsIsNotTaken() throws {
        let receiver = try Self.socket()
        var sender = try Self.socket(segments: true)
        #expect(sender.send(Self.outbox(10, to: receiver.localAddress)).sent == 10)
        let isWaiting = sender.awaitsStamps
        #expect(!isWaiting)
    }

    @Test func whoAsksForNothingGetsNothing() throws {
        let receiver = try UDPSocket(binding: loopback4)
        var sender = try UDPSocket(binding: loopback4)
        #expect(sender.send(Self.outbox(3, to: receiver.localAddress)).sent == 3)
        #expect(Self.stamps { body in _ = sender.drainErrorQueue(body) } == [])
    }

    @Test func loopbackHasNoClockOfItsOwn() {
        #expect(!KernelStamps.hardwareIsOffered(at: loopback4))
        #expect(!KernelStamps.hardwareIsOffered(at: SocketAddress(ipv4: 0xC000_0201, port: 0)), "nobody's address")
    }

    @Test func errorsComeBetweenStamps() throws {
        let closed = try UDPSocket(binding: loopback4).localAddress
        var sender = try Self.socket()
        #expect(sender.send(Self.outbox(4, to: closed)).sent == 4)
        var kinds: [Bool] = []
        _ = sender.drainErrorQueue { entry, payload in
            switch entry {
            case .transmitted: kinds.append(true)
            case .unreachable(let error):
                #expect(error.destination == closed)
                #expect(payload.count > 0)
                kinds.append(false)
            }
        }
        #expect(kinds.filter { $0 }.count == 3)
        #expect(kinds.contains(false))
    }
}

@Suite struct StampLedgerTests {
    private static func receipt(_ n: Int) -> Transmit.Receipt {
        Transmit.Receipt(slot: UInt32(n), generation: 0, kind: 0, index: 0)
    }

    @Test func aStampIsTakenOnce() {
        var ledger = StampLedger(isOn: true, numbering: .chosen)
        let number = ledger.ask(for: Self.receipt(7))
        ledger.noteSent(1)
        let before = ledger.awaited
        let first = ledger.take(UInt32(number))
        let second = ledger.take(UInt32(number))
        #expect(first == Self.receipt(7))
        #expect(second == nil)
        let after = ledger.awaited
        #expect((before, after) == (1, 0))
    }

    @Test func aStampThatIsTooLateIsNotTakenForAnother() {
        var ledger = StampLedger(isOn: true, numbering: .chosen)
        let first = UInt32(ledger.ask(for: Self.receipt(0)))
        for n in 1...StampLedger.capacity { _ = ledger.ask(for: Self.receipt(n)) }
        let late = ledger.take(first)
        let newest = ledger.take(first &+ UInt32(StampLedger.capacity))
        #expect(late == nil)
        #expect(newest == Self.receipt(StampLedger.capacity))
    }

    @Test func whatDoesNotComeIsMissingAfterTwoLooks() {
        var ledger = StampLedger(isOn: true, numbering: .chosen)
        for n in 0..<5 { _ = ledger.ask(for: Self.receipt(n)) }
        ledger.noteSent(5)
        _ = ledger.take(0)
        ledger.giveUpOld()
        let first = (ledger.missing, ledger.awaited)
        ledger.giveUpOld()
        let second = (ledger.missing, ledger.awaited)
        // One comes after all.
        _ = ledger.take(1)
        let awaited = ledger.awaited
        #expect(first == (0, 4))
        #expect(second == (4, 0))
        #expect(awaited == 0)
    }

    /// Where the kernel counts, nobody knows whether it counted a datagram it refused.
    @Test func countedNumbersEndWithTheFirstFailure() {
        var counted = StampLedger(isOn: true, numbering: .counted)
        var chosen = StampLedger(isOn: true, numbering: .chosen)
        let number = counted.ask(for: Self.receipt(0))
        #expect(number == -1)
        counted.noteFailure()
        chosen.noteFailure()
        let (countedAsks, chosenAsks) = (counted.isAsking, chosen.isAsking)
        #expect(!countedAsks)
        #expect(chosenAsks)
    }
}

@Suite struct ClockPairTests {
    private static func pair(wall: Int64, monotonic: Int64, uncertainty: Int64 = 20) -> ClockPair {
        ClockPair(
            wall: WallInstant(nanoseconds: wall), monotonic: MonotonicInstant(nanoseconds: monotonic),
            uncertainty: Nanoseconds(uncertainty))
    }

    @Test(arguments: [-1_000_000_007, -1, 0, 1, 1_000_000_007] as [Int64])
    func anInstantKeepsItsDistance(_ distance: Int64) {
        let pair = Self.pair(wall: 1_795_456_194_261_394_423, monotonic: 5_000)
        let instant = pair.monotonic(WallInstant(nanoseconds: pair.wall.nanoseconds + distance))
        #expect(instant.nanoseconds == 5_000 + distance)
    }

    @Test(
        arguments: [
            (0, 0), (5_040, 0), (-5_040, 0), (5_041, 5_041), (-5_041, -5_041), (3_600_000_000_000, 3_600_000_000_000),
        ] as [(Int64, Int64)])
    func aStepIsWhatTheReadingsDoNotExplain(moved: Int64, step: Int64) {
        let first = Self.pair(wall: 1_000_000, monotonic: 1_000)
        let later = Self.pair(wall: 1_000_000 + 77_000_000 + moved, monotonic: 1_000 + 77_000_000)
        #expect(first.step(to: later) == Nanoseconds(step))
    }

    @Test func thisMachinesClocksGoTogether() {
        let first = SystemClock.pair()
        let read = SystemClock.wall()
        let now = SystemClock.monotonic()
        #expect(first.monotonic <= first.monotonic(read))
        #expect(first.monotonic(read) <= now + first.uncertainty + ClockPair.tolerance)
    }
}
