import Foundation
import Testing

@testable import AlmanacCore

@Suite("Finding schedule files")
struct ScheduleFilesTests {
    static let valid =
        "version: 1\njobs: {NAME: {task: cleanup, every: 1h, activeDeadlineSeconds: 5}}\n"

    /// What a folder with these files (a name that ends in `/` is a folder) gives for paths in it:
    /// the names of the jobs, or the problems; `DIR` stands for the folder.
    func outcome(
        _ files: [String: String], _ paths: [String] = [""],
        prepare: (URL) throws -> Void = { _ in }
    ) throws -> [String] {
        let folder = FileManager.default.temporaryDirectory.appending(
            path: "almanac-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        for (name, text) in files {
            let url = folder.appending(path: name)
            if name.hasSuffix("/") {
                try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
            } else {
                try Data(text.utf8).write(to: url)
            }
        }
        try prepare(folder)
        let whole = paths.map { $0.isEmpty ? folder.path : "\(folder.path)/\($0)" }
        do {
            let (schedule, warnings) = try ScheduleLoader(tasks: FakeTasks()).load(paths: whole)
            return schedule.jobs.map(\.name) + warnings.map { short($0, folder) }
        } catch let error as DiagnosticsError {
            return error.diagnostics.map { short($0, folder) }
        }
    }

    func short(_ diagnostic: Diagnostic, _ folder: URL) -> String {
        (diagnostic.description + (diagnostic.help.map { " (\($0))" } ?? ""))
            .replacing(folder.path, with: "DIR")
    }

    func valid(_ name: String) -> String { Self.valid.replacing("NAME", with: name) }

    @Test("the *.yaml files directly in a folder are read by name") func folder() throws {
        let files = [
            "b.yaml": valid("b"), "a.yaml": valid("a"), ".hidden.yaml": "[", "notes.txt": "[",
            "sub/": "",
            "a.yaml~": "[",
        ]
        #expect(try outcome(files) == ["a", "b"])
        #expect(try outcome(files, ["b.yaml"]) == ["b"])
        #expect(try outcome(files, ["b.yaml", "", "a.yaml", "./a.yaml"]) == ["a", "b"])
    }

    @Test("a file that is named itself may be called anything") func anyName() throws {
        #expect(try outcome(["jobs.conf": valid("a")], ["jobs.conf"]) == ["a"])
    }

    @Test("what cannot be found is said in a sentence") func missing() throws {
        let help = "(check the path, or name another with '--schedules')"
        #expect(
            try outcome([:], ["x"]) == ["DIR/x: error: there is no such file or folder \(help)"])
        #expect(
            try outcome(["a.yaml": valid("a")], ["a.yaml/b"]) == [
                "DIR/a.yaml/b: error: a part of this path is not a folder (check the path)"
            ])
        #expect(
            try outcome([:]) == [
                "DIR: error: the folder holds no '*.yaml' file "
                    + "(put a schedule file there, or name another folder with '--schedules')"
            ])
        #expect(
            try outcome([:], [String(repeating: "x", count: 300)]).first?.hasSuffix(
                "error: the path is too long (check the path)") == true)
    }

    @Test("files that end in .yml are not passed over in silence") func otherEnding() throws {
        #expect(
            try outcome(["a.yml": valid("a")]) == [
                "DIR: error: the folder holds no '*.yaml' file (rename 'a.yml' to 'a.yaml')"
            ])
        #expect(
            try outcome(["a.yml": valid("a"), "b.yaml": valid("b")]) == [
                "b",
                "DIR: warning: 'a.yml': only '*.yaml' is read "
                    + "(rename to '.yaml', or move away what is not meant)",
            ])
    }

    @Test("what is no regular file is not opened") func notRegular() throws {
        #expect(
            try outcome(["a.yaml/": "", "b.yaml": valid("b")]) == [
                "DIR/a.yaml: error: this is a folder, not a file "
                    + "(folders inside a schedule folder are not read; rename or move it)"
            ])
        let found = try outcome(["b.yaml": valid("b")]) { folder in
            #expect(mkfifo(folder.appending(path: "a.yaml").path, 0o600) == 0)
        }
        #expect(found.count == 1)
        #expect(found.first?.contains("this is not a regular file") == true)
    }

    @Test("links are followed, and loops of links named") func links() throws {
        let files = ["a.yaml": valid("a")]
        let linked = try outcome(files) { folder in
            try FileManager.default.createSymbolicLink(
                atPath: folder.path + "/b.yaml", withDestinationPath: "a.yaml")
        }
        #expect(linked == ["a"])
        let loop = try outcome(files) { folder in
            try FileManager.default.createSymbolicLink(
                atPath: folder.path + "/b.yaml", withDestinationPath: "b.yaml")
        }
        #expect(
            loop == [
                "DIR/b.yaml: error: the path is a loop of symbolic links "
                    + "(remove the link, or let it point to a file)"
            ])
    }

    @Test("a broken text does not keep the other files from being checked") func broken() throws {
        let found = try outcome([
            "a.yaml": "a: [", "b.yaml": "version: 1\njobs: {b: {}}", "c.yaml": "a: \u{0}",
        ])
        #expect(
            found.map { $0.prefix(10) } == ["DIR/a.yaml", "DIR/b.yaml", "DIR/b.yaml", "DIR/c.yaml"])
    }

    @Test(
        "the base of relative paths is the folder of the file",
        arguments: [
            ("a.yaml", "."), ("x/a.yaml", "x"), ("/a.yaml", "/"), ("/x/y/a.yaml", "/x/y"),
            ("./a", "."),
        ])
    func base(path: String, folder: String) {
        #expect(ScheduleFiles.folder(of: path) == folder)
    }
}
