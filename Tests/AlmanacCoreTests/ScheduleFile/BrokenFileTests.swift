import Foundation
import Testing

@testable import AlmanacCore

/// Each file of `Broken` with the report that it gets. To accept what the reports have become, run
/// the tests with `ALMANAC_WRITE_EXPECTED=1`, and read the difference.
@Suite("A broken schedule file")
struct BrokenFileTests {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(
        path: "Broken")

    static let names: [String] = {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return names.filter { $0.hasSuffix(".yaml") }.sorted()
    }()

    @Test("is answered with everything that is wrong, where, and what to do", arguments: names)
    func report(name: String) throws {
        let bytes = try Array(Data(contentsOf: Self.folder.appending(path: name)))
        let found = Self.report(of: bytes, name: name)
        let expected = Self.folder.appending(path: name.replacing(".yaml", with: ".txt"))
        if ProcessInfo.processInfo.environment["ALMANAC_WRITE_EXPECTED"] != nil {
            try found.write(to: expected, atomically: true, encoding: .utf8)
        }
        #expect(try found == String(contentsOf: expected, encoding: .utf8))
    }

    @Test("is one of at least forty kinds") func isOneOfMany() {
        #expect(Self.names.count >= 40)
    }

    static func report(of bytes: [UInt8], name: String) -> String {
        do {
            let source = try SourceFile(path: name, bytes: bytes)
            _ = try ScheduleLoader(tasks: FakeTasks()).load(sources: [source])
            return "no error\n"
        } catch {
            return "\(error)"
        }
    }
}
