//! What must not be seen is not: by a program, in a log, on a command line.
