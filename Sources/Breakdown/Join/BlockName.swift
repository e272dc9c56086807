/// What the stretch between two points is called, also where points between them were not seen.
enum BlockName {
    static func name(from: ProbePoint, to: ProbePoint) -> String {
        if from == .requestSent {
            if to == .responseArrived { return "response time" }
            if to.place <= ProbePoint.socketEnqueue.place { return "network to server" }
        }
        if to == .responseArrived, from.place >= ProbePoint.responseTransmit.place { return "network to client" }
        // In by one tap, out by the other: nothing is known of the inside.
        if from.place < ProbePoint.applicationReceive.place, to.place > ProbePoint.applicationSend.place {
            return "server"
        }
        let parts = parts(from: from, to: to)
        switch parts.count {
        case 0: return "\(from) to \(to)"
        case 1: return parts[0]
        case 2: return parts[0] + " and " + parts[1]
        case _: return parts[0] + " to " + parts[parts.count - 1]
        }
    }

    /// What ends at each of the points after `from`, up to `to`.
    private static func parts(from: ProbePoint, to: ProbePoint) -> [String] {
        ProbePoint.way.filter { $0.place > from.place && $0.place <= to.place }.compactMap { point in
            switch point {
            case .requestSent: nil
            case .tapTransmit: "network to server"
            // Only a virtual machine's host has it, and a response's way back likewise.
            case .tapRead: point == to ? "tap queue" : nil
            case .driverReceive: from == .tapRead ? "host to guest" : from == .requestSent ? nil : "driver"
            case .protocolStart: "softirq"
            case .socketEnqueue: "protocol"
            case .applicationReceive: "socket wait"
            case .applicationSend: "application"
            case .responseTransmit: "reply"
            case .responseReceive: point == to ? "guest to host" : nil
            case .responseArrived: "network to client"
            case .waking, .contextSwitch, .receiveDrop: nil
            }
        }
    }
}
