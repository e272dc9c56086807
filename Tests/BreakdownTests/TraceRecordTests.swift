import Breakdown
import Testing

@Suite struct TraceRecordTests {
    @Test func aRecordCutShortIsNone() {
        let bytes = [UInt8](repeating: 1, count: TraceRecord.byteCount - 1)
        #expect(TraceRecord(bytes.span) == nil)
    }
}
