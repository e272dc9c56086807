import Datagrams
import Observations
import SIP
import Scenarios

/// Retransmission and giving up.
extension CallEngine {
    mutating func transactionTimerFired(_ i: Int, _ t: Int, at now: MonotonicInstant) {
        switch transactions[calls[i].places[t]].machine {
        case .inviteClient(.calling):
            requestTimerFired(i, t, cap: nil, at: now)
        case .inviteClient(.proceeding):
            ringing(i, t, at: now)
        case .client(.trying), .client(.proceeding):
            requestTimerFired(i, t, cap: configuration.timers.t2, at: now)
        case .inviteServer(.completed), .inviteServer(.accepted):
            responseTimerFired(i, t, at: now)
        case .none, .inviteClient(.completed), .inviteClient(.accepted), .inviteClient(.terminated),
            .client(.completed), .client(.terminated), .inviteServer(.proceeding), .inviteServer(.confirmed),
            .inviteServer(.terminated), .server:
            break
        }
    }

    private mutating func requestTimerFired(_ i: Int, _ t: Int, cap: Nanoseconds?, at now: MonotonicInstant) {
        switch transactions[calls[i].places[t]].schedule.event(at: now, cap: cap) {
        case .notYet:
            armTransactionTimer(i, t)
        case .retransmit(let due, _):
            sendAgain(i, t, due: due)
            armTransactionTimer(i, t)
        case .giveUp:
            terminate(i, t)
            if calls[i].isClosing { return settleTimeout(i, at: now) }
            let step = Int(transactions[calls[i].places[t]].step)
            stepCounts[step].timeouts += 1
            timedOut(i, onTimeout: program.instructions[step].onTimeout, at: now)
        }
    }

    private mutating func terminate(_ i: Int, _ t: Int) {
        stopTimer(i, t)
        switch transactions[calls[i].places[t]].machine {
        case .none: break
        case .inviteClient: transactions[calls[i].places[t]].machine = .inviteClient(.terminated)
        case .client: transactions[calls[i].places[t]].machine = .client(.terminated)
        case .inviteServer: transactions[calls[i].places[t]].machine = .inviteServer(.terminated)
        case .server: transactions[calls[i].places[t]].machine = .server(.terminated)
        }
    }

    /// Timer A fires soon after a first provisional and finds the call ringing. Over a reliable transport there is none, and
    /// timer B would be much too late.
    mutating func noteRinging(_ i: Int, _ t: Int, at now: MonotonicInstant) {
        guard configuration.transport.isReliable, !calls[i].isClosing else { return }
        let limit = (transactions[calls[i].places[t]].sentAt.instant ?? now) + configuration.ringTimeout
        transactions[calls[i].places[t]].schedule.wait(until: limit, length: configuration.ringTimeout)
        armTransactionTimer(i, t)
    }

    /// Timer A was running when the first provisional came. From then on only our own limit ends the INVITE.
    private mutating func ringing(_ i: Int, _ t: Int, at now: MonotonicInstant) {
        transactions[calls[i].places[t]].sentAt.setOnce(now)
        let since = transactions[calls[i].places[t]].sentAt.instant ?? now
        let length = calls[i].isClosing ? configuration.timers.transactionTimeout : configuration.ringTimeout
        let limit = since + length
        if now >= limit {
            return calls[i].isClosing ? settleTimeout(i, at: now) : finish(i, .timeout, at: now)
        }
        // The nominal length chooses the timer queue: one of what is left would make a queue for each call.
        transactions[calls[i].places[t]].schedule.wait(until: limit, length: length)
        armTransactionTimer(i, t)
    }

    private mutating func responseTimerFired(_ i: Int, _ t: Int, at now: MonotonicInstant) {
        switch transactions[calls[i].places[t]].schedule.event(at: now, cap: configuration.timers.t2) {
        case .notYet:
            armTransactionTimer(i, t)
        case .retransmit(let due, _):
            counters.responsesRetransmitted += 1
            let transaction = transactions[calls[i].places[t]]
            noteRepeatSent(transaction.step)
            let rendered = copyToOutbox(transaction.stored)
            outbox.append(
                Transmit(
                    start: rendered.start, count: rendered.count, destination: transaction.replyTo,
                    source: calls[i].source,
                    receipt: Transmit.Receipt(
                        slot: UInt32(i), generation: calls[i].generation, kind: ReceiptKind.retransmission.rawValue,
                        index: UInt8(t)), due: due))
            armTransactionTimer(i, t)
        case .giveUp:
            // Timer H, or a 2xx whose ACK never came (13.3.1.4): the call has failed.
            terminate(i, t)
            let step = Int(transactions[calls[i].places[t]].step)
            if step < stepCounts.count { stepCounts[step].timeouts += 1 }
            if calls[i].isClosing { release(i, at: now) } else { finish(i, .timeout, at: now) }
        }
    }

    mutating func recordRetransmission(_ i: Int, _ t: Int, due: MonotonicInstant, sentAt: MonotonicInstant) {
        transactions[calls[i].places[t]].retransmissions &+= 1
        let transaction = transactions[calls[i].places[t]]
        let timer: TimerName
        switch transaction.machine {
        case .none: return
        case .inviteClient: timer = .a
        case .client: timer = .e
        case .inviteServer: timer = transaction.status < 300 ? .twoHundred : .g
        case .server: return
        }
        let isRequest = timer == .a || timer == .e
        if isRequest {
            counters.requestsRetransmitted += 1
            if !transaction.isAutomatic { noteRepeatSent(transaction.step) }
            if !transaction.isAutomatic, calls[i].retransmissions < .max { calls[i].retransmissions += 1 }
        }
        guard configuration.recordsCalls else { return }
        journal.retransmissions.append(
            RetransmissionRecord(
                call: calls[i].number, callID: callIDText(i), method: transaction.method,
                status: isRequest ? 0 : transaction.status, nth: UInt32(transaction.retransmissions),
                due: due - configuration.start, sent: sentAt - configuration.start, timer: timer))
    }
}
