import Datagrams

extension ProbePoint {
    /// The points of a request's way, in their order.
    static let way: [ProbePoint] = [
        .requestSent, .tapTransmit, .tapRead, .driverReceive, .protocolStart, .socketEnqueue, .applicationReceive,
        .applicationSend, .responseTransmit, .responseReceive, .responseArrived,
    ]

    /// Place in `way`; of others the end.
    var place: Int {
        switch self {
        case .requestSent: 0
        case .tapTransmit, .tapRead, .driverReceive, .protocolStart, .socketEnqueue, .applicationReceive,
            .applicationSend, .responseTransmit, .responseReceive:
            Int(rawValue)
        case .responseArrived: 10
        case .waking, .contextSwitch, .receiveDrop: 11
        }
    }

    var isOfRequest: Bool { place <= ProbePoint.applicationReceive.place }
    var isOfResponse: Bool { !isOfRequest && place <= 10 }
}

/// When one request was at each point, by the clocks of those who saw it.
struct PointTimes {
    private var times = InlineArray<11, Int64>(repeating: 0)
    private var seen: UInt16 = 0
    private(set) var inferred: UInt16 = 0

    subscript(_ point: ProbePoint) -> MonotonicInstant? {
        get { seen & bit(point) != 0 ? MonotonicInstant(nanoseconds: times[point.place]) : nil }
        set {
            if let newValue {
                times[point.place] = newValue.nanoseconds
                seen |= bit(point)
            } else {
                seen &= ~bit(point)
            }
        }
    }

    func has(_ point: ProbePoint) -> Bool { seen & bit(point) != 0 }
    func isInferred(_ point: ProbePoint) -> Bool { inferred & bit(point) != 0 }
    mutating func setInferred(_ point: ProbePoint, _ flag: Bool) {
        if flag { inferred |= bit(point) } else { inferred &= ~bit(point) }
    }

    private func bit(_ point: ProbePoint) -> UInt16 { 1 << UInt16(point.place) }
}
