/// Whole texts, read by a person once and compared to the letter since. Every figure follows from `mixedCalls()`.
enum Goldens {
    static let mixed = """
        VERDICT  SUSPECT
          - The limit on open calls held back 1 of 404 calls: the load was lower than
            offered just when the server was slow.
          note: This target is a model of a server, not a server: its figures say
                nothing of yours.
          note: 400 response times are too few for p99.9 (1000): left out.

        Run         uac to 127.0.0.1:5060, udp
        Rate        offered 400 calls/s for 1 s, started 399.0 calls/s, lasted 1.1 s
        Calls       offered 404   started 403   answered 400   ok 400   failed 3
                    unsent 1
        Not ok      486 1   503 1   timeout 1

        Times, ms           min   mean     sd    p50    p90    p99  p99.9    max       n
        RTT               1.000  20.95  11.56  20.91  36.93  40.50    n/a  40.90     400
          from due        1.020  20.97  11.56  20.92  36.93  40.53    n/a  40.92     400
          never resent    1.000  20.45  11.27  20.41  36.01  39.62    n/a  39.90     390
        INVITE to 100     0.100  2.086  1.161  2.081  3.690  4.051    n/a  4.090     402
          to 1xx          0.200  4.171  2.322  4.162  7.381  8.102    n/a  8.180     402
          to answer       0.500  10.48  5.781  10.45  18.46  20.25    n/a  20.45     400
        BYE to answer     0.250  5.238  2.890  5.226  9.232  10.13    n/a  10.23     400

        RFC 6076, ms        min   mean     sd    p50    p90    p99  p99.9    max       n
        SRD               0.200  4.190  2.312  4.182  7.381  8.102    n/a  8.180     400
          failed          0.400  0.400  0.000  0.400    n/a    n/a    n/a  0.400       2
        SDD               0.250  5.238  2.890  5.226  9.232  10.13    n/a  10.23     400
        SDT               0.250  5.238  2.890  5.226  9.232  10.13    n/a  10.23     400
        SER    99.26 %  = 400 / 403             SEER   99.50 %  = 401 / 403
        ISA     0.50 %  = 2 / 403               SCR    99.75 %  = 402 / 403

        Sent again  requests 16, calls concerned 11   responses 0   ACKs 0
                    received again 0
        Finals      200: 400   486: 1   503: 1
        Odd         stray 1   requests over 1300 bytes 2

        Generator   late ms p50 0.020   p99 0.020   max 0.020   n 403   CPU mean 20 %
                    peak 20 %   receive-queue drops 0   send queue full 0
                    send errors 0   kernel clock 0 of 400

        """

    static let empty = """
        VERDICT  INVALID
          - No call fell due: there is nothing to judge.

        Run         uac to 127.0.0.1:5060, udp
        Rate        offered 400 calls/s for 0 s, lasted 0.0 s
        Calls       offered 0   started 0   answered 0   ok 0   failed 0   unsent 0

        Times, ms           min   mean     sd    p50    p90    p99  p99.9    max       n
        RTT                 n/a    n/a    n/a    n/a    n/a    n/a    n/a    n/a       0
          from due          n/a    n/a    n/a    n/a    n/a    n/a    n/a    n/a       0
        INVITE to 100       n/a    n/a    n/a    n/a    n/a    n/a    n/a    n/a       0
          to 1xx            n/a    n/a    n/a    n/a    n/a    n/a    n/a    n/a       0
          to answer         n/a    n/a    n/a    n/a    n/a    n/a    n/a    n/a       0
        BYE to answer       n/a    n/a    n/a    n/a    n/a    n/a    n/a    n/a       0

        RFC 6076, ms        min   mean     sd    p50    p90    p99  p99.9    max       n
        SRD                 n/a    n/a    n/a    n/a    n/a    n/a    n/a    n/a       0
        SDD                 n/a    n/a    n/a    n/a    n/a    n/a    n/a    n/a       0
        SDT                 n/a    n/a    n/a    n/a    n/a    n/a    n/a    n/a       0
        SER        n/a  = 0 / 0                 SEER       n/a  = 0 / 0
        ISA        n/a  = 0 / 0                 SCR        n/a  = 0 / 0

        Sent again  requests 0, calls concerned 0   responses 0   ACKs 0
                    received again 0

        Generator   late ms p50 n/a   p99 n/a   max n/a   n 0   CPU mean n/a   peak n/a
                    receive-queue drops 0   send queue full 0   send errors 0
                    kernel clock 0 of 0

        """
}
