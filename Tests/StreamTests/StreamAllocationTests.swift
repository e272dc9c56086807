import CAllocationCount
import Datagrams
import SIP
import StreamTransport
import Testing
import UDPTransport

/// After warm-up a message over a plain connection allocates nothing, neither way. (OpenSSL allocates as it pleases.)
@Suite struct StreamAllocations {
    @Test(.enabled(if: allocationcount_is_counting() == 1, "a sanitizer has the allocator"))
    func aMessageOverTCPAllocatesNothing() throws {
        let listener = try StreamListener(.loopback(port: 0))
        let now = SystemClock.monotonic()
        let client = try StreamConnection(
            to: listener.localAddress, from: .loopback(port: 0), tls: nil, at: now)
        var accepted: (descriptor: Int32, peer: SocketAddress)?
        while accepted == nil { accepted = try listener.accept() }
        let (descriptor, peer) = try #require(accepted)
        let server = try StreamConnection(accepted: descriptor, peer: peer, tls: nil, at: now)
        let scratch = StreamScratch()
        try client.becomeReady(at: now, scratch)
        let message = Array(StreamFramers.message("l: 400", body: String(repeating: "b", count: 400)).utf8)
        let transmit = Transmit(start: 0, count: message.count, destination: peer)

        var received = 0
        func exchange(_ count: Int) throws {
            for _ in 0..<count {
                // Three at once, as a busy worker has them.
                for _ in 0..<3 { try client.append(message.span, transmit, at: now, scratch) }
                try client.write()
                client.sent.removeAll(keepingCapacity: true)
                _ = try server.receive(scratch)
                while try server.nextMessage({ received += $0.count == message.count ? 1 : 0 }) {}
                try server.answerPings(scratch)
            }
        }
        try exchange(100)
        let before = allocationcount_of_this_thread()
        try exchange(1000)
        let allocations = allocationcount_of_this_thread() - before
        #expect(allocations == 0)
        // What the last reads left is no loss.
        #expect(received > 3000)
    }
}
