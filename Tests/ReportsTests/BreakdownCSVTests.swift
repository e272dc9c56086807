import Breakdown
import Datagrams
import Testing

@testable import Reports

@Suite struct BreakdownCSVTests {
    private static var two: Breakdown {
        var breakdown = Breakdown()
        breakdown.blocks = [
            .init(name: "softirq", from: .driverReceive, to: .protocolStart, quality: .exact),
            .init(name: "socket wait", from: .socketEnqueue, to: .applicationReceive, quality: .inferred),
        ]
        breakdown.texts = ["a,\"b\"@c", String(repeating: "x", count: 60)]
        breakdown.requests = [
            .init(
                callID: 0, method: .invite, cseq: 1, begin: .milliseconds(2),
                lengths: [.microseconds(1), Nanoseconds(22_500)],
                first: .microseconds(20), total: Nanoseconds(23_500), status: 200, copies: 2, receiver: 71, sender: 72,
                burstSize: 8, burst: 3, depth: 4),
            .init(
                callID: 1, method: .other, cseq: 4_294_967_295, begin: .seconds(3),
                lengths: [Nanoseconds(-250), .zero],
                first: Nanoseconds(-250), total: Nanoseconds(-250), status: 100),
        ]
        return breakdown
    }

    @Test func aRequestHasAColumnForEachBlock() {
        let breakdown = Self.two
        let text = text {
            CSV.appendBlocksHeader(breakdown.blocks, to: &$0)
            for index in breakdown.requests.indices { CSV.appendBlocksRow(index, of: breakdown, to: &$0) }
        }
        #expect(
            text == """
                request,call_id,method,cseq,start_s,softirq_us,socket_wait_us,first_us,total_us,status,copies,receiver,sender,burst,burst_size,depth
                1,"a,""b""@c",INVITE,1,0.002000000,1.000,22.500,20.000,23.500,200,2,71,72,3,8,4
                2,\(String(repeating: "x", count: 60)),,4294967295,3.000000000,-0.250,0.000,-0.250,-0.250,100,1,,,0,1,

                """)
    }

    @Test func aWaitNamesItsThreadAndWhoWasInFront() {
        let breakdown = Self.two
        let waits = [
            SocketWait(
                request: 0, thread: 71, command: "sip,1", cpu: 1, total: .microseconds(15),
                causes: [.microseconds(1), .microseconds(2), .microseconds(3), .microseconds(4), .microseconds(5)],
                behind: "a \"b\" c", wakeToRun: .microseconds(5)),
            SocketWait(
                request: 1, thread: 0, command: "", cpu: 0, total: .zero,
                causes: [.zero, .zero, .zero, .zero, .zero]),
        ]
        let text = text {
            CSV.appendWaitsHeader(to: &$0)
            for wait in waits { CSV.appendWaitsRow(wait, of: breakdown, to: &$0) }
        }
        #expect(
            text == """
                request,call_id,start_s,thread,command,cpu,wait_us,busy_us,behind_us,cpu_waking_us,asleep_us,unknown_us,behind_whom,wake_to_run_us
                1,"a,""b""@c",0.002000000,71,"sip,1",1,15.000,1.000,2.000,3.000,4.000,5.000,"a ""b"" c",5.000
                2,\(String(repeating: "x", count: 60)),3.000000000,0,,0,0.000,0.000,0.000,0.000,0.000,0.000,,

                """)
    }

    @Test func queuesAndThreadsAreWrittenAsTheyWereSeen() {
        let timeline = ThreadTimeline(thread: 9, process: 8, command: "uas", slices: [])
        let slices = [
            ThreadTimeline.Slice(from: .zero, to: .microseconds(4), state: .asleep, cpu: 0),
            .init(from: .microseconds(4), to: .microseconds(6), state: .runnableBehind, cpu: 1, behind: "sh"),
        ]
        let text = text {
            CSV.appendQueuesHeader(to: &$0)
            CSV.appendQueuesRow(.init(at: .microseconds(7), queue: .tap, event: .read, depth: 5), to: &$0)
            CSV.appendQueuesRow(.init(at: .seconds(1), queue: .socket, event: .enqueue, depth: 1), to: &$0)
            CSV.appendThreadsHeader(to: &$0)
            for slice in slices { CSV.appendThreadsRow(slice, of: timeline, to: &$0) }
        }
        #expect(
            text == """
                time_s,queue,event,depth
                0.000007000,tap,read,5
                1.000000000,socket,enqueue,1
                thread,process,command,cpu,from_s,to_s,state,behind
                9,8,uas,0,0.000000000,0.000004000,asleep,
                9,8,uas,1,0.000004000,0.000006000,runnable_behind,sh

                """)
    }
}
