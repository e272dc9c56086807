import Datagrams

/// Responses that came to requests of one method, with one status: each once, however often it was repeated.
package struct ResponseCount: Sendable, BitwiseCopyable, Equatable {
    package var method: CallTag.Method
    package var status: UInt16
    package var count: UInt64

    package init(method: CallTag.Method, status: UInt16, count: UInt64) {
        self.method = method
        self.status = status
        self.count = count
    }
}

/// Those of a run. There are a handful of kinds, the usual ones come first, and nothing is allocated to count one more.
package struct ResponseCounts: Sendable {
    /// In the order in which a kind was first seen.
    package private(set) var list: [ResponseCount] = []

    /// A server that makes statuses up fills no memory: what is beyond stands in one entry, of status 0.
    package static let mostKinds = 64

    package init() { list.reserveCapacity(Self.mostKinds + 1) }

    package mutating func note(_ method: CallTag.Method, _ status: UInt16) {
        for i in list.indices where list[i].status == status && list[i].method == method {
            list[i].count += 1
            return
        }
        if list.count < Self.mostKinds {
            list.append(ResponseCount(method: method, status: status, count: 1))
        } else if list.count == Self.mostKinds {
            list.append(ResponseCount(method: .other, status: 0, count: 1))
        } else {
            list[Self.mostKinds].count += 1
        }
    }
}
