import AlmanacCore
import AlmanacTasks
import Foundation
import Testing

@testable import Almanac

@Suite("The command check")
struct CheckCommandTests {
    private func check(_ text: String, _ arguments: String...) async throws -> CommandCall {
        let folder = try Folder(["a.yaml": text])
        return await CommandCall(["check", folder.path("a.yaml")] + arguments)
    }

    private func jobs(_ count: Int, _ keys: String) -> String {
        (1...count).map {
            "  j\($0): {task: sql, parameters: {statement: SELECT 1}, \(keys)}\n"
        }.joined()
    }

    @Test("five hundred jobs with three warnings each are told of in a few lines")
    func digest() async throws {
        let call = try await check(
            "version: 1\njobs:\n" + jobs(500, "schedule: 30 2 13 * FRI"))
        #expect(call.status == .done)
        let lines = call.errors.split(separator: "\n", omittingEmptySubsequences: false)
        #expect(lines.count < 80)
        for kind in ["no-deadline", "default-time-zone", "cron-style"] {
            #expect(call.errors.contains("and 497 more \(kind) warnings, at "))
        }
        #expect(call.errors.contains("…; --all shows them"))
        #expect(call.output == "ok: 500 jobs in 1 file, 1500 warnings\n")
    }

    @Test("with --all each warning is there") func all() async throws {
        let text = "version: 1\njobs:\n" + jobs(10, "every: 1h")
        let some = try await check(text)
        #expect(some.errors.components(separatedBy: "may run for ever").count - 1 == 3)
        #expect(some.errors.contains("and 7 more no-deadline warnings"))
        let all = try await check(text, "--all")
        #expect(all.errors.components(separatedBy: "may run for ever").count - 1 == 10)
        #expect(!all.errors.contains("more no-deadline"))
    }

    @Test("a few warnings of a kind are all shown") func few() async throws {
        let call = try await check("version: 1\njobs:\n" + jobs(3, "every: 1h"))
        #expect(call.errors.components(separatedBy: "may run for ever").count - 1 == 3)
        #expect(!call.errors.contains("more"))
    }

    @Test("--crowd says how many jobs at one instant are too many") func crowd() async throws {
        let text =
            "version: 1\ndefaults: {activeDeadlineSeconds: 5}\njobs:\n" + jobs(5, "every: 1h")
        #expect(try await check(text).errors == "")
        #expect(try await check(text, "--crowd", "5").errors == "")
        let call = try await check(text, "--crowd", "4")
        #expect(call.errors.contains("warning: 5 jobs are due at "))
        #expect(call.errors.contains("help: 'spread: hash' in 'defaults'"))
        #expect(try await check(text, "--crowd", "0").status == .usage)
    }

    @Test("times that the clocks touch are told with their dates") func clocks() async throws {
        let call = try await check(
            "version: 1\ndefaults: {activeDeadlineSeconds: 5, timeZone: Europe/Berlin}\njobs:\n"
                + jobs(1, "schedule: 30 2 * * *"))
        #expect(call.errors.contains("the clock of Europe/Berlin skips times of 'j1' on 20"))
        #expect(call.errors.contains("the clock of Europe/Berlin shows times of 'j1' twice on 20"))
        #expect(call.output == "ok: 1 job in 1 file, 2 warnings\n")
    }

    @Test("as JSON it lists the jobs with owner and labels") func json() async throws {
        let call = try await check(
            "version: 1\ndefaults: {activeDeadlineSeconds: 5, owner: sales}\njobs:\n"
                + jobs(1, "every: 90m, labels: {tier: 1}, description: Fold."),
            "--json")
        let object = try JSONSerialization.jsonObject(with: Data(call.output.utf8))
        let document = try #require(object as? [String: Any])
        let job = try #require((document["jobs"] as? [[String: Any]])?.first)
        #expect(job["name"] as? String == "j1")
        #expect(job["owner"] as? String == "sales")
        #expect(job["labels"] as? [String: String] == ["tier": "1"])
        #expect(job["schedule"] as? String == "every 90m")
        #expect(job["time_zone"] as? String == "UTC")
        #expect(job["line"] as? Int == 4)
        #expect(job["suspended"] as? Bool == false)
        #expect(document["warnings"] as? Int == 0)
    }

    @Test("--print-schema prints what Config/schedule.schema.json holds") func schema() async throws
    {
        let root = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../..").standardizedFileURL
        let file = root.appending(path: "Config/schedule.schema.json")
        let call = await CommandCall(["check", "--print-schema"])
        #expect(call.status == .done)
        let kept = try String(contentsOf: file, encoding: .utf8)
        #expect(
            call.output == kept,
            "almanac check --print-schema > Config/schedule.schema.json")
    }
}
