import Datagrams

/// Who is answered, and with what: read-only, and only for pages of this server's own.
///
/// A page on another site can make a browser send requests here. It must not read the answer: its `Origin` and
/// `Sec-Fetch-Site` give it away. A name that its owner lets point here (DNS rebinding) would make it the same site; so
/// only addresses are taken for `Host`, and the name the user gave.
package struct HTTPRules: Sendable {
    package enum Resource: Sendable, Equatable { case page, metrics, state, events }

    package enum Decision: Sendable, Equatable {
        /// `withBody`: not of HEAD.
        case show(Resource, withBody: Bool)
        /// The sentence is the body of the response.
        case refuse(status: Int, String)
    }

    /// Where the server listens.
    private let address: SocketAddress
    /// The name the user called it by, in small letters.
    private let name: String?
    /// Of an address as text; nil: it is none.
    private let numeric: @Sendable (String) -> SocketAddress?

    package init(
        listeningAt address: SocketAddress, name: String?, numeric: @escaping @Sendable (String) -> SocketAddress?
    ) {
        self.address = address
        self.name = name?.lowercased()
        self.numeric = numeric
    }

    package func decide(_ request: HTTPRequest) -> Decision {
        guard request.method == "GET" || request.method == "HEAD" else {
            return .refuse(status: 405, "This server only shows what it knows: GET and HEAD.")
        }
        if request.has("transfer-encoding")
            || request.has("content-length") && request.value(of: "content-length") != "0"
        {
            return .refuse(status: 413, "A request with a body is not taken.")
        }
        guard let host = request.value(of: "host") else {
            return .refuse(status: 400, "There must be one Host field.")
        }
        guard isOurs(host) else {
            return .refuse(
                status: 403,
                "Host \(host) is not an address of this server; a name is taken where --http was given that name.")
        }
        guard comesFromHere(request, host) else {
            return .refuse(status: 403, "A page of another origin must not read this.")
        }
        switch request.path {
        case "/": return .show(.page, withBody: request.method == "GET")
        case "/metrics": return .show(.metrics, withBody: request.method == "GET")
        case "/api/state": return .show(.state, withBody: request.method == "GET")
        case "/api/events": return .show(.events, withBody: request.method == "GET")
        case _: return .refuse(status: 404, "There are /, /metrics, /api/state and /api/events.")
        }
    }

    /// The port is not compared: behind a tunnel it is another, and a rebound name is one on any port.
    private func isOurs(_ host: String) -> Bool {
        let name = withoutPort(host).lowercased()
        if let own = self.name, name == own { return true }
        if name == "localhost" || name == "localhost." { return address.isLoopback || address.isUnspecified }
        guard let asked = numeric(name) else { return false }
        if address.isUnspecified { return true }
        return asked.withPort(0) == address.withPort(0) || address.isLoopback && asked.isLoopback
    }

    private func withoutPort(_ host: String) -> String {
        if host.hasPrefix("[") { return host.firstIndex(of: "]").map { String(host[...$0]) } ?? host }
        guard let colon = host.firstIndex(of: ":") else { return host }
        return String(host[..<colon])
    }

    private func comesFromHere(_ request: HTTPRequest, _ host: String) -> Bool {
        if request.has("origin"), request.value(of: "origin")?.lowercased() != "http://" + host.lowercased() {
            return false
        }
        guard request.has("sec-fetch-site") else { return true }
        switch request.value(of: "sec-fetch-site") {
        case "same-origin", "none": return true
        // Somebody follows a link: the other page sees nothing of it.
        case _:
            return request.value(of: "sec-fetch-mode") == "navigate"
                && request.value(of: "sec-fetch-dest") == "document"
        }
    }
}
