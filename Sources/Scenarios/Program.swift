import Datagrams
import SIP

/// A scenario compiled for one run: what the user agents interpret.
///
/// Flat and trivially copyable where it is read per message: an instruction is a value without references, and jumps
/// are indices. Everything that is constant for the run (`[remote_ip]`, `[service]`, `-key` values) has become literal
/// bytes in the templates.
package struct Program: Sendable {
    package enum Role: Sendable, BitwiseCopyable { case client, server }

    /// File name or the name of a standard scenario.
    package var name: String
    package var role: Role
    package var instructions: [Instruction]
    /// `Instruction.Send.template` indexes this.
    package var templates: [MessageTemplate]
    /// Names of `start_rtd`/`rtd`; bit n of the masks is name n. At most 64.
    package var responseTimeNames: [String]
    /// Those that are stopped and never started: they run from the creation of the call.
    package var responseTimesFromCreation: UInt64 = 0
    /// Header names needed from the last received message (`[last_Via:]`...), so that it is only kept where needed.
    package var keepsLastMessage: Bool
    /// A receive with `rrs` whose route set or contact is used by a later send.
    package var keepsRouteSet: Bool

    package init(
        name: String, role: Role, instructions: [Instruction], templates: [MessageTemplate],
        responseTimeNames: [String] = [], keepsLastMessage: Bool = false, keepsRouteSet: Bool = false
    ) {
        self.name = name
        self.role = role
        self.instructions = instructions
        self.templates = templates
        self.responseTimeNames = responseTimeNames
        self.keepsLastMessage = keepsLastMessage
        self.keepsRouteSet = keepsRouteSet
    }

    /// Instructions a program may have: an index fits the call record and the branch.
    package static let instructionLimit = 4096
    /// One bit each in the masks.
    package static let responseTimeLimit = 64
}

/// One step of a scenario.
package struct Instruction: Sendable, BitwiseCopyable {
    package enum Operation: Sendable, BitwiseCopyable {
        case send(Send)
        case receive(Receive)
        case pause(Pause)
        /// As pause, but only as the last step: the call stays to answer repeats (SIPp's `timewait`).
        case timewait(Pause)
        case nop
    }

    package struct Send: Sendable, BitwiseCopyable {
        package var template: UInt16
        /// Of the request, or for a response `.other`.
        package var method: Method
        /// 0 for a request.
        package var status: UInt16
        /// `retrans`: whether a timer sends it again, and its T1 in place of the run's. `nil`: the attribute is absent,
        /// so a request is sent once only and waits for ever (as SIPp does). `.zero`: present without a usable number.
        package var retransmission: Nanoseconds?

        package init(template: UInt16, method: Method, status: UInt16, retransmission: Nanoseconds?) {
            self.template = template
            self.method = method
            self.status = status
            self.retransmission = retransmission
        }
    }

    package struct Receive: Sendable, BitwiseCopyable {
        package enum Match: Sendable, BitwiseCopyable, Equatable {
            case status(UInt16)
            case method(Method)
        }
        package enum Presence: Sendable, BitwiseCopyable { case mandatory, optional, globallyOptional }

        package var match: Match
        package var presence: Presence
        package var timeout: Nanoseconds?
        /// `rrs`: keep Record-Route and Contact of this message for `[routes]` and `[next_url]`.
        package var recordsRouteSet: Bool

        package init(match: Match, presence: Presence, timeout: Nanoseconds?, recordsRouteSet: Bool) {
            self.match = match
            self.presence = presence
            self.timeout = timeout
            self.recordsRouteSet = recordsRouteSet
        }
    }

    package struct Pause: Sendable, BitwiseCopyable {
        package enum Length: Sendable, BitwiseCopyable, Equatable {
            case fixed(Nanoseconds)
            /// No length in the file: the run's `--hold`.
            case runDefault
        }
        package var length: Length
        package init(length: Length) { self.length = length }
    }

    package var operation: Operation
    /// Jump after this step, as an index into `instructions` (the count itself: the end of the call).
    package var next: UInt16?
    /// Where to go when `timeout` or the retransmissions run out.
    package var onTimeout: UInt16?
    /// Bit masks over `Program.responseTimeNames`.
    package var startsResponseTimes: UInt64
    package var stopsResponseTimes: UInt64
    /// Line in the scenario file, for messages.
    package var line: UInt32

    package init(
        operation: Operation, next: UInt16? = nil, onTimeout: UInt16? = nil, startsResponseTimes: UInt64 = 0,
        stopsResponseTimes: UInt64 = 0, line: UInt32 = 0
    ) {
        self.operation = operation
        self.next = next
        self.onTimeout = onTimeout
        self.startsResponseTimes = startsResponseTimes
        self.stopsResponseTimes = stopsResponseTimes
        self.line = line
    }
}

/// What is constant for one run and becomes literal text in the templates.
package struct RunConstants: Sendable {
    /// `[service]`: the user part of the target.
    package var service: String
    /// `[remote_host]` as the user typed it, `[remote_ip]`, `[remote_port]`.
    package var remoteHost: String
    package var remote: SocketAddress
    /// `[local_ip]`, `[local_port]`. When `hasSeveralSources`, `[local_ip]` stays a slot.
    package var local: SocketAddress
    package var hasSeveralSources: Bool
    /// `[transport]`: UDP, TCP, TLS.
    package var transport: String
    package var mediaPort: UInt16
    /// `[media_ip]`. Nil: the local address.
    package var mediaHost: String?
    package var processID: Int32
    /// `-key name value`.
    package var keys: [String: String]
    /// `[sipp_version]`: sipmeter's own.
    package var version = "sipmeter"

    package init(
        service: String = "service", remoteHost: String, remote: SocketAddress, local: SocketAddress,
        hasSeveralSources: Bool = false, transport: String = "UDP", mediaPort: UInt16 = 6000, processID: Int32 = 1,
        keys: [String: String] = [:]
    ) {
        self.service = service
        self.remoteHost = remoteHost
        self.remote = remote
        self.local = local
        self.hasSeveralSources = hasSeveralSources
        self.transport = transport
        self.mediaPort = mediaPort
        self.processID = processID
        self.keys = keys
    }
}

extension Program {
    /// Method of the first request a client sends.
    package var firstMethodText: String {
        for instruction in instructions {
            if case .send(let send) = instruction.operation, send.status == 0 { return "\(send.method.text)" }
        }
        return "request"
    }
}
