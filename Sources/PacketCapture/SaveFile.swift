import CGzipFile
import CPcap
import Captures
import Datagrams
import Glibc

/// A capture that cannot be read or made: one sentence.
package struct CaptureError: Error, Sendable, CustomStringConvertible {
    package enum Kind: Sendable { case file, interface, privilege }

    package let description: String
    package let kind: Kind

    package init(_ description: String, kind: Kind = .file) {
        self.description = description
        self.kind = kind
    }
}

/// A pcap or pcapng file, as it is or compressed by gzip, read from its beginning to its end. Times are nanoseconds,
/// whatever the file's own grain.
package struct SaveFile: ~Copyable {
    package let path: String
    package let link: LinkType
    /// The most that was captured of each frame; 0 where the file does not say.
    package let snapLength: Int
    private let handle: OpaquePointer

    package init(_ path: String) throws(CaptureError) {
        self.path = path
        guard let stream = cgzipfile_open(path) else {
            throw CaptureError("cannot read \(path): \(String(cString: strerror(errno)))")
        }
        var message = [CChar](repeating: 0, count: Int(PCAP_ERRBUF_SIZE))
        guard
            let handle = pcap_fopen_offline_with_tstamp_precision(
                stream, UInt32(PCAP_TSTAMP_PRECISION_NANO), &message)
        else {
            fclose(stream)
            throw CaptureError("\(path) is no capture: \(Self.text(message)); pcap and pcapng files are read, also .gz")
        }
        let number = pcap_datalink(handle)
        guard let link = LinkType(rawValue: number) else {
            let name = pcap_datalink_val_to_name(number).map { String(cString: $0) } ?? "\(number)"
            pcap_close(handle)
            throw CaptureError(
                "\(path) has frames of a kind sipmeter does not read (link type \(name)); Ethernet, Linux cooked, raw IP "
                    + "and loopback are read")
        }
        self.handle = handle
        self.link = link
        snapLength = Int(pcap_snapshot(handle))
    }

    deinit { pcap_close(handle) }

    /// Calls `body` with each frame. Gives what is wrong with the file where it ends before its end: what came before
    /// stands.
    package mutating func forEachFrame(
        _ body: (borrowing Span<UInt8>, _ at: Nanoseconds) throws -> Void
    ) rethrows -> String? {
        var header: UnsafeMutablePointer<pcap_pkthdr>?
        var bytes: UnsafePointer<UInt8>?
        while true {
            switch pcap_next_ex(handle, &header, &bytes) {
            case 1:
                guard let header, let bytes else { return "libpcap gave no frame" }
                let frame = UnsafeBufferPointer(start: bytes, count: Int(header.pointee.caplen))
                try body(frame.span, Self.instant(header.pointee.ts))
            case PCAP_ERROR_BREAK: return nil
            case _: return String(cString: pcap_geterr(handle))
            }
        }
    }

    /// A damaged file may hold any number; those that are no time since 1970 are its beginning or 2106.
    private static func instant(_ stamp: timeval) -> Nanoseconds {
        let seconds = min(max(Int64(stamp.tv_sec), 0), Int64(UInt32.max))
        // With nanosecond precision the field named for microseconds holds nanoseconds.
        return .seconds(seconds) + Nanoseconds(min(max(Int64(stamp.tv_usec), 0), 999_999_999))
    }

    static func text(_ characters: [CChar]) -> String {
        String(decoding: characters.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
