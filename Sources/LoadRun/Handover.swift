import Synchronization

/// Carries something that cannot be copied into the closure of a thread.
final class Handover<Value: ~Copyable>: Sendable {
    private let value: Mutex<Value?>

    init(_ value: consuming sending Value) { self.value = Mutex(consume value) }

    func take() -> sending Value {
        let taken = value.withLock { $0.take() }
        guard let taken else { preconditionFailure("handed over twice") }
        return taken
    }
}
