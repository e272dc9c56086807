/// SIPp's built-in answering side: a stock receiver, and the server of the study's sipp runs.
enum SIPp {
    static func during<R: Sendable>(
        _ address: String = "127.0.0.1", port: UInt16, by prefix: [String] = [], in scratch: Scratch,
        _ body: (Running) async throws -> R
    ) async throws -> R {
        // A large receive buffer, as any server under load is given.
        let command = Command(
            "sipp", "-sn", "uas", "-i", address, "-p", "\(port)", "-nostdin", "-buff_size", "4194304")
        return try await scratch.during(command.run(by: prefix)) { running in
            try await running.waitForPort(port)
            return try await body(running)
        }
    }
}

extension SIPp {
    /// The same over TCP.
    static func duringTCP<R: Sendable>(
        port: UInt16, in scratch: Scratch, _ body: (Running) async throws -> R
    ) async throws -> R {
        let command = Command("sipp", "-sn", "uas", "-t", "t1", "-i", "127.0.0.1", "-p", "\(port)", "-nostdin")
        return try await scratch.during(command) { running in
            try await running.waitForListener(port)
            return try await body(running)
        }
    }
}

/// `sipmeter answer`, ready to be called.
enum Answer {
    static func during<R: Sendable>(
        _ arguments: [String], port: UInt16, in scratch: Scratch, _ body: (Running) async throws -> R
    ) async throws -> R {
        let command = Command(
            [Command.sipmeterPath, "answer", "--listen", "127.0.0.1:\(port)", "--quiet"] + arguments)
        return try await scratch.during(command) { running in
            try await running.wait(for: "that it listens") { running.output.contains("listening on") }
            return try await body(running)
        }
    }

    static func during<R: Sendable>(
        _ arguments: String..., address: String = "127.0.0.1", port: UInt16, by prefix: [String] = [],
        in scratch: Scratch, _ body: (Running) async throws -> R
    ) async throws -> R {
        let command = Command(
            [Command.sipmeterPath, "answer", "--listen", "\(address):\(port)", "--quiet"] + arguments)
        return try await scratch.during(command.run(by: prefix)) { running in
            try await running.wait(for: "that it listens") { running.output.contains("listening on") }
            return try await body(running)
        }
    }
}
