import Foundation
import Glibc

extension EmbeddedServer {
    /// Under the lock of the base directory: finds a running server or starts one.
    static func start(_ configuration: EmbeddedServerConfiguration, _ state: inout State) throws
        -> ServerEndpoint
    {
        let account = try ServerAccount(nameForRoot: configuration.accountName)
        let files = try files(configuration, account: account, &state)
        let limit = Double(configuration.startTimeoutSeconds)
        let lock = try FileLock(path: files.lockPath, timeoutSeconds: limit * 2)
        defer { withExtendedLifetime(lock) {} }

        let data = files.data
        let version = data.majorVersion
        let binaries = try ServerBinaries.find(
            chosen: configuration.binaryDirectory, dataVersion: version)
        try data.check(account: account, binaries: binaries)
        let endpoint: ServerEndpoint
        if let running = try runningServer(files, timeoutSeconds: limit) {
            endpoint = configuration.endpoint(files, binaries, running, isOwned: false)
        } else {
            if !data.exists {
                try data.initialize(configuration, account: account, binaries: binaries)
            }
            let (supervisor, postmaster) = try launch(
                configuration, files, account: account, binaries: binaries)
            state.supervisor = supervisor
            endpoint = configuration.endpoint(files, binaries, postmaster, isOwned: true)
        }
        do {
            try endpoint.createDatabase()
        } catch {
            state.supervisor?.stop(timeoutSeconds: configuration.stopTimeoutSeconds)
            state.supervisor = nil
            throw error
        }
        return endpoint
    }

    private static func files(
        _ configuration: EmbeddedServerConfiguration, account: ServerAccount, _ state: inout State
    ) throws -> ServerFiles {
        guard configuration.storage == .temporary else {
            return try ServerFiles(configuration.baseDirectory, account: account)
        }
        if state.temporaryDirectory == nil {
            try Directory.make(configuration.baseDirectory)
            let parent = Directory.resolved(configuration.baseDirectory)
            let isReachable = try account.canEnter(parent)
            state.temporaryDirectory = try TemporaryDirectory(in: isReachable ? parent : "/tmp")
        }
        let path = state.temporaryDirectory?.path ?? configuration.baseDirectory
        return try ServerFiles(path, account: account)
    }

    /// The server that runs on these files. One that is starting or stopping is waited for.
    private static func runningServer(_ files: ServerFiles, timeoutSeconds: Double) throws
        -> PostmasterFile?
    {
        var found: PostmasterFile?
        let isDecided = Deadline(secondsFromNow: timeoutSeconds).wait(everyMilliseconds: 50) {
            found = PostmasterFile(dataDirectory: files.data.path)
            guard let file = found, file.isAlive else {
                found = nil
                return true
            }
            return file.isReady && file.acceptsConnections
        }
        if isDecided { return found }
        throw ServerError(
            code: .socketInUse,
            message: "process \(found?.processID ?? 0) runs a server on \(files.data.path) that "
                + "neither answers nor ends; stop it, then try again. Log: \(files.log.path)")
    }

    private static func launch(
        _ configuration: EmbeddedServerConfiguration, _ files: ServerFiles, account: ServerAccount,
        binaries: ServerBinaries
    ) throws -> (Supervisor, PostmasterFile) {
        files.data.recoverFromCrash()
        files.removeStaleSocketDirectory(account: account)
        let socket = try files.makeSocketDirectory(account: account)
        let log = try files.log.open()
        defer { close(log) }
        let offset = UInt64(max(0, lseek(log, 0, SEEK_END)))
        let settings = configuration.serverSettings(socketDirectory: socket.path)
        let supervisor = try Supervisor(
            [binaries.path("postgres"), "-D", files.data.path]
                + settings.flatMap { ["-c", "\($0.name)=\($0.value)"] },
            account: account, log: log, stopTimeoutSeconds: configuration.stopTimeoutSeconds,
            directoryToRemove: socket.isElsewhere ? socket.path : nil)
        let limit = Double(configuration.startTimeoutSeconds)
        if let file = waitUntilReady(files, supervisor, timeoutSeconds: limit) {
            return (supervisor, file)
        }
        supervisor.stop(timeoutSeconds: configuration.stopTimeoutSeconds)
        let text = files.log.text(from: offset)
        throw files.log.error(text, dataDirectory: files.data.path)
    }

    private static func waitUntilReady(
        _ files: ServerFiles, _ supervisor: Supervisor, timeoutSeconds: Double
    ) -> PostmasterFile? {
        var ready: PostmasterFile?
        _ = Deadline(secondsFromNow: timeoutSeconds).wait {
            guard supervisor.isRunning else { return true }
            guard let file = PostmasterFile(dataDirectory: files.data.path), file.isReady,
                supervisor.owns(file.processID), file.acceptsConnections
            else { return false }
            ready = file
            return true
        }
        return ready
    }
}

extension EmbeddedServerConfiguration {
    fileprivate func endpoint(
        _ files: ServerFiles, _ binaries: ServerBinaries, _ postmaster: PostmasterFile,
        isOwned: Bool
    ) -> ServerEndpoint {
        ServerEndpoint(
            socketDirectory: postmaster.socketDirectory, databaseName: databaseName,
            processID: postmaster.processID, isOwned: isOwned, dataDirectory: files.data.path,
            logFile: files.log.path,
            binaryDirectory: binaries.directory, note: files.note)
    }
}

extension ServerEndpoint {
    var isAlive: Bool {
        let file = PostmasterFile(dataDirectory: dataDirectory)
        return file.map { $0.processID == processID && $0.isAlive && $0.isReady } ?? false
    }

    /// An immediate shutdown: `SIGQUIT` to the postmaster (Postgres manual, 19.5).
    func quit() {
        kill(processID, SIGQUIT)
    }

    /// Creates the configured database unless it is there.
    func createDatabase() throws {
        let command = [
            binaryDirectory + "/psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-v",
            "name=\(databaseName)",
            "-d", connectionString(database: "postgres"),
        ]
        let statement = """
            SELECT format('CREATE DATABASE %I', :'name')
            WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'name') \\gexec
            """
        let output = try ChildProcess.run(command, input: statement, timeoutSeconds: 60)
        if output.succeeded { return }
        if ServerLog.tellsOfFullDisk(output.text) {
            throw Directory.diskFull(dataDirectory, tail: output.tail)
        }
        throw ServerError(
            code: .databaseNotCreated,
            message: "the server in \(dataDirectory) runs, but the database \"\(databaseName)\" "
                + "could not be created; psql said:",
            logTail: output.tail)
    }
}
