import Testing

@testable import MachineReport

@Suite struct MachineReportTests {
    @Test func x() {}
}
