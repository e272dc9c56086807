import Breakdown
import CBPF
import Datagrams
import Testing

@testable import KernelTrace

@Suite struct SocketTableTests {
    @Test func theKernelsTableOfSocketsIsRead() {
        let text = """
               sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
              300: 0100007F:13C4 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 4711 2 0000000000000000 0
              301: 00000000:13C5 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 4712 2 0000000000000000 0
            """
        let entries = SocketTable.parse(text)
        #expect(
            entries == [
                .init(address: SocketAddress.loopback(port: 0), port: 5060, inode: 4711, isAny: false),
                .init(address: SocketAddress(ipv4: 0, port: 0), port: 5061, inode: 4712, isAny: true),
            ])
    }

    @Test func theSocketWithTheAddressItselfGetsTheDatagram() {
        let address = SocketAddress(ipv4: 0x7F00_0001, port: 5060)
        let exact = SocketTable.Entry(address: address.withPort(0), port: 5060, inode: 1, isAny: false)
        let any = SocketTable.Entry(address: SocketAddress(ipv4: 0, port: 0), port: 5060, inode: 2, isAny: true)
        let both = SocketTable.Entry(
            address: SocketAddress(ipv6High: 0, low: 0, port: 0), port: 5060, inode: 3, isAny: true)
        #expect(SocketTable.receiving(at: address, true, of: [both, any, exact]) == [exact])
        #expect(SocketTable.receiving(at: address, true, of: [both, any]) == [any])
        #expect(SocketTable.receiving(at: address, true, of: [both]) == [both])
        #expect(SocketTable.receiving(at: address, false, of: [both, any]).isEmpty)
    }

    @Test func aServerHasOneAddressWhereAllItsSocketsHaveIt() {
        func entry(_ address: UInt32, isAny: Bool = false) -> SocketTable.Entry {
            .init(address: SocketAddress(ipv4: address, port: 0), port: 5060, inode: 1, isAny: isAny)
        }
        #expect(SocketTable.commonAddress([entry(1), entry(1)]) == SocketAddress(ipv4: 1, port: 0))
        #expect(SocketTable.commonAddress([entry(1), entry(2)]) == nil)
        #expect(SocketTable.commonAddress([entry(0, isAny: true)]) == nil && SocketTable.commonAddress([]) == nil)
    }

    @Test func soIsThatOfIPv6() {
        let text = """
              sl  local_address                         remote_address                        st tx_queue rx_queue
               12: 00000000000000000000000001000000:13C4 00000000000000000000000000000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 99 2 0 0
            """
        #expect(
            SocketTable.parse(text) == [
                .init(address: SocketAddress(ipv6High: 0, low: 1, port: 0), port: 5060, inode: 99, isAny: false)
            ])
    }

    @Test func nonsenseIsNoSocket() {
        #expect(SocketTable.parse("head\nx y z\n 1: 0100007F 0:0 07 0 0 0 0 0 nan 2").isEmpty)
    }

    @Test func theNamespacesOwnAddressesAreFound() {
        let trie = """
            Main:
              +-- 0.0.0.0/0 3 0 5
                 +-- 192.0.2.0/24 2 0 2
                    |-- 192.0.2.0
                       /24 link UNICAST
                    |-- 192.0.2.2
                       /32 host LOCAL
                    |-- 192.0.2.255
                       /32 link BROADCAST
            """
        #expect(SocketTable.localAddresses(ofTrie: trie) == ["192.0.2.2"])
        let inet6 = "00000000000000000000000000000001 01 80 10 80       lo\n"
        #expect(SocketTable.localAddresses(ofInet6: inet6) == [SocketAddress(ipv6High: 0, low: 1, port: 0)])
    }

    @Test func aThreadThatStandsInAReceiveIsKnownByItsSystemCall() throws {
        let calls = SystemCallNumbers.here
        let call = try #require(
            ServerProcess.receive(in: "\(calls.recvmmsg) 0x5 0x7ffe10 0x40 0x0 0x0 0x0 0x7ffe00 0x7f00"))
        #expect(call.kind == PROBE_CALL_MESSAGES.rawValue && call.argument == 0x7ffe10)
        #expect(ServerProcess.receive(in: "running") == nil)
        #expect(ServerProcess.receive(in: "202 0x5 0x7ffe10") == nil)
    }
}

@Suite struct ProbePlanTests {
    private func quality(_ plan: ProbePlan, _ point: ProbePoint) -> KeyQuality? {
        plan.coverage.first { $0.point == point }?.quality
    }

    @Test func whereFunctionsMayBeEnteredThePacketItselfIsSeen() {
        let plan = ProbePlan(rung: .functionEntries, isHost: false) { _ in true }
        #expect(plan.programs.contains(.socketEnqueue) && plan.programs.contains(.socketConsume))
        #expect(!plan.programs.contains(.socketReady) && !plan.programs.contains(.socketReceive))
    }

    @Test func elseRawTracepointsServe() {
        let plan = ProbePlan(rung: .rawTracepoints, isHost: false) { _ in true }
        #expect(plan.programs.contains(.socketReady) && plan.programs.contains(.socketReceive))
        #expect(!plan.programs.contains(.socketEnqueue) && !plan.programs.contains(.socketSendEntry))
        #expect(quality(plan, .tapRead) == .missing)
    }

    @Test func beforeLinux63FunctionEntriesTakeTheTracepointsPlace() {
        let plan = ProbePlan(rung: .functionEntries, isHost: false) {
            ![.socketReady, .socketReceive, .socketSend].contains($0)
        }
        #expect(plan.programs.isSuperset(of: [.socketEnqueue, .socketConsume, .socketSendEntry, .systemCall]))
        #expect(quality(plan, .applicationSend) == .exact)
    }

    @Test func whatAKernelHasNotIsMissingWithItsName() throws {
        let plan = ProbePlan(rung: .rawTracepoints, isHost: false) { $0 != .socketReady }
        let line = try #require(plan.coverage.first { $0.point == .socketEnqueue })
        #expect(line.quality == .missing && line.reason.contains("sk_data_ready"))
    }

    @Test func aHostSeesTheTapAndNothingOfTheServer() {
        let plan = ProbePlan(rung: .rawTracepoints, isHost: true) { _ in true }
        #expect(plan.programs == [.deviceTransmit, .tapRead, .protocolStart])
    }

    @Test func aProgramThatDoesNotAttachIsMissing() throws {
        var plan = ProbePlan(rung: .rawTracepoints, isHost: false) { _ in true }
        plan.note([(.receiveDrop, "Invalid argument")])
        let line = try #require(plan.coverage.first { $0.point == .receiveDrop })
        #expect(line.quality == .missing && line.reason.contains("Invalid argument"))
    }
}
