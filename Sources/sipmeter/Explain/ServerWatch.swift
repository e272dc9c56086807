import Breakdown
import Captures
import Datagrams
import Glibc
import KernelTrace
import Latency
import LoadRun
import PacketCapture
import UDPTransport

/// What watches the server while it is under load: probes in its kernel, or, on the lowest rung, a capture on the interface
/// that leads to it.
final class ServerWatch {
    struct Subject {
        var port: UInt16
        /// Where requests go to; nil: anywhere.
        var address: SocketAddress?
        var networkNamespace: UInt32?
        var processes: [ServerProcess] = []
        var tagType: UInt8
        /// This is the host of the virtual machine, and this the interface to it.
        var tap: String?
        var highest: TraceSource.Rung
    }

    private enum Means {
        case probes(Probes)
        case capture(LiveCapture, path: String)
    }

    let source: TraceSource
    /// Why it is not the highest rung.
    let reason: String
    private let means: Means
    private let subject: Subject
    private let collector: TraceCollector
    private let host = HostWatch(cpus: nil)
    private var recorded: Recording?

    struct Recording {
        var source: TraceSource
        var log: TraceLog
        var tally: TraceTally
        var failure: RunFailure?
    }

    /// - Parameters:
    ///   - recording: a trace file to write as well.
    ///   - capturesTo: where the lowest rung puts its capture.
    ///   - own: the address of this end, for the lowest rung; nil: it is not to be had, for want of a way to the server.
    init(
        _ subject: Subject, recording: String?, capturesTo directory: String, own: SocketAddress?
    ) throws(RunFailure) {
        self.subject = subject
        collector = try TraceCollector(recording: recording)
        let collector = collector
        do throws(ProbeRefusal) {
            let probes = try Probes(try Self.settings(subject)) { collector.append($0) }
            means = .probes(probes)
            source = probes.source
            reason = probes.reason
        } catch {
            (means, source) = try Self.capture(subject, refusal: error, directory, own)
            reason = error.remedy.isEmpty ? error.description : "\(error.description): \(error.remedy)"
        }
        collector.begin(source)
    }

    var probes: Probes? {
        switch means {
        case .probes(let probes): probes
        case .capture: nil
        }
    }

    var events: Int { collector.count }

    /// No more events are kept.
    var isFull: Bool { collector.isFull }

    /// Keeps nothing more of what the probes see; what they saw so far is taken out of the ring first.
    func pause() {
        probes?.setAttached(false)
        collector.pause()
        probes?.setAttached(true)
    }

    private static func settings(_ subject: Subject) throws(ProbeRefusal) -> Probes.Settings {
        var settings = Probes.Settings(port: subject.port)
        settings.address = subject.address?.ipv4
        settings.networkNamespace = subject.networkNamespace
        settings.tagType = subject.tagType
        settings.server = subject.processes
        settings.highest = subject.highest
        if let tap = subject.tap {
            settings.isHost = true
            settings.tap = if_nametoindex(tap)
        }
        return settings
    }

    /// Beginning again does nothing; a second end only tells again.
    func end() -> Recording {
        if let recorded { return recorded }
        var tally: TraceTally
        switch means {
        case .probes(let probes): tally = probes.stop()
        case .capture(let capture, _): tally = read(capture.stop())
        }
        var disturbances = Disturbances()
        host.tell(&disturbances)
        tally.stolen = disturbances.stolen
        let (log, failure) = collector.finish(tally)
        let recording = Recording(source: source, log: log, tally: tally, failure: failure)
        recorded = recording
        return recording
    }

    // MARK: the lowest rung

    private static func capture(
        _ subject: Subject, refusal: ProbeRefusal, _ directory: String, _ own: SocketAddress?
    ) throws(RunFailure) -> (Means, TraceSource) {
        let remedy = refusal.remedy.isEmpty ? "" : ": \(refusal.remedy)"
        guard let address = subject.address, let own else {
            throw RunFailure(
                .missingPrivilege,
                "\(refusal.description), and without probes explain measures at the interface to the server, for which "
                    + "it needs the server's address, as in --watch 192.0.2.2:\(subject.port)\(remedy)")
        }
        let path = directory + "/server.pcap"
        do {
            try RunDirectory.create(directory)
            let capture = try LiveCapture(path, target: address, source: own, interface: subject.tap)
            let seen = "libpcap on \(capture.interface), by the SIP text"
            var coverage: [TraceSource.Coverage] = [
                .init(.tapTransmit, .exact, seen), .init(.responseTransmit, .exact, seen),
            ]
            let inside: [ProbePoint] = [
                .driverReceive, .protocolStart, .socketEnqueue, .applicationReceive, .applicationSend,
            ]
            coverage += inside.map { .init($0, .missing, refusal.description) }
            coverage.sort { $0.point.rawValue < $1.point.rawValue }
            let source = TraceSource(
                host: Probes.hostName, rung: .taps, coverage: coverage, port: subject.port, tagType: subject.tagType,
                clocks: SystemClock.pair())
            return (.capture(capture, path: path), source)
        } catch let error as CaptureError {
            throw RunFailure(
                .missingPrivilege, "\(refusal.description), and \(error.description)\(remedy)")
        } catch let error as RunFailure {
            throw error
        } catch {
            throw RunFailure(.missingPrivilege, "\(refusal.description)\(remedy)")
        }
    }

    /// Each frame becomes a record as a probe would have written it.
    private func read(_ outcome: LiveCapture.Outcome) -> TraceTally {
        var tally = TraceTally()
        tally.lost = outcome.dropped
        let (server, clocks, collector) = (subject.address, source.clocks, collector)
        var bytes = ByteBuffer(capacity: 1 << 10)
        do throws(CaptureError) {
            var file = try SaveFile(outcome.path)
            let link = file.link
            _ = file.forEachFrame { frame, at in
                guard case .udp(let udp) = PacketDecoder.decode(frame, link: link) else { return }
                let isRequest = udp.destination == server
                guard isRequest || udp.source == server else { return }
                let text =
                    udp.payload
                    .lowerBound..<min(
                        udp.payload.upperBound, udp.payload.lowerBound + TraceRecord.textCapacity)
                let instant = clocks.monotonic(WallInstant(nanoseconds: at.rawValue))
                bytes.removeAll()
                TraceRecord.append(
                    isRequest ? .tapTransmit : .responseTransmit, at: instant, text: frame.extracting(text), to: &bytes)
                collector.append(bytes.storage.span.extracting(0..<bytes.count))
            }
        } catch {
            tally.lost += 1
        }
        return tally
    }
}
