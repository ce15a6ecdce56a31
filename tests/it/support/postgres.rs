//! A PostgreSQL for tests: started from the installed binaries as an ordinary user, gone with the process that asked.
//! Each test gets a schema of its own.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use parking_lot::Mutex;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};

/// Makes a database in a directory of its own, serves it on a socket there, and ends when nobody holds our end of its
/// input any more, however this process dies. `$1` is where the programs are. Until then it does what its input says:
/// `stop` has it gone as by a power cut, and `start` come back.
const SCRIPT: &str = r#"
programs=$1
dir=$(mktemp -d /tmp/fantail-pg.XXXXXX) || exit 1
trap 'rm -rf "$dir"' EXIT
"$programs/initdb" -D "$dir/data" -A trust -U fantail -E UTF8 --locale=C --no-sync >"$dir/log" 2>&1 || { cat "$dir/log" >&2; exit 1; }
serve() {
    "$programs/postgres" -D "$dir/data" -k "$dir" -c listen_addresses= -c fsync=off -c max_connections=500 >>"$dir/log" 2>&1 </dev/null &
    server=$!
    tries=0
    until "$programs/pg_isready" -q -h "$dir"; do
        tries=$((tries + 1))
        if [ $tries -gt 600 ] || ! kill -0 $server 2>/dev/null; then cat "$dir/log" >&2; exit 1; fi
        sleep 0.1
    done
}
stop() { kill -QUIT $server; wait $server; }
serve
echo "$dir"
while read -r word; do
    case $word in
        stop) stop ;;
        start) serve ;;
    esac
    echo "$word"
done
stop
"#;

/// A server of databases.
pub(crate) struct Postgres {
    dir: String,
    /// What the script is told, and what it answers.
    pub(super) script: Mutex<(ChildStdin, BufReader<ChildStdout>)>,
    _process: Child,
}

static SCHEMAS: AtomicU32 = AtomicU32::new(0);

impl Postgres {
    pub(crate) fn start() -> Self {
        let programs = programs().expect(
            "tests of the store need PostgreSQL's programs (initdb, postgres): install postgresql, as tests/run does",
        );
        let mut command = if rustix::process::geteuid().is_root() { as_ordinary_user() } else { Command::new("sh") };
        command.args(["-c", SCRIPT, "postgres"]).arg(programs).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.current_dir("/").spawn().expect("a shell");
        let told = process.stdin.take().expect("piped");
        let answers = BufReader::new(process.stdout.take().expect("piped"));
        let mut postgres = Self { dir: String::new(), script: Mutex::new((told, answers)), _process: process };
        postgres.dir = postgres.answer();
        assert!(!postgres.dir.is_empty(), "PostgreSQL did not start: see above");
        postgres
    }

    /// What the script says next; nothing when it has ended.
    pub(super) fn answer(&self) -> String {
        let mut line = String::new();
        self.script.lock().1.read_line(&mut line).expect("readable");
        line.trim_end().to_owned()
    }

    /// The address of an empty schema of it.
    pub(crate) async fn schema(&self) -> String {
        let name = format!("t{}_{}", std::process::id(), SCHEMAS.fetch_add(1, Ordering::Relaxed));
        let dir = self.dir.replace('/', "%2F");
        let base = format!("postgres://fantail@localhost/postgres?host={dir}");
        let mut connection = PgConnection::connect(&base).await.expect("the database of the tests answers");
        connection.execute(AssertSqlSafe(format!("create schema {name}"))).await.expect("a schema");
        format!("{base}&options[search_path]={name}")
    }
}

/// It refuses to be run by root.
fn as_ordinary_user() -> Command {
    let users = std::fs::read_to_string("/etc/passwd").expect("readable");
    let user = if users.lines().any(|line| line.starts_with("postgres:")) { "postgres" } else { "nobody" };
    // The group of nobody is called otherwise on Debian.
    let group = if user == "nobody" { "nogroup" } else { user };
    let mut command = Command::new("setpriv");
    command.args(["--reuid", user, "--regid", group, "--clear-groups", "sh"]);
    command
}

/// Where the programs are: Debian keeps them out of the way, by version.
fn programs() -> Option<PathBuf> {
    let has_all = |dir: &Path| ["initdb", "postgres", "pg_isready"].iter().all(|name| dir.join(name).is_file());
    let mut versions: Vec<_> = std::fs::read_dir("/usr/lib/postgresql")
        .map(|entries| entries.flatten().map(|entry| entry.path().join("bin")).collect())
        .unwrap_or_default();
    versions.sort();
    versions
        .into_iter()
        .rev()
        .chain([PathBuf::from("/usr/local/bin"), PathBuf::from("/usr/bin")])
        .find(|dir| has_all(dir))
}
