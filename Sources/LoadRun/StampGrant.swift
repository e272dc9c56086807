import Datagrams
import UDPTransport

/// Whether a run's datagrams are stamped by the kernel, or why not.
struct StampGrant: Sendable {
    var areOn: Bool
    var refusal: String?

    /// To be called when the run's sockets are open: the kernel goes on stamping for them.
    static func find(_ options: RunOptions) throws(RunFailure) -> StampGrant {
        if options.timestamps == .app { return StampGrant(areOn: false, refusal: nil) }
        switch KernelStamps.awaitGrant() {
        case .granted: return StampGrant(areOn: true, refusal: nil)
        case .refused(let reason):
            if options.timestamps == .kernel {
                throw RunFailure(
                    .usage,
                    "--timestamps kernel: this kernel gives none (\(reason)); leave it out, or use --timestamps app")
            }
            if options.reads > .zero {
                throw RunFailure(
                    .usage,
                    "--reads needs the kernel's timestamps, and this kernel gives none (\(reason)): leave it out")
            }
            return StampGrant(areOn: false, refusal: reason)
        }
    }
}
