/// Status codes of responses.
package enum StatusCode {
    /// Reason phrases of RFC 3261, 21, for the statuses the engine sends or is asked to refuse with.
    package static func reason(_ status: UInt16) -> StaticString {
        switch status {
        case 100: "Trying"
        case 180: "Ringing"
        case 200: "OK"
        case 302: "Moved Temporarily"
        case 400: "Bad Request"
        case 401: "Unauthorized"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 407: "Proxy Authentication Required"
        case 408: "Request Timeout"
        case 480: "Temporarily Unavailable"
        case 481: "Call/Transaction Does Not Exist"
        case 486: "Busy Here"
        case 487: "Request Terminated"
        case 488: "Not Acceptable Here"
        case 500: "Server Internal Error"
        case 503: "Service Unavailable"
        case 504: "Server Time-out"
        case 600: "Busy Everywhere"
        case 603: "Decline"
        case 300...399: "Redirection"
        case 400...499: "Client Error"
        case 500...599: "Server Error"
        case _: "Global Failure"
        }
    }
}
