import Foundation
import Scheduling
import Subprocess
import SystemPackage

/// What croniter and cronsim make of the same chains, in a virtual environment of their own.
struct PythonCron {
    let secondsPerCell: Double
    let rounds: Int

    /// The versions that are measured.
    static let croniter = "7.0.0"
    static let cronsim = "2.8"

    /// What Python answers.
    struct Answer: Decodable, Sendable {
        struct Rate: Decodable, Sendable {
            /// The first instants of the chain, in seconds since 1970.
            let first: [Int64]
            /// Occurrences for each second of processor time.
            let rate: Double
        }

        struct Chain: Decodable, Sendable {
            let croniter: Rate
            let cronsim: Rate
        }

        let python: String
        let chains: [Chain]
    }

    /// - Throws: `BenchFailure` if there is no Python with `venv`, or the libraries cannot be had.
    func measure() async throws -> Answer {
        let folder = FileManager.default.currentDirectoryPath + "/.build/bench-venv"
        let python = folder + "/bin/python"
        if !FileManager.default.fileExists(atPath: python) {
            _ = try await run("python3", ["-m", "venv", folder], "python3-venv is needed")
        }
        _ = try await run(
            python,
            [
                "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
                "croniter==\(Self.croniter)", "cronsim==\(Self.cronsim)",
            ], "the libraries to compare with could not be installed")
        let chains = try JSONEncoder().encode(CronChain.all)
        let output = try await run(
            python,
            [
                "-c", Self.script, String(decoding: chains, as: UTF8.self), "\(secondsPerCell)",
                "\(rounds)", "\(CronChain.start.secondsSinceEpoch)",
                "\(CronChain.end.secondsSinceEpoch)",
            ], "the libraries to compare with could not be measured")
        return try JSONDecoder().decode(Answer.self, from: Data(output.utf8))
    }

    private func run(
        _ program: String, _ arguments: [String], _ problem: String
    ) async throws -> String {
        do {
            let ended = try await Subprocess.run(
                program.hasPrefix("/") ? .path(FilePath(program)) : .name(program),
                arguments: Arguments(arguments), output: .string(limit: 1 << 16),
                error: .string(limit: 1 << 16))
            guard ended.terminationStatus.isSuccess else {
                throw BenchFailure("\(problem): \(ended.standardError.suffix(400))")
            }
            return ended.standardOutput
        } catch let error as SubprocessError {
            throw BenchFailure("\(problem): \(program) could not be started (\(error))")
        }
    }

    /// Each library as its documentation shows it: an iterator over aware datetimes.
    private static let script = """
        import json, platform, sys, time
        from datetime import datetime
        from zoneinfo import ZoneInfo
        from croniter import croniter
        from cronsim import CronSim

        chains = json.loads(sys.argv[1])
        seconds, rounds = float(sys.argv[2]), int(sys.argv[3])
        start, end = int(sys.argv[4]), int(sys.argv[5])

        def by_croniter(expression, begin):
            chain = croniter(expression, begin)
            return lambda: chain.get_next(datetime)

        def by_cronsim(expression, begin):
            chain = CronSim(expression, begin)
            return lambda: next(chain)

        def measure(library, chain):
            zone = ZoneInfo(chain["zone"])
            begin = datetime.fromtimestamp(start, zone)
            end_of_all = datetime.fromtimestamp(end, zone)
            step = library(chain["expression"], begin)
            first = [int(step().timestamp()) for _ in range(5)]
            best = 0.0
            for _ in range(rounds):
                step, count, spent = library(chain["expression"], begin), 0, 0.0
                origin = time.process_time()
                while spent < seconds:
                    for _ in range(100):
                        if step() >= end_of_all:
                            step = library(chain["expression"], begin)
                    count += 100
                    spent = time.process_time() - origin
                best = max(best, count / spent)
            return {"first": first, "rate": best}

        print(json.dumps({
            "python": platform.python_version(),
            "chains": [
                {"croniter": measure(by_croniter, chain), "cronsim": measure(by_cronsim, chain)}
                for chain in chains
            ],
        }))
        """
}
