import UDPTransport

/// Whether a run's datagrams are stamped by the kernel, or why not.
struct StampGrant: Sendable {
    var areOn: Bool
    var refusal: String?

    /// To be called when the run's sockets are open: the kernel goes on stamping for them.
    static func find(_ wanted: RunOptions.Timestamps) throws(RunFailure) -> StampGrant {
        if wanted == .app { return StampGrant(areOn: false, refusal: nil) }
        switch KernelStamps.awaitGrant() {
        case .granted: return StampGrant(areOn: true, refusal: nil)
        case .refused(let reason):
            guard wanted == .kernel else { return StampGrant(areOn: false, refusal: reason) }
            throw RunFailure(
                .usage, "--timestamps kernel: this kernel gives none (\(reason)); leave it out, or use --timestamps app"
            )
        }
    }
}
