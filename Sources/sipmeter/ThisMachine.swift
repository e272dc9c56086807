import Breakdown
import Datagrams
import Directories
import Glibc
import KernelTrace
import LoadRun
import MachineReport
import UDPTransport

/// The machine this program runs on, read. The only place that does; what it means is `MachineReport`'s business.
enum ThisMachine {
    static func facts() -> MachineFacts {
        var facts = MachineFacts(
            file: { contents($0) }, names: { Directory.names(in: $0) }, isWritable: { access($0, W_OK) == 0 })
        facts.trials = trials()
        facts.interfaces = KernelAbilities.interfaces.map {
            MachineFacts.Interface(name: $0.name, timestamping: $0.timestamping, hardwareClock: $0.hardwareClock)
        }
        facts.program = program
        facts.fileCapabilities = KernelAbilities.fileCapabilities(of: program)
        return facts
    }

    private static func trials() -> MachineFacts.Trials {
        var trials = MachineFacts.Trials()
        trials.loopback = trial(KernelAbilities.loopbackRefusal())
        trials.callTag = trial(Privileges.tagRefusal(family: .ipv4))
        trials.rawSocket = trial(Privileges.rawRefusal())
        trials.realtimePriority = LoadLevel.realtimePriority
        trials.realtime = trial(KernelAbilities.realtimeRefusal(priority: trials.realtimePriority))
        trials.segmentation = trial(KernelAbilities.segmentationRefusal())
        trials.probes = probes
        trials.buffersAsked = UDPSocket.Options().receiveBuffer
        (trials.receiveBuffer, trials.sendBuffer) = KernelAbilities.grantedBuffers()
        return trials
    }

    private static var probes: MachineFacts.ProbeTrial {
        let finding = ProbeAccess.find()
        let rung: String? =
            switch finding.rung {
            case .functionEntries: "functions and tracepoints"
            case .rawTracepoints: "tracepoints"
            case .taps, .client: nil
            }
        return MachineFacts.ProbeTrial(rung: rung, reason: finding.reason)
    }

    private static func trial(_ refusal: SystemError?) -> MachineFacts.Trial {
        MachineFacts.Trial(refusal: refusal.map { SystemError.text(of: $0.errno) })
    }

    /// Where this program's own file lies.
    static let program: String = {
        var path = [CChar](repeating: 0, count: 4096)
        let count = readlink("/proc/self/exe", &path, path.count - 1)
        return count > 0 ? String(decoding: path[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self) : "sipmeter"
    }()

    /// At most 1 MiB: what is asked for here is text of the kernel's, and one device.
    private static func contents(_ path: String) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        if descriptor < 0 { return nil }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 14)
        while bytes.count < 1 << 20 {
            let count = read(descriptor, &chunk, chunk.count)
            if count < 0 { return nil }
            if count == 0 { break }
            bytes += chunk[..<count]
            // The device gives its four bytes as often as it is asked.
            if path.hasPrefix("/dev/") { break }
        }
        return bytes
    }
}
