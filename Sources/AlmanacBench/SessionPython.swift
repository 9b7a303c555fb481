import Foundation
import Subprocess
import SystemPackage

/// The other sides of `session`: psycopg 3 and SQLAlchemy 2, in a virtual environment of their own.
struct SessionPython: Sendable {
    /// `psycopg 3.3.9`, …
    let versions: [String]
    private let interpreter: String
    private let script: String

    /// Makes the environment, from PyPI, unless it is there.
    ///
    /// - Throws: `BenchFailure` with what went wrong and what is needed.
    init(in directory: URL) async throws {
        let environment = directory.appending(path: "bench-python")
        interpreter = environment.path + "/bin/python"
        script = environment.path + "/session.py"
        if !FileManager.default.fileExists(atPath: script) {
            try await Program.run("python3", ["-m", "venv", environment.path])
            try await Program.run(
                interpreter,
                ["-m", "pip", "install", "--quiet", "psycopg[binary]>=3.2,<4", "SQLAlchemy>=2,<3"])
        }
        try Data(Self.text.utf8).write(to: URL(filePath: script))
        let answer = try await Program.run(interpreter, [script, "versions"])
        versions = answer.split(separator: "\n").map(String.init)
    }

    /// - Parameter side: `psycopg` or `sqlalchemy`.
    func measure(
        _ side: String, _ line: SessionLine, rows: Int, rounds: Int, _ connectionString: String
    ) async throws -> SessionFigures {
        let answer = try await Program.run(
            interpreter, [script, side, line.rawValue, "\(rows)", "\(rounds)", connectionString])
        return try JSONDecoder().decode(SessionFigures.self, from: Data(answer.utf8))
    }

    /// Each line as the library's own documents advise.
    private static let text = """
        import json, sys, time
        import psycopg

        if sys.argv[1] == "versions":
            import platform, sqlalchemy
            print(f"Python {platform.python_version()}")
            print(f"psycopg {psycopg.__version__} ({psycopg.pq.__impl__})")
            print(f"SQLAlchemy {sqlalchemy.__version__}")
            sys.exit()

        side, line, rows, rounds, url = sys.argv[1:]
        rows, rounds = int(rows), int(rounds)
        titles = [f"Book {number}" for number in range(1000)]
        connection = psycopg.connect(url)

        def psycopg_point():
            for id in range(1, rows + 1):
                row = connection.execute(
                    "SELECT id, title, copies FROM shelf WHERE id = %s", (id,)).fetchone()
                assert row[0] == id
            connection.commit()

        def psycopg_insert():
            with connection.cursor() as cursor:
                cursor.executemany(
                    "INSERT INTO shelf_in (title, copies) VALUES (%s, %s)",
                    [(titles[number % 1000], number % 100) for number in range(rows)])
            connection.commit()

        def psycopg_copy():
            with connection.cursor() as cursor:
                with cursor.copy("COPY shelf_in (id, title, copies) FROM STDIN") as copy:
                    for number in range(rows):
                        copy.write_row((number, titles[number % 1000], number % 100))
            connection.commit()

        def psycopg_stream():
            copies = count = 0
            with connection.cursor(name="stream") as cursor:
                cursor.itersize = 2000
                cursor.execute("SELECT id, title, copies FROM shelf")
                for row in cursor:
                    copies += row[2]
                    count += 1
            connection.commit()
            assert count == rows

        if side == "sqlalchemy":
            from sqlalchemy import BigInteger, create_engine, insert, select
            from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

            class Base(DeclarativeBase):
                pass

            class Shelved(Base):
                __tablename__ = "shelf"
                id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
                title: Mapped[str]
                copies: Mapped[int]

            class Incoming(Base):
                __tablename__ = "shelf_in"
                id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
                title: Mapped[str]
                copies: Mapped[int]

            engine = create_engine(
                "postgresql+psycopg://", creator=lambda: psycopg.connect(url))

        def sqlalchemy_point():
            with Session(engine) as session:
                for id in range(1, rows + 1):
                    assert session.get(Shelved, id).id == id
                session.commit()

        def sqlalchemy_insert():
            with Session(engine) as session:
                session.add_all(
                    [Incoming(title=titles[number % 1000], copies=number % 100)
                     for number in range(rows)])
                session.commit()

        def sqlalchemy_copy():
            with Session(engine) as session:
                for start in range(0, rows, 10000):
                    session.execute(insert(Incoming), [
                        {"id": number, "title": titles[number % 1000], "copies": number % 100}
                        for number in range(start, min(start + 10000, rows))])
                session.commit()

        def sqlalchemy_stream():
            copies = count = 0
            with Session(engine) as session:
                for book in session.scalars(select(Shelved).execution_options(yield_per=1000)):
                    copies += book.copies
                    count += 1
            assert count == rows

        seconds = []
        for _ in range(rounds):
            connection.execute("TRUNCATE shelf_in")
            connection.commit()
            start = time.perf_counter()
            globals()[f"{side}_{line}"]()
            seconds.append(time.perf_counter() - start)
        with open("/proc/self/status") as status:
            peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) * 1024
        print(json.dumps({"seconds": seconds, "peakBytes": peak}))
        """
}

/// Programs that are run to their end.
enum Program {
    /// What the program printed.
    ///
    /// - Throws: `BenchFailure` with its errors.
    @discardableResult
    static func run(_ name: String, _ arguments: [String]) async throws -> String {
        let executable: Executable =
            name.contains("/") ? .path(FilePath(name)) : .name(name)
        let ended: ExecutionResult<Void, StringOutput<Unicode.UTF8>, StringOutput<Unicode.UTF8>>
        do {
            ended = try await Subprocess.run(
                executable, arguments: Arguments(arguments),
                output: .string(limit: 1 << 16), error: .string(limit: 1 << 16))
        } catch let error as SubprocessError {
            throw BenchFailure("\(name) could not be started: \(error)")
        }
        guard ended.terminationStatus.isSuccess else {
            throw BenchFailure(
                "\(([name] + arguments.prefix(3)).joined(separator: " ")) failed: "
                    + ended.standardError)
        }
        return ended.standardOutput
    }
}
