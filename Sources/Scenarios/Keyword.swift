/// What SIPp scenario texts may hold in square brackets: every keyword SIPp knows, also those that do not run yet.
package enum Keyword: Hashable, Sendable {
    /// One with a fixed spelling.
    case named(Name)
    /// `[last_Via:]`: the header as received; `[last_Via.value]`: without its name.
    case lastHeader(name: String, withName: Bool)
    /// `[$name]`
    case variable(String)
    /// `[field3]`: a column of an injection file.
    case field(Int)
    /// `[cryptotag1audio]` and the other SRTP parameters.
    case mediaSecurity(String)
    /// `-key name value`, if the run has that name.
    case key(String)

    package enum Name: String, CaseIterable, Sendable {
        case service
        case remoteIP = "remote_ip"
        case remoteHost = "remote_host"
        case remotePort = "remote_port"
        case transport
        case localIP = "local_ip"
        case localIPType = "local_ip_type"
        case localPort = "local_port"
        case serverIP = "server_ip"
        case mediaIP = "media_ip"
        case mediaIPType = "media_ip_type"
        case mediaPort = "media_port"
        case autoMediaPort = "auto_media_port"
        case rtpStreamAudioPort = "rtpstream_audio_port"
        case rtpStreamVideoPort = "rtpstream_video_port"
        case callNumber = "call_number"
        case processID = "pid"
        case users
        case userID = "userid"
        case dynamicID = "dynamic_id"
        case callID = "call_id"
        case cseq
        case branch
        case messageIndex = "msg_index"
        case clockTick = "clock_tick"
        case version = "sipp_version"
        case date
        case timestamp
        case bodyLength = "len"
        case peerTag = "peer_tag_param"
        case lastRequestURI = "last_Request_URI"
        case lastCSeqNumber = "last_cseq_number"
        case lastMessage = "last_message"
        case routes
        case nextURL = "next_url"
        case file
        case fill
        case authentication
        case circuit = "tdmmap"
    }

    init(name: String) {
        if let known = Name(rawValue: name) {
            self = .named(known)
        } else if name.hasPrefix("last_") {
            self = Self.lastHeader(spelling: name.dropFirst("last_".count))
        } else if name.hasPrefix("$") {
            self = .variable(String(name.dropFirst()))
        } else if name.hasPrefix("field"), let column = Int(name.dropFirst("field".count)), column >= 0 {
            self = .field(column)
        } else if Self.isMediaSecurity(name) {
            self = .mediaSecurity(name)
        } else {
            self = .key(name)
        }
    }

    private static func lastHeader(spelling: Substring) -> Keyword {
        if spelling.hasSuffix(".value") {
            return .lastHeader(name: String(spelling.dropLast(".value".count)), withName: false)
        }
        // SIPp gives the header with its name whether or not the colon is written.
        return .lastHeader(name: String(spelling.hasSuffix(":") ? spelling.dropLast() : spelling), withName: true)
    }

    private static func isMediaSecurity(_ name: String) -> Bool {
        let beginnings = ["cryptotag", "cryptosuite", "cryptokeyparams", "ueaescm128sha1", "uenullsha1"]
        return beginnings.contains { name.hasPrefix($0) } && (name.hasSuffix("audio") || name.hasSuffix("video"))
    }

    /// Whether a program can be made of it; the others are refused by name, never sent as they stand.
    var runs: Bool {
        switch self {
        case .named(let name): name != .circuit
        case .lastHeader, .key, .variable, .field: true
        case .mediaSecurity: false
        }
    }

    /// What may follow its name in the brackets.
    var parameters: [String] {
        switch self {
        case .named(.file): ["name"]
        case .named(.fill): ["variable", "text"]
        case .named(.authentication): ["username", "password", "aka_K", "aka_OP", "aka_AMF"]
        case .field: ["file", "line"]
        case .named, .lastHeader, .key, .variable, .mediaSecurity: []
        }
    }

    /// Whether `[name+n]` differs from `[name]`.
    var takesOffset: Bool {
        switch self {
        case .named(let name): name.takesOffset
        case .mediaSecurity: true
        case .lastHeader, .variable, .field, .key: false
        }
    }
}

extension Keyword.Name {
    var takesOffset: Bool {
        switch self {
        case .remotePort, .localPort, .mediaPort, .autoMediaPort, .rtpStreamAudioPort, .rtpStreamVideoPort, .cseq,
            .branch, .messageIndex, .bodyLength, .lastCSeqNumber:
            true
        case .service, .remoteIP, .remoteHost, .transport, .localIP, .localIPType, .serverIP, .mediaIP, .mediaIPType,
            .callNumber, .processID, .users, .userID, .dynamicID, .callID, .clockTick, .version, .date, .timestamp,
            .peerTag, .lastRequestURI, .lastMessage, .routes, .nextURL, .file, .fill, .authentication, .circuit:
            false
        }
    }
}
