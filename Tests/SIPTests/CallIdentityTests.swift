import Datagrams
import SIP
import Testing

@Suite struct CallIdentityTests {
    private func text(_ write: (inout ByteBuffer) -> Void) -> String {
        var buffer = ByteBuffer(capacity: 64)
        write(&buffer)
        return buffer.text
    }

    @Test(arguments: [
        (CallIdentity(run: 0x9F3A_01C2, number: 123, slot: 0x4F), "9f3a01c2.123.4f"),
        (CallIdentity(run: 0, number: 0, slot: 0), "00000000.0.0"),
        (CallIdentity(run: 0xFFFF_FFFF, number: .max, slot: .max), "ffffffff.18446744073709551615.ffffffff"),
        (CallIdentity(run: 1, number: 99_999_999_999_999, slot: .max), "00000001.99999999999999.ffffffff"),
    ])
    func callIDsAreReadAsTheyAreWritten(_ identity: CallIdentity, as expected: String) {
        #expect(text { identity.append(to: &$0) } == expected)
        #expect(CallIdentity.parse(Array(expected.utf8).span) == identity)
        #expect(CallIdentity.parse(Array("other///\(expected)".utf8).span) == identity)
    }

    @Test func aCallIDFitsTheTagForThreeYears() {
        #expect(
            text { CallIdentity(run: .max, number: 99_999_999_999_999, slot: .max).append(to: &$0) }.utf8.count == 32)
    }

    /// Two texts must never be the same call: Call-IDs are compared byte by byte.
    @Test(arguments: [
        "", ".", "9f3a01c2", "9f3a01c2.123", "9f3a01c2.123.", "9f3a01c2..4f", "9F3A01C2.123.4f", "9f3a01c2.123.4F",
        "9f3a01c2.0123.4f", "9f3a01c2.123.04f", "9f3a01c.123.4f", "9f3a01c2x.123.4f", "9f3a01c2.123.4f ",
        "9f3a01c2.123.4f@host", "9f3a01c2.18446744073709551616.4f", "9f3a01c2.123.100000000", "9f3a01c2.-1.4f",
        "///9f3a01c2.123.4f///", "//9f3a01c2.123.4f", "1-2345@192.0.2.1", "///",
    ])
    func whatIsNotOursIsNotRead(_ callID: String) {
        #expect(CallIdentity.parse(Array(callID.utf8).span) == nil)
    }

    @Test(arguments: [
        (BranchIdentity(run: 0x9F3A_01C2, number: 123, sequence: 7), "z9hG4bK9f3a01c2.123.7"),
        (BranchIdentity(run: 0, number: .max, sequence: .max), "z9hG4bK00000000.18446744073709551615.4294967295"),
    ])
    func branchesAreReadAsTheyAreWritten(_ identity: BranchIdentity, as expected: String) {
        #expect(text { identity.append(to: &$0) } == expected)
        #expect(BranchIdentity.parse(Array(expected.utf8).span) == identity)
    }

    @Test(arguments: [
        "", "z9hG4bK", "z9hG4bK9f3a01c2.123", "Z9HG4BK9f3a01c2.123.7", "9f3a01c2.123.7",
        "z9hG4bK9f3a01c2.123.4294967296",
        "z9hG4bK9f3a01c2.123.7a", "z9hG4bK-9f3a01c2.123.7", "z9hG4bK9f3a01c2.123.07",
    ])
    func whatIsNotOurBranchIsNotRead(_ branch: String) {
        #expect(BranchIdentity.parse(Array(branch.utf8).span) == nil)
    }

    @Test func randomIdentitiesSurviveTheRoundTrip() {
        var random = SeededGenerator(seed: 1)
        for _ in 0..<1_000 {
            let number = random.next() >> (random.next() & 63)
            let identity = CallIdentity(
                run: UInt32(truncatingIfNeeded: random.next()), number: number,
                slot: UInt32(truncatingIfNeeded: random.next() >> (random.next() & 63)))
            let branch = BranchIdentity(run: identity.run, number: number, sequence: identity.slot)
            #expect(CallIdentity.parse(Array(text { identity.append(to: &$0) }.utf8).span) == identity)
            #expect(BranchIdentity.parse(Array(text { branch.append(to: &$0) }.utf8).span) == branch)
        }
    }
}
