//! The `fantail` program: arguments to exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    fantail::cli::run()
}
