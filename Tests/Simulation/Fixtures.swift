import Datagrams
import PosixPatterns
import SIP
import Scenarios
import UserAgent

/// Engines on the virtual network, from scenario files.
package enum VirtualEnds {
    package static func program(
        _ xml: [UInt8], name: String, isClient: Bool, constants: (inout RunConstants) -> Void = { _ in }
    ) throws -> Program {
        let scenario = try ScenarioReader.read(xml, name: name, patterns: PosixPatterns())
        let client = VirtualRun.clientAddress
        let server = VirtualRun.serverAddress
        var run = RunConstants(
            remoteHost: (isClient ? server : client).host, remote: isClient ? server : client,
            local: isClient ? client : server)
        constants(&run)
        return try scenario.compile(run)
    }

    package static func uac(
        _ xml: [UInt8], rate: Double = 10, duration: Nanoseconds = .seconds(1), calls: UInt64 = .max,
        arrivals: Pacer.Arrivals = .constant, maxConcurrent: Int = 1_000_000, users: Int = 0,
        configure: (inout EngineConfiguration) -> Void = { _ in },
        constants: (inout RunConstants) -> Void = { _ in }
    ) throws -> UAC {
        var configuration = EngineConfiguration(
            run: 0xABCD_1234, start: VirtualRun.start, sources: [VirtualRun.clientAddress])
        configure(&configuration)
        let pacer = Pacer(
            start: VirtualRun.start, rate: rate, duration: duration, limit: calls, arrivals: arrivals)
        let loop =
            users == 0 ? nil : UserLoop(users: users, start: VirtualRun.start, duration: duration, limit: calls)
        return UAC(
            program: try program(xml, name: "client.xml", isClient: true, constants: constants),
            configuration: configuration, pacer: pacer, target: VirtualRun.serverAddress,
            limits: UAC.Limits(maxConcurrent: maxConcurrent), loop: loop)
    }

    package static func server(
        _ xml: [UInt8], capacity: CapacityProfile = .unlimited, faults: AnswerFaults = AnswerFaults(),
        seed: UInt64 = 1, configure: (inout EngineConfiguration) -> Void = { _ in },
        constants: (inout RunConstants) -> Void = { _ in }
    ) throws -> AnsweringServer {
        var configuration = EngineConfiguration(
            run: 0x5E12_7E12, start: VirtualRun.start, sources: [VirtualRun.serverAddress])
        configure(&configuration)
        return AnsweringServer(
            program: try program(xml, name: "server.xml", isClient: false, constants: constants),
            configuration: configuration,
            capacity: capacity, faults: faults, seed: seed)
    }
}
