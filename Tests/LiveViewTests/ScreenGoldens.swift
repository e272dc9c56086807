/// Whole screens; look at them in the diff.
enum ScreenGoldens {
    static let usual = """
        sipmeter run  192.0.2.5:5060  udp  uac  500 calls/s, Poisson, hold 80ms
        00:12 of 00:30 [#################---------------------------] running
        rate /s     offered    500.0 started    500.0 answered   498.0 done       500.0
        calls       started     6000 ok          5998 failed         2 timeout        1
                    open          41 peak          41 unsent         0 offered     6000
        RFC 6076    SER      99.97 % SEER     99.98 % ISA       0.02 % SCR      99.98 %
                                        last second                            whole run
        times, ms          p50    p90    p99    max      p50    p90    p99  p99.9    max
        RTT from sent    2.386  4.002  4.362  4.392    0.966  1.762  3.922  4.354  4.392
        RTT from due     2.466  4.082  4.440  4.472    1.046  1.842  4.002  4.436  4.472
        INVITE to 1xx                                  0.193  0.353  0.784  0.871  0.878
          to answer                                    0.483  0.881  1.961  2.177  2.196
        BYE to answer                                  0.242  0.441  0.980  1.089  1.098
        sent late        0.080  0.080  0.080  0.080    0.080  0.080  0.080  0.080  0.080
        finals      200 5998   486 1
        sent again  requests 6   ACKs 1   received again 1
        odd         stray 2
        p99, 60 s   ▃▃▃▃▃▃▃▃▃▃▇█                                                 4.362
        generator   VALID   so far   CPU 31 %   rx drops 0   tx queue full 0   errors 0
        [+ -] rate by 10 %   [p] pause   [q] quit   [e] failures

        """

    static let large = """
        sipmeter run  192.0.2.5:5060  udp  uac  500 calls/s, Poisson, hold 80ms
        00:12 of 00:30 [##################################--------------------------------------------------] running
        rate /s     offered    500.0 started    500.0 answered   498.0 done       500.0
        calls       started     6000 ok          5998 failed         2 timeout        1
                    open          41 peak          41 unsent         0 offered     6000
        RFC 6076    SER      99.97 % SEER     99.98 % ISA       0.02 % SCR      99.98 %
                                        last second                            whole run
        times, ms          p50    p90    p99    max      p50    p90    p99  p99.9    max
        RTT from sent    2.386  4.002  4.362  4.392    0.966  1.762  3.922  4.354  4.392
        RTT from due     2.466  4.082  4.440  4.472    1.046  1.842  4.002  4.436  4.472
        INVITE to 1xx                                  0.193  0.353  0.784  0.871  0.878
          to answer                                    0.483  0.881  1.961  2.177  2.196
        BYE to answer                                  0.242  0.441  0.980  1.089  1.098
        sent late        0.080  0.080  0.080  0.080    0.080  0.080  0.080  0.080  0.080
        finals      200 5998   486 1
        sent again  requests 6   ACKs 1   received again 1
        odd         stray 2
        p99, 60 s   ▃▃▃▃▃▃▃▃▃▃▇█                                                 4.362
        generator   VALID   so far   CPU 31 %   rx drops 0   tx queue full 0   errors 0
        [+ -] rate by 10 %   [p] pause   [q] quit   [e] failures

        """

    static let silent = """
        sipmeter run  192.0.2.5:5060  udp  uac  500 calls/s
        00:00 of 00:30 [#-------------------------------------------] running
        rate /s     offered      n/a started      n/a answered     n/a done         n/a
        calls       started        0 ok             0 failed         0 timeout        0
                    open           0 peak           0 unsent         0 offered        0
        RFC 6076    SER          n/a SEER         n/a ISA          n/a SCR          n/a
                                        last second                            whole run
        times, ms          p50    p90    p99    max      p50    p90    p99  p99.9    max
        RTT from sent      n/a    n/a    n/a    n/a      n/a    n/a    n/a    n/a    n/a
        RTT from due       n/a    n/a    n/a    n/a      n/a    n/a    n/a    n/a    n/a
        INVITE to 1xx                                    n/a    n/a    n/a    n/a    n/a
          to answer                                      n/a    n/a    n/a    n/a    n/a
        BYE to answer                                    n/a    n/a    n/a    n/a    n/a
        sent late          n/a    n/a    n/a    n/a      n/a    n/a    n/a    n/a    n/a
        finals      none yet
        sent again  requests 0   ACKs 0   received again 0
        p99, 60 s   n/a
        generator   not judged yet   CPU n/a %   rx drops 0   tx queue full 0   errors 0
        [+ -] rate by 10 %   [p] pause   [q] quit   [e] failures

        """

    static let failing = """
        sipmeter run  192.0.2.5:5060  udp  uac  500 calls/s
        00:03 of 00:30 [####----------------------------------------] running
        rate /s     offered    500.0 started    500.0 answered     0.0 done       500.0
        calls       started     1500 ok             0 failed      1500 timeout        0
                    open           0 peak           0 unsent         0 offered     1500
        RFC 6076    SER       0.00 % SEER      0.00 % ISA     100.00 % SCR      50.00 %
                                        last second                            whole run
        times, ms          p50    p90    p99    max      p50    p90    p99  p99.9    max
        RTT from sent      n/a    n/a    n/a    n/a      n/a    n/a    n/a    n/a    n/a
        RTT from due       n/a    n/a    n/a    n/a      n/a    n/a    n/a    n/a    n/a
        INVITE to 1xx                                    n/a    n/a    n/a    n/a    n/a
          to answer                                      n/a    n/a    n/a    n/a    n/a
        BYE to answer                                    n/a    n/a    n/a    n/a    n/a
        sent late        0.080  0.080  0.080  0.080    0.080  0.080  0.080  0.080  0.080
        finals      503 750
        sent again  requests 0   ACKs 0   received again 0
        p99, 60 s   n/a
        generator   VALID   so far   CPU 31 %   rx drops 0   tx queue full 0   errors 0
        [+ -] rate by 10 %   [p] pause   [q] quit   [e] failures

        """

    static let failures = """
        sipmeter run  192.0.2.5:5060  udp  uac  500 calls/s
        00:01 of 00:30 [#-------------------------------------------] running
        rate /s     offered    500.0 started    499.0 answered   493.0 done       499.0
        calls       started      499 ok           490 failed         9 timeout        2
                    open           0 peak           0 unsent         1 offered      500
        RFC 6076    SER      99.00 % SEER     99.40 % ISA       0.40 % SCR      99.00 %
        the latest failures; every call is in rtt.csv
             at s     call  outcome      what happened
            0.917      458  486          INVITE answered with 486 after 1.200 ms, sent ~
            0.717      358  check        a check of the scenario failed: texts differ
            0.617      308  interrupted  still open when the run was stopped
            0.517      258  refused      not delivered: nobody listens there, or the co~
            0.417      208  unexpected   a message came that the scenario has no place ~
            0.317      158  timeout      no final response to a later request, sent aga~
            0.217      108  timeout      no final response to INVITE, sent again 2 times
            0.117       58  481          a later request was answered with 481
            0.017        8  486          INVITE answered with 486 after 1.200 ms
        [+ -] rate by 10 %   [p] pause   [q] quit   [e] figures

        """

    static let paused = """
        sipmeter run  192.0.2.5:5060  udp  uac  44 calls/s (asked 500)
        00:05 of 00:30 [#######-----------------------------------] PAUSED: no new calls
        rate /s     offered      0.0 started      0.0 answered     0.0 done         0.0
        calls       started      160 ok           160 failed         0 timeout        0
                    open           0 peak           0 unsent         0 offered      160
        RFC 6076    SER     100.00 % SEER    100.00 % ISA       0.00 % SCR     100.00 %
                                        last second                            whole run
        times, ms          p50    p90    p99    max      p50    p90    p99  p99.9    max
        RTT from sent      n/a    n/a    n/a    n/a    0.534  0.645  0.673    n/a  0.673
        RTT from due       n/a    n/a    n/a    n/a    0.613  0.726  0.753    n/a  0.753
        INVITE to 1xx                                  0.107  0.129  0.135    n/a  0.135
          to answer                                    0.267  0.323  0.337    n/a  0.337
        BYE to answer                                  0.133  0.161  0.168    n/a  0.168
        sent late          n/a    n/a    n/a    n/a    0.080  0.080  0.080    n/a  0.080
        finals      200 160
        sent again  requests 0   ACKs 0   received again 0
        p90, 60 s   ████                                                         0.645
        generator   VALID   so far   CPU 31 %   rx drops 0   tx queue full 0   errors 0
        [p] resume   [+ -] rate by 10 %   [q] quit   [e] failures

        """

    static let draining = """
        sipmeter run  192.0.2.5:5060  udp  uac  500 calls/s
        00:03 of 00:03 [############################################] draining, 77 open
        rate /s     offered    500.0 started    500.0 answered   500.0 done       500.0
        calls       started     1500 ok          1500 failed         0 timeout        0
                    open          77 peak          77 unsent         0 offered     1500
        RFC 6076    SER     100.00 % SEER    100.00 % ISA       0.00 % SCR     100.00 %
                                        last second                            whole run
        times, ms          p50    p90    p99    max      p50    p90    p99  p99.9    max
        RTT from sent    2.144  3.543  3.858  3.893    2.144  3.543  3.858  3.893  3.893
        RTT from due     2.224  3.625  3.938  3.973    2.224  3.625  3.938  3.973  3.973
        INVITE to 1xx                                  0.429  0.709  0.772  0.779  0.779
          to answer                                    1.072  1.772  1.929  1.947  1.947
        BYE to answer                                  0.536  0.886  0.965  0.973  0.973
        sent late        0.080  0.080  0.080  0.080    0.080  0.080  0.080  0.080  0.080
        finals      200 1500
        sent again  requests 0   ACKs 0   received again 0
        p99, 60 s   ███                                                          3.858
        generator   INVALID so far   CPU 31 %   rx drops 0   tx queue full 0   errors 0
                    The generator fell short: 200 of 1700 calls due were never started
                    (88.2 % were).
        [q] end the open calls now   [e] failures

        """

    static let sweep = """
        sipmeter sweep  sips:someone@[2001:db8:1234:5678:9ab~  tls  uac  1000000 calls/s
        00:01 of 10:00:00 [---------------------------] running             level 2 of 4
        rate /s     offered  1000000 started  1000000 answered   1000M done       200.0
        calls       started  1000000 ok           200 failed         0 timeout        0
                    open    12345678 peak    12345678 unsent         0 offered  1000000
        RFC 6076    SER     100.00 % SEER    100.00 % ISA       0.00 % SCR     100.00 %
                                        last second                            whole run
        times, ms          p50    p90    p99    max      p50    p90    p99  p99.9    max
        RTT from sent    2000s  3601s  3601s  4000s    2000s  3601s  3601s    n/a  4000s
        RTT from due     2000s  3601s  3601s  4000s    2000s  3601s  3601s    n/a  4000s
        INVITE to 1xx                                 400237 720481 792421    n/a 800000
          to answer                                    1000s  1801s  1981s    n/a  2000s
        BYE to answer                                 500095 900333 990527    n/a  1000s
        sent late        0.080  0.080  0.080  0.080    0.080  0.080  0.080    n/a  0.080
        finals      200 200
        sent again  requests 12345M   ACKs 0   received again 0
        p99, 60 s   █                                                            3601s
        generator   INVALID so far   CPU 31 %   rx drops 7   tx queue full 0   errors 0
                    The kernel dropped 7 datagrams from our full receive queue:
                    responses lost here look like the server's losses.
        ^C ends the run when the open calls have ended

        """
}
