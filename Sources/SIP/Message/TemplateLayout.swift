import Datagrams

/// Lays the elements of a template down as parts: literals joined, all their bytes in one array, and the length of the
/// body written into the headers where it is the same for every call.
struct TemplateLayout {
    private(set) var parts: [MessageTemplate.Part] = []
    private(set) var literals: [UInt8] = []
    private(set) var bodyStart = 0
    private(set) var measuresBody = false

    init(_ compiler: TemplateCompiler) {
        let bodyCount = Self.constantCount(of: compiler.body)
        for element in compiler.headers { add(element, bodyCount: bodyCount) }
        if bodyCount == nil {
            measuresBody =
                compiler.headers.contains(where: \.isContentLength) || compiler.body.contains(where: \.isContentLength)
            bodyStart = parts.count
            // Keeps the first literal of the body apart from the last one of the headers.
            joinsLiterals = false
        }
        for element in compiler.body { add(element, bodyCount: bodyCount) }
        if bodyCount != nil { bodyStart = parts.count }
    }

    private var joinsLiterals = false

    /// Nil: it depends on the call.
    private static func constantCount(of body: [TemplateCompiler.Element]) -> Int? {
        var count = 0
        for element in body {
            guard case .bytes(let bytes) = element else { return nil }
            count += bytes.count
        }
        return count
    }

    private mutating func add(_ element: TemplateCompiler.Element, bodyCount: Int?) {
        switch element {
        case .bytes(let bytes):
            add(literal: bytes)
        case .part(.contentLength(let offset)):
            if let bodyCount {
                var text = ByteBuffer(capacity: 64)
                text.append(contentLength: bodyCount + Int(offset))
                add(literal: (0..<text.count).map { text.storage[$0] })
            } else {
                add(part: .contentLength(offset))
            }
        case .part(let part):
            add(part: part)
        case .lastHeader(let name, let withName, let ownsLine):
            let text = TextRange(start: UInt32(literals.count), count: UInt32(name.count))
            literals += name + ": ".utf8
            add(
                part: .lastHeader(
                    MessageTemplate.LastHeader(
                        name: HeaderName(bytes: name.span), text: text, withName: withName, ownsLine: ownsLine)))
        }
    }

    private mutating func add(part: MessageTemplate.Part) {
        parts.append(part)
        joinsLiterals = false
    }

    private mutating func add(literal bytes: [UInt8]) {
        if bytes.isEmpty { return }
        if joinsLiterals, case .literal(var range)? = parts.last {
            range.count += UInt32(bytes.count)
            parts[parts.count - 1] = .literal(range)
        } else {
            parts.append(.literal(TextRange(start: UInt32(literals.count), count: UInt32(bytes.count))))
        }
        literals += bytes
        joinsLiterals = true
    }
}

extension TemplateCompiler.Element {
    fileprivate var isContentLength: Bool {
        if case .part(.contentLength) = self { true } else { false }
    }
}

extension ByteBuffer {
    /// SIPp's `[len]`: right-aligned in five columns, which leaves room for any datagram's body.
    mutating func append(contentLength length: Int) {
        let magnitude = length.magnitude
        var columns = length < 0 ? 2 : 1
        var rest = magnitude
        while rest >= 10 {
            rest /= 10
            columns += 1
        }
        for _ in 0..<max(5 - columns, 0) { append(UInt8.space) }
        if length < 0 { append(UInt8(ascii: "-")) }
        append(decimal: UInt64(magnitude))
    }
}
