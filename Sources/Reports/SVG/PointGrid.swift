import Datagrams

/// Points thinned to the pixels they fall on.
///
/// A column of pixels becomes runs of touching points, each one stroke with round ends: a single point is a dot, a
/// crowd a bar. Where even the runs are too many, the smallest gaps between them are closed first; the least and the
/// greatest point of every column are drawn whatever happens.
struct PointGrid {
    let width: Int
    let height: Int
    private var isTaken: [Bool]
    private(set) var count: UInt64 = 0

    init(width: Int, height: Int) {
        self.width = width
        self.height = height
        isTaken = Array(repeating: false, count: width * height)
    }

    mutating func insert(column: Int, row: Int) {
        count += 1
        isTaken[min(max(column, 0), width - 1) * height + min(max(row, 0), height - 1)] = true
    }

    /// Path data of at most `limit` bytes, with (0, 0) of the grid at (`x`, `y`). A single stroke a column always fits
    /// in 20 bytes, so `limit` must be at least 20 times `width`.
    func runs(x: Double, y: Double, limit: Int) -> ByteBuffer {
        precondition(limit >= 20 * width, "no room for a stroke a column")
        var gap = 0
        while true {
            let path = runs(x: x, y: y, closingGapsOf: gap)
            if path.count <= limit || gap >= height { return path }
            gap = gap == 0 ? 1 : gap * 2
        }
    }

    private func runs(x: Double, y: Double, closingGapsOf gap: Int) -> ByteBuffer {
        var path = ByteBuffer(capacity: 4096)
        for column in 0..<width {
            var run: ClosedRange<Int>?
            for row in 0..<height where isTaken[column * height + row] {
                if let open = run, row - open.upperBound <= gap + 1 {
                    run = open.lowerBound...row
                    continue
                }
                if let done = run { Self.append(done, column: column, x, y, to: &path) }
                run = row...row
            }
            if let done = run { Self.append(done, column: column, x, y, to: &path) }
        }
        return path
    }

    private static func append(
        _ run: ClosedRange<Int>, column: Int, _ x: Double, _ y: Double, to path: inout ByteBuffer
    ) {
        path.append("M", x + Double(column), y + Double(run.lowerBound))
        path.append(UInt8(ascii: "v"))
        path.append(coordinate: Double(run.upperBound - run.lowerBound))
    }

    /// Path data of crosses, one for each `cell` x `cell` pixels that hold a point, at the greatest point in it (the
    /// least row). Cells grow until the path fits.
    func crosses(x: Double, y: Double, limit: Int) -> ByteBuffer {
        var cell = 2
        while true {
            let path = crosses(x: x, y: y, cell: cell)
            if path.count <= limit || cell >= max(width, height) { return path }
            cell += (cell + 1) / 2
        }
    }

    private func crosses(x: Double, y: Double, cell: Int) -> ByteBuffer {
        var path = ByteBuffer(capacity: 4096)
        for left in stride(from: 0, to: width, by: cell) {
            for top in stride(from: 0, to: height, by: cell) {
                guard let (column, row) = highest(left: left, top: top, cell: cell) else { continue }
                path.append("M", x + Double(column) - 2.5, y + Double(row) - 2.5)
                path.append("l5 5m-5 0l5-5")
            }
        }
        return path
    }

    private func highest(left: Int, top: Int, cell: Int) -> (Int, Int)? {
        for row in top..<min(top + cell, height) {
            for column in left..<min(left + cell, width) where isTaken[column * height + row] { return (column, row) }
        }
        return nil
    }
}
