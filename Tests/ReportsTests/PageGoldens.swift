enum PageGoldens { static let run = "" }
