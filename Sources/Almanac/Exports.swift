// `import Almanac` is all that a program of tasks needs.
@_exported public import AlmanacCore
@_exported public import PostgresSession
