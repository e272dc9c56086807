import CKernelTesting
import Datagrams
import Glibc
import Testing
import UDPTransport

@Suite struct PollerTests {
    @Test func aDeadlineEndsTheWaitAndNotBefore() throws {
        var poller = try Poller(receiving: [], wakeup: Wakeup())
        let deadline = SystemClock.monotonic() + .microseconds(300)
        #expect(poller.wait(until: deadline) == [])
        #expect(SystemClock.monotonic() >= deadline)
        #expect(poller.wait(until: MonotonicInstant(nanoseconds: 0)) == [], "one that has passed waits for nothing")
    }

    @Test func aPokeBeforeTheWaitCountsOnce() throws {
        let wakeup = try Wakeup()
        var poller = try Poller(receiving: [], wakeup: wakeup)
        wakeup.poke()
        wakeup.poke()
        #expect(poller.wait(until: nil) == .woken)
        #expect(poller.wait(until: SystemClock.monotonic()) == [])
    }

    @Test(arguments: [nil, MonotonicInstant.distantFuture])
    func anotherThreadEndsTheWait(_ deadline: MonotonicInstant?) throws {
        let wakeup = try Wakeup()
        var poller = try Poller(receiving: [], wakeup: wakeup)
        let thread = try WorkerThread(name: "poker") { wakeup.poke() }
        #expect(poller.wait(until: deadline) == .woken)
        thread.join()
    }

    @Test func anySocketOfSeveralEndsTheWait() throws {
        let first = try UDPSocket(binding: loopback4)
        var second = try UDPSocket(binding: loopback4)
        var poller = try Poller(
            receiving: [first.fileDescriptor, second.fileDescriptor], wakeup: Wakeup())
        #expect(poller.wait(until: SystemClock.monotonic()) == [])
        var outbox = Outbox()
        outbox.append([1], to: second.localAddress)
        _ = second.send(outbox)
        #expect(poller.wait(until: patience()) == .readable)
        #expect(second.receive() == 1)
        #expect(poller.wait(until: SystemClock.monotonic()) == [])
    }

    @Test func writingIsAskedForEachTime() throws {
        let socket = try UDPSocket(binding: loopback4)
        var poller = try Poller(receiving: [socket.fileDescriptor], wakeup: Wakeup())
        #expect(poller.wait(until: patience(), wantsWrite: true) == .writable)
        #expect(poller.wait(until: SystemClock.monotonic(), wantsWrite: false) == [])
    }
}

@Suite struct SignalTrapTests {
    @Test func countsSignalsAndPokes() throws {
        let wakeup = try Wakeup()
        var poller = try Poller(receiving: [], wakeup: wakeup)
        try SignalTrap.set(poking: wakeup)
        #expect(SignalTrap.interruptions == 0)
        for (count, signal) in [(1, SIGINT), (2, SIGTERM)] {
            // To the process: the threads tests run on block signals.
            kill(getpid(), signal)
            #expect(poller.wait(until: patience()) == .woken)
            #expect(SignalTrap.interruptions == count)
        }
        try SignalTrap.release()
    }
}

@Suite struct WorkerThreadTests {
    @Test func runsItsBodyUnderItsName() throws {
        let name = try onOwnThread { () -> String in
            let file = open("/proc/thread-self/comm", O_RDONLY)
            defer { close(file) }
            var bytes = [UInt8](repeating: 0, count: 32)
            let n = read(file, &bytes, bytes.count)
            return String(decoding: bytes.prefix(max(n, 0)), as: UTF8.self)
        }
        #expect(name == "own thread, fif\n", "cut to the kernel's 15 bytes")
    }

    @Test func aCPUThatIsNotThereIsAnErrorAndNothingRuns() {
        let error = #expect(throws: SystemError.self) {
            _ = try WorkerThread(name: "nowhere", cpu: 1023) { Issue.record("ran on a CPU that is not there") }
        }
        #expect(error?.description == "start thread nowhere: Invalid argument")
    }

    @Test func staysOnItsCPU() throws {
        let wakeup = try Wakeup()
        let thread = try WorkerThread(name: "pinned", cpu: 0) {
            if kerneltesting_cpu() == 0 { wakeup.poke() }
        }
        thread.join()
        var poller = try Poller(receiving: [], wakeup: wakeup)
        #expect(poller.wait(until: SystemClock.monotonic()) == .woken)
    }
}

@Suite struct SystemClockTests {
    @Test func monotonicTimeAndCPUTimeOnlyGrow() {
        let instant = SystemClock.monotonic()
        let thread = SystemClock.threadCPU()
        let process = SystemClock.processCPU()
        #expect(SystemClock.monotonic() >= instant)
        #expect(SystemClock.threadCPU() > thread)
        #expect(SystemClock.processCPU() > process)
        #expect(process >= thread)
    }

    /// What the verdict calls a suspend is 10 ms: readings of a machine that was awake must lie far closer together.
    @Test func anAwakeMachineWasNotSuspended() {
        let first = SystemClock.suspended()
        for _ in 0..<1000 {
            let moved = SystemClock.suspended() - first
            #expect(moved < .milliseconds(1) && moved > -.milliseconds(1))
        }
        #expect(first > -.milliseconds(1))
    }

    @Test func theWallClockIsThisCentury() {
        #expect(SystemClock.wall() > WallInstant(nanoseconds: 946_684_800_000_000_000))
    }
}
