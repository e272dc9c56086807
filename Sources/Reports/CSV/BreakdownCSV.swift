import Breakdown
import Datagrams

/// The four tables of `explain`: `blocks.csv`, `waits.csv`, `queues.csv`, `threads.csv`. Every `_s` is since the first
/// moment of the recording, every `_us` a length; what is not known is empty. Requests are numbered from 1, as in the
/// pictures.
extension CSV {
    // MARK: blocks.csv

    /// One column a block, named after it: `socket wait` is `socket_wait_us`. The blocks add up to `total_us`.
    package static func appendBlocksHeader(_ blocks: [Breakdown.Block], to buffer: inout ByteBuffer) {
        buffer.append("request,call_id,method,cseq,start_s,")
        for block in blocks {
            buffer.append(field: block.columnName)
            buffer.appendComma()
        }
        buffer.append("first_us,total_us,status,copies,receiver,sender,burst,burst_size,depth\n")
    }

    /// `index`: of `breakdown.requests`.
    package static func appendBlocksRow(_ index: Int, of breakdown: Breakdown, to buffer: inout ByteBuffer) {
        let request = breakdown.requests[index]
        buffer.append(requestAt: index, of: breakdown)
        buffer.append(request.method.text)
        buffer.appendComma()
        buffer.append(decimal: UInt64(request.cseq))
        buffer.appendComma()
        buffer.append(seconds: request.begin)
        for length in request.lengths + [request.first, request.total] {
            buffer.appendComma()
            buffer.append(microseconds: length)
        }
        for count in [UInt64(request.status), UInt64(request.copies)] {
            buffer.appendComma()
            buffer.append(decimal: count)
        }
        for thread in [request.receiver, request.sender] {
            buffer.appendComma()
            if thread != 0 { buffer.append(decimal: UInt64(thread)) }
        }
        for count in [request.burst, request.burstSize] {
            buffer.appendComma()
            buffer.append(decimal: UInt64(count))
        }
        buffer.appendComma()
        if let depth = request.depth { buffer.append(decimal: UInt64(depth)) }
        buffer.endRow()
    }

    // MARK: waits.csv

    /// `busy_us` to `unknown_us` add up to `wait_us`.
    package static func appendWaitsHeader(to buffer: inout ByteBuffer) {
        buffer.append(
            "request,call_id,start_s,thread,command,cpu,wait_us,busy_us,behind_us,cpu_waking_us,asleep_us,unknown_us,")
        buffer.append("behind_whom,wake_to_run_us\n")
    }

    /// `wait`: of `breakdown.waits`.
    package static func appendWaitsRow(_ wait: SocketWait, of breakdown: Breakdown, to buffer: inout ByteBuffer) {
        buffer.append(requestAt: wait.request, of: breakdown)
        buffer.append(seconds: breakdown.requests[wait.request].begin)
        buffer.appendComma()
        buffer.append(decimal: UInt64(wait.thread))
        buffer.appendComma()
        buffer.append(field: wait.command)
        buffer.appendComma()
        buffer.append(decimal: UInt64(wait.cpu))
        buffer.appendComma()
        buffer.append(microseconds: wait.total)
        for cause in WaitCause.allCases {
            buffer.appendComma()
            buffer.append(microseconds: wait.causes[cause.rawValue])
        }
        buffer.appendComma()
        buffer.append(field: wait.behind)
        buffer.appendComma()
        buffer.append(microseconds: wait.wakeToRun)
        buffer.endRow()
    }

    // MARK: queues.csv

    package static func appendQueuesHeader(to buffer: inout ByteBuffer) { buffer.append("time_s,queue,event,depth\n") }

    package static func appendQueuesRow(_ sample: QueueSample, to buffer: inout ByteBuffer) {
        buffer.append(seconds: sample.at)
        buffer.appendComma()
        buffer.append(text: sample.queue.rawValue)
        buffer.appendComma()
        buffer.append(text: sample.event.rawValue)
        buffer.appendComma()
        buffer.append(decimal: UInt64(sample.depth))
        buffer.endRow()
    }

    // MARK: threads.csv

    package static func appendThreadsHeader(to buffer: inout ByteBuffer) {
        buffer.append("thread,process,command,cpu,from_s,to_s,state,behind\n")
    }

    /// `slice`: of `timeline.slices`.
    package static func appendThreadsRow(
        _ slice: ThreadTimeline.Slice, of timeline: ThreadTimeline, to buffer: inout ByteBuffer
    ) {
        buffer.append(decimal: UInt64(timeline.thread))
        buffer.appendComma()
        buffer.append(decimal: UInt64(timeline.process))
        buffer.appendComma()
        buffer.append(field: timeline.command)
        buffer.appendComma()
        buffer.append(decimal: UInt64(slice.cpu))
        buffer.appendComma()
        buffer.append(seconds: slice.from)
        buffer.appendComma()
        buffer.append(seconds: slice.to)
        buffer.appendComma()
        buffer.append(text: slice.state.rawValue)
        buffer.appendComma()
        buffer.append(field: slice.behind)
        buffer.endRow()
    }
}

extension Breakdown.Block {
    /// `socket_wait_us`
    var columnName: String { keyName + "_us" }

    /// `socket_wait`: what is neither letter nor digit becomes an underscore.
    var keyName: String {
        String(
            String.UnicodeScalarView(
                name.unicodeScalars.map { $0.properties.isAlphabetic || ("0"..."9").contains($0) ? $0 : "_" }))
    }
}

extension Breakdown {
    /// Empty for a number that is of no text.
    func callID(of request: Request) -> String {
        texts.indices.contains(Int(request.callID)) ? texts[Int(request.callID)] : ""
    }
}

extension ByteBuffer {
    /// Its number and its Call-ID, each with its comma.
    fileprivate mutating func append(requestAt index: Int, of breakdown: Breakdown) {
        append(decimal: UInt64(index + 1))
        appendComma()
        append(field: breakdown.callID(of: breakdown.requests[index]))
        appendComma()
    }
}
