import CAllocationCount
import Datagrams
import Observations
import SIP
import Simulation
import StandardScenarios
import Testing
import UserAgent

/// After warm-up neither side allocates: not for a call, a datagram, a timer or a row.
@Suite struct Allocations {
    /// Both engines and the two outboxes their datagrams pass through. Nothing else: the loop itself allocates nothing.
    private struct Exchange {
        var uac: UAC
        var server: AnsweringServer
        var now = VirtualRun.start
        var fromClient = Outbox()
        var fromServer = Outbox()
        var clientAllocations: UInt64 = 0
        var serverAllocations: UInt64 = 0
        /// One of so many of the client's datagrams is lost, so that timers and repeats take part. 0: none.
        var lossEvery = 0
        /// The kernel stamps what the client sends and receives.
        var isStamped = false
        private var sent = 0

        init(uac: UAC, server: AnsweringServer) {
            self.uac = uac
            self.server = server
        }

        mutating func run(until calls: UInt64) {
            while uac.engine.counters.offered < calls {
                step()
                now = min(uac.deadline, server.deadline) > now ? min(uac.deadline, server.deadline) : now
            }
        }

        private mutating func step() {
            let before = allocationcount_of_this_thread()
            uac.advance(to: now)
            uac.engine.journal.removeAll()
            clientAllocations += allocationcount_of_this_thread() - before
            let between = allocationcount_of_this_thread()
            server.advance(to: now)
            serverAllocations += allocationcount_of_this_thread() - between
            while !uac.engine.outbox.isEmpty || !server.uas.engine.outbox.isEmpty {
                carryToServer()
                carryToClient()
            }
        }

        private mutating func carryToServer() {
            let before = allocationcount_of_this_thread()
            for i in uac.engine.outbox.datagrams.indices {
                uac.engine.keepSent(uac.engine.outbox.datagrams[i], at: now)
            }
            clientAllocations += allocationcount_of_this_thread() - before
            swap(&fromClient, &uac.engine.outbox)
            for i in fromClient.datagrams.indices {
                let transmit = fromClient.datagrams[i]
                let before = allocationcount_of_this_thread()
                uac.engine.didSend(transmit, at: now)
                if isStamped, transmit.wantsStamp { uac.engine.didTransmit(transmit.receipt, at: now) }
                clientAllocations += allocationcount_of_this_thread() - before
                sent += 1
                if lossEvery > 0, sent % lossEvery == 0 { continue }
                let between = allocationcount_of_this_thread()
                Self.deliver(transmit, of: fromClient, to: &server, at: now)
                serverAllocations += allocationcount_of_this_thread() - between
            }
            fromClient.removeAll()
        }

        private mutating func carryToClient() {
            swap(&fromServer, &server.uas.engine.outbox)
            for i in fromServer.datagrams.indices {
                let transmit = fromServer.datagrams[i]
                let before = allocationcount_of_this_thread()
                server.uas.engine.didSend(transmit, at: now)
                serverAllocations += allocationcount_of_this_thread() - before
                let between = allocationcount_of_this_thread()
                Self.deliver(transmit, of: fromServer, to: &uac, at: now, arrivedAt: isStamped ? now : nil)
                clientAllocations += allocationcount_of_this_thread() - between
            }
            fromServer.removeAll()
        }

        private static func deliver(
            _ transmit: Transmit, of outbox: borrowing Outbox, to server: inout AnsweringServer,
            at now: MonotonicInstant
        ) {
            let bytes = outbox.bytes.storage.span.extracting(transmit.start..<transmit.start + transmit.count)
            server.handleDatagram(bytes, from: VirtualRun.clientAddress, at: now)
        }

        private static func deliver(
            _ transmit: Transmit, of outbox: borrowing Outbox, to uac: inout UAC, at now: MonotonicInstant,
            arrivedAt: MonotonicInstant?
        ) {
            let bytes = outbox.bytes.storage.span.extracting(transmit.start..<transmit.start + transmit.count)
            let rows = uac.engine.journal.calls.count
            uac.handleDatagram(bytes, from: VirtualRun.serverAddress, at: now, arrivedAt: arrivedAt)
            uac.engine.noteMatching(rowsFrom: rows, took: .zero)
        }
    }

    @Test(arguments: [CapacityProfile.unlimited, .fixed(.microseconds(200)), .asterisk2014], [0, 7])
    func neitherSideAllocatesAfterWarmUp(capacity: CapacityProfile, lossEvery: Int) throws {
        try #require(allocationcount_is_counting() != 0)
        // Short timers: calls are forgotten, and all tables have their full size, within 3.2 s.
        let timers = TimerValues(t1: .milliseconds(50), t2: .milliseconds(400), t4: .milliseconds(500))
        var configuration = EngineConfiguration(
            run: 0x5E12_7E12, start: VirtualRun.start, sources: [VirtualRun.serverAddress])
        configuration.timers = timers
        var exchange = Exchange(
            uac: try VirtualEnds.uac(StandardScenarios.uac, rate: 100, duration: .seconds(1000)) {
                $0.timers = timers
                $0.overridesScenarioTimers = true
                $0.keepsFailures = 10
            },
            server: AnsweringServer(
                program: try VirtualEnds.program(StandardScenarios.uas, name: "uas.xml", isClient: false),
                configuration: configuration, capacity: capacity))
        exchange.lossEvery = lossEvery
        exchange.isStamped = lossEvery == 0
        exchange.run(until: warmUp)
        (exchange.clientAllocations, exchange.serverAllocations) = (0, 0)
        exchange.run(until: warmUp + measuredCalls)
        #expect(exchange.uac.engine.counters.ok >= measuredCalls)
        #expect(exchange.clientAllocations <= measuredCalls * allocationsPerCall)
        #expect(exchange.serverAllocations <= measuredCalls * allocationsPerCall)
    }

    @Test func theCounterCounts() {
        let before = allocationcount_of_this_thread()
        var bytes = [UInt8](repeating: 1, count: Int.random(in: 100...200))
        bytes.reserveCapacity(100_000)
        #expect(bytes.count >= 100)
        #expect(allocationcount_of_this_thread() >= before + 2)
    }
}

#if DEBUG
    private let warmUp: UInt64 = 500
    private let measuredCalls: UInt64 = 500
    /// Unoptimised code boxes what release keeps in registers.
    private let allocationsPerCall: UInt64 = 32
#else
    private let warmUp: UInt64 = 5_000
    private let measuredCalls: UInt64 = 10_000
    private let allocationsPerCall: UInt64 = 0
#endif
