import Datagrams
import Testing

@testable import Scenarios

@Suite struct InjectionTests {
    private func file(_ text: String) throws -> Injection { try Injection.read(Array(text.utf8), name: "d/users.csv") }

    private func cell(_ file: Injection, _ column: Int, _ line: Int) -> String {
        var out = ByteBuffer(capacity: 8)
        file.append(column: column, line: line, to: &out)
        return String(decoding: out.storage[..<out.count], as: UTF8.self)
    }

    @Test func linesAreTakenInTurnAndRoundAgain() throws {
        let file = try file("SEQUENTIAL\r\na; b ;\r\n#no\r\nc;d;\r\n\r\nnever\r\n")
        #expect(file.lineCount == 2)
        #expect((1...5).map { file.line(ofCall: $0, user: 0, seed: 1) } == [0, 1, 0, 1, 0])
        #expect(cell(file, 0, 0) == "a")
        // Blanks belong to the cell; a column that is not there is empty.
        #expect(cell(file, 1, 0) == " b ")
        #expect(cell(file, 2, 1) == "")
        #expect(cell(file, 9, 1) == "")
        #expect(cell(file, 0, 7) == "")
    }

    @Test func aRandomLineIsTheSeedsAndAUsersLineIsTheUsers() throws {
        let random = try file("RANDOM\na\nb\nc\nd\n")
        let drawn = (1...200).map { random.line(ofCall: $0, user: 0, seed: 7) }
        #expect(drawn == (1...200).map { random.line(ofCall: $0, user: 0, seed: 7) })
        #expect(Set(drawn) == [0, 1, 2, 3])
        let users = try file("USER\na\nb\n")
        #expect((1...4).map { users.line(ofCall: 9, user: $0, seed: 1) } == [0, 1, 0, 1])
    }

    @Test func printedLinesCountOn() throws {
        let file = try file("SEQUENTIAL,PRINTF=1000,PRINTFOFFSET=100,PRINTFMULTIPLE=5\nuser%03d;%d;100%%;%x\n")
        #expect(file.lineCount == 1000)
        #expect(cell(file, 0, 0) == "user100")
        #expect(cell(file, 1, 7) == "135")
        #expect(cell(file, 2, 7) == "100%")
        #expect(cell(file, 3, 7) == "%x")
        #expect(file.line(ofCall: 1001, user: 0, seed: 1) == 0)
    }

    @Test func linesAreFoundByTheirKeyAlsoAfterAChange() throws {
        var file = try file("SEQUENTIAL\nann;1\nbob;2\n")
        file.index(column: 0)
        #expect(file.line(ofKey: Array("bob".utf8)) == 1)
        file.insert(Array("cat;3".utf8))
        #expect(file.line(ofKey: Array("cat".utf8)) == 2)
        file.replace(line: 1, with: Array("ben;4".utf8))
        #expect(file.line(ofKey: Array("bob".utf8)) == nil)
        #expect(file.line(ofKey: Array("ben".utf8)) == 1)
        #expect(cell(file, 1, 1) == "4")
        #expect(file.lineCount == 3)
    }

    @Test func distributionsHaveTheirMeans() {
        let wanted: [(Distribution, Double)] = [
            (.fixed(3), 3), (.uniform(2, 6), 4), (.normal(mean: 10, deviation: 2), 10),
            (.lognormal(mean: 1, deviation: 0.5), 3.0802), (.exponential(mean: 7), 7),
            (.weibull(scale: 2, shape: 2), 1.7725), (.pareto(shape: 3, scale: 2), 3),
            (.generalisedPareto(shape: 0.2, scale: 4, location: 1), 6), (.gamma(shape: 2, scale: 3), 6),
            (.gamma(shape: 0.5, scale: 4), 2), (.negativeBinomial(failures: 3, probability: 0.25), 9),
        ]
        for (distribution, mean) in wanted {
            var random = SeededGenerator(seed: 11)
            let sum = (0..<20_000).reduce(0.0) { total, _ in total + distribution.sample(&random) }
            #expect(abs(sum / 20_000 - mean) < mean * 0.05, "\(distribution)")
        }
    }

    @Test func theFunctionsWithoutACLibraryAreExact() {
        #expect(abs(Elementary.exponential(1) - 2.718281828459045) < 1e-15)
        #expect(abs(Elementary.exponential(-20) - 2.061153622438558e-9) < 1e-23)
        #expect(abs(Elementary.logarithm(10) - 2.302585092994046) < 1e-15)
        #expect(abs(Elementary.power(2, 0.5) - 1.4142135623730951) < 1e-15)
        #expect(Elementary.exponential(-1000) == 0)
        #expect(Elementary.logarithm(0) == -.infinity)
    }
}
