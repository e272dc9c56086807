/// Why a name or an address the user gave cannot be used, as one sentence.
package struct ResolutionError: Error, Equatable, Sendable, CustomStringConvertible {
    package let description: String

    init(_ description: String) { self.description = description }
}
