import Datagrams
import Testing

@testable import UDPTransport

@Suite struct SystemClockTests {
    /// What the verdict calls a suspend is 10 ms: readings of a machine that was awake must lie far closer together.
    @Test func anAwakeMachineWasNotSuspended() {
        let first = SystemClock.suspended()
        for _ in 0..<1000 {
            let moved = SystemClock.suspended() - first
            #expect(moved < .milliseconds(1) && moved > -.milliseconds(1))
        }
        #expect(first > -.milliseconds(1))
    }
}
