extension Goldens {
    static let findMax = """
        VERDICT  VALID
          - The generator placed the load asked for in all 9 trials that counted, and
            the test bed without the target takes 350 times as much.
          note: 1 trial in which the generator did not keep up decided nothing.
          note: 1 of the 6 trials that passed was not VALID: all calls were placed,
                but not as evenly as asked. What passes so would pass evenly, too.

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
