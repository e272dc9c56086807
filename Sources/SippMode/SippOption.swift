import Datagrams

/// One option of SIPp's: its name, what follows it, and what becomes of it here.
package struct SippOption: Sendable {
    package enum Argument: Equatable, Sendable {
        case none
        case text
        /// Not negative.
        case integer
        case decimal
        /// A length of time; a bare number counts in this.
        case time(Nanoseconds)
        case boolean
        case target
        case port
        case transport
        /// Two words.
        case setting
    }

    package enum Value: Sendable {
        case none
        case text(String)
        case integer(UInt64)
        case decimal(Double)
        case time(Nanoseconds)
        case boolean(Bool)
        case target(SippArguments.Target)
        case port(UInt16)
        case transport(SippArguments.Transport)
        case setting(SippArguments.Setting)
    }

    package enum Support: Sendable {
        case runs(@Sendable (inout SippArguments, Value) -> Void)
        /// Says something about SIPp's insides that has no counterpart: taken, and without effect.
        case ignored
        /// Refused; the reason completes "NAME is not supported: ".
        case refused(String)
    }

    package let name: String
    package let argument: Argument
    package let support: Support
}

extension SippOption {
    private static func runs(
        _ name: String, _ argument: Argument = .none,
        _ apply: @escaping @Sendable (inout SippArguments, Value) -> Void
    ) -> SippOption { SippOption(name: name, argument: argument, support: .runs(apply)) }

    private static func trace(
        _ name: String, _ path: any WritableKeyPath<SippArguments, SippArguments.Trace> & Sendable
    ) -> SippOption { runs(name) { arguments, _ in arguments[keyPath: path].isOn = true } }

    private static func file(
        _ name: String, _ path: any WritableKeyPath<SippArguments, SippArguments.Trace> & Sendable
    ) -> SippOption {
        runs(name, .text) { arguments, value in
            if case .text(let text) = value { arguments[keyPath: path].path = text }
        }
    }

    private static func overwrite(
        _ name: String, _ path: any WritableKeyPath<SippArguments, SippArguments.Trace> & Sendable
    ) -> SippOption {
        runs(name, .boolean) { arguments, value in
            if case .boolean(let flag) = value { arguments[keyPath: path].overwrites = flag }
        }
    }

    private static func flag(
        _ name: String, _ path: any WritableKeyPath<SippArguments, Bool> & Sendable, _ value: Bool = true
    ) -> SippOption { runs(name) { arguments, _ in arguments[keyPath: path] = value } }

    private static func text(
        _ name: String, _ path: any WritableKeyPath<SippArguments, String> & Sendable
    ) -> SippOption {
        runs(name, .text) { arguments, value in
            if case .text(let text) = value { arguments[keyPath: path] = text }
        }
    }

    private static func text(
        _ name: String, _ path: any WritableKeyPath<SippArguments, String?> & Sendable
    ) -> SippOption {
        runs(name, .text) { arguments, value in
            if case .text(let text) = value { arguments[keyPath: path] = text }
        }
    }

    private static func time(
        _ name: String, in unit: Nanoseconds, _ path: any WritableKeyPath<SippArguments, Nanoseconds> & Sendable
    ) -> SippOption {
        runs(name, .time(unit)) { arguments, value in
            if case .time(let length) = value { arguments[keyPath: path] = length }
        }
    }

    private static func time(
        _ name: String, in unit: Nanoseconds, _ path: any WritableKeyPath<SippArguments, Nanoseconds?> & Sendable
    ) -> SippOption {
        runs(name, .time(unit)) { arguments, value in
            if case .time(let length) = value { arguments[keyPath: path] = length }
        }
    }

    private static func decimal(
        _ name: String, _ path: any WritableKeyPath<SippArguments, Double> & Sendable
    ) -> SippOption {
        runs(name, .decimal) { arguments, value in
            if case .decimal(let number) = value { arguments[keyPath: path] = number }
        }
    }

    private static func port(
        _ name: String, _ path: any WritableKeyPath<SippArguments, UInt16?> & Sendable
    ) -> SippOption {
        runs(name, .port) { arguments, value in
            if case .port(let port) = value { arguments[keyPath: path] = port }
        }
    }

    private static func ignored(_ name: String, _ argument: Argument = .none) -> SippOption {
        SippOption(name: name, argument: argument, support: .ignored)
    }

    private static func refused(_ name: String, _ argument: Argument, _ reason: String) -> SippOption {
        SippOption(name: name, argument: argument, support: .refused(reason))
    }

    package static func named(_ name: String) -> SippOption? { byName[name] }

    private static let byName = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })

    /// Every option of SIPp 3.6.1, the later ones that scripts use, and `-allow_exec`.
    package static let all: [SippOption] = running + traces + withoutEffect + notSupported

    private static let running: [SippOption] = [
        runs("-v") { arguments, _ in arguments.instead = .version },
        runs("-h") { arguments, _ in arguments.instead = .help },
        runs("-help") { arguments, _ in arguments.instead = .help },
        runs("-sd", .text) { arguments, value in
            if case .text(let name) = value { arguments.instead = .showScenario(name) }
        },
        runs("-sf", .text) { arguments, value in
            if case .text(let path) = value { arguments.scenario = .file(path) }
        },
        runs("-sn", .text) { arguments, value in
            if case .text(let name) = value { arguments.scenario = .standard(name) }
        },
        runs("-t", .transport) { arguments, value in
            if case .transport(let transport) = value { arguments.transport = transport }
        },
        text("-tls_cert", \.certificate), text("-tls_key", \.key), text("-tls_ca", \.authorities),
        text("-i", \.localHost),
        port("-p", \.localPort),
        runs("-rsa", .target) { arguments, value in
            if case .target(let target) = value { arguments.sendTo = target }
        },
        text("-mi", \.mediaHost),
        runs("-mp", .port) { arguments, value in
            if case .port(let port) = value { arguments.mediaPort = port }
        },
        runs("-min_rtp_port", .port) { arguments, value in
            if case .port(let port) = value { arguments.mediaPort = port }
        },
        runs("-m", .integer) { arguments, value in
            if case .integer(let count) = value { arguments.callLimit = count }
        },
        decimal("-r", \.rate),
        time("-rp", in: .milliseconds(1), \.ratePeriod),
        decimal("-rate_scale", \.rateScale),
        decimal("-rate_increase", \.rateIncrease),
        time("-rate_interval", in: .seconds(1), \.rateInterval),
        runs("-rate_max", .decimal) { arguments, value in
            if case .decimal(let rate) = value { arguments.rateMaximum = rate }
        },
        flag("-no_rate_quit", \.quitsAtRateMaximum, false),
        runs("-l", .integer) { arguments, value in
            if case .integer(let count) = value { arguments.openCallLimit = Int(clamping: count) }
        },
        time("-d", in: .milliseconds(1), \.pause),
        text("-s", \.service),
        runs("-key", .setting) { arguments, value in
            if case .setting(let setting) = value { arguments.keys.append(setting) }
        },
        runs("-set", .setting) { arguments, value in
            if case .setting(let setting) = value { arguments.globals.append(setting) }
        },
        runs("-inf", .text) { arguments, value in
            if case .text(let path) = value { arguments.injections.append(path) }
        },
        runs("-infindex", .setting) { arguments, value in
            if case .setting(let setting) = value { arguments.indices.append(setting) }
        },
        runs("-users", .integer) { arguments, value in
            if case .integer(let count) = value { arguments.users = Int(clamping: count) }
        },
        flag("-allow_exec", \.allowsCommands),
        runs("-lost", .decimal) { arguments, value in
            if case .decimal(let share) = value { arguments.loss = share / 100 }
        },
        text("-au", \.authenticationUser),
        text("-ap", \.authenticationPassword),
        text("-auth_uri", \.authenticationURI),
        runs("-base_cseq", .integer) { arguments, value in
            if case .integer(let number) = value { arguments.firstCSeq = UInt32(clamping: number) }
        },
        flag("-aa", \.autoAnswers),
        flag("-nd", \.hasDefaultBehaviours, false),
        text("-default_behaviors", \.defaultBehaviours),
        flag("-nr", \.retransmits, false),
        time("-T2", in: .milliseconds(1), \.t2),
        time("-recv_timeout", in: .milliseconds(1), \.receiveTimeout),
        time("-timeout", in: .seconds(1), \.timeout),
        flag("-timeout_error", \.timeoutIsError),
        time("-sleep", in: .seconds(1), \.sleep),
        runs("-buff_size", .integer) { arguments, value in
            if case .integer(let bytes) = value { arguments.receiveBuffer = Int(clamping: bytes) }
        },
        flag("-nostdin", \.readsKeys, false),
        flag("-bg", \.isInBackground),
        port("-cp", \.controlPort),
        text("-ci", \.controlHost),
    ]

    private static let traces: [SippOption] = [
        time("-f", in: .seconds(1), \.screenInterval),
        time("-fd", in: .seconds(1), \.statisticsInterval),
        text("-stat_delimiter", \.delimiter),
        flag("-periodic_rtd", \.hasPeriodicRepartition),
        runs("-rtt_freq", .integer) { arguments, value in
            if case .integer(let count) = value { arguments.responseTimeBatch = Int(clamping: count) }
        },
        trace("-trace_stat", \.statistics), file("-stf", \.statistics),
        trace("-trace_rtt", \.responseTimes),
        trace("-trace_counts", \.counts),
        trace("-trace_msg", \.messages), file("-message_file", \.messages),
        overwrite("-message_overwrite", \.messages),
        trace("-trace_shortmsg", \.shortMessages), file("-shortmessage_file", \.shortMessages),
        overwrite("-shortmessage_overwrite", \.shortMessages),
        trace("-trace_err", \.errors), file("-error_file", \.errors), overwrite("-error_overwrite", \.errors),
        trace("-trace_error_codes", \.errorCodes),
        trace("-trace_logs", \.logs), file("-log_file", \.logs), overwrite("-log_overwrite", \.logs),
        trace("-trace_screen", \.screens), file("-screen_file", \.screens),
        overwrite("-screen_overwrite", \.screens),
    ]

    private static let withoutEffect: [SippOption] = [
        ignored("-bind_local"), ignored("-max_socket", .integer), ignored("-skip_rlimit"),
        ignored("-timer_resol", .time(.milliseconds(1))), ignored("-max_recv_loops", .integer),
        ignored("-max_sched_loops", .integer), ignored("-watchdog_interval", .time(.milliseconds(1))),
        ignored("-watchdog_reset", .time(.milliseconds(1))),
        ignored("-watchdog_minor_threshold", .time(.milliseconds(1))),
        ignored("-watchdog_major_threshold", .time(.milliseconds(1))),
        ignored("-watchdog_major_maxtriggers", .integer), ignored("-watchdog_minor_maxtriggers", .integer),
        ignored("-deadcall_wait", .time(.milliseconds(1))), ignored("-rtcheck", .text),
        ignored("-sendbuffer_warn", .integer), ignored("-max_reconnect", .integer),
        ignored("-reconnect_close", .boolean), ignored("-reconnect_sleep", .time(.milliseconds(1))),
        ignored("-rtp_echo"), ignored("-max_rtp_port", .port), ignored("-mb", .integer),
        ignored("-rtp_payload", .integer), ignored("-rtp_threadtasks", .integer), ignored("-rtp_buffsize", .integer),
        ignored("-callid_slash_ign"),
    ]

    private static let strays = "what belongs to no call is counted, and -aa answers it"
    private static let limits = "retransmissions follow RFC 3261"

    /// The one list of what is not done.
    private static let notSupported: [SippOption] = [
        refused("-ip_field", .integer, "all calls leave from one address"),
        refused("-oocsf", .text, strays), refused("-oocsn", .text, strays), refused("-rxsf", .text, strays),
        refused("-cid_str", .text, "Call-IDs are sipmeter's own"),
        refused("-pause_msg_ign", .none, "what comes during a pause is matched by the scenario"),
        refused("-max_retrans", .integer, limits), refused("-max_invite_retrans", .integer, limits),
        refused("-max_non_invite_retrans", .integer, limits),
        refused("-send_timeout", .time(.milliseconds(1)), "a datagram is sent or refused at once"),
        refused("-trace_calldebug", .none, "-trace_err and -trace_msg tell of failed calls"),
        refused("-calldebug_file", .text, "-trace_err and -trace_msg tell of failed calls"),
        refused("-calldebug_overwrite", .boolean, "-trace_err and -trace_msg tell of failed calls"),
        refused("-ringbuffer_files", .integer, "files grow"), refused("-ringbuffer_size", .integer, "files grow"),
        refused("-max_log_size", .integer, "files grow"), refused("-rfc3339", .none, "times are in SIPp's older form"),
        refused("-3pcc", .text, "third-party call control"), refused("-master", .text, "third-party call control"),
        refused("-slave", .text, "third-party call control"),
        refused("-slave_cfg", .text, "third-party call control"),
        refused("-tdmmap", .text, "TDM circuits"), refused("-plugin", .text, "plug-ins are SIPp's own"),
        refused("-dynamicStart", .integer, "[dynamic_id]"), refused("-dynamicMax", .integer, "[dynamic_id]"),
        refused("-dynamicStep", .integer, "[dynamic_id]"),
        refused("-multihome", .text, "SCTP"), refused("-heartbeat", .integer, "SCTP"),
        refused("-assocmaxret", .integer, "SCTP"), refused("-pathmaxret", .integer, "SCTP"),
        refused("-pmtu", .integer, "SCTP"), refused("-gracefulclose", .boolean, "SCTP"),
        refused("-tls_crl", .text, "certificates are verified by -tls_ca alone"),
        refused("-tls_version", .decimal, "the highest version both sides have is spoken"),
    ]
}
