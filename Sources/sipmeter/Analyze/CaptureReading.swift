import Captures
import Datagrams
import LoadRun
import PacketCapture

/// A capture file read to its end.
struct CaptureFile: Sendable {
    var path: String
    var frames: UInt64 = 0
    /// Why it ended before its end.
    var complaint: String?

    /// As it is shown in tables.
    var name: String { path == "-" ? "standard input" : path.split(separator: "/").last.map(String.init) ?? path }
}

/// Reads capture files into one traffic.
enum CaptureReading {
    static func read(
        _ paths: [String], settings: SIPTraffic.Settings
    ) throws(RunFailure) -> (traffic: SIPTraffic, files: [CaptureFile]) {
        var traffic = SIPTraffic(settings: settings)
        var files: [CaptureFile] = []
        for (number, path) in paths.enumerated() {
            traffic.beginFile(number)
            files.append(try read(path, into: &traffic))
        }
        traffic.finish()
        return (traffic, files)
    }

    private static func read(_ path: String, into traffic: inout SIPTraffic) throws(RunFailure) -> CaptureFile {
        do throws(CaptureError) {
            var file = CaptureFile(path: path)
            var saved = try SaveFile(path)
            let link = saved.link
            file.complaint = saved.forEachFrame { frame, at in
                traffic.add(frame, link: link, at: at)
                file.frames += 1
            }
            return file
        } catch {
            throw RunFailure(.badScenario, error.description)
        }
    }
}
