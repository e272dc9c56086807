import ArgumentParser
import Datagrams

/// How a run can be looked at while it runs.
struct LiveOptions: ParsableArguments {
    @Flag(
        inversion: .prefixedNo,
        help:
            "The live screen, or one line a second. Default: the screen where standard output is a terminal of 80 x 24 or more."
    )
    var screen: Bool?

    @Option(
        help: ArgumentHelp(
            "Serve a live page, /metrics for Prometheus and /api/state here while the run lasts. Port 9464 if none is named; 0: any free one.",
            valueName: "addr:port"))
    var http: String?

    @Option(
        name: .customLong("http-linger"),
        help: "Serve for so long after the end, that a last scrape gets the whole run. (default: 0s)",
        transform: Arguments.duration)
    var httpLinger = Nanoseconds.zero

    func validate() throws {
        if httpLinger > .zero, http == nil {
            throw ValidationError("--http-linger: nothing is served without --http ADDR:PORT")
        }
    }
}
