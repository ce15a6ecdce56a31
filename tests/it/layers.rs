//! Who may import whom: the table of ARCHITECTURE.md, executed.

use std::fs;
use std::path::{Path, PathBuf};

/// Each module of `src/`, and what else of the crate it may name. A module without a row fails.
const TABLE: &[(&str, &[&str])] = &[
    ("terminal", &[]),
    ("auth", &[]),
    ("store", &["auth"]),
    ("config", &[]),
    ("telemetry", &["config"]),
    ("protocol", &["terminal"]),
    ("session", &["terminal"]),
    ("holder", &["session", "terminal"]),
    ("registry", &["session", "terminal", "store"]),
    ("http", &["registry", "session", "store", "auth", "terminal"]),
    ("ws", &["registry", "session", "protocol", "auth", "terminal", "http"]),
];
/// The composition: these may name everything.
const COMPOSITION: &[&str] = &["main", "lib", "server", "cli"];

#[test]
fn every_module_imports_only_what_its_row_allows() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut violations = Vec::new();
    for file in rust_files(&source) {
        let path = file.strip_prefix(&source).expect("inside");
        let module = path.iter().next().and_then(|first| Path::new(first).file_stem()).expect("named");
        let module = module.to_str().expect("UTF-8");
        if COMPOSITION.contains(&module) {
            continue;
        }
        let Some((_, allowed)) = TABLE.iter().find(|(name, _)| *name == module) else {
            violations.push(format!("{}: no row for {module}", path.display()));
            continue;
        };
        let text = fs::read_to_string(&file).expect("readable");
        for (number, line) in text.lines().enumerate() {
            for imported in imports(line) {
                if imported != module && !allowed.contains(&imported) {
                    violations.push(format!("{}:{}: {module} imports {imported}", path.display(), number + 1));
                }
            }
        }
    }
    assert!(violations.is_empty(), "{}", violations.join("\n"));
}

/// What the load test may name of the server: what a client knows.
const WIRE: &str = "fantail::protocol";

#[test]
fn the_load_test_knows_of_the_server_what_a_client_knows() {
    let loadtest = Path::new(env!("CARGO_MANIFEST_DIR")).join("loadtest");
    let mut violations = Vec::new();
    for file in rust_files(&loadtest.join("src")) {
        let text = fs::read_to_string(&file).expect("readable");
        for (number, line) in text.lines().enumerate() {
            for (at, _) in line.match_indices("fantail::") {
                let of_ours = line[..at].ends_with("::") || line[..at].ends_with(char::is_alphanumeric);
                if !of_ours && !line[at..].starts_with(WIRE) && !line.trim_start().starts_with("//") {
                    violations.push(format!("{}:{}: {}", file.display(), number + 1, line.trim()));
                }
            }
        }
    }
    assert!(violations.is_empty(), "{}", violations.join("\n"));
}

#[test]
fn every_row_of_the_table_is_a_module_and_stands_in_the_architecture() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let architecture = fs::read_to_string(root.join("ARCHITECTURE.md")).expect("readable");
    for (module, allowed) in TABLE {
        let (file, folder) = (root.join(format!("src/{module}.rs")), root.join(format!("src/{module}")));
        assert!(file.exists() || folder.is_dir(), "no module {module}");
        let allowed = if allowed.is_empty() { "—".to_owned() } else { allowed.join(", ") };
        let row = format!("| {module} | {allowed} |");
        assert!(architecture.contains(&row), "ARCHITECTURE.md lacks the row {row}");
    }
}

#[test]
fn every_module_says_what_it_owns() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let silent: Vec<_> = ["src", "loadtest/src"]
        .into_iter()
        .flat_map(|source| rust_files(&root.join(source)))
        .filter(|file| !fs::read_to_string(file).expect("readable").starts_with("//!"))
        .collect();
    assert!(silent.is_empty(), "no //! in {silent:?}");
}

/// The top-level modules a line names after `crate::`.
fn imports(line: &str) -> impl Iterator<Item = &str> {
    let code = line.trim_start();
    let code = if code.starts_with("//") { "" } else { code };
    code.match_indices("crate::").flat_map(move |(at, found)| {
        let rest = &code[at + found.len()..];
        let names = rest.strip_prefix('{').map_or(rest, |group| group.split('}').next().unwrap_or(""));
        let grouped = rest.starts_with('{');
        names.split(',').take(if grouped { usize::MAX } else { 1 }).map(|name| {
            let name = name.trim();
            &name[..name.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(name.len())]
        })
    })
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("readable") {
        let path = entry.expect("entry").path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}
