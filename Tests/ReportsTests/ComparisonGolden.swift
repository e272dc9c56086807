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
}
