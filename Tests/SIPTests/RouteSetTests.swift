import Datagrams
import SIP
import Testing

@Suite struct RouteSetTests {
    private func routeSet(
        of lines: String..., role: RouteSet.Role
    ) throws -> (routes: String, target: String) {
        let message = try IndexedMessage((["SIP/2.0 200 OK", Sample.mandatory] + lines).joined(separator: "\n"))
        var routes = ByteBuffer(capacity: 64)
        var target = ByteBuffer(capacity: 64)
        try RouteSet.append(
            from: message.bytes.span, index: message.index, role: role, routes: &routes, target: &target)
        return (routes.text, target.text)
    }

    @Test func withoutRecordRouteTheTargetIsTheContact() throws {
        let (routes, target) = try routeSet(of: "Contact: \"B\" <sip:b@192.0.2.9;ob>;expires=5", role: .client)
        #expect(routes == "")
        #expect(target == "sip:b@192.0.2.9;ob")
    }

    @Test func withoutBothThereIsNothing() throws {
        let (routes, target) = try routeSet(role: .server)
        #expect(routes == "")
        #expect(target == "")
    }

    @Test func theClientReversesAndTheServerKeepsTheOrder() throws {
        let lines = [
            "Record-Route: <sip:p3;lr>,\"P, 2\" <sip:p2;lr=on>;x=\"a,b\"", "Contact: <sip:b@192.0.2.9>",
            "record-route:   <sip:p1;LR>",
        ]
        let client = try routeSet(of: lines[0], lines[1], lines[2], role: .client)
        #expect(client.routes == "<sip:p1;LR>, \"P, 2\" <sip:p2;lr=on>;x=\"a,b\", <sip:p3;lr>")
        #expect(client.target == "sip:b@192.0.2.9")
        let server = try routeSet(of: lines[0], lines[1], lines[2], role: .server)
        #expect(server.routes == "<sip:p3;lr>, \"P, 2\" <sip:p2;lr=on>;x=\"a,b\", <sip:p1;LR>")
    }

    @Test func aStrictRouterBecomesTheTarget() throws {
        let (routes, target) = try routeSet(
            of: "Record-Route: <sip:p2;lr>, <sip:lr@p1;transport=udp?lr=no>", "Contact: <sip:b@192.0.2.9>",
            role: .client)
        #expect(target == "sip:lr@p1;transport=udp?lr=no")
        #expect(routes == "<sip:p2;lr>, <sip:b@192.0.2.9>")
    }

    @Test func aStrictRouterAloneLeavesTheContactAsRoute() throws {
        let (routes, target) = try routeSet(
            of: "Record-Route: <sip:p1>;lr", "Contact: <sip:b@192.0.2.9>", role: .server)
        #expect(target == "sip:p1")
        #expect(routes == "<sip:b@192.0.2.9>")
    }

    @Test func aLooseFirstHopHidesAStrictSecond() throws {
        let (routes, target) = try routeSet(
            of: "Record-Route: <sip:p1;lr>, <sip:p2>", "Contact: <sip:b@192.0.2.9>", role: .server)
        #expect(target == "sip:b@192.0.2.9")
        #expect(routes == "<sip:p1;lr>, <sip:p2>")
    }

    @Test func foldingIsRemoved() throws {
        let (routes, _) = try routeSet(
            of: "Record-Route: <sip:p1;lr>,\n  <sip:p2;lr>\n\t;x=1", "Contact: <sip:b@h>", role: .server)
        #expect(routes == "<sip:p1;lr>, <sip:p2;lr> ;x=1")
    }

    @Test func tooManyHopsAreRefused() throws {
        let hop = "Record-Route: <sip:p;lr>"
        func lines(_ count: Int) -> String { Array(repeating: hop, count: count).joined(separator: "\n") }
        let full = try routeSet(of: lines(RouteSet.hopLimit), role: .client)
        #expect(full.routes.split(separator: ",").count == RouteSet.hopLimit)
        #expect(throws: MalformedMessage.tooManyRoutes) {
            try routeSet(of: lines(RouteSet.hopLimit + 1), role: .client)
        }
    }
}
