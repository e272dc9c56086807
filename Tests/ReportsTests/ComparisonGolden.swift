/// Read by a person once; every figure follows from `ComparisonReportTests.sample`.
enum ComparisonGolden {
    static let text = """
        A  runs/A: 600 calls at 400/s, uac to 192.0.2.5; VALID
        B  runs/B: 600 calls at 500/s, uac to 192.0.2.5; SUSPECT

        Run otherwise                 A                        B
          load.rate_per_s             400                      500
        note: The two were not asked the same: what differs between them may be of the
              question's making.
        note: B is SUSPECT: its generator may be what differs.
        note: Times are of the calls that ended well: 600 of A's 600, 582 of B's 600. A
              server that turns calls away, or loses the slow ones, looks quicker than
              it is.

                                    A          B            B against A, 95 %    chance
        RTT mean, ms            2.018      2.002                -0.8 +- 3.1 %    77.6 %
        RTT SD, ms              0.577      0.057               -90.1 +- 0.8 %     4.0 %
        RTT p50, ms             2.016      2.001                -0.7 +- 6.2 %    77.6 %
        RTT p90, ms             2.810      2.081               -25.9 +- 1.3 %     4.0 %
        RTT p99, ms             2.984      2.098               -29.7 +- 0.2 %     4.0 %
        RTT max, ms             2.996      2.099                      -29.9 %     4.0 %
        sent again, /100         0.00       3.00         +3.00 +- 1.23 points     4.0 %
        failed, /100             0.00       3.00         +3.00 +- 1.23 points     4.0 %

          Mean RTT: no difference beyond chance (B -0.8 +- 3.1 %).
        * B's RTT swings 10 +- 1 times less (0.577 to 0.057 ms).
          Median RTT: no difference beyond chance (B -0.7 +- 6.2 %).
        * B's 90th percentile is 25.9 +- 1.3 % lower (2.810 to 2.081 ms).
        * B's 99th percentile is 29.7 +- 0.2 % lower (2.984 to 2.098 ms).
        * B's longest RTT is 29.9 % lower (2.996 to 2.099 ms).
        * In 100 calls B sends 3.00 +- 1.23 more requests again (0.00 to 3.00).
        * In 100 calls 3.00 +- 1.23 more of B's fail (0.00 to 3.00).

        By blocks of 9 neighbouring calls (67 and 67): chance is how often as much comes
        of dealing them out at random, raised for the 8 figures looked at; * marks what
        is shown, at most 5 % of comparisons of equal runs mark anything. It is about
        these runs: how much one run differs from the next on the same machine, only
        more runs can tell.

        Rules
          passed  rtt.sd>+10%: -90.1 +- 0.8 %
          FAILED  failed>+0.5%: +3.00 +- 1.23 points
          FAILED  rtt.p99>-1ms: -0.886 +- 0.009 ms
          passed  rtt.max<-50%: -29.9 %

        """

    static let repeated = """
        A  4 runs at 400/s, uac to 192.0.2.5; all VALID
        B  3 runs at 400/s, uac to 192.0.2.5; 2 of 3 VALID

        RTT in ms, per run       calls   mean     SD    p50    p90    p99    max failed
        A  ..f-a-long-name-1       600  2.018  0.577  2.016  2.810  2.984  2.996   0.00
        A  ..f-a-long-name-2       600  2.017  0.547  2.015  2.769  2.934  2.946   0.00
        A  ..f-a-long-name-3       600  2.018  0.605  2.016  2.850  3.033  3.045   0.00
        A  ..f-a-long-name-4       600  2.018  0.577  2.016  2.810  2.984  2.996   0.00
        B  ..f-a-long-name-1       600  2.002  0.057  2.001  2.081  2.098  2.099   3.00
        B  ..f-a-long-name-2       600  2.003  0.086  2.002  2.121  2.147  2.149   3.00
        B  ..f-a-long-name-3       600  2.002  0.057  2.001  2.081  2.098  2.099   3.00

        Run otherwise                 A                        B
          seed                        1                        varies
        note: runs/B-of-a-long-name-2 is SUSPECT: its generator may be what differs.
        note: Times are of the calls that ended well: 2,400 of A's 2,400, 1,746 of B's
              1,800. A server that turns calls away, or loses the slow ones, looks
              quicker than it is.

                                    A          B            B against A, 95 %    chance
        RTT mean, ms            2.018      2.002                -0.8 +- 0.1 %   < 0.1 %
        RTT SD, ms              0.576      0.067               -88.4 +- 4.3 %   < 0.1 %
        RTT p50, ms             2.016      2.001                -0.7 +- 0.1 %   < 0.1 %
        RTT p90, ms             2.810      2.094               -25.5 +- 1.7 %   < 0.1 %
        RTT p99, ms             2.984      2.114               -29.1 +- 1.9 %   < 0.1 %
        RTT max, ms             2.996      2.116               -29.4 +- 1.9 %   < 0.1 %
        sent again, /100         0.00       3.00                 +3.00 points     5.7 %
        failed, /100             0.00       3.00                 +3.00 points     5.7 %

        * B's mean RTT is 0.8 +- 0.1 % lower (2.018 to 2.002 ms).
        * B's RTT swings 8.6 +- 3.2 times less (0.576 to 0.067 ms).
        * B's median RTT is 0.7 +- 0.1 % lower (2.016 to 2.001 ms).
        * B's 90th percentile is 25.5 +- 1.7 % lower (2.810 to 2.094 ms).
        * B's 99th percentile is 29.1 +- 1.9 % lower (2.984 to 2.114 ms).
        * B's longest RTT is 29.4 +- 1.9 % lower (2.996 to 2.116 ms).
          Retransmissions: no difference beyond chance (B +3.00 points).
          Failures: no difference beyond chance (B +3.00 points).

        By runs (4 and 3): every figure is the mean of its runs', and chance is how
        often runs that differ among themselves as these do give as much (Welch's t
        test), raised for the 8 figures looked at; * marks what is shown, at most 5 % of
        comparisons of equal runs mark anything.

        Rules
          passed  rtt.sd>-20%: -88.4 +- 4.3 %
          FAILED  rtt.mean>-2%: -0.8 +- 0.1 %

        """
}
