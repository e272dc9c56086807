extension Goldens {
    static let findMax = """
        VERDICT  VALID
          - The generator placed the load asked for in all 9 trials that counted, and
            the test bed without the target takes 350 times as much.
          note: 1 trial in which the generator did not keep up decided nothing.
          note: 1 of the 6 trials that passed was not VALID: all calls were placed, but
                not as evenly as asked. What passes so would pass evenly, too.

        Maximum     60 calls/s, within 10 % (bisect)
                    confirmed 2 times: 1 of 7200 attempts failed, so with 95 %
                    confidence at most 0.066 % do
        Above it    65 calls/s: 25 of 975 failed (timeout 20, 503 5); response times
                    grew by 8.000 ms in each second: it falls behind
        Allowed     failures 0.1 % of the attempts, requests sent again 1 %, response
                    times that grow by 5 ms in each second
        At low rate up to half of it 0 of 60 attempts failed; allowed is 0.1 %
        Test bed    21000 calls/s without the target, and not 24000
        Trials      10 in 4 min 12 s, 13110 attempts; 1 decided nothing

           phase       calls/s attempts  failed  resent   p99 ms  decision
         1 double          20       60       0       0      n/a  passes: twice as much next
         2 double          40      600       0       0    2.345  decides nothing, the generator was in the way: A stall. Again.
         3 double          40      600       1       0    2.345  1 of 600 failed (503 1): too few attempts to tell, 40 again
         4 double          40      600       0       0    2.345  passes: twice as much next
         5 double          80     1200       0      90    2.345  fails: 90 requests sent again in 1200 attempts; between 40 and 80 now
         6 bisect          60      900       0       0    2.345  passes; between 60 and 80 now
         7 bisect          65      975       0       0    2.345  passes; 65 is to be confirmed
         8 confirm         65      975      25      80    501.0  fails: 25 of 975 failed (timeout 20, 503 5); down by the resolution
         9 confirm         60     3600       1       0    2.345  confirmed 1 of 2 times
        10 confirm         60     3600       0       0    2.345  confirmed 2 of 2 times: found

        """

    static let trials = """
        trial,phase,rate_cps,n,established,failed,fail_ratio,srd_p50_us,srd_p99_us,retrans_ratio,lag_p99_us,verdict,decision,next_rate_cps,resent,outcome,doubt,took_s
        1,double,20,60,60,0,0,1200.000,,0,88.000,VALID,passes: twice as much next,40,0,passes,,15.000000000
        2,double,40,600,600,0,0,1200.000,2345.000,0,88.000,SUSPECT,"decides nothing, the generator was in the way: A stall. Again.",40,0,void,load,15.000000000
        3,double,40,600,599,1,0.001667,1200.000,2345.000,0,88.000,VALID,"1 of 600 failed (503 1): too few attempts to tell, 40 again",40,0,undecided,,15.000000000
        4,double,40,600,600,0,0,1200.000,2345.000,0,88.000,SUSPECT,passes: twice as much next,80,0,passes,timing,15.000000000
        5,double,80,1200,1200,0,0,1200.000,2345.000,0.075,88.000,VALID,fails: 90 requests sent again in 1200 attempts; between 40 and 80 now,60,90,fails,,15.000000000
        6,bisect,60,900,900,0,0,1200.000,2345.000,0,88.000,VALID,passes; between 60 and 80 now,65,0,passes,,15.000000000
        7,bisect,65,975,975,0,0,1200.000,2345.000,0,88.000,VALID,passes; 65 is to be confirmed,65,0,passes,,15.000000000
        8,confirm,65,975,950,25,0.025641,1200.000,501000.000,0.082051,88.000,VALID,"fails: 25 of 975 failed (timeout 20, 503 5); down by the resolution",60,80,fails,,15.000000000
        9,confirm,60,3600,3599,1,0.000278,1200.000,2345.000,0,88.000,VALID,confirmed 1 of 2 times,60,0,passes,,15.000000000
        10,confirm,60,3600,3600,0,0,1200.000,2345.000,0,88.000,VALID,confirmed 2 of 2 times: found,,0,passes,,15.000000000

        """
}

extension Goldens {
    static let findMaxPage = """
        Highest rate of 192.0.2.5: 60 calls/s
        Highest rate of 192.0.2.5: 60 calls/s
        sipmeter find-max, 2026-11-24T21:00:00Z, on bench
        highest rate, calls/s60
        failed, calls/s65
        test bed, calls/s21000
        confirmed2 times
        trials10
        took4 min 12 s
        Answer and verdict
        The search
        Trials
        How it was searched
        The generator and the test bed
        How to repeat it
        1  Answer and verdict
        VALID
        On sipmeter and its host, not on the server. Whatever limit was found is the target's.
        The generator placed the load asked for in all 9 trials that counted, and the test bed without the target takes 350 times as much.
        Maximum: 60 calls/s, within 10 % (bisect)
        Confirmed: 2 times: 1 of 7200 attempts failed, so with 95 % confidence at most 0.066 % do
        Above it: 65 calls/s: 25 of 975 failed (timeout 20, 503 5); response times grew by 8.000 ms in each second: it falls behind
        Allowed: failures 0.1 % of the attempts, requests sent again 1 %, response times that grow by 5 ms in each second
        At low rate: up to half of it 0 of 60 attempts failed; allowed is 0.1 %
        Test bed: 21000 calls/s without the target, and not 24000
        Trials: 10 in 4 min 12 s, 13110 attempts; 1 decided nothing
        1 trial in which the generator did not keep up decided nothing.
        1 of the 6 trials that passed was not VALID: all calls were placed, but not as evenly as asked. What passes so would pass evenly, too.
        2  The search
        The rates tried, one trial after another: on a logarithmic scale above, and what lies around the result below. The band is what was still possible: between the highest rate that had passed and the lowest that had failed. The line is the answer.
        3  Trials
        again: requests sent again; p99 of the time until the final response; the number leads to the trial's own page
        trial | phase | calls/s | attempts | failed | again | p99, ms | generator | outcome | why, and what came next
        1 | double | 20 | 60 | 0 | 0 | n/a | VALID | passed | passes: twice as much next
        2 | double | 40 | 600 | 0 | 0 | 2.345 | SUSPECT | void | decides nothing, the generator was in the way: A stall. Again.
        3 | double | 40 | 600 | 1 | 0 | 2.345 | VALID | undecided | 1 of 600 failed (503 1): too few attempts to tell, 40 again
        4 | double | 40 | 600 | 0 | 0 | 2.345 | SUSPECT | passed | passes: twice as much next
        5 | double | 80 | 1,200 | 0 | 90 | 2.345 | VALID | failed | fails: 90 requests sent again in 1200 attempts; between 40 and 80 now
        6 | bisect | 60 | 900 | 0 | 0 | 2.345 | VALID | passed | passes; between 60 and 80 now
        7 | bisect | 65 | 975 | 0 | 0 | 2.345 | VALID | passed | passes; 65 is to be confirmed
        8 | confirm | 65 | 975 | 25 | 80 | 501.0 | VALID | failed | fails: 25 of 975 failed (timeout 20, 503 5); down by the resolution
        9 | confirm | 60 | 3,600 | 1 | 0 | 2.345 | VALID | passed | confirmed 1 of 2 times
        10 | confirm | 60 | 3,600 | 0 | 0 | 2.345 | VALID | passed | confirmed 2 of 2 times: found
        4  How it was searched
        By bisection: doubled from 20 calls/s until a rate failed (halved where not even the first passed), then bisected between the highest that passed and the lowest that failed, until they lay 10 % apart; the rate that failed is tried again, and the result confirmed by longer trials; it goes down where one fails.
        Target: 192.0.2.5
        Transport: udp
        Scenario: uac
        A rate passes with at most: failures 0.1 % of the attempts, requests sent again 1 %, response times that grow by 5 ms in each second
        An attempt fails: by another final response than the scenario wants, by none within 32 s, or because its call does not end well
        A trial: 5,000 attempts, but at least 5 s and at most 15 s
        A confirmation: 50,000 attempts, at most 60 s; 2 of them have to pass
        Rest between trials: 2 s
        The scenario, message by message. Dashed: may come, need not.
        5  The generator and the test bed
        Before the search sipmeter called its own answering side, without limits, on loopback, with the same scenario, transport and sending threads: what it could place and read there is the limit of the test bed itself (RFC 7501's first test case). A result above 80 % of it is SUSPECT: it may be the test bed's.
        looked at | calls/s | of the test bed's
        the test bed did not keep up | 24000 | 114.3 %
        the test bed kept up | 21000 | 100.0 %
        above this a result is SUSPECT | 16800 | 80.0 %
        highest rate the target passed at | 60 | 0.3 %
        Trials that counted: 9 of 10
        Decided nothing: 1, because the generator did not keep up
        Passed unevenly placed: 1; their pass stands, because uneven is harder
        Lateness, p99: 0.088 ms in the worst trial that counted
        6  How to repeat it
        sipmeter find-max
        By sipmeter 1.2.3, seed 1, on bench, 2 CPUs.
        The form of RFC 7502, section 5
        parameter | value
        Test case | 6.2 session establishment rate, no media
        SIP transport protocol | UDP
        Connections | none (datagrams)
        Initial session attempt rate | 20 a second
        Session duration | 0 s
        Total sessions attempted | 13,110
        Associated media | none
        Establishment threshold time | 32 s
        Result | 60 a second, by bisection with failures allowed: the RFC's own search allows none (--method rfc7502)

        """
}
