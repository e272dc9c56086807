// swift-tools-version: 6.2
import PackageDescription

/// Rules every Swift target obeys. Warnings are errors so that the tree never collects them.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .treatAllWarnings(as: .error),
]

/// The pure modules also account for every unsafe operation: `unsafe` is then greppable.
let pure = strict + [.strictMemorySafety()]

let package = Package(
    name: "sipmeter",
    products: [.executable(name: "sipmeter", targets: ["sipmeter"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        // Of the tests: what the own buckets are held against.
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
    ],
    targets: [
        // Pure: no socket, no clock, no Foundation, no C.
        .target(name: "Datagrams", swiftSettings: pure),
        .target(name: "Observations", dependencies: ["Datagrams"], swiftSettings: pure),
        .target(name: "SIP", dependencies: ["Datagrams"], swiftSettings: pure),
        .target(name: "Scenarios", dependencies: ["SIP", "Datagrams"], swiftSettings: pure),
        .target(
            name: "StandardScenarios", path: "scenarios",
            resources: [
                .embedInCode("uac.xml"),
                .embedInCode("uas.xml"),
                .embedInCode("register.xml"),
                .embedInCode("register-auth.xml"),
                .embedInCode("options.xml"),
                .embedInCode("message.xml"),
                .embedInCode("invite-auth.xml"),
                .embedInCode("cancel.xml"),
                .embedInCode("reinvite.xml"),
                .embedInCode("redirect.xml"),
                .embedInCode("busy.xml"),
                .embedInCode("uas-early.xml"),
                .embedInCode("b-leg.xml"),
                .embedInCode("sippUac.xml"),
                .embedInCode("sippUas.xml"),
            ], swiftSettings: strict),
        .target(
            name: "UserAgent", dependencies: ["Scenarios", "SIP", "Datagrams", "Observations"], swiftSettings: pure),
        .target(
            name: "Latency", dependencies: ["Datagrams", "Observations"], swiftSettings: pure),
        .target(name: "Comparison", dependencies: ["Latency", "Observations", "Datagrams"], swiftSettings: pure),
        .target(name: "MachineReport", swiftSettings: pure),
        .target(name: "MaximumSearch", dependencies: ["Latency", "Datagrams"], swiftSettings: pure),
        .target(
            name: "Reports",
            dependencies: [
                "Latency", "Comparison", "Breakdown", "MachineReport", "MaximumSearch", "Observations", "Datagrams",
            ],
            swiftSettings: pure),
        .target(
            name: "LiveView", dependencies: ["Reports", "Latency", "Observations", "Datagrams"],
            resources: [.embedInCode("Page/live.html")], swiftSettings: pure),
        .target(name: "Captures", dependencies: ["SIP", "Observations", "Datagrams"], swiftSettings: pure),
        .target(
            name: "Breakdown", dependencies: ["Captures", "SIP", "Latency", "Observations", "Datagrams"],
            swiftSettings: pure),
        .target(
            name: "SippMode", dependencies: ["Scenarios", "SIP", "Observations", "Datagrams"], swiftSettings: pure),
        .target(name: "Authentication", dependencies: ["SIP", "Datagrams"], swiftSettings: pure),
        .target(name: "Configuration", dependencies: ["Datagrams"], swiftSettings: pure),

        // The kernel.
        .systemLibrary(name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CPcap", pkgConfig: "libpcap", providers: [.apt(["libpcap-dev"])]),
        .target(name: "CGzipFile", linkerSettings: [.linkedLibrary("z")]),
        .target(name: "CDeflate", linkerSettings: [.linkedLibrary("z")]),
        .target(name: "CLinuxNet"),
        .target(name: "Directories", swiftSettings: strict),
        .target(name: "PosixPatterns", dependencies: ["Scenarios"], swiftSettings: strict),
        .target(name: "Digests", dependencies: ["COpenSSL", "Authentication", "Datagrams"], swiftSettings: strict),
        .target(
            name: "UDPTransport", dependencies: ["CLinuxNet", "COpenSSL", "Datagrams"], swiftSettings: strict),
        .target(
            name: "StreamTransport", dependencies: ["UDPTransport", "CLinuxNet", "COpenSSL", "SIP", "Datagrams"],
            swiftSettings: strict),
        .target(
            name: "PacketCapture", dependencies: ["CPcap", "CGzipFile", "UDPTransport", "Captures", "Datagrams"],
            swiftSettings: strict),

        .target(name: "CBPF", linkerSettings: [.linkedLibrary("bpf")]),
        .plugin(name: "ProbeCompiler", capability: .buildTool()),
        .target(
            name: "KernelTrace", dependencies: ["CBPF", "UDPTransport", "Directories", "Breakdown", "Datagrams"],
            exclude: ["Probes"], swiftSettings: strict, plugins: ["ProbeCompiler"]),

        // Where both sides meet.
        .target(
            name: "LoadRun",
            dependencies: [
                "UserAgent", "UDPTransport", "StreamTransport", "Latency", "Observations", "Scenarios", "SIP",
                "Datagrams",
                "Reports", "PacketCapture", "Authentication", "Digests", "CDeflate",
            ], swiftSettings: strict),
        .target(
            name: "RunArchive", dependencies: ["Reports", "Latency", "Observations", "Datagrams"], swiftSettings: strict
        ),
        .target(
            name: "RunMerge",
            dependencies: [
                "RunArchive", "LoadRun", "Directories", "Reports", "Latency", "Observations", "UserAgent",
                "Datagrams",
            ], swiftSettings: strict),
        .target(
            name: "RunReports",
            dependencies: [
                "RunArchive", "Directories", "Reports", "MaximumSearch", "Latency", "Observations", "Datagrams",
            ],
            swiftSettings: strict),
        .executableTarget(
            name: "sipmeter",
            dependencies: [
                "LoadRun",
                "LiveView",
                "RunArchive",
                "RunReports",
                "RunMerge",
                "Comparison",
                "Configuration",
                "Reports", "MachineReport", "Latency", "Scenarios",
                "StandardScenarios",
                "UDPTransport",
                "StreamTransport", "UserAgent", "Observations", "Datagrams", "SIP", "Captures", "PacketCapture",
                "Breakdown", "KernelTrace", "PosixPatterns", "SippMode", "Authentication", "Digests",
                "MaximumSearch", "Directories",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ], swiftSettings: strict),

        // Nanoseconds of the parts; here because what it measures is `package`. The other benchmarks are a package of
        // their own.
        .executableTarget(
            name: "sipmeter-micro",
            dependencies: [
                "LoadRun", "Latency", "Reports", "Scenarios", "StandardScenarios", "PosixPatterns", "UserAgent",
                "Observations", "Datagrams", "SIP",
            ], path: "Benchmarks/micro", swiftSettings: strict),

        // Tests. `Simulation` is a library: virtual time, a lossy link, scripted peers.
        .target(
            name: "Simulation",
            dependencies: ["UserAgent", "Scenarios", "PosixPatterns", "SIP", "Datagrams", "Observations"],
            path: "Tests/Simulation", swiftSettings: strict),
        .testTarget(name: "SIPTests", dependencies: ["SIP", "Datagrams"], swiftSettings: strict),
        .testTarget(
            name: "ScenariosTests",
            dependencies: ["Scenarios", "PosixPatterns", "StandardScenarios", "SIP", "Datagrams"],
            exclude: ["Corpus"],
            swiftSettings: strict),
        .testTarget(
            name: "UserAgentTests",
            dependencies: [
                "UserAgent", "Simulation", "StandardScenarios", "Scenarios", "SIP", "Datagrams", "Observations",
                "CAllocationCount", "LoadRun", "Authentication", "Digests",
            ], swiftSettings: strict),
        .target(name: "CAllocationCount", path: "Tests/CAllocationCount"),
        .testTarget(
            name: "LatencyTests",
            dependencies: [
                "Latency", "Observations", "Datagrams", .product(name: "Histogram", package: "hdrhistogram-swift"),
            ], swiftSettings: strict),
        .testTarget(
            name: "RunMergeTests",
            dependencies: [
                "RunMerge", "RunArchive", "LoadRun", "Reports", "Latency", "Observations", "UserAgent", "Datagrams",
            ],
            swiftSettings: strict),
        .testTarget(
            name: "LoadRunTests", dependencies: ["LoadRun", "Latency", "UserAgent", "Observations", "Datagrams"],
            swiftSettings: strict),
        .testTarget(
            name: "ComparisonTests", dependencies: ["Comparison", "Latency", "Observations", "Datagrams"],
            swiftSettings: strict),
        .testTarget(
            name: "ReportsTests",
            dependencies: [
                "Reports", "Comparison", "Breakdown", "MachineReport", "MaximumSearch", "Latency", "Observations",
                "Datagrams",
            ],
            swiftSettings: strict),
        .testTarget(
            name: "MaximumSearchTests", dependencies: ["MaximumSearch", "Latency", "Datagrams"],
            swiftSettings: strict),
        .testTarget(
            name: "RunArchiveTests", dependencies: ["RunArchive", "Reports", "Latency", "Observations", "Datagrams"],
            swiftSettings: strict),
        .testTarget(
            name: "LiveViewTests",
            dependencies: ["LiveView", "Reports", "Latency", "Observations", "Datagrams"], swiftSettings: strict),
        .testTarget(
            name: "CapturesTests", dependencies: ["Captures", "PacketCapture", "SIP", "Observations", "Datagrams"],
            swiftSettings: strict),
        .testTarget(
            name: "KernelTraceTests", dependencies: ["KernelTrace", "CBPF", "UDPTransport", "Breakdown", "Datagrams"],
            swiftSettings: strict),
        .testTarget(
            name: "BreakdownTests",
            dependencies: ["Breakdown", "Captures", "SIP", "Latency", "Observations", "Datagrams"],
            swiftSettings: strict),
        .testTarget(
            name: "SippModeTests",
            dependencies: ["SippMode", "Scenarios", "StandardScenarios", "SIP", "Observations", "Datagrams"],
            swiftSettings: strict),
        .testTarget(
            name: "AuthenticationTests", dependencies: ["Authentication", "Digests", "SIP", "Datagrams"],
            swiftSettings: strict),
        .testTarget(
            name: "MachineReportTests", dependencies: ["MachineReport", "Reports", "Datagrams"], swiftSettings: strict),
        // Runs the built program as a user does, against real servers and on the wire.
        .testTarget(
            name: "PeerTests", dependencies: ["sipmeter", "Authentication", "Digests", "SIP", "Datagrams"],
            exclude: ["SameMessages", "Scenarios", "Flows"], swiftSettings: strict),
        .target(name: "CKernelTesting", path: "Tests/CKernelTesting"),
        .testTarget(
            name: "UDPTransportTests", dependencies: ["UDPTransport", "CKernelTesting", "Datagrams"],
            swiftSettings: strict),
        .testTarget(
            name: "StreamTests",
            dependencies: [
                "StreamTransport", "UDPTransport", "UserAgent", "Simulation", "StandardScenarios", "Observations",
                "Scenarios", "SIP",
                "Datagrams", "CAllocationCount",
            ],
            swiftSettings: strict),
        .testTarget(name: "DirectoriesTests", dependencies: ["Directories"], swiftSettings: strict),
        .testTarget(name: "ConfigurationTests", dependencies: ["Configuration"], swiftSettings: strict),
        .testTarget(name: "TreeTests", swiftSettings: strict),
    ]
)
