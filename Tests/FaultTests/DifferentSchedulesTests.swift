import Foundation
import Testing

@Suite("Processes with different schedules", .serialized)
struct DifferentSchedulesTests {
    private static func mark(_ job: String, _ text: String) -> String {
        Jobs.sql(job, "INSERT INTO marks VALUES ('\(job)', '\(text)', clock_timestamp())")
    }

    /// How many instants of a job have rows since the newest schedule was put in force.
    private func succeeded(_ place: Surroundings, _ job: String, on node: AlmanacProcess) throws
        -> Int
    {
        try place.books.number(
            """
            SELECT count(*) FROM almanac.runs WHERE job = '\(job)' AND state = 'succeeded' \
            AND node LIKE '%:\(node.processID):%' AND started_at > \
            (SELECT max(activated_at) FROM almanac.schedule_versions)
            """)
    }

    @Test("share what is the same; what has changed waits for the newest, and is made up for")
    func deployment() async throws {
        let place = try await Surroundings(
            Jobs.count("same") + Self.mark("changes", "old") + Self.mark("goes", "old"))
        try place.books.execute("CREATE TABLE marks (job text, mark text, at timestamptz)")
        let new = Jobs.count("same") + Self.mark("changes", "new") + Self.mark("comes", "new")
        try place.folder.write(Surroundings.file(new), to: "New/a.yaml")

        let one = try place.start()
        try await eventually("the old schedule") {
            try place.books.count("goes", "succeeded") > 0
        }
        let two = try place.start(["run", "--schedules", "New"])
        try await eventually("the old node knows") {
            one.output.contains("another schedule is in force")
        }
        try await eventually("both run what is the same") {
            try succeeded(place, "same", on: one) > 0 && succeeded(place, "same", on: two) > 0
        }
        try await eventually("the new job") { try place.books.count("comes", "succeeded") > 0 }

        two.send(SIGKILL)
        let before = try place.books.count("same", "succeeded")
        try await eventually("what is the same goes on") {
            try place.books.count("same", "succeeded") > before + 3
        }
        // A claim that had begun before may still have been granted.
        #expect(
            try place.books.number(
                """
                SELECT count(*) FROM marks WHERE mark = 'old' AND at > 1 * interval '1 second' + \
                (SELECT max(activated_at) FROM almanac.schedule_versions)
                """) == 0)
        #expect(try succeeded(place, "changes", on: one) <= 1)

        let again = try place.start(["run", "--schedules", "New"])
        try await eventually("it is made up for") {
            try succeeded(place, "changes", on: again) > 1
        }
        for node in [one, again] {
            node.send(SIGTERM)
            #expect(try await node.waitForEnd() == .exited(0))
        }
        for job in ["same", "changes", "comes"] {
            #expect(try place.books.errors(job, everySeconds: 1) == [], "\(job)")
        }
        #expect(try place.books.number("SELECT count(*) FROM almanac.schedule_versions") == 2)
        #expect(try place.counted() == place.books.count("same", "succeeded"))
        #expect(
            try place.books.number("SELECT count(*) FROM marks WHERE job = 'changes'")
                == place.books.count("changes", "succeeded"))
        #expect(try place.books.count("running") == 0)
    }

    @Test("SIGHUP with the file in force lets the old node take part again")
    func reload() async throws {
        let place = try await Surroundings(Self.mark("changes", "old"))
        try place.books.execute("CREATE TABLE marks (job text, mark text, at timestamptz)")
        let one = try place.start()
        try await eventually("the old schedule") {
            try place.books.count("changes", "succeeded") > 0
        }
        let new = Surroundings.file(Self.mark("changes", "new"))
        try place.folder.write(new, to: "New/a.yaml")
        let two = try place.start(["run", "--schedules", "New"])
        try await eventually("the old node leaves it alone") {
            one.output.contains("left alone")
        }
        two.send(SIGKILL)
        try place.folder.write(new, to: "Schedules/a.yaml")
        one.send(SIGHUP)
        try await eventually("it runs the new one") {
            try succeeded(place, "changes", on: one) > 2
        }
        one.send(SIGTERM)
        #expect(try await one.waitForEnd() == .exited(0))
        #expect(try place.books.errors("changes", everySeconds: 1) == [])
        #expect(
            try place.books.number("SELECT count(*) FROM marks")
                == place.books.count("changes", "succeeded"))
    }
}
