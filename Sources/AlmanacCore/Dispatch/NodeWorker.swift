/// One of those whom a desk gives its orders to.
package protocol NodeWorker: Sendable {
    /// Starts on an order and returns at once.
    ///
    /// - Parameters:
    ///   - claimed: called when the run has its row, before its task begins.
    ///   - report: called once, when the run is over or was given up.
    func start(
        _ order: RunOrder, control: RunControl, claimed: @escaping @Sendable () -> Void,
        then report: @escaping @Sendable (OrderEnd) -> Void)

    /// Gives up what it has. Nothing is started on it any more.
    func stop() async
}

extension Worker: NodeWorker {}
