import CLinuxNet

/// The terminal this process was started from: taken for reading single keys and painting, and given back however the
/// process ends, also by a signal that kills it.
package enum ControllingTerminal {
    package struct Size: Sendable, Equatable {
        package var columns: Int
        package var rows: Int
    }

    /// - Parameter keys: the descriptor to read keys from; nil: none are read.
    package static func take(keys: Int32?, painting screen: Int32) throws(SystemError) {
        try kernelResult("tcsetattr", clinuxnet_take_terminal(keys ?? -1, screen))
    }

    package static func giveBack() { clinuxnet_give_terminal_back() }

    /// Only whoever is in the foreground may read from it, or paint without scribbling over a shell.
    package static func isInForeground(_ descriptor: Int32) -> Bool { clinuxnet_is_in_foreground(descriptor) != 0 }

    /// Nil where it does not say.
    package static func size(_ descriptor: Int32) -> Size? {
        var (columns, rows): (UInt16, UInt16) = (0, 0)
        guard clinuxnet_terminal_size(descriptor, &columns, &rows) == 0, columns > 0, rows > 0 else { return nil }
        return Size(columns: Int(columns), rows: Int(rows))
    }
}
