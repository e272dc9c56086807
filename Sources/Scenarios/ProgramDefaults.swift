import Datagrams

// What a run may lay over every scenario.

extension Program {
    /// Every receive without a timeout of its own waits this long.
    package mutating func setDefaultReceiveTimeout(_ timeout: Nanoseconds) {
        for i in instructions.indices {
            guard case .receive(var receive) = instructions[i].operation, receive.timeout == nil else { continue }
            receive.timeout = timeout
            instructions[i].operation = .receive(receive)
        }
    }

    /// Requests are sent once only, as if no `retrans` stood in the file.
    package mutating func removeRetransmissions() {
        for i in instructions.indices {
            guard case .send(var send) = instructions[i].operation else { continue }
            send.retransmission = nil
            instructions[i].operation = .send(send)
        }
    }
}
