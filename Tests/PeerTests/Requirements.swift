import Foundation
import Testing

/// What a test needs beyond the program itself. A test without it is skipped and says what to do; with
/// SIPMETER_REQUIRE_ALL=1 a test fails instead.
enum Requirement: CaseIterable, CustomTestStringConvertible {
    case sipp, kamailio, kamailioTLS, openssl, tcpdump, networkNamespaces, mountNamespaces, rawSockets,
        droppingPrivileges, realtimePriority, ipv6, probes, python, bash, man, debianPackages,
        chromium, promtool,
        hdrHistogram, gnuParallel, slurm, openMPI, zsh, fish

    static let isStrict = ProcessInfo.processInfo.environment["SIPMETER_REQUIRE_ALL"] == "1"

    /// Without what the kernel wants for probes, even for root.
    static let withoutProbes = [
        "setpriv", "--bounding-set=-bpf,-perfmon,-sys_admin", "--inh-caps=-bpf,-perfmon,-sys_admin",
    ]
    static let withoutRawSockets = ["setpriv", "--bounding-set=-net_raw", "--inh-caps=-net_raw"]

    /// Found out by doing it, once.
    var isMet: Bool { Self.met[self] ?? false }

    private static let met: [Requirement: Bool] = Dictionary(
        uniqueKeysWithValues: allCases.map { ($0, succeeds($0.probe)) })

    /// Commands that succeed where the requirement is met.
    private var probe: String {
        switch self {
        case .sipp: "command -v sipp"
        case .kamailio: "command -v kamailio && test -n '\(Kamailio.modules ?? "")'"
        case .kamailioTLS: "command -v kamailio && test -r '\(Kamailio.modules ?? "")/tls.so'"
        case .openssl: "openssl version"
        case .python: "python3 --version"
        case .bash: "bash -c true"
        case .man: "command -v man && command -v col"
        case .debianPackages:
            "test $(id -u) = 0 && command -v dpkg-deb && command -v dpkg-shlibdeps && command -v setcap "
                + "&& command -v setpriv && ! dpkg -s sipmeter"
        case .tcpdump: "command -v tcpdump"
        case .networkNamespaces: "command -v ip && ip netns add sm-probe-$$ && ip netns del sm-probe-$$"
        case .mountNamespaces: "unshare -m mount -t tmpfs none /mnt"
        case .rawSockets: "test $((0x$(awk '/^CapEff/ {print $2}' /proc/self/status) >> 13 & 1)) = 1"
        case .droppingPrivileges: Self.withoutRawSockets.joined(separator: " ") + " true"
        case .realtimePriority: "test $(nproc) -ge 2 && taskset -c \(CPUs.last) chrt -f 60 true"
        case .chromium: "command -v chromium"
        case .probes: "'\(Command.sipmeterPath)' doctor --require probes"
        case .promtool: "command -v promtool"
        case .hdrHistogram: "'\(HdrHistogramPackage.python)' -c 'import hdrh'"
        case .gnuParallel: "parallel --version | grep -q 'GNU parallel'"
        case .slurm:
            "for p in munged slurmctld slurmd srun sinfo; do command -v $p || exit 1; done; test $(id -u) = 0"
        case .openMPI: "mpirun --version | grep -q 'Open MPI'"
        case .zsh: "zsh -fc 'zmodload zsh/zpty'"
        case .fish: "fish --no-config -c true"
        case .ipv6: "grep -q '^00000000000000000000000000000001 ' /proc/net/if_inet6"
        }
    }

    var advice: String {
        switch self {
        case .sipp: "sipp is not installed: apt-get install sip-tester"
        case .kamailio: "kamailio is not installed: apt-get install kamailio"
        case .kamailioTLS: "kamailio's TLS module is not installed: apt-get install kamailio kamailio-tls-modules"
        case .openssl: "openssl is not installed: apt-get install openssl"
        case .bash: "bash is not installed: apt-get install bash"
        case .man: "man is not installed: apt-get install man-db bsdextrautils"
        case .debianPackages:
            "Debian packages cannot be made and installed: apt-get install dpkg-dev libcap2-bin util-linux, run as root, "
                + "and purge an installed sipmeter"
        case .python: "python3 is not installed: apt-get install python3"
        case .tcpdump: "tcpdump is not installed: apt-get install tcpdump"
        case .networkNamespaces: "network namespaces cannot be made: apt-get install iproute2, and run as root"
        case .mountNamespaces: "mount namespaces cannot be made: run as root (in a container with CAP_SYS_ADMIN)"
        case .rawSockets: "CAP_NET_RAW is missing: run as root (in a container with CAP_NET_RAW)"
        case .droppingPrivileges: "setpriv cannot drop CAP_NET_RAW: apt-get install util-linux, and run as root"
        case .realtimePriority:
            "nothing can be run at real-time priority on one of two CPUs: apt-get install util-linux, and run as root "
                + "(in a container with CAP_SYS_NICE)"
        case .probes: "kernel probes are not permitted: run as root (in a container with CAP_BPF, CAP_PERFMON)"
        case .chromium: "chromium is not installed: apt-get install chromium"
        case .promtool: "promtool is not installed: apt-get install prometheus"
        case .hdrHistogram:
            "the Python package hdrhistogram is not in .build/python-peers: make test-deps, where pip can fetch it"
        case .gnuParallel: "GNU parallel is not installed: apt-get install parallel"
        case .slurm: "Slurm is not installed, or this is not root: apt-get install slurm-wlm munge, and run as root"
        case .openMPI: "Open MPI is not installed: apt-get install openmpi-bin"
        case .zsh: "zsh is not installed: apt-get install zsh"
        case .fish: "fish is not installed: apt-get install fish"
        case .ipv6: "lo has no ::1: sysctl net.ipv6.conf.lo.disable_ipv6=0"
        }
    }

    var testDescription: String { advice }

    private static func succeeds(_ script: String) -> Bool {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-c", script]
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return false }
        process.waitUntilExit()
        return process.terminationStatus == 0
    }
}

/// The enclosing suite: one test after another, since they measure load and share two cores.
@Suite(.serialized) struct AgainstPeers {
    /// Elsewhere a test skipped says so itself.
    @Test func nothingIsMissingWhereEverythingIsRequired() {
        for requirement in Requirement.allCases where Requirement.isStrict {
            #expect(requirement.isMet, "\(requirement.advice)")
        }
    }
}

/// What a test needs, as its traits. (A trait for each, so that the skip names just what is missing.)
extension Trait where Self == ConditionTrait {
    static func needs(_ requirement: Requirement) -> Self {
        .enabled(if: requirement.isMet, "\(requirement.advice)")
    }
}
