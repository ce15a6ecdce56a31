//! Names, passwords and login links that are guessed, made up or tried by the thousand.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use futures_util::future::join_all;
use futures_util::stream::FuturesUnordered;
use serde_json::{Value, json};
use sqlx::{Connection as _, SqliteConnection};

use crate::auth::PASSWORD;
use crate::support::{Answer, Bystander, Login, Server};

/// Logins that may be checked or wait on a machine of this size; the rest is refused.
fn places() -> usize {
    64 + (std::thread::available_parallelism().map_or(1, usize::from) / 2).max(1)
}

/// All that an answer tells: status, the names and values of its headers, its body without the request's id.
fn told(answer: &Answer) -> (u16, BTreeSet<String>, Value) {
    // When it is, and how often one may still ask, are of the moment.
    let changes = |name: &str| name == "date" || name.starts_with("x-ratelimit-");
    let headers = answer.headers.iter().filter(|(name, _)| !changes(name.as_str()));
    let headers = headers.map(|(name, value)| format!("{name}: {value:?}")).collect();
    let mut body = answer.json();
    body["requestId"] = Value::Null;
    (answer.status, headers, body)
}

#[tokio::test]
async fn h32_a_password_nobody_could_have_is_a_failed_login_and_nothing_worse() {
    let server = Server::start().await;
    let _ann = Login::of_new(&server, "ann", PASSWORD).await;
    let (long, longer) = ("x".repeat(72), "x".repeat(1_000_000));
    let cut = format!("{PASSWORD}{}", "\0".repeat(60));
    for password in ["", "\0", "x", &long, &longer, &cut, "\u{202e}\u{feff}", "' or '1'='1"] {
        for username in ["ann", "", "\0", &longer, "../../etc/passwd", "' or 1=1 --", "%00"] {
            if username.len() + password.len() > 1_500_000 {
                continue; // two of them are more than a body may have
            }
            // Half of the pairs are as good as all: each takes a fifth of a second.
            if (username.len() + password.len()) % 2 == 0 {
                continue;
            }
            let answer = server.log_in(username, password).await;
            assert_eq!(answer.code(), (401, "invalid_login".into()), "{username:.20} {password:.20}");
        }
    }
    for body in [json!({}), json!([]), json!({ "username": "ann" }), json!({ "username": 1, "password": PASSWORD })] {
        let answer = server.ask(None, "POST", "/api/auth/login", Some(body)).await;
        assert_eq!(answer.status, 400, "{answer:?}");
        assert!(!String::from_utf8_lossy(&answer.body).contains(PASSWORD));
    }
    assert_eq!(server.log_in("ann", PASSWORD).await.status, 200);
}

#[tokio::test]
async fn h32_a_password_that_bcrypt_would_cut_or_that_is_none_is_refused_where_it_is_set() {
    let server = Server::start().await;
    let ann = Login::by_link(&server).await;
    let (long, longest, huge) = ("x".repeat(73), "x".repeat(72), "x".repeat(1024 * 1024));
    for (password, rule) in [
        (long.as_str(), "at most"),
        (&longest, "at most"),
        (&huge, "at most"),
        ("twelve bytes\0", "NUL"),
        ("", "at least"),
        ("short", "at least"),
    ] {
        for (method, path, body) in [
            ("PATCH", "/api/auth/me", json!({ "password": { "new": password } })),
            ("POST", "/api/users", json!({ "username": "bob", "role": "member", "password": password })),
        ] {
            let answer = ann.ask(&server, method, path, Some(body)).await;
            assert_eq!(answer.code(), (400, "invalid_field".into()), "{path} {password:.20}");
            let said = answer.json()["error"].as_str().unwrap_or_default().to_owned();
            assert!(said.contains(rule) && (password.len() < 6 || !said.contains(password)), "{said:.200}");
        }
    }
    let no_utf8 = b"{\"username\": \"ann\", \"password\": \"\xff\xfe\"}".to_vec();
    let request =
        server.http().post(format!("{}/api/auth/login", server.url)).header("content-type", "application/json");
    let answer = Answer::of(request.body(no_utf8).send().await.expect("answered")).await;
    assert_eq!(answer.code(), (400, "invalid_json".into()));
}

#[tokio::test]
async fn h33_a_wrong_password_and_an_unknown_name_are_answered_alike() {
    let server = Server::start().await;
    let _ann = Login::of_new(&server, "ann", PASSWORD).await;
    let owner =
        server.call("GET", "/api/auth/me", None).await.1["user"]["username"].as_str().expect("a name").to_owned();
    let wrong = server.log_in("ann", "wrong horse battery").await;
    assert_eq!(wrong.code(), (401, "invalid_login".into()));
    let others = [
        server.log_in("nobody", PASSWORD).await,
        server.log_in(&owner, PASSWORD).await, // has no password yet
        server.log_in("ann ", PASSWORD).await,
        server.log_in("ann", &format!("{PASSWORD} ")).await,
        server.log_in("ann", &format!("{PASSWORD}\0")).await,
        server.log_in("ann\0", PASSWORD).await,
    ];
    for other in others {
        assert_eq!(told(&other), told(&wrong));
        assert_eq!(other.header("set-cookie"), None);
    }
    assert_eq!(server.log_in("ANN", PASSWORD).await.status, 200, "names are the same in whatever case");
}

#[tokio::test]
async fn h33_a_name_that_nobody_has_costs_as_much_as_one_there_is() {
    /// Tries of each: the fastest of some is as fast as the machine can, whatever else it does.
    const TRIES: usize = 5;
    /// Without the check a name that nobody has would be answered a hundred times as fast.
    const RATIO_MAX: f64 = 3.0;
    let server = Server::start().await;
    let _ann = Login::of_new(&server, "ann", PASSWORD).await;
    let mut fastest = [Duration::MAX; 2];
    for _ in 0..TRIES {
        for (fastest, name) in fastest.iter_mut().zip(["ann", "nobody"]) {
            let begun = Instant::now();
            assert_eq!(server.log_in(name, "wrong horse battery").await.status, 401);
            *fastest = begun.elapsed().min(*fastest);
        }
    }
    let [known, unknown] = fastest.map(|time| time.as_secs_f64());
    let ratio = (known / unknown).max(unknown / known);
    assert!(ratio < RATIO_MAX, "{known} s for a name there is, {unknown} s for another");
}

#[tokio::test]
async fn h35_a_damaged_hash_is_a_failed_login_and_no_computation_without_end() {
    let server = Server::start().await;
    let _ann = Login::of_new(&server, "ann", PASSWORD).await;
    let url = format!("sqlite://{}", server.data().join("fantail.db").display());
    let mut store = SqliteConnection::connect(&url).await.expect("the store");
    let read = sqlx::query_scalar("select password_hash from accounts where name = 'ann'");
    let hash: String = read.fetch_one(&mut store).await.expect("a hash");
    for damaged in [
        hash.replace("$12$", "$31$"),
        hash.replace("$12$", "$99$"),
        hash[..20].to_owned(),
        "ünïcödé".repeat(8),
        "$".repeat(60),
        String::new(),
    ] {
        let write = sqlx::query("update accounts set password_hash = ? where name = 'ann'").bind(&damaged);
        write.execute(&mut store).await.expect("written");
        assert_eq!(server.log_in("ann", PASSWORD).await.code(), (401, "invalid_login".into()), "{damaged}");
    }
    let write = sqlx::query("update accounts set password_hash = ? where name = 'ann'").bind(&hash);
    write.execute(&mut store).await.expect("written");
    assert_eq!(server.log_in("ann", PASSWORD).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn h36_a_storm_of_wrong_logins_is_bounded_and_delays_no_terminal() {
    let mut bystander = Bystander::arrive().await;
    let server = bystander.server.clone();
    let _ann = Login::of_new(&server, "ann", PASSWORD).await;
    let attackers = (places() + 40).max(200);
    let mut storm: FuturesUnordered<_> = (0..attackers)
        .map(|turn| {
            let (server, name) = (server.clone(), if turn % 2 == 0 { "ann" } else { "nobody" });
            async move { server.log_in_in_a_crowd(name, &format!("wrong horse {turn}")).await }
        })
        .collect();
    let mut answers = Vec::new();
    while let Some(answer) = storm.next().await {
        answers.push(answer);
        // While the next one is checked.
        bystander.is_served("a storm of logins").await;
    }
    for answer in &answers {
        match answer.code() {
            (401, code) => assert_eq!(code, "invalid_login"),
            (429, code) => {
                assert_eq!(code, "too_many_logins");
                let seconds = answer.header("retry-after").and_then(|seconds| seconds.parse::<u32>().ok());
                assert!(seconds.is_some_and(|seconds| seconds > 0), "{answer:?}");
            }
            _ => panic!("{answer:?}"),
        }
    }
    assert!(answers.iter().any(|answer| answer.status == 429), "the queue has an end");
    assert!(answers.iter().any(|answer| answer.status == 401), "and a beginning");
    assert_eq!(server.log_in("ann", PASSWORD).await.status, 200, "it has passed");
}

#[tokio::test]
async fn h38_a_login_link_works_once_also_when_twenty_hurry() {
    let server = Server::start().await;
    let link = server.login.clone().expect("a link");
    let ask = async |token: &str| server.ask(None, "POST", "/api/auth/link", Some(json!({ "token": token }))).await;
    for wrong in ["", "x", "\0", &link[1..], &link.to_lowercase()] {
        assert_eq!(ask(wrong).await.code(), (401, "invalid_login".into()), "{wrong}");
    }
    let answers = join_all((0..20).map(|_| ask(&link))).await;
    let (won, lost): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == 200);
    assert_eq!(won.len(), 1);
    assert!(lost.iter().all(|answer| answer.code() == (401, "invalid_login".into())), "{lost:?}");
    let me = Login::from_answer(&won[0]).ask(&server, "GET", "/api/auth/me", None).await;
    let (_, local) = server.call("GET", "/api/auth/me", None).await;
    assert_eq!(me.json()["user"], local["user"], "the owner");
    assert_eq!(ask(&link).await.status, 401);
}

#[tokio::test]
async fn h38_nobody_sets_a_server_up_without_the_link_it_has_printed() {
    let server = Server::start().await;
    let guess = "A".repeat(43);
    for (path, body) in [
        ("/api/auth/link", json!({ "token": guess })),
        ("/api/auth/login", json!({ "username": "owner", "password": PASSWORD })),
        ("/api/users", json!({ "username": "first", "role": "admin", "password": PASSWORD })),
        ("/api/tokens", json!({ "name": "first", "scopes": ["users:manage"] })),
    ] {
        assert_eq!(server.ask(None, "POST", path, Some(body)).await.status, 401, "{path}");
    }
    let password = json!({ "password": { "new": PASSWORD } });
    assert_eq!(server.ask(None, "PATCH", "/api/auth/me", Some(password)).await.status, 401);
    assert_eq!(server.call("GET", "/api/users", None).await.1.as_array().map(Vec::len), Some(1), "the owner alone");
    let owner = Login::by_link(&server).await;
    let link = json!({ "token": server.login.clone().expect("a link") });
    let second = server.ask(None, "POST", "/api/auth/link", Some(link)).await;
    assert_eq!(second.code(), (401, "invalid_login".into()), "a second time");
    assert_eq!(owner.ask(&server, "GET", "/api/users", None).await.status, 200);
}
