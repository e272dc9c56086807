import Datagrams
import SIP
import Testing
