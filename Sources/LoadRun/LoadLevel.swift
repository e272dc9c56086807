import Datagrams
import Glibc
import Latency
import Observations
import PacketCapture
import Reports
import SIP
import Scenarios
import StreamTransport
import UDPTransport
import UserAgent

/// One load level: calls at one rate for one duration, and the directory that tells of them.
package struct LoadLevel {
    package struct Outcome: Sendable {
        package var summary: RunSummary
        package var points: [PlotPoint]
        package var report: WorkerReport
        /// A file that could not be written; what came before is there.
        package var failure: RunFailure?
        package var captures: [LiveCapture.Outcome] = []
        package var begun = WallInstant(nanoseconds: 0)

        /// Of several failures the first one counts, and no verdict is better than the record under it.
        package mutating func noteFailure(_ error: RunFailure) {
            failure = failure ?? error
            summary.noteRecordingFailure(error.description)
        }
    }

    package let setup: RunSetup
    package let rate: Double
    /// Nil: no files are written.
    package let directory: String?
    package let control: RunControl
    /// Pokes the sending thread.
    package let wakeup: Wakeup
    /// When its calls begin to fall due. Nil: as soon as all is ready.
    package var startAt: WallInstant?
    /// Who looks on while it runs.
    package var observer: RunObserver?
    /// Is told, on the judging thread, when an abort rule ends the run.
    package var onStrike: (@Sendable (AbortWatch.Strike) -> Void)?
    private let unansweredChallenges = DigestCredentials.FailureList()

    package init(setup: RunSetup, rate: Double, directory: String?, control: RunControl, wakeup: Wakeup) {
        self.setup = setup
        self.rate = rate
        self.directory = directory
        self.control = control
        self.wakeup = wakeup
    }

    /// Runs to the end and leaves the directory complete. `begin` is called once nothing but the calls themselves can
    /// fail any more, with the address calls are placed from; `progress` once a second and `onJournal` with everything
    /// observed, on the writing thread.
    package func run(
        begin: (SocketAddress) -> Void = { _ in }, onJournal: (@Sendable (borrowing Journal) -> Void)? = nil,
        progress: @escaping @Sendable (IntervalRow) -> Void
    ) throws -> Outcome {
        let server = try startBuiltIn()
        defer { _ = server?.stop() }
        let target = server?.address ?? setup.target
        let workers = setup.options.workers
        let (lines, stamps) = try StampGrant.with(setup.options, ratePerWorker: ratePerWorker) { stamps in
            (try (0..<workers).map { try makeLine($0, target, stamps) }, stamps)
        }
        var programs: [Program] = []
        for line in lines { programs.append(try compile(target, line.sources[0])) }
        let program = programs[0]
        try setup.options.checkThresholds(program.responseTimeNames)
        if let directory {
            try RunDirectory.create(directory)
            try RunDirectory.removeEarlierRun(from: directory)
        }
        let channel = try JournalChannel(workers: workers)
        let control = self.control
        let captures = try startCaptures(target, lines[0].sources[0])
        let abort = AbortGuard(setup.options, control: control, onStrike: onStrike)
        defer { for capture in captures { _ = capture.stop() } }
        let writer = try RecordWriter(
            directory: directory, workers: workers, responseTimeNames: program.responseTimeNames,
            comparesTags: setup.comparesTags, hasNotes: setup.options.scenario.hasNotes,
            expectations: FailureFiles.expectations(of: setup.options.scenario), channel: channel,
            onJournal: onJournal, observer: observer,
            onInterval: progress, onFailure: { control.ask(for: .stopping) })
        let judge =
            setup.options.abortRules.isEmpty
            ? nil
            : try AbortJudge(
                workers: workers, responseTimeNames: program.responseTimeNames.count, passingOnTo: channel
            ) { abort.observe($0) }
        control.forgetPlans()
        let start = try settleStart(lines[0], target, stamps)
        writer.noteStart(start.wall)
        begin(lines[0].sources[0])
        let watch = HostWatch(cpus: setup.options.cpu.map { Array($0..<$0 + workers) })
        observer?.began(start.monotonic, firstRequest: program.firstMethodText)
        var report = try place(
            programs, lines, setup.nextHop ?? target, judge?.channel ?? channel, start, stamps)
        watch.tell(&report.disturbances)
        judge?.finish()
        let written = writer.finish()
        var outcome = try conclude(
            program, report, written, start, stamps, captures.map { $0.stop() },
            control.changes(since: start.monotonic),
            abort.strike)
        outcome.begun = start.wall
        return outcome
    }

    /// From `begin` to the run's start: by then all threads are there.
    package static let lead = Nanoseconds.milliseconds(20)

    /// The manifest has the start in it, and is written before: on a slow disk the start is put off, that no call is late
    /// for it.
    private func settleStart(_ line: Line, _ target: SocketAddress, _ stamps: StampGrant) throws -> RunStart {
        if let startAt { return try awaitStart(startAt, line, target, stamps) }
        var lead = Self.lead
        while true {
            let start = RunStart(in: lead)
            guard let directory else { return start }
            try writeManifest(to: directory, line, target, start, stamps)
            if SystemClock.monotonic() + Self.lead / 2 <= start.monotonic || lead > .seconds(10) { return start }
            lead = lead * 4
        }
    }

    /// The wall clock is looked at again until shortly before, for it may be set or slewed on the way.
    private func awaitStart(
        _ instant: WallInstant, _ line: Line, _ target: SocketAddress, _ stamps: StampGrant
    ) throws -> RunStart {
        var poller = try Poller(receiving: [], wakeup: wakeup)
        while true {
            if control.stage > .running { throw RunFailure(.interrupted, "stopped before the run's start") }
            let left = RunStart(at: instant).monotonic - SystemClock.monotonic() - Self.lastLook
            if left <= .zero { break }
            _ = poller.wait(until: SystemClock.monotonic() + min(left, .seconds(1)))
        }
        var start = RunStart(at: instant)
        let now = SystemClock.monotonic()
        if !setup.options.joinsLate, let refusal = start.refusal(at: now) { throw RunFailure(.usage, refusal) }
        start.put(off: now + Self.lead)
        if let directory { try writeManifest(to: directory, line, target, start, stamps) }
        // A slow disk makes it later; one in time it does not.
        start.put(off: SystemClock.monotonic() + Self.lead / 4)
        return start
    }

    /// Before a start that was asked for: enough for the manifest and the threads.
    private static let lastLook = Nanoseconds.milliseconds(250)

    // MARK: preparing

    /// Where messages leave and arrive.
    private struct Line {
        enum Wire {
            case datagrams(socket: Handover<UDPSocket>, raw: Handover<RawSender?>)
            case stream(Handover<StreamLine>)
        }

        var wire: Wire
        var sources: [SocketAddress]
        var receiveBuffer: Int
    }

    private func startBuiltIn() throws -> ServerWorker? {
        guard setup.isBuiltIn else { return nil }
        let options = setup.options
        return try ServerWorker(binding: .loopback(port: 0), over: options.transport.sip, tls: options.tls) { address in
            var constants = RunConstants(
                remoteHost: address.host, remote: address, local: address, processID: getpid())
            constants.transport = "\(options.transport.sip.viaName)"
            var configuration = EngineConfiguration(
                run: RunIdentity.make(), start: SystemClock.monotonic(), sources: [address])
            configuration.transport = options.transport.sip
            DigestCredentials().join(&configuration)
            return AnsweringServer(
                program: try options.serverScenario.compile(constants), configuration: configuration,
                capacity: options.capacity, seed: options.seed)
        }
    }

    private func startCaptures(_ target: SocketAddress, _ source: SocketAddress) throws -> [LiveCapture] {
        var started: [LiveCapture] = []
        do {
            if let path = capturePath { started.append(try LiveCapture(path, target: target, source: source)) }
            for tap in setup.options.taps {
                let path = "\(directory ?? ".")/tap-\(tap).pcap"
                started.append(try LiveCapture(path, target: target, source: source, interface: tap))
            }
            return started
        } catch let error as CaptureError {
            for capture in started { _ = capture.stop() }
            let text = "--\(started.isEmpty && capturePath != nil ? "pcap" : "tap"): \(error.description)"
            switch error.kind {
            case .privilege: throw RunFailure(.missingPrivilege, "\(text): \(RunSetup.grant)")
            case .interface: throw RunFailure(.usage, text)
            case .file: throw RunFailure(.cannotWrite, text)
            }
        }
    }

    /// `calls.pcap`, or of a sweep `calls-400cps.pcap`.
    private var capturePath: String? {
        let options = setup.options
        guard let path = options.capturePath else { return nil }
        let name = path.split(separator: "/", omittingEmptySubsequences: false).last ?? ""
        let dot = name.lastIndex(of: ".") ?? name.endIndex
        let level = options.rates.count > 1 ? "-\(DecimalText.trimmed(rate))cps" : ""
        let shard = options.shard == .whole ? "" : "-" + options.shard.name
        return path.dropLast(name.count) + "\(name[..<dot])\(level)\(shard)\(name[dot...])"
    }

    private func makeLine(_ worker: Int, _ target: SocketAddress, _ stamps: StampGrant) throws -> Line {
        switch setup.options.transport {
        case .udp, .raw: try bindLine(worker, stamps)
        case .tcp, .tls: try connectLine(worker, setup.nextHop ?? target)
        }
    }

    /// The shared connection is made before the run: what keeps it from being made is told at once, and no call waits for
    /// it.
    private func connectLine(_ worker: Int, _ target: SocketAddress) throws -> Line {
        let options = setup.options
        var source = setup.sources[0]
        if source.port != 0 { source.port &+= UInt16(worker) }
        if options.connections == .perCall { OpenFiles.raiseLimit() }
        var line = StreamLine(
            target: target, source: source, transport: options.transport.sip, use: options.connections,
            receiveBuffer: options.receiveBuffer, context: try tlsContext())
        if options.connections == .shared {
            switch try line.connectAndWait() {
            case .success(let connection):
                line.connection = connection
                source = connection.localAddress
            case .failure(let end):
                if !options.keepsGoing || options.needsConnection {
                    throw RunFailure(.unreachable, end.sentence(target, options.transport.sip))
                }
                line.failure = end
            }
        }
        return Line(
            wire: .stream(Handover(line)), sources: [source], receiveBuffer: options.receiveBuffer ?? 0)
    }

    private func tlsContext() throws -> TLSContext? {
        let options = setup.options
        guard options.transport == .tls else { return nil }
        do {
            return try TLSContext(
                .client, options.tls, host: options.target?.host ?? "127.0.0.1")
        } catch let error as TLSSetupError { throw RunFailure(.usage, error.description) }
    }

    private func bindLine(_ worker: Int, _ stamps: StampGrant) throws(RunFailure) -> Line {
        var first = setup.sources[0]
        if first.port != 0 { first.port &+= UInt16(worker) }
        let isRaw = setup.options.transport == .raw
        let binding = isRaw ? SocketAddress(ipv4: 0, port: first.port) : first
        do throws(SystemError) {
            return try bindLine(binding, stamps)
        } catch {
            if error.errno == EADDRINUSE, let line = bindNearby(binding, stamps) { return line }
            if error.errno == EADDRINUSE {
                throw RunFailure(
                    .unreachable, "\(error.description); choose another --local-port, or leave it out for a free one",
                    isAddressInUse: true)
            }
            if error.errno == EADDRNOTAVAIL {
                throw RunFailure(.usage, "\(error.description): --source-ip must be an address of this machine")
            }
            throw RunFailure(.unreachable, error.description)
        }
    }

    /// One of the ports after a taken one, or any.
    private func bindNearby(_ binding: SocketAddress, _ stamps: StampGrant) -> Line? {
        if setup.options.localPortSpan == 0 { return nil }
        for step in 1...setup.options.localPortSpan {
            if let line = try? bindLine(binding.withPort(binding.port &+ step), stamps) { return line }
        }
        return try? bindLine(binding.withPort(0), stamps)
    }

    private func bindLine(_ binding: SocketAddress, _ stamps: StampGrant) throws(SystemError) -> Line {
        let isRaw = setup.options.transport == .raw
        var socketOptions = UDPSocket.Options()
        // A segment has no stamp of its own.
        socketOptions.segments = setup.options.batch > .zero && setup.options.timestamps != .kernel
        socketOptions.stamps = stamps.areOn
        if let bytes = setup.options.receiveBuffer { socketOptions.receiveBuffer = bytes }
        let socket = try UDPSocket(binding: binding, options: socketOptions)
        let port = socket.localAddress.port
        let sources = setup.sources.map { $0.withPort(port) }
        let buffer = socket.receiveBuffer
        let raw: RawSender? = isRaw ? try RawSender(sources: sources, stamps: stamps.areOn) : nil
        return Line(
            wire: .datagrams(socket: Handover(socket), raw: Handover(raw)), sources: sources, receiveBuffer: buffer)
    }

    private func compile(_ target: SocketAddress, _ source: SocketAddress) throws(RunFailure) -> Program {
        let options = setup.options
        var constants = RunConstants(
            service: options.target?.user ?? "service", remoteHost: options.target?.host ?? target.host, remote: target,
            local: source, hasSeveralSources: setup.sources.count > 1, processID: getpid(), keys: options.keys)
        constants.version = "sipmeter \(options.version)"
        constants.transport = "\(options.transport.sip.viaName)"
        constants.hasVaryingPort = options.transport.sip.isReliable
        constants.users = options.users
        constants.injections = options.injections
        constants.globals = options.globals
        constants.files = options.files
        constants.allowsCommands = options.allowsCommands
        constants.username = options.authenticationUser
        constants.password = options.authenticationPassword
        constants.digestURI = options.authenticationURI
        constants.mediaPort = options.mediaPort
        constants.mediaHost = options.mediaHost
        var program: Program
        do throws(ScenarioError) { program = try options.scenario.compile(constants) } catch {
            throw RunFailure(error)
        }
        guard program.role == .client else {
            throw RunFailure(
                .badScenario,
                "\(options.scenarioName) begins with a receive: it answers calls. Run it with: sipmeter answer "
                    + "--scenario \(options.scenarioName)")
        }
        if let timeout = options.receiveTimeout { program.setDefaultReceiveTimeout(timeout) }
        if options.sendsOnce { program.removeRetransmissions() }
        program.setDefaultLoss(options.loss)
        return program
    }

    // MARK: running

    /// This process's part of the rate.
    private var rateOfShard: Double { rate / Double(setup.options.shard.count) }
    private var ratePerWorker: Double { rateOfShard / Double(setup.options.workers) }

    package func pacer(_ start: MonotonicInstant, worker: Int = 0, workers: Int = 1) -> Pacer {
        let options = setup.options
        let stripe = options.shard.stripe(worker: worker, of: workers)
        return Pacer(
            start: start, rate: rate, duration: options.duration,
            limit: options.forgetsUnsent ? .max : options.callLimit ?? .max,
            arrivals: options.isPoisson ? .poisson(seed: options.seed) : .constant, worker: stripe.worker,
            workers: stripe.workers)
    }

    private func place(
        _ programs: [Program], _ lines: [Line], _ target: SocketAddress, _ channel: JournalChannel,
        _ start: RunStart, _ stamps: StampGrant
    ) throws -> WorkerReport {
        let run = RunIdentity.make(setup.options.shard)
        var threads: [(thread: WorkerThread, report: ReportBox)] = []
        for (worker, line) in lines.enumerated() {
            let box = ReportBox()
            let wakeup = worker == 0 ? self.wakeup : try Wakeup()
            let thread = try startThread(
                worker, programs[worker], configuration(run, start.monotonic, line.sources), start.begin, line, target,
                channel,
                box, wakeup, stamps)
            threads.append((thread, box))
        }
        var merged: WorkerReport?
        for (thread, box) in threads {
            thread.join()
            if merged == nil { merged = box.get() } else { merged?.merge(box.get()) }
        }
        guard let merged else { preconditionFailure("a run has at least one worker") }
        return merged
    }

    private func configuration(
        _ run: UInt32, _ start: MonotonicInstant, _ sources: [SocketAddress]
    ) -> EngineConfiguration {
        let options = setup.options
        var configuration = EngineConfiguration(run: run, start: start, timers: options.timers, sources: sources)
        configuration.overridesScenarioTimers = options.overridesScenarioTimers
        configuration.ringTimeout = options.ringTimeout
        configuration.hold = options.hold
        configuration.tagging = setup.tagging
        configuration.transport = options.transport.sip
        configuration.hasSourcePerCall = options.transport.sip.isReliable && options.connections == .perCall
        configuration.seed = options.seed
        (configuration.wallStart, configuration.utcOffset) = LocalTime.at(start)
        configuration.keepsMessages = options.keepsMessages
        configuration.keepsFailures = directory == nil ? 0 : FailureFiles.most
        configuration.autoAnswers = options.autoAnswers
        configuration.isBare = options.isBare
        configuration.firstCSeq = options.firstCSeq
        DigestCredentials(noting: unansweredChallenges).join(&configuration)
        return configuration
    }

    private func startThread(
        _ worker: Int, _ program: Program, _ configuration: EngineConfiguration, _ begin: MonotonicInstant,
        _ line: Line,
        _ target: SocketAddress, _ channel: JournalChannel, _ box: ReportBox, _ wakeup: Wakeup, _ stamps: StampGrant
    ) throws -> WorkerThread {
        let options = setup.options
        let gap = Nanoseconds(Int64(1e9 / ratePerWorker))
        let settings = WorkerSettings(
            number: worker, start: configuration.start, begin: begin, tag: setup.tag, keepsGoing: options.keepsGoing,
            drainTimeout: options.longestDrain, watching: options.isPrecise ? WakeLead.longest(gap: gap) : nil,
            stamps: stamps.areOn,
            reads: options.reads, ignoresICMP: options.ignoresICMP, logsMessages: options.logsMessages,
            keepsMessages: options.keepsMessages, glances: observer?.interval)
        var pacer = pacer(configuration.start, worker: worker, workers: options.workers)
        // Counted again for the report.
        _ = pacer.skip(dueBefore: begin)
        // The limits are the run's: each shard gets its share, and of that each worker; the first ones what is left over.
        let mine = options.shard.share(of: options.maxConcurrent)
        let share = mine / options.workers
        var limits = UAC.Limits(
            maxConcurrent: share + (worker < mine % options.workers ? 1 : 0),
            coalescing: options.batch)
        if options.forgetsUnsent {
            limits.forgetsUnsent = true
            limits.placed = options.callLimit ?? .max
        }
        let stripe = options.shard.stripe(worker: worker, of: options.workers)
        let loop = options.users.map {
            UserLoop(
                users: $0, start: begin, duration: options.duration - (begin - configuration.start),
                limit: options.callLimit ?? .max, worker: Int(stripe.worker), workers: Int(stripe.workers))
        }
        let (control, wire, asked, schedule) = (control, line.wire, limits, pacer)
        let body: @Sendable () -> Void = {
            WorkerThread.askForShortSlices()
            var uac = UAC(
                program: program, configuration: configuration, pacer: schedule, target: target, limits: asked,
                loop: loop)
            switch wire {
            case .datagrams(let socket, let raw):
                var work = UACWorker(settings: settings, channel: channel, control: control)
                box.set(work.run(&uac, on: socket.take(), raw: raw.take(), waking: wakeup))
            case .stream(let stream):
                guard
                    var work = try? StreamWorker(
                        settings: settings, line: stream.take(), channel: channel, control: control, waking: wakeup)
                else { preconditionFailure("a poller of an open descriptor") }
                box.set(work.run(&uac))
            }
        }
        let name = options.workers == 1 ? "sipmeter-uac" : "sipmeter-uac\(worker)"
        let cpu = options.cpu.map { $0 + worker }
        if options.isPrecise,
            let thread = try? WorkerThread(
                name: name, cpu: cpu, realtimePriority: Self.realtimePriority, body: body)
        {
            return thread
        }
        do throws(SystemError) {
            return try WorkerThread(name: name, cpu: cpu, body: body)
        } catch {
            guard let cpu else { throw error }
            throw RunFailure(
                .usage, "--cpu \(cpu): \(SystemError.text(of: error.errno)); there is no such CPU for this process")
        }
    }

    /// SCHED_FIFO, above ordinary tasks and below the kernel's own threads (50).
    package static let realtimePriority = 10

    // MARK: concluding

    private func conclude(
        _ program: Program, _ report: WorkerReport, _ written: RecordWriter.Result, _ start: RunStart,
        _ stamps: StampGrant, _ captures: [LiveCapture.Outcome], _ changes: [Pacer.Change],
        _ strike: AbortWatch.Strike?
    ) throws -> Outcome {
        var conditions = conditions(program, report, changes)
        conditions.notes += lateJoining(start)
        if setup.options.users != nil, report.offeredFor > .zero {
            // A closed loop has no rate of its own: it is what came about.
            conditions.rate = Double(written.recorder.counters.started) / report.offeredFor.seconds
        }
        conditions.recordingFailure = written.failure?.description ?? captures.lazy.compactMap(\.failure).first
        conditions.captureDrops = captures.reduce(0) { $0 + $1.dropped }
        var summary = RunSummary(written.recorder, conditions: conditions)
        summary.judge(setup.options, strike)
        summary.tagEffect = written.populations?.effect(seed: setup.options.seed)
        var outcome = Outcome(summary: summary, points: written.points, report: report, failure: written.failure)
        outcome.captures = captures
        guard let directory else { return outcome }
        do throws(RunFailure) {
            var bytes = ByteBuffer(capacity: 1 << 16)
            RunFiles.appendSummary(summary, to: &bytes)
            try OutputFile.create(directory + "/summary.json", holding: bytes)
            bytes.removeAll()
            SummaryText.append(summary, to: &bytes)
            try OutputFile.create(directory + "/summary.txt", holding: bytes)
            if stamps.areOn {
                bytes.removeAll()
                CSV.appendSplit(summary.split, to: &bytes)
                try OutputFile.create(directory + "/split.csv", holding: bytes)
            }
            try OutputFile.create(directory + "/rtt.svg", holding: RTTPlot.svg(summary, points: written.points))
        } catch {
            outcome.noteFailure(error)
        }
        return outcome
    }

    private func conditions(
        _ program: Program, _ report: WorkerReport, _ changes: [Pacer.Change]
    ) -> RunConditions {
        let options = setup.options
        let offeredFor = offeredFor(report)
        var conditions = RunConditions(
            scenario: options.scenarioName, target: setup.targetName, transport: options.transport.rawValue,
            firstRequest: program.firstMethodText, rate: rateOfShard, offeredFor: offeredFor, lasted: report.lasted,
            scheduled: options.forgetsUnsent ? 0 : scheduled(within: offeredFor, changes), t1: options.timers.t1,
            workers: options.workers,
            isSpinning: options.isPrecise,
            responseTimeNames: program.responseTimeNames,
            notes: setup.notes + shardNotes + streamNotes(report) + unansweredChallenges.all)
        conditions.changes = changes.map { LoadChange($0) }
        conditions.batch = options.batch
        conditions.disturbances = report.disturbances
        conditions.wantsKernelClock = options.timestamps == .kernel
        return conditions
    }

    private var shardNotes: [String] {
        let shard = setup.options.shard
        if shard == .whole { return [] }
        return [
            "Shard \(shard) of \(setup.options.users.map { "\($0) users" } ?? DecimalText.trimmed(rate) + " calls/s"): "
                + "the figures are this part's; `sipmeter merge` adds the parts up."
        ]
    }

    /// The calls left out are in what was scheduled: the verdict counts them as not placed.
    private func lateJoining(_ start: RunStart) -> [String] {
        guard start.lateness > .zero else { return [] }
        var pacer = pacer(start.monotonic)
        let skipped = setup.options.users == nil ? pacer.skip(dueBefore: start.begin) : 0
        return [
            "Joined \(DecimalText.milliseconds(start.lateness)) ms after the start: \(skipped) "
                + "\(skipped == 1 ? "call" : "calls") due before that \(skipped == 1 ? "was" : "were") left out."
        ]
    }

    private func streamNotes(_ report: WorkerReport) -> [String] {
        let transport = setup.options.transport.sip
        return transport.isReliable ? report.streams.notes(transport) : []
    }

    /// The whole duration, unless the offering was stopped before.
    private func offeredFor(_ report: WorkerReport) -> Nanoseconds {
        if setup.options.forgetsUnsent { return report.offeredFor }
        return switch report.end {
        case .finished, .drainTimedOut: setup.options.callLimit == nil ? setup.options.duration : report.offeredFor
        case .interrupted, .silence, .refused, .unconnected: min(report.offeredFor, setup.options.duration)
        }
    }

    /// Calls the schedule holds for this time: what had to be offered.
    ///
    /// - Parameter changes: on a clock that starts with the run.
    private func scheduled(within length: Nanoseconds, _ changes: [Pacer.Change]) -> UInt64 {
        // Users' calls have no schedule.
        if setup.options.users != nil { return 0 }
        let start = MonotonicInstant(nanoseconds: 0)
        var pacer = pacer(start)
        for change in changes { pacer.plan(change) }
        var count: UInt64 = 0
        while let next = pacer.upcoming, next.dueAt - start <= length {
            count += 1
            pacer.advance()
        }
        return count
    }

    private func writeManifest(
        to directory: String, _ line: Line, _ target: SocketAddress, _ start: RunStart, _ stamps: StampGrant
    ) throws(RunFailure) {
        var bytes = ByteBuffer(capacity: 1 << 14)
        let manifest = Manifest(
            setup: setup, rate: rate, target: target, sources: line.sources, receiveBuffer: line.receiveBuffer,
            start: start, stamps: stamps)
        RunFiles.appendManifest(manifest.fields, to: &bytes)
        try OutputFile.create(directory + "/manifest.json", holding: bytes)
    }
}
