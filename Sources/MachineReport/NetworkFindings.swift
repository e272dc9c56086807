extension MachineFacts {
    var networkFindings: [Finding] {
        [
            loopback,
            buffer("receive_buffer", "receive buffer", trials.receiveBuffer, "rmem_max"),
            buffer("send_buffer", "send buffer", trials.sendBuffer, "wmem_max"),
            defaultBuffer, backlog, segmentation,
        ].compactMap { $0 } + timestamping
    }

    private var loopback: Finding {
        Finding(
            .network, "loopback", "loopback", trials.loopback.works ? .ok : .missing,
            trials.loopback.refusal.map { "carries no datagram (\($0))" } ?? "carries datagrams",
            "a run without a target answers itself there", mend: .command("sudo ip link set lo up"))
    }

    private func buffer(_ key: String, _ name: String, _ granted: Int, _ setting: String) -> Finding {
        let asked = trials.buffersAsked
        let limit = number("/proc/sys/net/core/\(setting)").map { " (\(setting) \(Self.size($0)))" } ?? ""
        return Finding(
            .network, key, name, granted >= asked ? .ok : .limited,
            "\(Self.size(granted)) of \(Self.size(asked)) asked for\(limit)",
            key == "receive_buffer"
                ? "answers lost for want of room look like the server's losses"
                : "a burst that does not fit is sent later",
            mend: container == nil || isWritable("/proc/sys/net/core/\(setting)")
                ? .command("sudo sysctl -w net.core.\(setting)=\(asked)")
                : .advice("on the host: sysctl -w net.core.\(setting)=\(asked)"))
    }

    private var defaultBuffer: Finding? {
        number("/proc/sys/net/core/rmem_default").map {
            Finding(
                .network, "rmem_default", "default buffer", .ok, Self.size($0),
                "a server here that asks for none loses what comes beyond it")
        }
    }

    private var backlog: Finding? {
        number("/proc/sys/net/core/netdev_max_backlog").map {
            Finding(
                .network, "netdev_max_backlog", "device backlog", $0 >= 1000 ? .ok : .limited, "\($0) packets a CPU",
                "a burst beyond it is lost on loopback and veth without a trace",
                mend: .command("sudo sysctl -w net.core.netdev_max_backlog=1000"))
        }
    }

    private var segmentation: Finding {
        Finding(
            .network, "udp_segmentation", "UDP segmentation", trials.segmentation.works ? .ok : .missing,
            trials.segmentation.refusal.map { "refused (\($0))" } ?? "offered by the kernel",
            "--batch sends many untagged requests for the price of one", mend: .advice("Linux 4.18 or later"))
    }

    // MARK: timestamps

    /// linux/net_tstamp.h.
    private enum Stamp {
        static let sendHardware: UInt32 = 1 << 0
        static let sendSoftware: UInt32 = 1 << 1
        static let receiveHardware: UInt32 = 1 << 2
        static let receiveSoftware: UInt32 = 1 << 3
        static let rawHardware: UInt32 = 1 << 6
        static let software = sendSoftware | receiveSoftware
        static let hardware = sendHardware | receiveHardware | rawHardware
    }

    /// Interfaces that can do the same share a line: a host of containers has hundreds.
    private var timestamping: [Finding] {
        var kinds: [Interface] = []
        var members: [[String]] = []
        for interface in interfaces {
            let kind = Interface(
                name: "", timestamping: interface.timestamping, hardwareClock: interface.hardwareClock)
            if let i = kinds.firstIndex(of: kind) {
                members[i].append(interface.name)
            } else {
                kinds.append(kind)
                members.append([interface.name])
            }
        }
        return zip(kinds, members).map { Self.timestamping($0, of: $1) }
    }

    private static func timestamping(_ kind: Interface, of names: [String]) -> Finding {
        let bits = kind.timestamping ?? 0
        let hasBoth = bits & Stamp.software == Stamp.software
        var parts: [String] = []
        if hasBoth { parts.append("software both ways") }
        if !hasBoth, bits & Stamp.sendSoftware != 0 { parts.append("software on sending only") }
        if !hasBoth, bits & Stamp.receiveSoftware != 0 { parts.append("software on receiving only") }
        if bits & Stamp.hardware == Stamp.hardware {
            parts.append("hardware" + (kind.hardwareClock.map { " (PTP clock \($0))" } ?? ""))
        }
        let shown = names.prefix(4).joined(separator: ", ") + (names.count > 4 ? " +\(names.count - 4)" : "")
        return Finding(
            .network, "timestamps_\(names[0])", "timestamps", hasBoth ? .ok : .limited,
            "\(shown): \(parts.isEmpty ? "none" : parts.joined(separator: ", "))",
            "the kernel's stamps leave our own delays out of a response time",
            mend: .advice("another driver or network card (ethtool -T \(names[0]))"))
    }
}
