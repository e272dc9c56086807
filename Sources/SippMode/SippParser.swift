import Datagrams

/// Reads a command line in SIPp's own options.
package enum SippParser {
    /// - Parameter words: without the program's name.
    package static func parse(_ words: [String]) throws(SippComplaint) -> SippArguments {
        var arguments = SippArguments()
        var rest = words[...]
        // Whoever is to be helped has said enough.
        while arguments.instead == nil, let word = rest.popFirst() {
            guard word.hasPrefix("-"), word != "-" else {
                try take(target: word, &arguments)
                continue
            }
            // SIPp also takes `--x`, but for the options that choose a scenario.
            let name = word.hasPrefix("--") ? String(word.dropFirst()) : word
            guard let option = SippOption.named(name) else {
                throw .usage("\(word) is no option of SIPp's; sipmeter sipp -h lists those there are")
            }
            let value = try value(for: option, as: word, from: &rest)
            switch option.support {
            case .runs(let apply): apply(&arguments, value)
            case .ignored: arguments.ignored.append(name)
            case .refused(let reason): throw .fatal("\(word) is not supported: \(reason)")
            }
        }
        try check(arguments)
        if arguments.defaultBehaviours == "none" { arguments.hasDefaultBehaviours = false }
        return arguments
    }

    private static func take(target word: String, _ arguments: inout SippArguments) throws(SippComplaint) {
        if let earlier = arguments.remote {
            throw .usage("there are two remote hosts, \(earlier.host) and \(word): there can be one")
        }
        guard let target = target(word) else {
            throw .usage("\(word) is no remote host: a name or an address is wanted, with :port if need be")
        }
        arguments.remote = target
    }

    private static func check(_ arguments: SippArguments) throws(SippComplaint) {
        if arguments.instead != nil { return }
        try checkTransport(arguments)
        try checkScenarioValues(arguments)
        if arguments.ratePeriod <= .zero { throw .usage("-rp: a period is longer than 0") }
        if arguments.rate < 0 || arguments.callsPerSecond > 1e7 {
            throw .usage("-r \(arguments.rate): from 0 to 10 million calls a second can be placed")
        }
        if arguments.statisticsInterval <= .zero { throw .usage("-fd: an interval is longer than 0") }
        if !["all", "none"].contains(arguments.defaultBehaviours) {
            throw .fatal(
                "-default_behaviors \(arguments.defaultBehaviours) is not supported: all or none of them can be had")
        }
        if arguments.timeoutIsError, arguments.timeout == nil {
            throw .usage("-timeout_error says what -timeout means, and there is none")
        }
    }

    private static func checkTransport(_ arguments: SippArguments) throws(SippComplaint) {
        let given = [
            ("-tls_cert", arguments.certificate), ("-tls_key", arguments.key), ("-tls_ca", arguments.authorities),
        ]
        switch arguments.transport {
        case .u1, .un, .t1, .tn:
            if let option = given.first(where: { $0.1 != nil }) {
                throw .usage("\(option.0) belongs to -t l1 or ln, and this is \(arguments.transport.rawValue)")
            }
        case .l1, .ln:
            if arguments.key != nil, arguments.certificate == nil {
                throw .usage("-tls_key needs the certificate too: -tls_cert FILE")
            }
        }
    }

    private static func checkScenarioValues(_ arguments: SippArguments) throws(SippComplaint) {
        if arguments.loss > 1 { throw .usage("-lost: from 0 to 100 percent can be lost") }
        if let users = arguments.users {
            switch arguments.transport {
            case .u1, .un, .t1, .l1: break
            case .tn, .ln: throw .fatal("-users with -t \(arguments.transport.rawValue) is not supported: use t1 or l1")
            }
            if users == 0 { throw .usage("-users: there is one at least") }
            if arguments.openCallLimit != nil {
                throw .usage("-users and -l exclude each other: users have one call each")
            }
        }
        for index in arguments.indices {
            guard let column = UInt16(index.value) else {
                throw .usage("-infindex \(index.name) \(index.value): a column is wanted, counted from 0")
            }
            if !arguments.injections.contains(index.name) {
                throw .usage("-infindex \(index.name) \(column): no -inf names this file")
            }
        }
    }

    // MARK: values

    private static func value(
        for option: SippOption, as word: String, from rest: inout ArraySlice<String>
    ) throws(SippComplaint) -> SippOption.Value {
        func next() throws(SippComplaint) -> String {
            guard let text = rest.popFirst() else { throw .usage("\(word) wants a value after it, and there is none") }
            return text
        }
        switch option.argument {
        case .none: return .none
        case .text: return .text(try next())
        case .transport: return .transport(try transport(try next()))
        case .setting:
            let name = try next()
            return .setting(SippArguments.Setting(name: name, value: try next()))
        case .integer, .decimal, .time, .boolean, .target, .port:
            let text = try next()
            guard let value = parse(text, as: option.argument) else {
                throw .usage("\(word) \(text): \(wanted(option.argument)) is wanted")
            }
            return value
        }
    }

    private static func parse(_ text: String, as argument: SippOption.Argument) -> SippOption.Value? {
        switch argument {
        case .none, .text, .setting, .transport: .text(text)
        case .integer: UInt64(text).map { .integer($0) }
        case .decimal: Double(text).flatMap { $0.isFinite && $0 >= 0 ? .decimal($0) : nil }
        case .time(let unit): time(text, in: unit).map { .time($0) }
        case .boolean: boolean(text).map { .boolean($0) }
        case .target: target(text).map { .target($0) }
        case .port: UInt16(text).map { .port($0) }
        }
    }

    private static func wanted(_ argument: SippOption.Argument) -> String {
        switch argument {
        case .none, .text, .setting, .transport: "a text"
        case .integer: "a whole number"
        case .decimal: "a number"
        case .time(let unit): "a length of time, in \(unit == .seconds(1) ? "s" : "ms") or with ms, s, m or h,"
        case .boolean: "true or false"
        case .target: "a host with :port if need be"
        case .port: "a port from 0 to 65535"
        }
    }

    private static func transport(_ text: String) throws(SippComplaint) -> SippArguments.Transport {
        if let transport = SippArguments.Transport(rawValue: text) { return transport }
        switch text {
        case "ui": throw .fatal("-t ui is not supported: all calls leave from one address")
        case "s1", "sn": throw .fatal("-t \(text) is not supported: SCTP")
        case _: throw .usage("-t \(text): no such transport; there are u1, un, t1, tn, l1 and ln")
        }
    }

    private static func boolean(_ text: String) -> Bool? {
        switch text {
        case "true", "1", "yes": true
        case "false", "0", "no": false
        case _: nil
        }
    }

    /// `5`, `1.5s`, `200ms`, `2m`, `1h`, `1:30`, `1:00:00`.
    package static func time(_ text: String, in unit: Nanoseconds) -> Nanoseconds? {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        if parts.count > 1 {
            guard parts.count <= 3 else { return nil }
            var seconds = 0.0
            for part in parts {
                guard let number = Double(part), number.isFinite, number >= 0 else { return nil }
                seconds = seconds * 60 + number
            }
            return length(seconds, .seconds(1))
        }
        let units: [(String, Nanoseconds)] = [
            ("ms", .milliseconds(1)), ("s", .seconds(1)), ("m", .seconds(60)), ("h", .seconds(3600)),
        ]
        for (name, unit) in units where text.hasSuffix(name) {
            return Double(text.dropLast(name.count)).flatMap { length($0, unit) }
        }
        return Double(text).flatMap { length($0, unit) }
    }

    private static func length(_ number: Double, _ unit: Nanoseconds) -> Nanoseconds? {
        let nanoseconds = number * Double(unit.rawValue)
        // 30 years: what is added to it still fits.
        guard nanoseconds >= 0, nanoseconds <= 1e18 else { return nil }
        return Nanoseconds(Int64(nanoseconds.rounded()))
    }

    /// `host`, `host:port`, `[::1]`, `[::1]:port`, `::1`.
    package static func target(_ text: String) -> SippArguments.Target? {
        if text.isEmpty { return nil }
        if text.hasPrefix("[") {
            guard let end = text.firstIndex(of: "]") else { return nil }
            let host = String(text[text.index(after: text.startIndex)..<end])
            let rest = text[text.index(after: end)...]
            if rest.isEmpty { return host.isEmpty ? nil : SippArguments.Target(host: host) }
            guard rest.hasPrefix(":"), let port = UInt16(rest.dropFirst()), !host.isEmpty else { return nil }
            return SippArguments.Target(host: host, port: port)
        }
        let colons = text.utf8.filter { $0 == UInt8(ascii: ":") }.count
        guard colons == 1, let colon = text.firstIndex(of: ":") else {
            // Without one it is a name or an address of version 4, with several one of version 6.
            return SippArguments.Target(host: text)
        }
        guard let port = UInt16(text[text.index(after: colon)...]), colon != text.startIndex else { return nil }
        return SippArguments.Target(host: String(text[..<colon]), port: port)
    }
}
