/// Certificates made by the openssl command in a test's own directory, good and bad.
struct Certificates: Sendable {
    let scratch: Scratch

    init(in scratch: Scratch) async throws {
        self.scratch = scratch
        try await openssl(
            ["req", "-x509", "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=Test CA", "-days", "2"] + Self.newKey)
    }

    var authority: String { scratch.path("ca.pem") }

    enum Kind: String, CaseIterable, Sendable { case good, wrongName, expired, unknownAuthority, selfSigned }

    /// Files of a server's certificate and its key.
    func make(_ kind: Kind) async throws -> (certificate: String, key: String) {
        let name = kind.rawValue
        let names = kind == .wrongName ? "DNS:pbx.example,DNS:sip.example" : "IP:127.0.0.1"
        let subject = ["-subj", "/CN=\(name)", "-addext", "subjectAltName=\(names)", "-keyout", "\(name).key"]
        switch kind {
        case .selfSigned:
            try await openssl(["req", "-x509", "-out", "\(name).pem", "-days", "2"] + subject + Self.newKey)
        case .good, .wrongName, .expired:
            try await sign(name, subject, by: "ca", days: kind == .expired ? "-1" : "2")
        case .unknownAuthority:
            try await openssl(
                [
                    "req", "-x509", "-keyout", "stranger.key", "-out", "stranger.pem", "-subj", "/CN=Stranger", "-days",
                    "2",
                ]
                    + Self.newKey)
            try await sign(name, subject, by: "stranger", days: "2")
        }
        return (scratch.path("\(name).pem"), scratch.path("\(name).key"))
    }

    private static let newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]

    private func sign(_ name: String, _ subject: [String], by authority: String, days: String) async throws {
        try await openssl(["req", "-out", "\(name).csr"] + subject + Self.newKey)
        try await openssl([
            "x509", "-req", "-in", "\(name).csr", "-CA", "\(authority).pem", "-CAkey", "\(authority).key",
            "-CAcreateserial", "-copy_extensions", "copyall", "-days", days, "-out", "\(name).pem",
        ])
    }

    private func openssl(_ arguments: [String]) async throws {
        let finished = try await scratch.run(Command(["openssl"] + arguments))
        if finished.status != 0 { throw Unmet("openssl \(arguments): \(finished)") }
    }
}
