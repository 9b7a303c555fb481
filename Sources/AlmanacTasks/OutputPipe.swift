import AlmanacCore
import Dispatch
import Glibc
import Synchronization
import SystemPackage

/// The pipe that a program's output comes through, and the tail of what came.
///
/// Both ends stay open here until ``finish()``: the end of the output is the end of the program,
/// for a process that it left behind may hold its end of the pipe for ever.
final class OutputPipe {
    /// The end for standard output and standard error; remains this object's.
    let writing: FileDescriptor
    private let reader: OutputReader
    private let source: any DispatchSourceRead
    private let isQuiet = DispatchSemaphore(value: 0)

    /// - Throws: `Errno` when there are no descriptors left.
    init() throws {
        let (reading, writing) = try FileDescriptor.pipe()
        for end in [reading, writing] { _ = fcntl(end.rawValue, F_SETFD, FD_CLOEXEC) }
        // Of this end alone: the program's end is a file description of its own.
        _ = fcntl(reading.rawValue, F_SETFL, O_NONBLOCK)
        self.writing = writing
        let reader = OutputReader(reading)
        let source = DispatchSource.makeReadSource(
            fileDescriptor: reading.rawValue, queue: DispatchQueue(label: "almanac.output"))
        source.setEventHandler { reader.readWhatIsThere() }
        source.setCancelHandler { [isQuiet] in isQuiet.signal() }
        source.resume()
        self.reader = reader
        self.source = source
    }

    /// The tail of what the program has printed. To be called once, after the end of its group.
    func finish() -> OutputTail {
        source.cancel()
        isQuiet.wait()
        let tail = reader.finish()
        try? writing.close()
        return tail
    }
}

/// Reads from a pipe that does not block.
private final class OutputReader: Sendable {
    private let reading: FileDescriptor
    private let tail = Mutex(OutputTail())

    /// The most that a pipe of anybody but root can hold (pipe(7)). Who has escaped may write
    /// faster than can be read, and must not keep the run from ending.
    private static let limitBytes = 1 << 20
    private static let chunkBytes = 1 << 16

    init(_ reading: FileDescriptor) { self.reading = reading }

    func readWhatIsThere() {
        var remaining = Self.limitBytes
        withUnsafeTemporaryAllocation(byteCount: Self.chunkBytes, alignment: 1) { buffer in
            while remaining > 0 {
                guard let count = try? reading.read(into: buffer), count > 0 else { return }
                remaining -= count
                let chunk = UnsafeRawBufferPointer(rebasing: buffer[..<count])
                tail.withLock { $0.append(contentsOf: chunk) }
            }
        }
    }

    func finish() -> OutputTail {
        readWhatIsThere()
        try? reading.close()
        return tail.withLock { $0 }
    }
}
