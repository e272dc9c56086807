import Datagrams
import Observations

/// What `analyze` knows of a retransmission beside the columns of a run's.
package struct CapturedRetransmission: Sendable {
    package var record: RetransmissionRecord
    package var source: SocketAddress
    package var destination: SocketAddress
    package var file: String
    package var frame: UInt32
    /// `ok`, `early`, …
    package var check: StaticString

    package init(
        record: RetransmissionRecord, source: SocketAddress, destination: SocketAddress, file: String, frame: UInt32,
        check: StaticString
    ) {
        self.record = record
        self.source = source
        self.destination = destination
        self.file = file
        self.frame = frame
        self.check = check
    }
}

extension CSV {
    /// The columns of a run's `retransmissions.csv`, then the capture's own. `call` is 0 for a message of no call.
    package static func appendCapturedRetransmissionsHeader(to buffer: inout ByteBuffer) {
        appendRetransmissionsHeader(to: &buffer)
        buffer.truncate(to: buffer.count - 1)
        buffer.append(",source,destination,file,frame,check\n")
    }

    package static func appendCapturedRetransmissionsRow(_ row: CapturedRetransmission, to buffer: inout ByteBuffer) {
        appendRetransmissionsRow(row.record, to: &buffer)
        buffer.truncate(to: buffer.count - 1)
        buffer.appendComma()
        buffer.append(text: "\(row.source)")
        buffer.appendComma()
        buffer.append(text: "\(row.destination)")
        buffer.appendComma()
        buffer.append(callID: CallIDText(row.file))
        buffer.appendComma()
        buffer.append(decimal: UInt64(row.frame))
        buffer.appendComma()
        buffer.append(row.check)
        buffer.endRow()
    }
}
