import Datagrams
import UDPTransport

/// Whether a run's datagrams are stamped by the kernel, or why not.
struct StampGrant: Sendable {
    var areOn: Bool
    var refusal: String?

    /// Sockets to be stamped are opened in `body`.
    static func with<R>(_ options: RunOptions, _ body: (StampGrant) throws -> R) throws -> R {
        if options.timestamps == .app { return try body(StampGrant(areOn: false, refusal: nil)) }
        return try KernelStamps.withGrant { try body(StampGrant($0, options)) }
    }

    private init(areOn: Bool, refusal: String?) {
        self.areOn = areOn
        self.refusal = refusal
    }

    private init(_ grant: KernelStamps.Grant, _ options: RunOptions) throws(RunFailure) {
        switch grant {
        case .granted: self.init(areOn: true, refusal: nil)
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
            self.init(areOn: false, refusal: reason)
        }
    }
}
