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

    // What only some scenarios have: all empty for one of plain sends and receives.

    /// `Instruction.extras` less 1 indexes this.
    package var extras: [StepExtras] = []
    package var actions: [Action] = []
    /// Texts of actions and keywords' parameters.
    package var texts: [MessageTemplate] = []
    /// What stands where a template says `insert`.
    package var inserts: [Insert] = []
    package var patterns: [any Pattern] = []
    /// Header names of `ereg`, as plain bytes.
    package var headerNames: [[UInt8]] = []
    package var assignments: [Variable] = []
    package var distributions: [Distribution] = []
    package var injections: [Injection] = []
    package var credentials: [Credentials] = []
    package var variables = VariableNames()
    /// Texts of global variables before the first call (`--set`).
    package var initialGlobals: [(variable: Variable, text: [UInt8])] = []
    /// Steps carried out once before the first call.
    package var initialInstructions: [Instruction] = []
    package var defaultMessages: [DefaultMessage: MessageTemplate] = [:]
    package var counterNames: [String] = []
    /// `_unexp.main`: where an unexpected message leads.
    package var unexpectedTarget: UInt16?
    /// `_unexp.retaddr` and `_unexp.pausedaddr`.
    package var unexpectedReturn: Variable?
    package var unexpectedPause: Variable?
    /// An action shows `[last_*]` before its own message has become the last one.
    package var keepsLastMessageWhileWaiting = false
    /// Some receive loses messages on purpose.
    package var losesReceived = false
    package var mediaPort: UInt16 = 0
    /// User and password of `[authentication]` without its own: `--auth-user`, `--auth-password`.
    package var username: [UInt8] = []
    package var password: [UInt8] = []
    /// The digest URI where it is not the run's own: `sip:remote_ip:remote_port`.
    package var digestURI: [UInt8] = []

    /// Calls need the record that most scenarios do without.
    package var needsCallExtras: Bool {
        !actions.isEmpty || !extras.isEmpty || !inserts.isEmpty || !variables.call.isEmpty || !variables.user.isEmpty
    }

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
            /// A method that is not known by name: its text in `Program.headerNames`.
            case otherMethod(UInt16)
            /// Of the status or the method: `Program.patterns`.
            case statusPattern(UInt16)
            case methodPattern(UInt16)
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
            /// Milliseconds.
            case variable(Variable)
            /// Milliseconds, drawn from `Program.distributions`.
            case sampled(UInt16)
        }
        package var length: Length
        package init(length: Length) { self.length = length }
    }

    package var operation: Operation
    /// Jump after this step, as an index into `instructions` (the count itself: the end of the call).
    package var next: UInt16?
    /// Where to go when `timeout` or the retransmissions run out.
    package var onTimeout: UInt16?
    /// 0: none. Else less 1 an index into `Program.extras`.
    package var extras: UInt16 = 0
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

/// What only some steps have.
package struct StepExtras: Sendable, BitwiseCopyable {
    package var test: Variable?
    package var chance = 1.0
    package var condition: Variable?
    package var conditionIsInverse = false
    package var repeatsResponseTimes = false
    /// Index into `Program.counterNames`.
    package var counter: UInt16?
    package var loss = 0.0
    /// Range in `Program.actions`.
    package var firstAction: UInt32 = 0
    package var actionCount: UInt16 = 0
    package var startsTransaction: UInt16?
    package var respondsTo: UInt16?
    package var acknowledges: UInt16?
    package var keepsChallenge = false
    package var advancesState = true

    package init() {}

    package var actionRange: Range<Int> { Int(firstAction)..<Int(firstAction) + Int(actionCount) }
}

/// A keyword whose text only the call knows.
package enum Insert: Sendable, BitwiseCopyable {
    case variable(Variable)
    /// `line` is a text of `Program.texts`; nil: the call's own line.
    case field(file: UInt16, column: UInt16, line: UInt16?)
    /// Index into `Program.credentials`.
    case authentication(UInt16)
    case clockTick
    case timestamp
    case date
    case userID
    case dynamicID
    /// `text` repeated up to as many characters as the variable says.
    case fill(Variable, text: UInt16)
    case autoMediaPort(offset: Int32)
}

/// Whose credentials `[authentication]` shows: texts of `Program.texts`, nil where the run's own count.
package struct Credentials: Sendable, BitwiseCopyable {
    package var username: UInt16?
    package var password: UInt16?
    package var akaK: UInt16?
    package var akaOP: UInt16?
    package var akaAMF: UInt16?
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
    /// Calls go by connections, each with a port of its own: `[local_port]` stays a slot.
    package var hasVaryingPort = false
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
    /// `[users]`: -1 in a run without.
    package var users: Int?
    /// Injection files, the first one the default.
    package var injections: [Injection] = []
    /// Texts of global variables.
    package var globals: [(name: String, text: String)] = []
    /// Contents of the files that `[file name=…]` names.
    package var files: [String: [UInt8]] = [:]
    /// For receives that have no `timeout` of their own.
    package var receiveTimeout: Nanoseconds?
    /// The user permits `exec command`: a scenario from a stranger must not run a shell.
    package var allowsCommands = false
    package var username: String?
    package var password = "password"
    package var digestURI: String?

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
    /// Lines of the sends whose message has no Content-Length, which a stream needs (RFC 3261, 18.3).
    package var linesWithoutLength: [Int] {
        instructions.compactMap { instruction in
            guard case .send(let send) = instruction.operation, !templates[Int(send.template)].saysLength else {
                return nil
            }
            return Int(instruction.line)
        }
    }

    /// Method of the first request a client sends.
    package var firstMethodText: String {
        for instruction in instructions {
            if case .send(let send) = instruction.operation, send.status == 0 { return "\(send.method.text)" }
        }
        return "request"
    }
}
