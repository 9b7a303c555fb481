import Foundation

/// An OS thread that runs Swift tasks, one after the other, and nothing else does.
///
/// Being both a task executor and a serial executor (SE-0417, SE-0392), it keeps a run's `async`
/// code, the functions that it calls and every libpq call on this one thread, so that blocking here
/// blocks no one else.
// Safe because `queue` and `isStopped` are read and written only with `condition` locked.
package final class WorkerThread: TaskExecutor, SerialExecutor, @unchecked Sendable {
    private let condition = NSCondition()
    private var queue: [UnownedJob] = []
    private var isStopped = false

    /// Where a node waits, listens and passes on what it hears: nothing here ever blocks, while
    /// code of tasks may block every thread that Swift tasks share.
    package static let errands = WorkerThread(name: "almanac-errands")

    /// Starts the thread.
    package init(name: String) {
        // The thread keeps the executor alive until it is stopped: a run that is under way must
        // not lose the ground under its feet.
        let thread = Thread { [self] in
            // For `top -H` and debuggers; Foundation tells the system nothing of a name that is set
            // before the thread runs, nor always of one that is set later (see proc(5)).
            FileHandle(forWritingAtPath: "/proc/thread-self/comm")?.write(Data(name.utf8))
            work()
        }
        thread.stackSize = 4 << 20
        thread.start()
    }

    /// Lets the thread end when it has done what it was given.
    package func stop() {
        condition.lock()
        isStopped = true
        condition.signal()
        condition.unlock()
    }

    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        condition.lock()
        queue.append(job)
        condition.signal()
        condition.unlock()
    }

    package func asUnownedSerialExecutor() -> UnownedSerialExecutor {
        UnownedSerialExecutor(ordinary: self)
    }

    package func asUnownedTaskExecutor() -> UnownedTaskExecutor {
        UnownedTaskExecutor(ordinary: self)
    }

    private func work() {
        while let jobs = next() {
            for job in jobs {
                job.runSynchronously(
                    isolatedTo: asUnownedSerialExecutor(), taskExecutor: asUnownedTaskExecutor())
            }
        }
    }

    /// Waits for something to do; nil when the thread is to end.
    private func next() -> [UnownedJob]? {
        condition.lock()
        defer { condition.unlock() }
        while queue.isEmpty {
            if isStopped { return nil }
            condition.wait()
        }
        defer { queue.removeAll(keepingCapacity: true) }
        return queue
    }
}
