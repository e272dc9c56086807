import Datagrams
import UDPTransport

/// Whether a run's datagrams are stamped by the kernel, or why not.
struct StampGrant: Sendable {
    var areOn: Bool
    var refusal: String?

    /// Above this many calls a second on one sending thread, `auto` leaves the stamps out. Two transmit stamps a call and
    /// the reading of them cost 3 to 4 us: here less than a tenth of a core, but a fifth of what one can place flat out.
    static let automaticLimit = 20_000.0

    /// Sockets to be stamped are opened in `body`.
    static func with<R>(
        _ options: RunOptions, ratePerWorker: Double, _ body: (StampGrant) throws -> R
    ) throws -> R {
        if options.timestamps == .app { return try body(StampGrant(areOn: false, refusal: nil)) }
        if options.timestamps == .auto, options.reads == .zero, ratePerWorker > automaticLimit {
            return try body(
                StampGrant(
                    areOn: false,
                    refusal:
                        "above 20,000 calls/s a sending thread they are left out; --timestamps kernel asks for them"
                ))
        }
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
