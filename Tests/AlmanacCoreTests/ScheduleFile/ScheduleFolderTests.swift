import Foundation
import Testing

@testable import AlmanacCore

@Suite("A folder of schedule files")
struct ScheduleFolderTests {
    /// A folder that is gone after the body.
    func inFolder<Result>(_ body: (String) throws -> Result) throws -> Result {
        let url = FileManager.default.temporaryDirectory.appending(
            path: "almanac-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: url) }
        return try body(url.path)
    }

    func write(_ path: String, job: String) throws {
        let text =
            "version: 1\njobs: {\(job): {task: cleanup, every: 1h, activeDeadlineSeconds: 5}}\n"
        try Data(text.utf8).write(to: URL(filePath: path))
    }

    func link(_ path: String, to target: String) throws {
        try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: target)
    }

    func makeFolder(_ path: String) throws {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    /// The paths that are read, without the folder, and what is told.
    func read(
        _ paths: [String], in folder: String, limits: YAMLLimits = .standard
    ) -> (files: [String], problems: [String]) {
        let collector = DiagnosticCollector()
        let sources = ScheduleFiles(collector: collector, limits: limits).read(paths)
        return (
            sources.map { $0.path.replacing(folder, with: "DIR") },
            collector.diagnostics.map {
                ($0.description + ($0.help.map { " (\($0))" } ?? "")).replacing(folder, with: "DIR")
            }
        )
    }

    @Test("is read in the order of names, whatever the order on the disk") func order() throws {
        try inFolder { folder in
            let names = ["b", "a", "10", "9", "B", "z-1", "a.b"]
            for name in names { try write("\(folder)/\(name).yaml", job: "j") }
            let found = read([folder], in: folder)
            #expect(
                found.files == ["10", "9", "B", "a.b", "a", "b", "z-1"].map { "DIR/\($0).yaml" })
            #expect(found.problems.isEmpty)
        }
    }

    @Test("with a slash at its end has the same paths") func trailingSlash() throws {
        try inFolder { folder in
            try write("\(folder)/a.yaml", job: "a")
            #expect(read([folder + "/"], in: folder).files == ["DIR/a.yaml"])
        }
    }

    @Test(
        "is read without what editors and mounts leave behind",
        arguments: [
            ".a.yaml", ".a.yaml.swp", "a.yaml~", "#a.yaml#", "a.yaml.bak", "a.YAML", "yaml",
            "a.json", "..data.yaml",
        ])
    func leftOver(name: String) throws {
        try inFolder { folder in
            try write("\(folder)/b.yaml", job: "b")
            try write("\(folder)/\(name)", job: "x")
            let found = read([folder], in: folder)
            #expect(found.files == ["DIR/b.yaml"])
            #expect(found.problems.isEmpty)
        }
    }

    @Test("may hold links, as those of a mounted Kubernetes volume") func links() throws {
        try inFolder { folder in
            try makeFolder("\(folder)/..2026")
            try write("\(folder)/..2026/a.yaml", job: "a")
            try link("\(folder)/..data", to: "..2026")
            try link("\(folder)/a.yaml", to: "..data/a.yaml")
            try link("\(folder)/b.yaml", to: "a.yaml")
            #expect(read([folder], in: folder).files == ["DIR/a.yaml"])
            try link("\(folder)/c.yaml", to: "nowhere")
            #expect(
                read([folder], in: folder).problems == [
                    "DIR/c.yaml: error: there is no such file or folder "
                        + "(check the path, or name another with '--schedules')"
                ])
        }
    }

    @Test("may be a link itself") func linkedFolder() throws {
        try inFolder { folder in
            try makeFolder("\(folder)/real")
            try write("\(folder)/real/a.yaml", job: "a")
            try link("\(folder)/link", to: "real")
            let found = read(["\(folder)/link", "\(folder)/real"], in: folder)
            #expect(found.files == ["DIR/link/a.yaml"])
        }
    }

    @Test("that is called like a file is still a folder when it is named") func namedLikeAFile()
        throws
    {
        try inFolder { folder in
            try makeFolder("\(folder)/x.yaml")
            try write("\(folder)/x.yaml/a.yaml", job: "a")
            #expect(read(["\(folder)/x.yaml"], in: folder).files == ["DIR/x.yaml/a.yaml"])
            #expect(read([folder], in: folder).files == [])
        }
    }

    @Test("keeps the order of the paths that are named") func namedOrder() throws {
        try inFolder { folder in
            for name in ["a", "b", "c"] { try write("\(folder)/\(name).yaml", job: name) }
            let paths = ["\(folder)/c.yaml", folder, "\(folder)/b.yaml"]
            #expect(
                read(paths, in: folder).files == ["DIR/c.yaml", "DIR/a.yaml", "DIR/b.yaml"])
        }
    }

    @Test("hard links of one file are one file") func hardLinks() throws {
        try inFolder { folder in
            try write("\(folder)/a.yaml", job: "a")
            try FileManager.default.linkItem(
                atPath: "\(folder)/a.yaml", toPath: "\(folder)/b.yaml")
            #expect(read([folder], in: folder).files == ["DIR/a.yaml"])
        }
    }

    @Test("several .yml files are named in one warning") func otherEnding() throws {
        try inFolder { folder in
            try write("\(folder)/a.yaml", job: "a")
            for name in ["z.yml", "y.yml", ".x.yml"] { try write("\(folder)/\(name)", job: "x") }
            #expect(
                read([folder], in: folder).problems == [
                    "DIR: warning: 'y.yml' and 'z.yml': only '*.yaml' is read "
                        + "(rename to '.yaml', or move away what is not meant)"
                ])
        }
    }

    @Test("no more of a file is read than the limit, and it is told") func limit() throws {
        try inFolder { folder in
            var limits = YAMLLimits()
            limits.fileBytes = 70_000
            try Data(repeating: 0x23, count: 70_000).write(to: URL(filePath: "\(folder)/a.yaml"))
            try Data(repeating: 0x23, count: 500_000).write(to: URL(filePath: "\(folder)/b.yaml"))
            let found = read([folder], in: folder, limits: limits)
            #expect(found.files == ["DIR/a.yaml"])
            #expect(
                found.problems == [
                    "DIR/b.yaml: error: the file has 70001 bytes; the limit is 70000 "
                        + "(split it into several files)"
                ])
        }
    }

    @Test("a file of several chunks arrives whole") func chunks() throws {
        try inFolder { folder in
            let text = "# " + String(repeating: "é", count: 100_000) + "\na: end\n"
            try Data(text.utf8).write(to: URL(filePath: "\(folder)/a.yaml"))
            let collector = DiagnosticCollector()
            let sources = ScheduleFiles(collector: collector).read([folder])
            #expect(sources.map(\.text) == [text])
        }
    }

    @Test("what may not be read is told as that", .enabled(if: geteuid() != 0)) func unreadable()
        throws
    {
        try inFolder { folder in
            try write("\(folder)/a.yaml", job: "a")
            #expect(chmod("\(folder)/a.yaml", 0) == 0)
            #expect(
                read([folder], in: folder).problems == [
                    "DIR/a.yaml: error: the file cannot be read: permission denied "
                        + "(make it readable for this user)"
                ])
            try makeFolder("\(folder)/sub")
            #expect(chmod("\(folder)/sub", 0) == 0)
            defer { chmod("\(folder)/sub", 0o700) }
            #expect(
                read(["\(folder)/sub"], in: folder).problems == [
                    "DIR/sub: error: the folder cannot be listed "
                        + "(check its permissions: it has to be readable and searchable)"
                ])
        }
    }

    @Test("a device is not read") func device() {
        #expect(
            read(["/dev/null"], in: "-").problems == [
                "/dev/null: error: this is not a regular file "
                    + "(folders inside a schedule folder are not read; rename or move it)"
            ])
    }
}
