import Foundation

/// Step after step of a task that works in chunks, each committed with its checkpoint.
package struct ChunkLoop {
    private let pauseSeconds: Double
    private let total: () async throws -> Int?

    /// - Parameter total: how many items there are; asked before the first chunk.
    package init(pauseSeconds: Double, total: @escaping () async throws -> Int?) {
        self.pauseSeconds = pauseSeconds
        self.total = total
    }

    /// Goes on where the attempt before has ended. The last chunk is left to be committed with the
    /// run's outcome.
    ///
    /// - Throws: `ChunkError`, `RunStopped`, and what the step throws.
    package func run<Checkpoint: Codable>(
        _ context: TaskContext, from type: Checkpoint.Type,
        step: (Checkpoint?) async throws -> Chunk<Checkpoint>
    ) async throws {
        var last = context.resumption?.checkpoint
        var checkpoint = try last.map { try Self.decode(type, $0) }
        var progress = RunProgress(after: context.resumption?.progress)
        let start = context.uptime
        if last == nil { progress.total = try await total() }
        while true {
            try context.checkStopped()
            switch try await step(checkpoint) {
            case .more(let next, let done):
                let encoded = try Self.encode(next)
                guard encoded != last else { throw ChunkError.standstill(at: encoded) }
                progress.advance(by: done, after: (context.uptime - start) / .seconds(1))
                try context.checkStopped()
                try context.commit(checkpoint: encoded, progress)
                last = encoded
                checkpoint = next
                try await pause(context)
            case .finished(let done):
                progress.advance(by: done, after: (context.uptime - start) / .seconds(1))
                return context.progress = progress
            }
        }
    }

    private func pause(_ context: TaskContext) async throws {
        guard pauseSeconds > 0 else { return }
        do {
            try await context.sleep(for: .seconds(min(pauseSeconds, 86_400)))
        } catch {
            try context.checkStopped()
            throw error
        }
    }

    private static func encode(_ checkpoint: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        return String(decoding: try encoder.encode(checkpoint), as: UTF8.self)
    }

    private static func decode<Checkpoint: Decodable>(
        _ type: Checkpoint.Type, _ text: String
    ) throws -> Checkpoint {
        do {
            return try JSONDecoder().decode(type, from: Data(text.utf8))
        } catch {
            throw ChunkError.unreadable(text, as: type, error)
        }
    }
}
