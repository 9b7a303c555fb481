import Foundation
import Scheduling
import Testing

@testable import AlmanacCore

@Suite("The parts of an audit")
struct AuditPartTests {
    // MARK: Rows as they are copied

    private static func bytes(_ fields: [[UInt8]?], header: Bool = false) -> [UInt8] {
        var bytes: [UInt8] = []
        if header {
            bytes += Array("PGCOPY\n".utf8) + [0xFF, 0x0D, 0x0A, 0x00]
            // Flags, and an extension of two bytes that nobody knows.
            bytes += [0, 0, 0, 0, 0, 0, 0, 2, 9, 9]
        }
        bytes += [0, UInt8(fields.count)]
        for field in fields {
            guard let field else {
                bytes += [0xFF, 0xFF, 0xFF, 0xFF]
                continue
            }
            bytes += [0, 0, 0, UInt8(field.count)] + field
        }
        return bytes
    }

    private static func big(_ value: Int64) -> [UInt8] {
        withUnsafeBytes(of: value.bigEndian) { Array($0) }
    }

    @Test("a copied row gives its fields one by one", arguments: [true, false])
    func fields(header: Bool) {
        let bytes = Self.bytes(
            [Array("job".utf8), nil, [], [0, 0, 1, 0], Self.big(-2)], header: header)
        bytes.withUnsafeBytes { bytes in
            var row = CopiedRow(bytes)
            #expect(row.fieldCount == 5)
            #expect(row.next().map { String(decoding: $0, as: UTF8.self) } == "job")
            #expect(row.next() == nil)
            #expect(row.next()?.count == 0)
            #expect(row.next(as: Int32.self) == 256)
            #expect(row.next(as: Int64.self) == -2)
            #expect(row.next() == nil)
        }
    }

    @Test(
        "a copied instant is its second, rounded down",
        arguments: [
            (0, 946_684_800, 0), (1_000_000, 946_684_801, 0),
            (1_500_000, 946_684_801, 500_000), (-1, 946_684_799, 999_999),
            (-1_000_000, 946_684_799, 0), (-946_684_800_000_000, 0, 0),
        ] as [(Int64, Int64, Int64)])
    func instants(microseconds: Int64, second: Int64, microsecond: Int64) {
        Self.bytes([Self.big(microseconds)]).withUnsafeBytes { bytes in
            var row = CopiedRow(bytes)
            let moment = row.nextMoment()
            #expect(moment?.second == Instant(secondsSinceEpoch: second))
            #expect(moment?.microsecond == microsecond)
        }
    }

    @Test("the end of the copied rows, and what is cut off, is no row")
    func ends() {
        let trailer: [UInt8] = [0xFF, 0xFF]
        trailer.withUnsafeBytes { #expect(CopiedRow($0).fieldCount == -1) }
        [UInt8]().withUnsafeBytes { #expect(CopiedRow($0).fieldCount == -1) }
        let whole = Self.bytes([Self.big(1), Self.big(2)])
        for count in 0..<whole.count {
            Array(whole.prefix(count)).withUnsafeBytes { bytes in
                var row = CopiedRow(bytes)
                _ = row.next(as: Int64.self)
                #expect(row.next(as: Int64.self) == nil, "\(count) bytes")
            }
        }
    }

    // MARK: Accounts

    private static func spans(
        _ versions: [String], from: Int64? = nil, through end: Int64 = 1_000
    ) throws -> [String] {
        let account = JobAccount(
            try AuditFixture.changes(versions),
            accountedFrom: from.map(Instant.init(secondsSinceEpoch:)),
            through: Instant(secondsSinceEpoch: end))
        return account.spans.map { span in
            let tolerated =
                span.toleratedThrough == .distantFuture
                ? "" : " ~\(span.toleratedThrough.secondsSinceEpoch)"
            return "\(span.after.secondsSinceEpoch)/\(span.surelyAfter.secondsSinceEpoch)"
                + "-\(span.through.secondsSinceEpoch)\(tolerated)"
        }
    }

    @Test(
        "an account is cut where the times change",
        arguments: [
            (["0 every: 1m"], ["0/1-1000"]),
            (["0 every: 1m", "300 every: 1m, owner: ada"], ["0/1-1000"]),
            (["0 every: 1m", "300 every: 2m"], ["0/1-300 ~310", "300/310-1000"]),
            (["0 every: 1m", "300 gone"], ["0/1-300 ~310"]),
            (["0 every: 1m", "300 gone", "400 every: 1m"], ["0/1-300 ~310", "400/401-1000"]),
            (["0 every: 1m", "300 every: 2m", "300 every: 1m"], ["0/1-300 ~310", "300/310-1000"]),
            (["0 unreadable", "300 every: 1m"], ["0/1-300 ~310", "300/310-1000"]),
            (["2000 every: 1m"], []),
        ])
    func spans(versions: [String], expected: [String]) throws {
        #expect(try Self.spans(versions) == expected)
    }

    @Test(
        "the account that is open says where it begins",
        arguments: [
            (0, ["0/0-1000"]), (1, ["1/1-1000"]), (2, ["0/1-1000"]), (-5, ["0/1-1000"]),
        ] as [(Int64, [String])])
    func opening(from: Int64, expected: [String]) throws {
        #expect(try Self.spans(["0 every: 1m"], from: from) == expected)
    }

    // MARK: What many differences come to

    @Test("a report lists the first differences and counts all")
    func bounds() {
        var report = AuditReport(range: .distantPast...(.distantFuture))
        #expect(report.isClean)
        for second in 0..<250 {
            report.note(.missing, of: "job", at: Instant(secondsSinceEpoch: Int64(second)))
        }
        report.note(
            .notDue, of: "job",
            InstantStretch(first: .distantPast, last: .distantFuture, count: 7))
        #expect(report.differences.count == AuditReport.listed)
        #expect(report.totals == [.missing: 250, .notDue: 7])
        #expect(!report.isClean)
    }
}
