import Glibc

/// Commands that scenarios start (`exec command`): by the shell, detached, not awaited, as SIPp does. Never called unless
/// the user permitted it.
package enum ScenarioCommands {
    /// False where the shell could not be started.
    @discardableResult
    package static func start(_ command: String) -> Bool {
        // The shell starts the command in the background and ends at once, so that nobody needs to wait for it for long.
        let arguments: [UnsafeMutablePointer<CChar>?] = [
            strdup("sh"), strdup("-c"), strdup("{ \(command)\n} </dev/null &"), nil,
        ]
        defer { for argument in arguments { free(argument) } }
        var child: pid_t = 0
        guard posix_spawn(&child, "/bin/sh", nil, nil, arguments, environ) == 0 else { return false }
        var status: Int32 = 0
        while waitpid(child, &status, 0) < 0, errno == EINTR {}
        return true
    }
}
