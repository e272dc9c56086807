import Datagrams
import SIP

extension Scenario {
    /// The program of one run: constants written out, labels turned into indices.
    ///
    /// Throws where the run lacks something the file needs: a keyword that is neither SIPp's nor a `-key` name.
    package func compile(_ run: RunConstants) throws(ScenarioError) -> Program {
        var compiler = ScenarioCompiler(scenario: self, run: run)
        return try compiler.compile()
    }
}

private struct ScenarioCompiler {
    let scenario: Scenario
    let run: RunConstants
    private var findings: Findings
    private var templates: [MessageTemplate] = []
    private var responseTimeNames: [String] = []
    private var extras: [StepExtras] = []
    private var actions: [Action] = []
    private var texts: [MessageTemplate] = []
    private var inserts: [Insert] = []
    private var credentials: [Credentials] = []
    private var injections: [Injection]
    /// Of the file an action names, in `injections`.
    private var actionFiles: [UInt16] = []

    init(scenario: Scenario, run: RunConstants) {
        self.scenario = scenario
        self.run = run
        findings = Findings(scenario.source)
        injections = run.injections
    }

    /// Label to the index of the instruction after it; the count of instructions for one at the end.
    private static func targets(in steps: [Scenario.Step]) -> [String: UInt16] {
        var targets: [String: UInt16] = [:]
        var index: UInt16 = 0
        for step in steps {
            if case .label(let id) = step.kind { targets[id] = index } else { index += 1 }
        }
        return targets
    }

    mutating func compile() throws(ScenarioError) -> Program {
        if !run.allowsCommands {
            for place in scenario.commandPlaces {
                findings.error("this would run a command on this machine: --allow-exec permits it", at: place)
            }
        }
        for file in scenario.actionFiles { actionFiles.append(injection(named: file.value, at: file.place) ?? 0) }
        // Parameters of keywords come after them: the indices of the scenario's own texts stay.
        texts = scenario.texts.map { _ in Self.nothing }
        for (index, text) in scenario.texts.enumerated() { texts[index] = template(of: text) }
        let instructions = compile(scenario.steps)
        var program = Program(
            name: scenario.source.name, role: scenario.role, instructions: instructions, templates: templates,
            responseTimeNames: responseTimeNames)
        program.initialInstructions = compile(scenario.initialSteps)
        for (which, text) in scenario.defaultMessages { program.defaultMessages[which] = message(text, number: 0) }
        setGlobals(&program)
        try findings.throwErrors()
        program.templates = templates
        program.responseTimeNames = responseTimeNames
        program.responseTimesFromCreation = responseTimesFromCreation(instructions)
        program.extras = extras
        program.actions = actions
        program.texts = texts
        program.inserts = inserts
        program.credentials = credentials
        program.injections = injections
        program.patterns = scenario.patterns
        program.headerNames = scenario.headerNames
        program.assignments = scenario.assignments
        program.distributions = scenario.distributions
        program.variables = scenario.variables
        program.counterNames = scenario.counters
        program.mediaPort = run.mediaPort
        program.username = Array((run.username ?? run.service).utf8)
        program.password = Array(run.password.utf8)
        program.digestURI = Array((run.digestURI ?? "sip:\(run.remote.hostInURI):\(run.remote.port)").utf8)
        program.unexpectedTarget = Self.targets(in: scenario.steps)["_unexp.main"]
        program.unexpectedReturn = scenario.variables["_unexp.retaddr"]
        program.unexpectedPause = scenario.variables["_unexp.pausedaddr"]
        noteWhatIsKept(&program)
        return program
    }

    private func noteWhatIsKept(_ program: inout Program) {
        let all = templates + texts + program.defaultMessages.values
        let actsOnMessage = actions.contains {
            switch $0 {
            case .match(let match):
                switch match.subject {
                case .message, .body, .header: true
                case .variable: false
                }
            case .verifyCredentials: true
            case .note, .compute, .assignText, .toNumber, .rewrite, .test, .compareText, .timeOfDay, .stepIndex, .jump,
                .restorePause, .sample, .lookup, .insertLine, .replaceLine, .command, .interrupt, .media:
                false
            }
        }
        program.keepsLastMessage = all.contains { $0.usesLastMessage } || actsOnMessage
        program.keepsLastMessageWhileWaiting =
            program.keepsLastMessage
            && (texts.contains { $0.usesLastMessage } || !program.defaultMessages.isEmpty
                || scenario.steps.contains { $0.onTimeout != nil })
        program.keepsRouteSet =
            all.contains { $0.usesRouteSet } && program.instructions.contains { $0.recordsRouteSet }
        program.losesReceived = program.instructions.contains { instruction in
            guard case .receive = instruction.operation, instruction.extras > 0 else { return false }
            return extras[Int(instruction.extras) - 1].loss > 0
        }
    }

    private mutating func setGlobals(_ program: inout Program) {
        for (name, text) in run.globals {
            guard let variable = scenario.variables[name], variable.scope == .global else {
                let near = Suggestion.ending(for: name, among: scenario.variables.global)
                findings.error("the file has no global variable \(name.quoted) to set\(near)", at: 0)
                continue
            }
            program.initialGlobals.append((variable, Array(text.utf8)))
        }
    }

    private mutating func compile(_ steps: [Scenario.Step]) -> [Instruction] {
        let targets = Self.targets(in: steps)
        var instructions: [Instruction] = []
        for (index, step) in steps.enumerated() {
            if let instruction = instruction(for: step, at: index, of: steps, targets, number: instructions.count) {
                instructions.append(instruction)
            }
        }
        return instructions
    }

    /// A label is no instruction.
    private mutating func instruction(
        for step: Scenario.Step, at index: Int, of steps: [Scenario.Step], _ targets: [String: UInt16], number: Int
    ) -> Instruction? {
        var onTimeout = step.onTimeout
        let operation: Instruction.Operation
        switch step.kind {
        case .label: return nil
        case .nop: operation = .nop
        case .pause(let pause): operation = .pause(pause)
        case .timewait(let pause): operation = .timewait(pause)
        case .receive(let receive):
            let first = firstTimeout(from: index, in: steps)
            if let first { onTimeout = first.step.onTimeout ?? onTimeout }
            operation = .receive(
                Instruction.Receive(
                    match: receive.match, presence: receive.presence, timeout: first?.timeout,
                    recordsRouteSet: receive.recordsRouteSet))
        case .send(let send):
            guard let compiled = compile(send, number: number) else { return nil }
            operation = .send(compiled)
        }
        var instruction = Instruction(
            operation: operation, next: step.next.flatMap { targets[$0.value] },
            onTimeout: onTimeout.flatMap { targets[$0.value] },
            startsResponseTimes: mask(step.startsResponseTime), stopsResponseTimes: mask(step.stopsResponseTime),
            line: UInt32(scenario.source.position(of: step.place).line))
        if let extras = extras(of: step) {
            self.extras.append(extras)
            instruction.extras = UInt16(self.extras.count)
        }
        return instruction
    }

    /// Nil for a plain step.
    private mutating func extras(of step: Scenario.Step) -> StepExtras? {
        let isPlain =
            step.actions.isEmpty && step.test == nil && step.chance == 1 && step.condition == nil
            && !step.repeatsResponseTimes && step.counter == nil && step.loss == 0 && step.startsTransaction == nil
            && step.respondsTo == nil && step.acknowledges == nil && !step.keepsChallenge && step.advancesState
        if isPlain { return nil }
        var extras = StepExtras()
        extras.test = step.test
        extras.chance = step.chance
        extras.condition = step.condition
        extras.conditionIsInverse = step.conditionIsInverse
        extras.repeatsResponseTimes = step.repeatsResponseTimes
        extras.counter = step.counter
        extras.loss = step.loss
        extras.startsTransaction = step.startsTransaction
        extras.respondsTo = step.respondsTo
        extras.acknowledges = step.acknowledges
        extras.keepsChallenge = step.keepsChallenge
        extras.advancesState = step.advancesState
        extras.firstAction = UInt32(actions.count)
        extras.actionCount = UInt16(clamping: step.actions.count)
        for action in step.actions { actions.append(placed(action)) }
        return extras
    }

    /// Files become indices into the run's.
    private func placed(_ action: Action) -> Action {
        switch action {
        case .lookup(let into, let file, let key): .lookup(into: into, file: actionFiles[Int(file)], key: key)
        case .insertLine(let file, let text): .insertLine(file: actionFiles[Int(file)], text: text)
        case .replaceLine(let file, let line, let text):
            .replaceLine(file: actionFiles[Int(file)], line: line, text: text)
        case .match, .note, .compute, .assignText, .toNumber, .rewrite, .test, .compareText, .timeOfDay, .stepIndex,
            .jump, .restorePause, .sample, .verifyCredentials, .command, .interrupt, .media:
            action
        }
    }

    private mutating func injection(named name: String, at place: Int) -> UInt16? {
        if let known = injections.firstIndex(where: { $0.isCalled(name) }) { return UInt16(known) }
        let given = injections.map(\.name)
        findings.error(
            given.isEmpty
                ? "the injection file \(name.quoted) is missing: give it with --inf FILE"
                : "the injection file \(name.quoted) is not among those given: \(given.joined(separator: ", "))",
            at: place)
        return nil
    }

    /// The call waits for a whole group at once: optional receives up to the first mandatory one. The shortest timeout
    /// among them is the one that counts, and SIPp's rule that only the first step's is armed loses it.
    private func firstTimeout(
        from index: Int, in steps: [Scenario.Step]
    ) -> (timeout: Nanoseconds, step: Scenario.Step)? {
        var shortest: (timeout: Nanoseconds, step: Scenario.Step)?
        for step in steps[index...] {
            switch step.kind {
            case .label: continue
            case .send, .pause, .timewait, .nop: return shortest
            case .receive(let receive):
                if let timeout = receive.timeout ?? run.receiveTimeout, shortest.map({ timeout < $0.timeout }) ?? true {
                    shortest = (timeout, step)
                }
                if receive.presence == .mandatory { return shortest }
            }
        }
        return shortest
    }

    private mutating func mask(_ name: Scenario.Placed<String>?) -> UInt64 {
        guard let name else { return 0 }
        if let index = responseTimeNames.firstIndex(of: name.value) { return 1 << UInt64(index) }
        responseTimeNames.append(name.value)
        return 1 << UInt64(responseTimeNames.count - 1)
    }

    private func responseTimesFromCreation(_ instructions: [Instruction]) -> UInt64 {
        let started = instructions.reduce(0) { $0 | $1.startsResponseTimes }
        let stopped = instructions.reduce(0) { $0 | $1.stopsResponseTimes }
        return stopped & ~started
    }

    private mutating func compile(_ send: Scenario.Send, number: Int) -> Instruction.Send? {
        guard let message = message(send.text, number: number) else { return nil }
        templates.append(message)
        let template = UInt16(templates.count - 1)
        switch send.kind {
        case .request(let method):
            return Instruction.Send(
                template: template, method: Method(name: method), status: 0, retransmission: send.retransmission)
        case .response(let status):
            return Instruction.Send(
                template: template, method: .other, status: status, retransmission: send.retransmission)
        }
    }

    private mutating func message(_ text: MessageText, number: Int) -> MessageTemplate? {
        let pieces = pieces(of: text, number: number)
        do throws(TemplateError) { return try MessageTemplate(pieces: pieces) } catch {
            findings.error(error.description, at: text.place)
            return nil
        }
    }

    private mutating func template(of text: MessageText) -> MessageTemplate {
        let pieces = pieces(of: text, number: 0)
        do throws(TemplateError) { return try MessageTemplate(text: pieces) } catch {
            findings.error(error.description, at: text.place)
            return Self.nothing
        }
    }

    private static var nothing: MessageTemplate {
        do throws(TemplateError) { return try MessageTemplate(text: []) } catch {
            preconditionFailure("a template of no text")
        }
    }

    private mutating func keep(_ text: MessageText?) -> UInt16? {
        guard let text else { return nil }
        texts.append(template(of: text))
        return UInt16(clamping: texts.count - 1)
    }

    private mutating func pieces(of text: MessageText, number: Int) -> [MessageTemplate.Piece] {
        var pieces: [MessageTemplate.Piece] = []
        for piece in text.pieces {
            switch piece {
            case .literal(let bytes): pieces.append(.literal(bytes))
            case .keyword(let use): if let piece = self.piece(for: use, number: number) { pieces.append(piece) }
            }
        }
        return pieces
    }

    /// `number` is SIPp's step index: labels do not count.
    private mutating func piece(for use: MessageText.KeywordUse, number: Int) -> MessageTemplate.Piece? {
        switch use.keyword {
        case .named(let name): return piece(for: name, use, number: number)
        case .lastHeader(let header, let withName): return .slot(.lastHeader(name: header, withName: withName))
        case .variable(let name):
            guard let variable = scenario.variables[name] else {
                findings.error("there is no variable \(name.quoted)", at: use.place)
                return nil
            }
            return insert(.variable(variable))
        case .field(let column): return field(column, use)
        case .key(let key):
            if let value = run.keys[key] { return .literal(Array(value.utf8)) }
            let known = Keyword.Name.allCases.map(\.rawValue) + run.keys.keys.sorted()
            let near = Suggestion.ending(for: key, among: known)
            let advice = near.isEmpty ? " (nor a -key of this run); write \\x5b for a `[` of the text" : near
            findings.error("`[\(use.shownName)]` is not a keyword\(advice)", at: use.place)
            return nil
        case .mediaSecurity: preconditionFailure("`[\(use.name)]` passed the reader and does not run")
        }
    }

    private mutating func insert(_ insert: Insert) -> MessageTemplate.Piece {
        inserts.append(insert)
        return .slot(.insert(UInt16(clamping: inserts.count - 1)))
    }

    private mutating func field(_ column: Int, _ use: MessageText.KeywordUse) -> MessageTemplate.Piece? {
        var file: UInt16 = 0
        if let name = use["file"] {
            guard let text = name.constant else {
                findings.error("`file` of `[\(use.shownName)]` is the plain name of a file", at: name.place)
                return nil
            }
            guard let found = injection(named: String(decoding: text, as: UTF8.self), at: use.place) else { return nil }
            file = found
        } else if injections.isEmpty {
            findings.error(
                "`[\(use.shownName)]` is a column of an injection file: give one with --inf FILE", at: use.place)
            return nil
        }
        let columns = injections[Int(file)].columnCount
        if column >= columns {
            findings.warning(
                "`[\(use.shownName)]` is always empty: \(injections[Int(file)].name) has \(columns) columns, counted from 0",
                at: use.place)
        }
        return insert(.field(file: file, column: UInt16(clamping: column), line: keep(use["line"])))
    }

    private mutating func piece(
        for name: Keyword.Name, _ use: MessageText.KeywordUse, number: Int
    ) -> MessageTemplate.Piece? {
        let offset = use.offset
        switch name {
        case .service: return text(run.service)
        case .remoteIP: return text(run.remote.hostInURI)
        case .remoteHost: return text(run.remoteHost)
        case .remotePort: return self.number(Int64(run.remote.port) + Int64(offset))
        case .transport: return text(run.transport)
        case .localIP, .serverIP: return run.hasSeveralSources ? .slot(.localIP) : text(run.local.hostInURI)
        case .localIPType: return text(run.local.family.digit)
        case .localPort:
            return run.hasVaryingPort
                ? .slot(.localPort(offset: offset)) : self.number(Int64(run.local.port) + Int64(offset))
        // One media address for the run, and without brackets: this is how SDP writes it (RFC 4566, 5.7).
        case .mediaIP: return text(run.mediaHost ?? run.local.host)
        case .mediaIPType:
            return text(run.mediaHost.map { $0.contains(":") ? "6" : "4" } ?? run.local.family.digit)
        case .mediaPort, .rtpStreamAudioPort, .rtpStreamVideoPort:
            return self.number(Int64(run.mediaPort) + Int64(offset))
        case .autoMediaPort: return insert(.autoMediaPort(offset: offset))
        case .callNumber: return .slot(.callNumber)
        case .processID: return self.number(Int64(run.processID))
        case .users: return self.number(Int64(run.users ?? -1))
        case .userID: return insert(.userID)
        case .dynamicID: return insert(.dynamicID)
        // Of a call that came in it is the caller's, which every message of the call carries.
        case .callID:
            return .slot(scenario.role == .server ? .lastHeader(name: "Call-ID", withName: false) : .callID)
        case .cseq: return .slot(.cseq(offset: offset))
        case .branch: return .slot(.branch(offset: offset))
        case .messageIndex: return self.number(Int64(number) + Int64(offset))
        case .clockTick: return insert(.clockTick)
        case .version: return text(run.version)
        case .date: return insert(.date)
        case .timestamp: return insert(.timestamp)
        case .bodyLength: return .slot(.contentLength(offset: offset))
        case .peerTag: return .slot(.peerTag)
        case .lastRequestURI: return .slot(.lastRequestURI)
        case .lastCSeqNumber: return .slot(.lastCSeqNumber(offset: offset))
        case .lastMessage: return .slot(.lastMessage)
        case .routes: return .slot(.routes)
        case .nextURL: return .slot(.nextURL)
        case .file: return file(use)
        case .fill: return fill(use)
        case .authentication:
            credentials.append(
                Credentials(
                    username: keep(use["username"]), password: keep(use["password"]), akaK: keep(use["aka_K"]),
                    akaOP: keep(use["aka_OP"]), akaAMF: keep(use["aka_AMF"])))
            return insert(.authentication(UInt16(clamping: credentials.count - 1)))
        case .circuit: preconditionFailure("`[\(name.rawValue)]` passed the reader and does not run")
        }
    }

    private mutating func file(_ use: MessageText.KeywordUse) -> MessageTemplate.Piece? {
        guard let bytes = use["name"]?.constant else {
            findings.error("`name` of `[file]` is the plain name of a file", at: use.place)
            return nil
        }
        let name = String(decoding: bytes, as: UTF8.self)
        guard let contents = run.files[name] else {
            findings.error("the file \(name.quoted) of `[file]` cannot be read", at: use.place)
            return nil
        }
        return .literal(contents)
    }

    private mutating func fill(_ use: MessageText.KeywordUse) -> MessageTemplate.Piece? {
        guard let bytes = use["variable"]?.constant,
            let variable = scenario.variables[String(decoding: bytes, as: UTF8.self)]
        else {
            findings.error("`[fill]` needs the name of a variable that says how many characters", at: use.place)
            return nil
        }
        if let text = use["text"] { return keep(text).map { insert(.fill(variable, text: $0)) } }
        do throws(TemplateError) { texts.append(try MessageTemplate(text: [.literal([UInt8(ascii: "X")])])) } catch {
            preconditionFailure("a template of one letter")
        }
        return insert(.fill(variable, text: UInt16(clamping: texts.count - 1)))
    }

    private func text(_ text: String) -> MessageTemplate.Piece { .literal(Array(text.utf8)) }
    private func number(_ value: Int64) -> MessageTemplate.Piece { text(String(value)) }
}

extension Instruction {
    fileprivate var recordsRouteSet: Bool {
        if case .receive(let receive) = operation { receive.recordsRouteSet } else { false }
    }
}

extension SocketAddress.Family {
    /// SDP's `IP4` and `IP6`.
    fileprivate var digit: String {
        switch self {
        case .ipv4: "4"
        case .ipv6: "6"
        }
    }
}
