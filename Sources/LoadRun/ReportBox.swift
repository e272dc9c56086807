import Synchronization

/// Brings the sending thread's report back.
final class ReportBox: Sendable {
    private let report = Mutex<WorkerReport?>(nil)

    func set(_ value: WorkerReport) { report.withLock { $0 = value } }

    func get() -> WorkerReport {
        guard let value = report.withLock({ $0 }) else { preconditionFailure("the sending thread left no report") }
        return value
    }
}
