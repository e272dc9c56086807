enum RouteSet { static let hopLimit = 32 }
