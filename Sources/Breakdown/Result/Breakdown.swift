import Datagrams

/// Where the time of every request went: what `explain` writes and draws.
///
/// A request's way is a chain of points; a block is the stretch between two neighbours of those that were seen. Blocks are
/// differences of the same instants, so they add up to the total to the nanosecond.
package struct Breakdown: Sendable {
    package struct Block: Sendable, Equatable {
        /// `socket wait`; in files with underscores.
        package var name: String
        package var from: ProbePoint
        package var to: ProbePoint
        /// The worse of its two ends.
        package var quality: KeyQuality
        /// Its ends are on two hosts' clocks: it may be off by as much, either way.
        package var clockUncertainty: Nanoseconds?

        package init(
            name: String, from: ProbePoint, to: ProbePoint, quality: KeyQuality, clockUncertainty: Nanoseconds? = nil
        ) {
            self.name = name
            self.from = from
            self.to = to
            self.quality = quality
            self.clockUncertainty = clockUncertainty
        }
    }

    /// One request, joined over all points.
    package struct Request: Sendable {
        /// Of `texts`.
        package var callID: UInt32
        package var method: CallTag.Method
        package var cseq: UInt32
        /// When the first point saw it, since `start`.
        package var begin: Nanoseconds
        /// Of each block of `blocks`, in their order.
        package var lengths: [Nanoseconds]
        /// To the first response on the wire, also where `total` goes on to the final one.
        package var first: Nanoseconds
        package var total: Nanoseconds
        /// Of the response that ended it.
        package var status: UInt16
        /// Copies of it that were seen arriving; 1: it was not sent again.
        package var copies: UInt16
        /// The thread that received it, and the one that answered; 0: not known.
        package var receiver: UInt32
        package var sender: UInt32
        /// How many requests arrived in the same burst, and its number from 0.
        package var burstSize: UInt32
        package var burst: UInt32
        /// Datagrams in the socket's queue when it came, itself included; nil where that was not seen.
        package var depth: UInt32?

        package init(
            callID: UInt32, method: CallTag.Method, cseq: UInt32, begin: Nanoseconds, lengths: [Nanoseconds],
            first: Nanoseconds, total: Nanoseconds, status: UInt16, copies: UInt16 = 1, receiver: UInt32 = 0,
            sender: UInt32 = 0, burstSize: UInt32 = 1, burst: UInt32 = 0, depth: UInt32? = nil
        ) {
            self.callID = callID
            self.method = method
            self.cseq = cseq
            self.begin = begin
            self.lengths = lengths
            self.first = first
            self.total = total
            self.status = status
            self.copies = copies
            self.receiver = receiver
            self.sender = sender
            self.burstSize = burstSize
            self.burst = burst
            self.depth = depth
        }
    }

    package var blocks: [Block] = []
    /// By `begin`.
    package var requests: [Request] = []
    /// One for each request whose socket wait could be cut, by request number.
    package var waits: [SocketWait] = []
    /// The time between receive and send, cut the same way, where one thread did both: `earlierWork` is work on this request.
    package var work: [SocketWait] = []
    package var queues: [QueueSample] = []
    package var threads: [ThreadTimeline] = []
    package var bursts: [BurstGroup] = []
    package var shares: [BlockShare] = []
    package var tally = Tally()
    /// A sentence for each pair of hosts.
    package var clocks: [String] = []
    package var sources: [TraceSource] = []
    package var recordings: [TraceTally] = []
    /// Call-IDs by number.
    package var texts: [String] = []
    /// The first moment of the recording: everything else is relative to it.
    package var start = MonotonicInstant(nanoseconds: 0)

    package struct Tally: Sendable, Equatable {
        /// Requests (no ACKs) of which anything was seen.
        package var requests = 0
        package var joined = 0
        /// Of those not joined, how many lacked which point first.
        package var lacking: [(point: ProbePoint, count: Int)] = []
        /// Datagrams a full receive buffer dropped, and the requests among them that had to be sent again for it.
        package var receiveDrops = 0
        package var requestsDropped = 0
        /// Requests that were seen arriving more than once.
        package var sentAgain = 0
        package var acks = 0
        /// Records of no known point, cut short, or with a message whose Call-ID or CSeq cannot be read.
        package var unreadable = 0
        /// Records that came when memory for events was full.
        package var unkept = 0
        /// Requests that began when not all hosts recorded, and lack a point; they are in no other figure.
        package var outside = 0
        package init() {}

        package static func == (a: Tally, b: Tally) -> Bool {
            a.requests == b.requests && a.joined == b.joined && a.receiveDrops == b.receiveDrops
                && a.requestsDropped == b.requestsDropped && a.sentAgain == b.sentAgain && a.acks == b.acks
                && a.unreadable == b.unreadable && a.unkept == b.unkept && a.outside == b.outside
                && a.lacking.elementsEqual(b.lacking) { $0 == $1 }
        }
    }

    package init() {}
}

/// Why a request lay in the socket's queue: what the thread that received it was doing meanwhile.
package enum WaitCause: Int, Sendable, BitwiseCopyable, CaseIterable {
    /// It was running: busy with earlier requests, or on its way to the next receive.
    case earlierWork
    /// It was ready to run, and another task had the CPU.
    case behindAnotherTask
    /// It was ready to run, and the CPU was on its way out of idle: interrupt, exit from HLT, schedule.
    case cpuWaking
    /// It slept though the request lay there: for something else than the socket (a lock, a disk), or it was woken late.
    case asleep
    /// Nothing was recorded of the thread.
    case unknown

    package var name: StaticString {
        switch self {
        case .earlierWork: "busy with earlier work"
        case .behindAnotherTask: "runnable behind another task"
        case .cpuWaking: "runnable, CPU waking from idle"
        case .asleep: "asleep"
        case .unknown: "not known"
        }
    }
}

/// The socket wait of one request, by cause; and the time from receive to send, cut alike (`Breakdown.work`).
package struct SocketWait: Sendable {
    /// Index into `Breakdown.requests`.
    package var request: Int
    package var thread: UInt32
    package var command: String
    package var cpu: UInt32
    package var total: Nanoseconds
    /// By `WaitCause.rawValue`; they add up to `total`.
    package var causes: InlineArray<5, Nanoseconds>
    /// The task that kept the thread waiting longest; empty where none did.
    package var behind: String
    /// From the last time the thread was made runnable until it ran; nil where it ran all the time.
    package var wakeToRun: Nanoseconds?

    package init(
        request: Int, thread: UInt32, command: String, cpu: UInt32, total: Nanoseconds,
        causes: InlineArray<5, Nanoseconds>, behind: String = "", wakeToRun: Nanoseconds? = nil
    ) {
        self.request = request
        self.thread = thread
        self.command = command
        self.cpu = cpu
        self.total = total
        self.causes = causes
        self.behind = behind
        self.wakeToRun = wakeToRun
    }
}

/// How many datagrams lay in a queue at one moment: on every arrival, and on every read of the tap.
package struct QueueSample: Sendable, Equatable {
    package enum Queue: String, Sendable { case tap, socket }
    package enum Event: String, Sendable { case enqueue, read }

    package var at: Nanoseconds
    package var queue: Queue
    package var event: Event
    /// After an enqueue, itself included; at a read, what lay there.
    package var depth: UInt32

    package init(at: Nanoseconds, queue: Queue, event: Event, depth: UInt32) {
        self.at = at
        self.queue = queue
        self.event = event
        self.depth = depth
    }
}

/// What one thread of the server did, slice after slice.
package struct ThreadTimeline: Sendable {
    package enum State: String, Sendable, CaseIterable {
        case running
        case runnableBehind = "runnable_behind"
        case runnableIdle = "runnable_cpu_idle"
        case asleep
    }

    package struct Slice: Sendable {
        package var from: Nanoseconds
        package var to: Nanoseconds
        package var state: State
        package var cpu: UInt32
        /// Whom it waits behind; empty else.
        package var behind: String

        package init(from: Nanoseconds, to: Nanoseconds, state: State, cpu: UInt32, behind: String = "") {
            self.from = from
            self.to = to
            self.state = state
            self.cpu = cpu
            self.behind = behind
        }
    }

    package var thread: UInt32
    package var process: UInt32
    package var command: String
    package var slices: [Slice]

    package init(thread: UInt32, process: UInt32, command: String, slices: [Slice]) {
        self.thread = thread
        self.process = process
        self.command = command
        self.slices = slices
    }
}

/// Bursts of one size: requests that arrived within 50 us of each other.
package struct BurstGroup: Sendable, Equatable {
    package var size: Int
    package var bursts: Int
    /// Mean socket wait of the requests in them, and of the last request of each.
    package var meanWait: Nanoseconds
    package var meanWaitOfLast: Nanoseconds

    package init(size: Int, bursts: Int, meanWait: Nanoseconds, meanWaitOfLast: Nanoseconds) {
        self.size = size
        self.bursts = bursts
        self.meanWait = meanWait
        self.meanWaitOfLast = meanWaitOfLast
    }
}

/// One block in all requests.
package struct BlockShare: Sendable, Equatable {
    /// Index into `Breakdown.blocks`.
    package var block: Int
    package var mean: Nanoseconds
    package var sd: Nanoseconds
    package var p50: Nanoseconds
    package var p99: Nanoseconds
    package var maximum: Nanoseconds
    /// Of the mean total: the shares of all blocks add up to 1.
    package var ofMean: Double
    /// Covariance with the total over its variance: which block makes the response time swing. They add up to 1; one that
    /// is long when the others are short is below 0. Nil where the total never varies.
    package var ofVariance: Double?

    package init(
        block: Int, mean: Nanoseconds, sd: Nanoseconds, p50: Nanoseconds, p99: Nanoseconds, maximum: Nanoseconds,
        ofMean: Double, ofVariance: Double?
    ) {
        self.block = block
        self.mean = mean
        self.sd = sd
        self.p50 = p50
        self.p99 = p99
        self.maximum = maximum
        self.ofMean = ofMean
        self.ofVariance = ofVariance
    }
}
