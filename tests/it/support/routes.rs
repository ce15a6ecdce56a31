//! The router's table, as it stands in the source.

use std::collections::BTreeSet;
use std::path::Path;

/// The routes of `src/`, as `METHOD path`.
pub fn routes_of_the_source() -> BTreeSet<String> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut routes = BTreeSet::new();
    for file in ["http/mod.rs", "ws/upgrade.rs"] {
        let text = std::fs::read_to_string(source.join(file)).expect("readable");
        for row in text.split(".route(\"").skip(1) {
            let (path, rest) = row.split_once('"').expect("a path");
            let handlers = rest.split('\n').next().unwrap_or_default();
            for method in ["get", "post", "put", "patch", "delete", "any"] {
                if handlers.contains(&format!("{method}(")) {
                    routes.insert(format!("{} {path}", method.to_uppercase()));
                }
            }
        }
    }
    routes
}
