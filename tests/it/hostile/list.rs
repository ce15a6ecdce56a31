//! The list: every promise by its number, and where it is shown. What is not shown has its reason here.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Where a promise is shown.
enum Shown {
    /// By tests that are called by its number: `h07_…` here, `h07 …` in a browser.
    ByTests,
    /// By other people's tools, which are run by hand: a file or folder below `tests`.
    By(&'static str),
    /// Not, because of this.
    Not(&'static str),
}
use Shown::{By, ByTests, Not};

const NO_FILES: &str = "there is no way to files but a terminal";
const ONE_NODE: &str = "sessions are of one server: nothing is said between servers but through their database";

const LIST: [(u8, &str, Shown); 82] = [
    (1, "no route answers who has no valid credential", ByTests),
    (2, "no page of another origin opens a socket", ByTests),
    (3, "nor does one in a real browser", ByTests),
    (4, "no name that was rebound to us is served", ByTests),
    (5, "no request for another host is", ByTests),
    (6, "only a trusted proxy says who calls", ByTests),
    (7, "a bomb of headers costs nothing", ByTests),
    (8, "neither does a slow loris", ByTests),
    (9, "no second request is smuggled", ByTests),
    (10, "an upgrade that is not whole is none", ByTests),
    (11, "WebSockets are as RFC 6455 says (Autobahn, 301 cases)", By("outside/autobahn")),
    (12, "a frame that declares too much is refused before it comes", ByTests),
    (14, "no compression that was not agreed on", ByTests),
    (15, "a frame that breaks the protocol ends its connection", ByTests),
    (16, "so does a flood of pings", ByTests),
    (17, "who answers no ping is let go", ByTests),
    (18, "who never reads costs little and delays nobody", ByTests),
    (19, "nor who reads a byte now and then", ByTests),
    (20, "storms of connections leave nothing", ByTests),
    (21, "however one ends it leaves nothing", ByTests),
    (22, "connections without a login are bounded", ByTests),
    (23, "no token is taken that we have not made, for what it is", ByTests),
    (25, "keys are rotated with an overlap", ByTests),
    (26, "a refresh token used twice ends its login", ByTests),
    (27, "of a hundred at once one wins", ByTests),
    (28, "whatever a socket hangs on, it ends with it, on every server", ByTests),
    (29, "no login is fixed beforehand", ByTests),
    (30, "a ticket opens one socket of who bought it", ByTests),
    (31, "no credential in a URL, none in a log", ByTests),
    (32, "no password breaks a login", ByTests),
    (33, "a name nobody has costs what one there is does", ByTests),
    (34, "a token is compared in constant time", ByTests),
    (35, "a damaged hash is a failed login", ByTests),
    (36, "a storm of logins delays no terminal", ByTests),
    (37, "nobody is locked out by others' guesses", ByTests),
    (38, "nobody sets a server up but who started it", ByTests),
    (39, "what others reach is encrypted and has a password", ByTests),
    (40, "no weak key signs", Not("keys are made by us, of 256 random bits: none can be given")),
    (41, "an API token does what its scopes say", ByTests),
    (42, "no other site changes anything", ByTests),
    (43, "nor reads anything", ByTests),
    (44, "nobody does more with a session than they were granted", ByTests),
    (45, "who may only look types nothing", ByTests),
    (46, "nobody is believed what they say of their own rights", ByTests),
    (47, "a share is worth what it says, while it does", ByTests),
    (48, "ids cannot be guessed", ByTests),
    (50, "every question is answered once", ByTests),
    (51, "a title is never typed", ByTests),
    (52, "a clipboard is never read, and written only when asked", ByTests),
    (53, "a paste presses no keys, and many lines ask first", ByTests),
    (54, "a link runs no script", ByTests),
    (55, "names are text", ByTests),
    (57, "no size breaks a screen", ByTests),
    (58, "nor do random bytes", ByTests),
    (59, "a terminal as esctest2 says (503 of 568)", By("outside/esctest")),
    (60, "noise in many sessions costs nothing", ByTests),
    (62, "a program inherits no secret", ByTests),
    (63, "nor a descriptor", ByTests),
    (64, "one of another account reads nothing of the server", ByTests),
    (65, "it starts with signals as after login", ByTests),
    (66, "all of it ends with its session", ByTests),
    (67, "starts that fail leave nothing", ByTests),
    (68, "a fork bomb is held to its limit", ByTests),
    (69, "who takes all memory ends alone", ByTests),
    (70, "what no profile allows is refused", ByTests),
    (72, "no path leads out of a root of files", Not(NO_FILES)),
    (73, "no upload is half there", Not(NO_FILES)),
    (74, "no download runs", Not(NO_FILES)),
    (76, "an audit log that was tampered with is found out", ByTests),
    (77, "SQL in any field is text", ByTests),
    (78, "a fault in one handler harms no other", ByTests),
    (79, "no forged message of a broker is taken", Not(ONE_NODE)),
    (80, "a session has one owner", Not(ONE_NODE)),
    (81, "without a broker sessions go on", Not(ONE_NODE)),
    (82, "without the database terminals go on, and nothing revoked is taken", ByTests),
    (
        83,
        "a clock that is wrong makes no token live longer",
        Not("a server believes its own clock, and has no other to compare"),
    ),
    (84, "no script runs but ours, and no page frames us", ByTests),
    (85, "nothing is kept for after logging out", ByTests),
    (86, "a tab that slept misses nothing", ByTests),
    (87, "no secret is kept where a script could read it", ByTests),
    (89, "old clients and new servers understand one another, or say so", ByTests),
    (90, "a hundred cuts lose and double nothing", ByTests),
];

/// The names of tests by their numbers, out of every source that may have one.
fn tests() -> BTreeMap<u8, Vec<String>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut tests: BTreeMap<u8, Vec<String>> = BTreeMap::new();
    for source in
        sources(&root.join("tests/it")).chain(sources(&root.join("src"))).chain(sources(&root.join("tests/browser")))
    {
        let text = std::fs::read_to_string(&source).expect("readable");
        let names = text.lines().filter_map(|line| {
            let line = line.trim_start();
            let rest = ["fn ", "async fn ", "test(\""].iter().find_map(|begin| line.strip_prefix(begin))?;
            let number = rest.strip_prefix('h')?.get(..2)?.parse().ok()?;
            Some((number, rest.split(['(', '"']).next()?.to_owned()))
        });
        for (number, name) in names {
            tests.entry(number).or_default().push(name);
        }
    }
    tests
}

/// Every source below `dir`.
fn sources(dir: &Path) -> impl Iterator<Item = PathBuf> {
    let mut found = Vec::new();
    let mut dirs = vec![dir.to_owned()];
    while let Some(dir) = dirs.pop() {
        for entry in std::fs::read_dir(dir).expect("readable").flatten() {
            let path = entry.path();
            if path.is_dir() && !path.ends_with("node_modules") {
                dirs.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs" || extension == "mjs") {
                found.push(path);
            }
        }
    }
    found.into_iter()
}

#[test]
fn every_promise_is_shown_or_has_a_reason_not_to_be_and_every_test_has_a_promise() {
    let tests = tests();
    let mut count = 0;
    for (number, promise, shown) in &LIST {
        let named = tests.get(number).map_or(&[][..], Vec::as_slice);
        match shown {
            ByTests => assert!(!named.is_empty(), "nothing shows {number}: {promise}"),
            By(path) => {
                let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(path);
                assert!(path.exists(), "{number}: {promise}: there is no {}", path.display());
            }
            Not(reason) => assert!(named.is_empty(), "{number} is shown: {named:?}, though {reason}"),
        }
        count += named.len();
    }
    let listed = |number: &u8| LIST.iter().any(|(of, ..)| of == number);
    let unlisted: Vec<_> = tests.iter().filter(|(number, _)| !listed(number)).collect();
    assert!(unlisted.is_empty(), "of no promise: {unlisted:?}");
    println!("{} promises, {count} tests by their numbers", LIST.len());
}
