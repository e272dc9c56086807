/// A run's directory that cannot be read: one sentence, with what to do.
package struct ArchiveError: Error, Sendable, CustomStringConvertible {
    package var description: String

    package init(_ description: String) { self.description = description }
}
