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
    /// Label to the index of the instruction after it; the count of instructions for one at the end.
    private let targets: [String: UInt16]

    init(scenario: Scenario, run: RunConstants) {
        self.scenario = scenario
        self.run = run
        findings = Findings(scenario.source)
        var targets: [String: UInt16] = [:]
        var index: UInt16 = 0
        for step in scenario.steps {
            if case .label(let id) = step.kind { targets[id] = index } else { index += 1 }
        }
        self.targets = targets
    }

    mutating func compile() throws(ScenarioError) -> Program {
        var instructions: [Instruction] = []
        for (index, step) in scenario.steps.enumerated() {
            if let instruction = instruction(for: step, at: index, number: instructions.count) {
                instructions.append(instruction)
            }
        }
        try findings.throwErrors()
        var program = Program(
            name: scenario.source.name, role: scenario.role, instructions: instructions, templates: templates,
            responseTimeNames: responseTimeNames)
        program.responseTimesFromCreation = responseTimesFromCreation(instructions)
        program.keepsLastMessage = templates.contains { $0.usesLastMessage }
        program.keepsRouteSet = templates.contains { $0.usesRouteSet } && instructions.contains { $0.recordsRouteSet }
        return program
    }

    /// A label is no instruction.
    private mutating func instruction(
        for step: Scenario.Step, at index: Int, number: Int
    ) -> Instruction? {
        var onTimeout = step.onTimeout
        let operation: Instruction.Operation
        switch step.kind {
        case .label: return nil
        case .nop: operation = .nop
        case .pause(let pause): operation = .pause(pause)
        case .timewait(let pause): operation = .timewait(pause)
        case .receive(let receive):
            let first = firstTimeout(from: index)
            if let first { onTimeout = first.step.onTimeout ?? onTimeout }
            operation = .receive(
                Instruction.Receive(
                    match: receive.match, presence: receive.presence, timeout: first?.timeout,
                    recordsRouteSet: receive.recordsRouteSet))
        case .send(let send):
            guard let compiled = compile(send, number: number) else { return nil }
            operation = .send(compiled)
        }
        return Instruction(
            operation: operation, next: step.next.flatMap { targets[$0.value] },
            onTimeout: onTimeout.flatMap { targets[$0.value] },
            startsResponseTimes: mask(step.startsResponseTime), stopsResponseTimes: mask(step.stopsResponseTime),
            line: UInt32(scenario.source.position(of: step.place).line))
    }

    /// The call waits for a whole group at once: optional receives up to the first mandatory one. The shortest timeout
    /// among them is the one that counts, and SIPp's rule that only the first step's is armed loses it.
    private func firstTimeout(from index: Int) -> (timeout: Nanoseconds, step: Scenario.Step)? {
        var shortest: (timeout: Nanoseconds, step: Scenario.Step)?
        for step in scenario.steps[index...] {
            switch step.kind {
            case .label: continue
            case .send, .pause, .timewait, .nop: return shortest
            case .receive(let receive):
                if let timeout = receive.timeout, shortest.map({ timeout < $0.timeout }) ?? true {
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
        let pieces = send.text.pieces.compactMap { piece in
            switch piece {
            case .literal(let bytes): MessageTemplate.Piece.literal(bytes)
            case .keyword(let use): self.piece(for: use, number: number)
            }
        }
        do throws(TemplateError) {
            templates.append(try MessageTemplate(pieces: pieces))
        } catch {
            findings.error(error.description, at: send.text.place)
            return nil
        }
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

    /// `number` is SIPp's step index: labels do not count.
    private mutating func piece(for use: MessageText.KeywordUse, number: Int) -> MessageTemplate.Piece? {
        switch use.keyword {
        case .named(let name): return piece(for: name, offset: use.offset, number: number)
        case .lastHeader(let header, let withName): return .slot(.lastHeader(name: header, withName: withName))
        case .key(let key):
            if let value = run.keys[key] { return .literal(Array(value.utf8)) }
            let known = Keyword.Name.allCases.map(\.rawValue) + run.keys.keys.sorted()
            let near = Suggestion.ending(for: key, among: known)
            let advice = near.isEmpty ? " (nor a -key of this run); write \\x5b for a `[` of the text" : near
            findings.error("`[\(use.shownName)]` is not a keyword\(advice)", at: use.place)
            return nil
        case .variable, .field, .mediaSecurity:
            preconditionFailure("`[\(use.name)]` passed the reader and does not run")
        }
    }

    private func piece(for name: Keyword.Name, offset: Int32, number: Int) -> MessageTemplate.Piece {
        switch name {
        case .service: text(run.service)
        case .remoteIP: text(run.remote.hostInURI)
        case .remoteHost: text(run.remoteHost)
        case .remotePort: self.number(Int64(run.remote.port) + Int64(offset))
        case .transport: text(run.transport)
        case .localIP, .serverIP: run.hasSeveralSources ? .slot(.localIP) : text(run.local.hostInURI)
        case .localIPType: text(run.local.family.digit)
        case .localPort: self.number(Int64(run.local.port) + Int64(offset))
        // One media address for the run, and without brackets: this is how SDP writes it (RFC 4566, 5.7).
        case .mediaIP: text(run.mediaHost ?? run.local.host)
        case .mediaIPType: text(run.mediaHost.map { $0.contains(":") ? "6" : "4" } ?? run.local.family.digit)
        case .mediaPort: self.number(Int64(run.mediaPort) + Int64(offset))
        case .callNumber: .slot(.callNumber)
        case .processID: self.number(Int64(run.processID))
        case .callID: .slot(.callID)
        case .cseq: .slot(.cseq(offset: offset))
        case .branch: .slot(.branch(offset: offset))
        case .messageIndex: self.number(Int64(number) + Int64(offset))
        case .version: text(run.version)
        case .bodyLength: .slot(.contentLength(offset: offset))
        case .peerTag: .slot(.peerTag)
        case .lastRequestURI: .slot(.lastRequestURI)
        case .lastCSeqNumber: .slot(.lastCSeqNumber(offset: offset))
        case .lastMessage: .slot(.lastMessage)
        case .routes: .slot(.routes)
        case .nextURL: .slot(.nextURL)
        case .autoMediaPort, .rtpStreamAudioPort, .rtpStreamVideoPort, .users, .userID, .dynamicID, .clockTick, .date,
            .timestamp, .file, .fill, .authentication, .circuit:
            preconditionFailure("`[\(name.rawValue)]` passed the reader and does not run")
        }
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
