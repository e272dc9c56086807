import SIP
import Testing

/// The four state machines, one line an event: what comes, what is to be done, the state after it.
@Suite struct Transactions {
    @Test func inviteClient() {
        typealias Step = (UInt16, InviteClientTransaction.Action, InviteClientTransaction)
        func walk(_ steps: [Step]) {
            var state = InviteClientTransaction.calling
            for (status, action, after) in steps {
                #expect(state.receive(status: status) == action)
                #expect(state == after)
                #expect(state.retransmits == (after == .calling))
            }
        }
        walk([
            (100, .passUp, .proceeding),
            (180, .passUp, .proceeding),
            (200, .passUp, .accepted),
            (200, .repeatedSuccess, .accepted),
            (180, .late, .accepted),
            (486, .drop, .accepted),
        ])
        walk([
            (486, .passUpAndAcknowledge, .completed),
            (486, .acknowledgeAgain, .completed),
            (603, .acknowledgeAgain, .completed),
            (100, .late, .completed),
            (200, .drop, .completed),
        ])
        walk([(200, .passUp, .accepted)])
        walk([(180, .passUp, .proceeding), (300, .passUpAndAcknowledge, .completed)])
        var ended = InviteClientTransaction.terminated
        #expect(ended.receive(status: 200) == .drop)
        #expect(ended.receive(status: 183) == .late)
        #expect(ended == .terminated)
    }

    @Test func client() {
        typealias Step = (UInt16, ClientTransaction.Action, ClientTransaction)
        func walk(_ steps: [Step]) {
            var state = ClientTransaction.trying
            for (status, action, after) in steps {
                #expect(state.receive(status: status) == action)
                #expect(state == after)
                #expect(state.retransmits == (after == .trying || after == .proceeding))
            }
        }
        walk([
            (100, .passUpAndSlowDown, .proceeding),
            (100, .passUpAndSlowDown, .proceeding),
            (200, .passUp, .completed),
            (200, .absorb, .completed),
            (404, .absorb, .completed),
            (100, .late, .completed),
        ])
        walk([(404, .passUp, .completed)])
        var ended = ClientTransaction.terminated
        #expect(ended.receive(status: 200) == .absorb)
        #expect(ended.receive(status: 100) == .late)
        #expect(ended == .terminated)
    }

    private enum ServerEvent {
        case send(UInt16, InviteServerTransaction.ResponseAction)
        case invite(InviteServerTransaction.RequestAction)
        case ack(ends: Bool)
    }

    @Test func inviteServer() {
        func walk(_ steps: [(ServerEvent, InviteServerTransaction)]) {
            var state = InviteServerTransaction.proceeding
            for (event, after) in steps {
                switch event {
                case .send(let status, let action): #expect(state.send(status: status) == action)
                case .invite(let action): #expect(state.receiveInvite() == action)
                case .ack(let ends): #expect(state.receiveAck() == ends)
                }
                #expect(state == after)
            }
        }
        walk([
            (.invite(.repeatResponse), .proceeding),
            (.ack(ends: false), .proceeding),
            (.send(100, .send), .proceeding),
            (.send(180, .send), .proceeding),
            (.invite(.repeatResponse), .proceeding),
            (.send(200, .sendAndRepeatByCore), .accepted),
            (.invite(.absorb), .accepted),
            (.ack(ends: false), .accepted),
            (.send(200, .refuse), .accepted),
            (.send(486, .refuse), .accepted),
        ])
        walk([
            (.send(486, .sendAndRepeat), .completed),
            (.invite(.repeatResponse), .completed),
            (.send(200, .refuse), .completed),
            (.ack(ends: true), .confirmed),
            (.ack(ends: false), .confirmed),
            (.invite(.absorb), .confirmed),
        ])
    }

    @Test func server() {
        func walk(_ steps: [(status: UInt16?, repeats: Bool, after: ServerTransaction)]) {
            var state = ServerTransaction.trying
            for step in steps {
                if let status = step.status { state.send(status: status) }
                #expect(state == step.after)
                #expect(state.repeatsResponse == step.repeats)
            }
        }
        walk([
            (nil, false, .trying),
            (100, true, .proceeding),
            (183, true, .proceeding),
            (200, true, .completed),
            (404, true, .completed),
        ])
        walk([(481, true, .completed)])
        var ended = ServerTransaction.terminated
        ended.send(status: 200)
        #expect(ended == .terminated && !ended.repeatsResponse)
    }
}
