//! Credentials tried over and over: what is guessed is checked a few times and then no more, and nobody else is kept out.
//!
//! What cannot be here: a signing key that is weak (40). Keys are made by the server and never written in a setting.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fantail::auth::{SECRET_BYTES, api_token};
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::transport::from_address;
use crate::auth::PASSWORD;
use crate::support::raw::request;
use crate::support::{Answer, Bystander, Login, Raw, Server};

/// The default.
const ATTEMPTS: usize = 5;

/// A server that is as strict with credentials as servers are.
async fn strict() -> std::sync::Arc<Server> {
    Server::start_with(&["--rate-attempts", "5"]).await
}

fn post(server: &Server, path: &str, headers: &[(&str, &str)], body: &Value) -> String {
    let body = body.to_string();
    let length = body.len().to_string();
    let usual =
        [("host", server.authority()), ("content-type", "application/json"), ("content-length", length.as_str())];
    let headers: Vec<_> = usual.into_iter().chain(headers.iter().copied()).collect();
    format!("{}{body}", request(&format!("POST {path}"), &headers))
}

/// The answers to so many such requests on one connection from that address.
async fn tried(server: &Server, from: u8, tries: usize, path: &str, body: impl Fn(usize) -> Value) -> Vec<Answer> {
    let mut raw = Raw::over(from_address(server, from).await);
    let mut answers = Vec::new();
    for turn in 0..tries {
        answers.push(raw.ask(&post(server, path, &[], &body(turn))).await);
    }
    answers
}

/// How many of them were checked; the others were told when to come back.
fn checked(answers: &[Answer], code: &str) -> usize {
    let (checked, held): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 401);
    assert!(checked.iter().all(|answer| answer.code().1 == code), "{checked:?}");
    for answer in held {
        assert_eq!(answer.code(), (429, "rate_limited".into()));
        let number = |name: &str| answer.header(name).and_then(|value| value.parse::<u64>().ok());
        assert!(number("retry-after").is_some_and(|wait| (1..=15 * 60).contains(&wait)), "{answer:?}");
        assert_eq!((number("x-ratelimit-limit"), number("x-ratelimit-remaining")), (Some(5), Some(0)));
    }
    checked.len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn h36_of_two_hundred_logins_at_once_five_are_checked_and_no_terminal_waits() {
    let mut bystander = Bystander::beside(strict().await).await;
    let server = bystander.server.clone();
    let _ann = Login::of_new(&server, "ann", PASSWORD).await;
    let storm = join_all((0..200).map(|turn| {
        let server = server.clone();
        async move { server.log_in_in_a_crowd("ann", &format!("wrong horse {turn}")).await }
    }));
    let mut storm = std::pin::pin!(storm);
    let answers = loop {
        tokio::select! {
            answers = &mut storm => break answers,
            () = bystander.is_served("a storm of logins") => {}
        }
    };
    assert_eq!(checked(&answers, "invalid_login"), ATTEMPTS);
}

#[tokio::test]
async fn h37_a_thousand_wrong_logins_from_elsewhere_keep_nobody_out_of_a_browser_they_use() {
    let server = strict().await;
    let _ann = Login::of_new(&server, "ann", PASSWORD).await;
    let right = json!({ "username": "ann", "password": PASSWORD });
    let from_a_page =
        |cookie: &str| post(&server, "/api/auth/login", &[("origin", &server.url), ("cookie", cookie)], &right);
    let first = Raw::connect(&server).await.ask(&from_a_page("")).await;
    let cookies = first.headers.get_all("set-cookie").iter().filter_map(|cookie| cookie.to_str().ok());
    let mut cookies = cookies.filter_map(|cookie| cookie.split(';').next());
    let device = cookies.find(|cookie| cookie.starts_with("fantail_device=")).expect("a cookie").to_owned();

    let wrong = |turn| json!({ "username": "ann", "password": format!("wrong horse {turn}") });
    let answers = tried(&server, 7, 1000, "/api/auth/login", wrong).await;
    assert_eq!(checked(&answers, "invalid_login"), ATTEMPTS);
    let stranger = tried(&server, 8, 1, "/api/auth/login", |_| right.clone()).await;
    assert_eq!(stranger[0].code(), (429, "rate_limited".into()), "nobody can tell that this is Ann");
    for address in [7, 9] {
        let mut raw = Raw::over(from_address(&server, address).await);
        let answer = raw.ask(&from_a_page(&device)).await;
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    let bob = Login::of_new(&server, "bob", PASSWORD).await;
    assert_eq!(bob.ask(&server, "GET", "/api/auth/me", None).await.status, 200, "others are not held");
}

#[tokio::test]
async fn h47_who_guesses_shares_is_soon_told_to_wait_and_whoever_has_one_is_let_in() {
    let server = strict().await;
    let session = server.open(&["cat"]).await;
    let share = server.call("POST", &format!("/api/sessions/{session}/shares"), Some(json!({}))).await.1;
    let secret = share["secret"].as_str().expect("a secret");
    assert!(secret.len() >= 43, "256 bits");
    let guess = |turn: usize| {
        let mut guess = secret.to_owned();
        guess.replace_range(..4, &format!("{turn:04}"));
        json!({ "secret": guess })
    };
    let answers = tried(&server, 7, 1000, "/api/shares/enter", guess).await;
    assert_eq!(checked(&answers, "invalid_share"), ATTEMPTS);
    let entered = tried(&server, 8, 1, "/api/shares/enter", |_| json!({ "secret": secret })).await;
    assert_eq!(entered[0].status, 200, "{entered:?}");
}

#[tokio::test]
async fn h34_a_token_is_as_wrong_at_its_first_byte_as_at_its_last() {
    /// Requests of each kind: the fastest of many is as fast as the machine can, whatever else it does.
    const TRIES: usize = 200;
    /// A comparison that stops at the first difference saves nanoseconds; what this would show is a look into the store
    /// that one kind costs and the other does not.
    const RATIO_MAX: f64 = 4.0;
    let server = Server::start().await;
    let asked = json!({ "name": "test", "scopes": ["sessions:view"] });
    let minted = server.call("POST", "/api/tokens", Some(asked)).await.1;
    let token = minted["token"].as_str().expect("a token").to_owned();
    let (id, rest) = token["ftl_".len()..].split_once('_').expect("an id");
    let secret: [u8; SECRET_BYTES] =
        URL_SAFE_NO_PAD.decode(&rest[..43]).expect("base64url").try_into().expect("256 bits");
    let wrong_at = |at: usize| {
        let mut wrong = secret;
        wrong[at] ^= 1;
        api_token::mint(id.parse().expect("an id"), wrong).text
    };
    let kinds = [wrong_at(0), wrong_at(SECRET_BYTES - 1)];
    assert_eq!(api_token::mint(id.parse().expect("an id"), secret).text, token);
    assert_eq!(server.ask(Some(&token), "GET", "/api/profiles", None).await.status, 200);
    let mut fastest = [Duration::MAX; 2];
    for _ in 0..TRIES {
        for (fastest, wrong) in fastest.iter_mut().zip(&kinds) {
            let begun = Instant::now();
            let answer = server.ask(Some(wrong), "GET", "/api/profiles", None).await;
            *fastest = begun.elapsed().min(*fastest);
            assert_eq!(answer.code(), (401, "invalid_token".into()), "{wrong}");
        }
    }
    let [first, last] = fastest.map(|time| time.as_secs_f64());
    assert!((first / last).max(last / first) < RATIO_MAX, "{first} s at the first byte, {last} s at the last");
}

#[test]
fn h48_ids_are_random_in_every_bit_and_none_comes_twice() {
    /// Ids that are made.
    const IDS: u32 = 100_000;
    /// Bits of a UUID that say which kind it is: version and variant.
    const KIND: u128 = 0xf << 76 | 0b11 << 62;
    let outside = fantail::server::outside();
    let ids: Vec<_> = (0..IDS).map(|_| outside.id().expect("randomness").as_u128()).collect();
    assert_eq!(ids.iter().collect::<HashSet<_>>().len(), ids.len());
    assert_eq!(KIND.count_zeros(), 122);
    for bit in (0..128).map(|bit| 1_u128 << bit).filter(|bit| bit & KIND == 0) {
        // Half of them; five in a hundred off is thirty standard deviations.
        let set = ids.iter().filter(|id| **id & bit != 0).count();
        assert!((45_000..55_000).contains(&set), "{bit:x}: {set}");
        let kept = ids.windows(2).filter(|two| (two[0] ^ two[1]) & bit == 0).count();
        assert!((45_000..55_000).contains(&kept), "{bit:x} follows the one before: {kept}");
    }
}
