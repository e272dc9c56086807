import Breakdown
import Datagrams
import Testing

@testable import Reports

@Suite struct BreakdownSVGTests {
    private static func pictures(_ breakdown: Breakdown, title: String = "500 requests/s, 192.0.2.10:5060") -> [(
        name: String, bytes: ByteBuffer
    )] {
        [
            ("blocks", BlocksPlot.svg(breakdown, title: title)), ("shares", SharesPlot.svg(breakdown, title: title)),
            ("queue", QueuePlot.svg(breakdown, title: title)),
            ("threads", ThreadsPlot(breakdown, title: title).svg()),
        ]
    }

    /// Small, well formed, no text beyond the picture or on another text.
    private static func expectPresentable(_ picture: (name: String, bytes: ByteBuffer)) {
        #expect(picture.bytes.count < 300_000, "\(picture.name)")
        let reader = SVGReader(picture.bytes)
        #expect(reader.failure == nil, "\(picture.name)")
        var boxes: [(left: Double, right: Double, top: Double, bottom: Double, text: String)] = []
        for (text, isTurned) in zip(reader.texts, reader.areTurned) where !isTurned {
            let width = Lettering.width(text.text, size: text.size, isBold: text.size == 15 || text.size == 13)
            let left =
                switch text.anchor {
                case "end": text.x - width
                case "middle": text.x - width / 2
                default: text.x
                }
            boxes.append((left, left + width, text.y - text.size * 0.8, text.y + text.size * 0.2, text.text))
        }
        for (i, a) in boxes.enumerated() {
            #expect(
                a.left >= 0 && a.right <= reader.size.width && a.top >= 0 && a.bottom <= reader.size.height,
                "\(picture.name): \(a)")
            for b in boxes[..<i] where a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom {
                Issue.record("\(picture.name): \(a) lies on \(b)")
            }
        }
    }

    // MARK: every picture

    @Test(arguments: [0, 1, 2, 7, 21, 1000]) func anyNumberOfRequestsMakesPictures(count: Int) {
        let breakdown = MadeUpServer(requests: count, bystanders: count == 1000 ? 40 : 2).breakdown
        for picture in Self.pictures(breakdown) { Self.expectPresentable(picture) }
        let isEmpty = SVGReader(BlocksPlot.svg(breakdown, title: "")).texts.contains {
            $0.text == "no request was seen at every point"
        }
        #expect(isEmpty == (count == 0))
    }

    @Test func aLongRunMakesPicturesNoLarger() {
        let breakdown = MadeUpServer().breakdown.repeated(100)
        #expect(breakdown.requests.count == 100_000)
        for picture in Self.pictures(breakdown) { Self.expectPresentable(picture) }
    }

    @Test(arguments: [1, 2, 3, 9]) func anyNumberOfBlocksMakesPictures(count: Int) {
        var breakdown = MadeUpServer(requests: 500).breakdown
        // The last ones, the socket wait among them where there is room.
        let first = count >= 5 ? 9 - count : 4
        let kept = first..<first + count
        breakdown.blocks = Array(breakdown.blocks[kept])
        breakdown.shares = breakdown.shares.filter { kept.contains($0.block) }.map {
            var share = $0
            share.block -= first
            return share
        }
        for i in breakdown.requests.indices {
            breakdown.requests[i].lengths = Array(breakdown.requests[i].lengths[kept])
        }
        for picture in Self.pictures(breakdown) { Self.expectPresentable(picture) }
        let names = SVGReader(BlocksPlot.svg(breakdown, title: "")).texts.map(\.text)
        for block in breakdown.blocks { #expect(names.contains(block.name)) }
    }

    @Test func longNamesAndLongTimesStayInTheirPlace() {
        var server = MadeUpServer(requests: 60, bystanders: 20)
        server.service = .milliseconds(1900)
        server.neighbours = [String(repeating: "W", count: 15)]
        var breakdown = server.breakdown
        for i in breakdown.blocks.indices {
            breakdown.blocks[i].name = "\(i) of the blocks, one with a name that nobody would give it"
        }
        for i in breakdown.threads.indices { breakdown.threads[i].command = String(repeating: "M", count: 15) }
        breakdown.texts = breakdown.texts.map { _ in String(repeating: "<&\"", count: 90) }
        for picture in Self.pictures(breakdown, title: String(repeating: "a long title ", count: 30)) {
            Self.expectPresentable(picture)
        }
    }

    @Test func manyBurstSizesAndNegativeSharesStayReadable() {
        var breakdown = MadeUpServer(requests: 100).breakdown
        breakdown.bursts = (1...3000).map {
            BurstGroup(
                size: $0, bursts: $0 == 1 ? 1_234_567 : 1, meanWait: .microseconds(Int64($0)),
                meanWaitOfLast: .microseconds(2 * Int64($0)))
        }
        breakdown.shares[2].ofVariance = -0.4
        breakdown.shares[4].ofVariance = 1.4
        for picture in Self.pictures(breakdown) { Self.expectPresentable(picture) }
    }

    // MARK: blocks.svg

    @Test func theLargestBlockIsLeftOutOfTheSecondPanel() {
        let reader = SVGReader(BlocksPlot.svg(MadeUpServer(requests: 200).breakdown, title: ""))
        #expect(reader.texts.contains { $0.text == "Without the largest block, socket wait" })
        // In one legend only.
        #expect(reader.texts.filter { $0.text == "socket wait" }.count == 1)
        #expect(reader.texts.filter { $0.text == "application" }.count == 2)
        #expect(reader.fills["layer"]?.count == 17)
        #expect(reader.fills["layer"]?.filter { $0 == "#D55E00" }.count == 1)
    }

    @Test func aPeakAmongManyIsDrawn() throws {
        var breakdown = MadeUpServer(bystanders: 0).breakdown.repeated(50)
        breakdown.requests[31_234].lengths[4] += .milliseconds(9)
        breakdown.requests[31_234].total += .milliseconds(9)
        let reader = SVGReader(BlocksPlot.svg(breakdown, title: "t"))
        #expect(reader.texts.contains { $0.text.contains("(request 31,235)") })
        // Layers are drawn from the highest down: the first reaches the top of the axis at one column.
        let highest = try #require(reader.paths["layer"]?.first)
        let peak = highest.split(separator: "V").dropFirst().compactMap { Double($0.prefix { $0 != "H" && $0 != "Z" }) }
        #expect(peak.filter { $0 < 130 }.count == 1)
    }

    // MARK: shares.svg

    @Test func aNegativeShareGoesTheOtherWay() throws {
        var breakdown = MadeUpServer(requests: 100).breakdown
        for i in breakdown.shares.indices { breakdown.shares[i].ofVariance = i == 6 ? -0.25 : 0.15625 }
        let reader = SVGReader(SharesPlot.svg(breakdown, title: ""))
        let bars = reader.rectangles.filter { $0.fill == "#E69F00" && $0.height > 11 }
        #expect(bars.count == 9)
        // Both from the same zero, a quarter against five thirty-seconds.
        #expect((bars[6].x + bars[6].width - bars[5].x).magnitude < 0.2)
        #expect((bars[6].width / bars[5].width - 1.6).magnitude < 0.02)
        #expect(reader.texts.contains { $0.text.hasPrefix("-25.0 %, sd") && $0.anchor == "end" })
        #expect(reader.texts.contains { $0.text == "busy with earlier work" })
    }

    @Test func withoutASwingThereAreNoBarsOfIt() {
        let reader = SVGReader(SharesPlot.svg(MadeUpServer(requests: 1).breakdown, title: ""))
        #expect(reader.rectangles.filter { $0.fill == "#E69F00" && $0.height > 11 }.isEmpty)
        #expect(reader.texts.contains { $0.text == "of the swing: none, the total never varies" })
    }

    // MARK: queue.svg

    @Test func theFullestMomentOfAColumnIsDrawn() throws {
        var breakdown = Breakdown()
        breakdown.queues = (0..<10_000).map {
            QueueSample(at: .milliseconds($0), queue: .socket, event: .enqueue, depth: $0 == 5000 ? 40 : 1)
        }
        // Enqueues at the tap do not count where reads were seen.
        breakdown.queues.append(.init(at: .seconds(1), queue: .tap, event: .enqueue, depth: 90))
        breakdown.queues.append(.init(at: .seconds(2), queue: .tap, event: .read, depth: 3))
        let reader = SVGReader(QueuePlot.svg(breakdown, title: ""))
        let texts = reader.texts.map(\.text)
        #expect(texts.contains("tap, as it was read: mean 3.0, max 3"))
        #expect(texts.contains("socket, as each came: mean 1.0, max 40"))
        #expect(texts.contains("no burst"))
        let depths = try #require(reader.paths["depth"])
        // Of each queue the fullest, then the mean.
        #expect(depths.count == 4)
        #expect(depths[0].split(separator: "M").count == 1)
        let strokes = depths[2].split(separator: "M").map { $0.split(whereSeparator: { $0 == " " || $0 == "V" }) }
        let tops = strokes.map { Double($0[2])! }
        #expect(tops.filter { $0 < tops.max()! - 10 }.count == 1)
    }

    // MARK: threads.svg

    private static func lanes(_ reader: SVGReader) -> Int {
        reader.texts.filter { $0.text.hasPrefix("thread ") }.count
    }

    @Test func atMostTwelveThreadsAreShownAndTheRestCounted() {
        var breakdown = MadeUpServer(requests: 100, bystanders: 0).breakdown
        let slowest = breakdown.requests.max { $0.total < $1.total }!
        for number in 0..<30 as Range<Int64> {
            let from = slowest.begin + .microseconds(10)
            breakdown.threads.append(
                ThreadTimeline(
                    thread: UInt32(100 + number), process: 1, command: "busy \(number)",
                    slices: [.init(from: from, to: from + .microseconds(1 + number), state: .running, cpu: 0)]))
        }
        // Nothing of it lies in the window.
        breakdown.threads.append(
            ThreadTimeline(
                thread: 7, process: 1, command: "elsewhere",
                slices: [.init(from: .seconds(900), to: .seconds(901), state: .running, cpu: 0)]))
        let reader = SVGReader(ThreadsPlot(breakdown, title: "").svg())
        let names = reader.texts.map(\.text)
        #expect(Self.lanes(reader) == 12)
        // The thread that had the request first, then the busiest.
        #expect(names.firstIndex(of: "kamailio")! < names.firstIndex(of: "busy 29")!)
        #expect(names.contains("busy 19") && !names.contains("busy 18"))
        #expect(!names.contains("elsewhere"))
        #expect(names.contains("19 threads more had less to do in this time and are not shown"))
    }

    @Test func whoHadTheCPUIsNamedAndAMomentOfWorkIsNotLost() throws {
        var breakdown = MadeUpServer(requests: 1, bystanders: 0).breakdown
        breakdown.requests[0].begin = .milliseconds(10)
        breakdown.requests[0].total = .milliseconds(8)
        breakdown.requests[0].lengths[5] += .milliseconds(8) - breakdown.requests[0].lengths.reduce(.zero, +)
        breakdown.threads = [
            ThreadTimeline(
                thread: 4711, process: 1, command: "uas",
                slices: [
                    .init(from: .zero, to: .milliseconds(11), state: .asleep, cpu: 0),
                    .init(
                        from: .milliseconds(11), to: .milliseconds(14), state: .runnableBehind, cpu: 3, behind: "make"),
                    // A thousandth of a pixel's column among sleep.
                    .init(from: .milliseconds(14), to: Nanoseconds(14_000_020), state: .running, cpu: 3),
                    .init(from: Nanoseconds(14_000_020), to: .milliseconds(30), state: .asleep, cpu: 3),
                ])
        ]
        let reader = SVGReader(ThreadsPlot(breakdown, title: "").svg())
        #expect(reader.texts.contains { $0.text == "make 3000 us" })
        #expect(reader.texts.contains { $0.text == "thread 4711, CPU 3" })
        let states = try #require(reader.paths["state"])
        let fills = try #require(reader.fills["state"])
        #expect(fills == ["#0072B2", "#D55E00", "#BBBBBB"])
        // 190 to 942 px for 12 ms, from 2 ms before the request: 11 ms is 3 ms in.
        #expect(states[1].hasPrefix("M378 "))
        #expect(states[0].contains("h1v16"))
        // Asleep before and after, in two pieces.
        #expect(states[2].split(separator: "M").count == 2)
    }

    @Test func theBlocksOfTheRequestLieOnTheSameAxis() throws {
        var breakdown = MadeUpServer(requests: 3, bystanders: 0).breakdown
        breakdown.requests[1].lengths = (0..<9).map { $0 == 4 ? .microseconds(920) : .microseconds(10) }
        breakdown.requests[1].total = .microseconds(1000)
        breakdown.requests[1].begin = .milliseconds(1)
        let reader = SVGReader(ThreadsPlot(breakdown, title: "").svg())
        let ribbon = reader.rectangles.filter { $0.height == 22 }
        #expect(ribbon.count == 9)
        // 1,500 us on 752 px, the request from a sixth of them on.
        #expect((ribbon[4].x - (190 + 752 * 290.0 / 1500)).magnitude < 0.2)
        #expect((ribbon[4].width - 752 * 920.0 / 1500).magnitude < 0.2)
        #expect(reader.texts.contains { $0.text == "socket wait 920 us" })
        #expect(reader.texts.contains { $0.text.contains("request 2 of 3") })
    }

    @Test func anotherRequestCanBeShown() {
        let breakdown = MadeUpServer(requests: 20).breakdown
        let reader = SVGReader(ThreadsPlot(breakdown, title: "", around: 2).svg())
        #expect(reader.texts.contains { $0.text == "Around one request" })
        #expect(reader.texts.contains { $0.text.contains("request 3 of 20") })
    }

    @Test func withoutThreadsTheRequestStillStands() {
        var breakdown = MadeUpServer(requests: 20).breakdown
        breakdown.threads = []
        let reader = SVGReader(ThreadsPlot(breakdown, title: "").svg())
        #expect(reader.texts.contains { $0.text == "nothing was recorded of the server's threads" })
        #expect(reader.rectangles.filter { $0.height == 22 }.count == 9)
    }

    // MARK: lettering

    @Test func whatIsCutFits() {
        #expect(Lettering.cut("short", to: 100) == "short")
        let cut = Lettering.cut("a rather long text that will not fit", to: 100)
        #expect(cut.hasSuffix("…") && Lettering.width(cut) <= 100 && Lettering.width(cut) > 85)
        #expect(Lettering.cut("text", to: 3) == "")
    }

    @Test func aLegendBreaksItsLines() {
        let item = Legend.Item(fill: "#000", text: "ten letter")
        #expect(Legend([], width: 100).height == 0)
        #expect(Legend([item], width: 100).height == Legend.lineHeight)
        #expect(Legend([item, item, item], width: 200).height == 2 * Legend.lineHeight)
        // What is wider than everything has a line of its own.
        #expect(Legend([item, item], width: 10).height == 2 * Legend.lineHeight)
    }
}
