//! A PostgreSQL for tests: started from the installed binaries as an ordinary user when a test first asks for it, gone
//! with the process that asked. Each test gets a schema of its own.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};

/// Makes a database in a directory of its own, serves it on a socket there, and ends when nobody holds our end of its
/// input any more, however this process dies. `$1` is where the programs are.
const SCRIPT: &str = r#"
dir=$(mktemp -d /tmp/fantail-pg.XXXXXX) || exit 1
trap 'rm -rf "$dir"' EXIT
"$1/initdb" -D "$dir/data" -A trust -U fantail -E UTF8 --locale=C --no-sync >"$dir/log" 2>&1 || { cat "$dir/log" >&2; exit 1; }
"$1/postgres" -D "$dir/data" -k "$dir" -c listen_addresses= -c fsync=off -c max_connections=500 >>"$dir/log" 2>&1 </dev/null &
server=$!
tries=0
until "$1/pg_isready" -q -h "$dir"; do
    tries=$((tries + 1))
    if [ $tries -gt 600 ] || ! kill -0 $server 2>/dev/null; then cat "$dir/log" >&2; exit 1; fi
    sleep 0.1
done
echo "$dir"
read -r nothing
kill -QUIT $server
wait $server
"#;

struct Postgres {
    dir: String,
    /// With our end of its input.
    _script: Child,
}

static POSTGRES: LazyLock<Postgres> = LazyLock::new(start);
static SCHEMAS: AtomicU32 = AtomicU32::new(0);

/// The address of an empty schema.
pub(crate) async fn empty_schema() -> String {
    let name = format!("t{}_{}", std::process::id(), SCHEMAS.fetch_add(1, Ordering::Relaxed));
    let dir = POSTGRES.dir.replace('/', "%2F");
    let base = format!("postgres://fantail@localhost/postgres?host={dir}");
    let mut connection = PgConnection::connect(&base).await.expect("the database of the tests answers");
    connection.execute(AssertSqlSafe(format!("create schema {name}"))).await.expect("a schema");
    format!("{base}&options[search_path]={name}")
}

fn start() -> Postgres {
    let programs = programs().expect(
        "tests of the store need PostgreSQL's programs (initdb, postgres): install postgresql, as tests/run does",
    );
    let mut command = if rustix::process::geteuid().is_root() { as_ordinary_user() } else { Command::new("sh") };
    command.args(["-c", SCRIPT, "postgres"]).arg(programs).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut script = command.current_dir("/").spawn().expect("a shell");
    let mut dir = String::new();
    BufReader::new(script.stdout.take().expect("piped")).read_line(&mut dir).expect("readable");
    let dir = dir.trim_end().to_owned();
    assert!(!dir.is_empty(), "PostgreSQL did not start: see above");
    Postgres { dir, _script: script }
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
