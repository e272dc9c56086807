import Datagrams
import Observations

/// A row of `hops.csv`: one request over all capture points and back.
package struct HopRow: Sendable {
    package var callID: CallIDText
    /// `INVITE`
    package var method: String
    package var status: UInt16
    package var isFromCaller: Bool
    package var first: Nanoseconds
    package var resent: Nanoseconds
    /// From each point to the next on the way to the callee, and on the way to the caller.
    package var forth: [Nanoseconds]
    package var back: [Nanoseconds]
    package var beyond: Nanoseconds
    package var total: Nanoseconds

    package init(
        callID: CallIDText, method: String, status: UInt16, isFromCaller: Bool, first: Nanoseconds,
        resent: Nanoseconds, forth: [Nanoseconds], back: [Nanoseconds], beyond: Nanoseconds, total: Nanoseconds
    ) {
        self.callID = callID
        self.method = method
        self.status = status
        self.isFromCaller = isFromCaller
        self.first = first
        self.resent = resent
        self.forth = forth
        self.back = back
        self.beyond = beyond
        self.total = total
    }
}

extension CSV {
    /// Points are numbered from 1 in the order given; `forth_1_2_us` is from the first to the second, `back_2_1_us` the
    /// other way. All times but `first_s` are lengths, and those between `resent_us` and `total_us` add up to it.
    package static func appendHopsHeader(points: Int, to buffer: inout ByteBuffer) {
        buffer.append("call_id,message,status,from,first_s,resent_us,")
        for i in 1..<points { buffer.append(text: "forth_\(i)_\(i + 1)_us,") }
        buffer.append("beyond_us,")
        for i in (1..<points).reversed() { buffer.append(text: "back_\(i + 1)_\(i)_us,") }
        buffer.append("total_us\n")
    }

    package static func appendHopsRow(_ row: HopRow, to buffer: inout ByteBuffer) {
        buffer.append(callID: row.callID)
        buffer.appendComma()
        buffer.append(callID: CallIDText(row.method))
        buffer.appendComma()
        buffer.append(decimal: UInt64(row.status))
        buffer.append(row.isFromCaller ? ",caller," : ",callee,")
        buffer.append(seconds: row.first)
        for length in [row.resent] + row.forth + [row.beyond] + row.back.reversed() + [row.total] {
            buffer.appendComma()
            buffer.append(microseconds: length)
        }
        buffer.endRow()
    }
}
