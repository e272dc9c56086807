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

    /// Every message sent and received without a loss of its own is lost this often.
    /// - Parameter share: from 0 to 1.
    package mutating func setDefaultLoss(_ share: Double) {
        if share <= 0 { return }
        for i in instructions.indices {
            switch instructions[i].operation {
            case .send: break
            case .receive: losesReceived = true
            case .pause, .timewait, .nop: continue
            }
            if instructions[i].extras == 0 {
                extras.append(StepExtras())
                instructions[i].extras = UInt16(extras.count)
            }
            let place = Int(instructions[i].extras) - 1
            if extras[place].loss == 0 { extras[place].loss = share }
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
