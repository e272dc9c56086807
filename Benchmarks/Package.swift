// swift-tools-version: 6.2
import PackageDescription

// Measures the main package's program from outside: a package of its own, so that nothing here is built or resolved
// with it. `make bench` at the root builds both.
let package = Package(
    name: "sipmeter-benchmarks",
    targets: [
        .executableTarget(name: "floor", cSettings: [.define("_GNU_SOURCE"), .unsafeFlags(["-Wall", "-Wextra"])]),
        .executableTarget(
            name: "bench",
            swiftSettings: [
                .swiftLanguageMode(.v6), .enableUpcomingFeature("ExistentialAny"), .treatAllWarnings(as: .error),
            ]),
    ]
)
