@testable import LiveView
