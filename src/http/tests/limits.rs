//! How often everyone may ask.

use super::*;

/// The defaults, but for fewer requests.
const RATES: Rates = {
    let (three, five, ten) = (NonZeroU32::new(3).unwrap(), NonZeroU32::new(5).unwrap(), NonZeroU32::new(10).unwrap());
    Rates { requests: ten, openings: five, tickets: five, expensive: three, saves: five, attempts: five }
};
const OTHER_PASSWORD: &str = "wrong horse battery";

async fn edge() -> Edge {
    Edge::with_rates(false, RATES).await
}

/// The request as it comes from that address.
fn from(address: &str, mut request: Request<HttpBody>) -> Request<HttpBody> {
    let local = Local::Tcp { address: HOST.parse().unwrap(), tls: false };
    let peer = format!("{address}:50000").parse().unwrap();
    request.extensions_mut().insert(Connection::between(local, Some(peer)));
    request
}

fn bearer(mut request: Request<HttpBody>, token: &str) -> Request<HttpBody> {
    request.headers_mut().insert(header::AUTHORIZATION, format!("Bearer {token}").parse().unwrap());
    request
}

fn wrong_login(name: &str) -> Request<HttpBody> {
    post("/api/auth/login", &[], &json!({"username": name, "password": OTHER_PASSWORD}))
}

fn right_login(headers: &[(header::HeaderName, &str)]) -> Request<HttpBody> {
    post("/api/auth/login", headers, &json!({"username": "ann", "password": PASSWORD}))
}

impl Edge {
    /// How many of so many such requests are let in.
    async fn let_in(&self, tries: usize, request: impl Fn() -> Request<HttpBody>) -> usize {
        let mut let_in = 0;
        for _ in 0..tries {
            let answer = self.send(request()).await;
            let is_held = answer.code() == (429, "rate_limited");
            assert!(is_held || answer.status != StatusCode::TOO_MANY_REQUESTS, "{}", answer.body);
            let_in += usize::from(!is_held);
        }
        let_in
    }

    /// An API token of Ann's.
    async fn token(&self, scopes: &[&str]) -> String {
        let asked = json!({"name": "test", "scopes": scopes});
        let minted = self.send(bearer(post("/api/tokens", &[], &asked), LOCAL_TOKEN)).await;
        assert_eq!(minted.status, StatusCode::CREATED, "{}", minted.body);
        minted.text("token")
    }
}

fn number(answer: &Answer, name: &str) -> u64 {
    let value = answer.headers.get(name).unwrap_or_else(|| panic!("no {name}"));
    value.to_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn every_answer_says_how_often_one_may_ask_and_one_too_many_when_to_come_back() {
    let edge = edge().await;
    for left in (0..10).rev() {
        let answer = edge.send(get("/api/no/such/route")).await;
        let told =
            ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"].map(|name| number(&answer, name));
        assert_eq!((answer.status, told), (StatusCode::NOT_FOUND, [10, left, 10 - left]));
    }
    let answer = edge.send(get("/api/no/such/route")).await;
    assert_eq!(answer.code(), (429, "rate_limited"));
    assert_eq!(answer.body["details"], json!({"class": "requests", "limit": 10}));
    assert!(answer.body["error"].as_str().unwrap().contains("try again in 1 s"), "{}", answer.body);
    let told = ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset", "retry-after"];
    assert_eq!(told.map(|name| number(&answer, name)), [10, 0, 1, 1]);
    assert_eq!(edge.let_in(5, || get("/health")).await, 5, "whoever watches over us is always told");
    edge.pass(3);
    assert_eq!(edge.let_in(10, || get("/api/sessions")).await, 3);
}

#[tokio::test]
async fn an_account_is_held_wherever_it_is_and_an_address_whoever_is_there() {
    let edge = edge().await;
    let login = edge.log_in().await.text("accessToken");
    let token = edge.token(&["sessions:view"]).await;
    let of_login = |address| from(address, bearer(get("/api/sessions"), &login));
    assert_eq!(edge.let_in(8, || of_login("10.0.0.1")).await, 8);
    assert_eq!(edge.let_in(8, || from("10.0.0.2", bearer(get("/api/sessions"), &token))).await, 2);
    assert_eq!(edge.let_in(20, || from("10.0.0.1", get("/"))).await, 10, "nobody, at the same address");
    assert_eq!(edge.let_in(20, || from("10.0.0.1", bearer(get("/"), "garbage"))).await, 0, "nor is that anybody");
    assert_eq!(edge.let_in(20, || from("10.0.0.3", get("/"))).await, 10);
}

#[tokio::test]
async fn only_a_token_made_for_load_tests_is_held_by_nothing() {
    let edge = edge().await;
    let ask = |token: String| move || bearer(get("/api/sessions"), &token);
    let scopes = ["sessions:view", "sessions:control", "sessions:open", "users:manage", "audit:read"];
    for (what, token) in [
        ("an administrator's login", edge.log_in().await.text("accessToken")),
        ("a token that may do everything else", edge.token(&scopes).await),
    ] {
        edge.pass(60);
        assert_eq!(edge.let_in(30, ask(token)).await, 10, "{what}");
    }
    let free = edge.token(&["sessions:view", "users:manage", "load-test"]).await;
    assert_eq!(edge.let_in(100, ask(free.clone())).await, 100);
    let add = || bearer(post("/api/users", &[], &json!({"username": "x", "role": "guest"})), &free);
    assert_eq!(edge.let_in(20, add).await, 20, "nor by what it saves");
    let member = Account { role: Role::Member, ..Account::of_test(2, "bob") };
    edge.app.store().add_account(&member).await.unwrap();
    let link = edge.app.mint_link_for(member.id).unwrap();
    let bob = edge.post("/api/auth/link", json!({"token": link})).await.text("accessToken");
    let asked = json!({"name": "mine", "scopes": ["load-test"]});
    let refused = edge.send(bearer(post("/api/tokens", &[], &asked), &bob)).await;
    assert_eq!(refused.code(), (403, "not_allowed"), "only administrators make one");
}

#[tokio::test]
async fn the_local_token_is_held_by_what_it_leaves_behind_only() {
    let edge = edge().await;
    assert_eq!(edge.let_in(100, || bearer(get("/api/sessions"), LOCAL_TOKEN)).await, 100);
    let mint = || bearer(post("/api/tokens", &[], &json!({"name": "n", "scopes": ["sessions:view"]})), LOCAL_TOKEN);
    assert_eq!(edge.let_in(20, mint).await, 5);
    let revoke = || bearer(Request::delete("/api/tokens/abc").body(HttpBody::empty()).unwrap(), LOCAL_TOKEN);
    assert_eq!(edge.let_in(20, revoke).await, 20, "who takes something away is not told to wait");
    edge.pass(12 * 60);
    assert_eq!(edge.let_in(20, mint).await, 1);
}

#[tokio::test]
async fn who_comes_with_a_ticket_is_who_has_bought_it() {
    let edge = edge().await;
    let token = edge.log_in().await.text("accessToken");
    let mut headers = header::HeaderMap::new();
    headers.insert(header::AUTHORIZATION, format!("Bearer {token}").parse().unwrap());
    let caller = Caller::of(&edge.app, &headers, &connection()).await.unwrap();
    let session = Uuid::from_u128(7);
    let ticket = edge.app.mint_ticket(&caller, session, crate::auth::Access::View).unwrap();
    let with = |ticket: &str| {
        let mut offering = get(&format!("/api/sessions/{session}/ws"));
        let offer = format!("fantail.v1, ticket.{ticket}").parse().unwrap();
        offering.headers_mut().insert(header::SEC_WEBSOCKET_PROTOCOL, offer);
        offering
    };
    let sockets = || Router::new().route("/api/sessions/{id}/ws", axum::routing::get(async || ""));
    let left = async |request: Request<HttpBody>| {
        let mut request = from("10.0.0.9", request);
        request.headers_mut().insert(header::HOST, HOST.parse().unwrap());
        let answer = edge.app.service(sockets()).answer(request).await;
        answer.headers()["x-ratelimit-remaining"].to_str().unwrap().to_owned()
    };
    assert_eq!(left(bearer(get("/"), &token)).await, "9");
    assert_eq!(left(with(&ticket)).await, "8", "of the account's");
    assert_eq!(left(with("guess")).await, "9", "of the address's");
    assert!(edge.app.redeem_ticket(&ticket, session).is_ok(), "it was looked at, not used");
}

#[tokio::test]
async fn sessions_tickets_and_deep_looks_have_limits_of_their_own() {
    let edge = edge().await;
    let token = edge.token(&["sessions:view", "sessions:open"]).await;
    let id = Uuid::from_u128(7);
    let deep = format!("/api/sessions/{id}/snapshot?scrollback=9000");
    let nonsense = json!({"nonsense": 1});
    for (path, request, limit) in [
        ("opening", post("/api/sessions", &[], &nonsense), 5),
        ("a ticket", post("/api/auth/ticket", &[], &nonsense), 5),
        ("a deep look", get(&deep), 3),
    ] {
        edge.pass(60);
        let again = || {
            let mut again = Request::builder().method(request.method()).uri(request.uri());
            again.headers_mut().unwrap().extend(request.headers().clone());
            bearer(again.body(HttpBody::from(nonsense.to_string())).unwrap(), &token)
        };
        assert_eq!(edge.let_in(8, again).await, limit, "{path}");
    }
}

#[tokio::test]
async fn five_wrong_passwords_are_checked_and_then_fewer_and_fewer() {
    let edge = edge().await;
    let from_anywhere = AtomicU64::new(0);
    let attempt = || {
        let n = from_anywhere.fetch_add(1, Ordering::Relaxed);
        from(&format!("10.0.{}.{}", n / 256, n % 256), wrong_login("ANN"))
    };
    assert_eq!(edge.let_in(20, attempt).await, 5, "of one account, from wherever");
    let mut waits = Vec::new();
    for _ in 0..6 {
        let held = edge.send(attempt()).await;
        assert_eq!(held.body["details"], json!({"class": "attempts", "limit": 5}));
        let wait = number(&held, "retry-after");
        waits.push(wait / 60);
        edge.pass(i64::try_from(wait).unwrap());
        assert_eq!(edge.let_in(3, attempt).await, 1, "after {wait} s");
    }
    assert_eq!(waits, [3, 6, 12, 15, 15, 15]);
    edge.pass(15 * 60);
    let right = edge.send(from("10.9.9.9", right_login(&[]))).await;
    assert_eq!(right.status, StatusCode::OK, "nobody is locked out");
    assert_eq!(edge.let_in(1, || from("10.9.9.8", right_login(&[]))).await, 1, "what succeeds does not count");
}

#[tokio::test]
async fn an_address_has_five_wrong_ones_whatever_it_tries() {
    let edge = edge().await;
    let names = AtomicU64::new(0);
    let guess = || wrong_login(&format!("user{}", names.fetch_add(1, Ordering::Relaxed)));
    assert_eq!(edge.let_in(10, || from("10.0.0.1", guess())).await, 5);
    assert_eq!(edge.send(from("10.0.0.1", right_login(&[]))).await.code(), (429, "rate_limited"));
    assert_eq!(edge.send(from("10.0.0.2", right_login(&[]))).await.status, StatusCode::OK);
    for path in ["/api/auth/link", "/api/shares/enter", "/api/auth/refresh"] {
        edge.pass(3 * 3600);
        let body = match path {
            "/api/auth/link" => json!({"token": "guess"}),
            "/api/shares/enter" => json!({"secret": "guess"}),
            _ => json!({"refreshToken": "guess"}),
        };
        assert_eq!(edge.let_in(9, || from("10.0.0.3", post(path, &[], &body))).await, 5, "{path}");
    }
    let login = edge.send(from("10.0.0.4", right_login(&[]))).await;
    let renewal = json!({"refreshToken": login.text("refreshToken")});
    let renewed = edge.send(from("10.0.0.3", post("/api/auth/refresh", &[], &renewal))).await;
    assert_eq!(renewed.status, StatusCode::OK, "who is in stays in");
}

#[tokio::test]
async fn the_password_there_is_cannot_be_guessed_by_who_is_logged_in() {
    let edge = edge().await;
    let token = edge.log_in().await.text("accessToken");
    let change = |current: &str| {
        let body = json!({"password": {"current": current, "new": "a better horse battery"}});
        let mut request = post("/api/auth/me", &[], &body);
        *request.method_mut() = axum::http::Method::PATCH;
        bearer(request, &token)
    };
    for _ in 0..5 {
        assert_eq!(edge.send(change(OTHER_PASSWORD)).await.code(), (401, "invalid_login"));
    }
    edge.pass(60 * 2);
    assert_eq!(edge.send(change(PASSWORD)).await.code(), (429, "rate_limited"));
}

#[tokio::test]
async fn a_browser_that_is_known_has_a_budget_of_its_own() {
    let edge = edge().await;
    let login = edge.send(from("10.0.0.1", right_login(&[(header::ORIGIN, ORIGIN)]))).await;
    let cookies = login.headers.get_all(header::SET_COOKIE).iter();
    let mut cookies = cookies.map(|cookie| cookie.to_str().unwrap().split(';').next().unwrap().to_owned());
    let device = cookies.find(|cookie| cookie.starts_with("fantail_device=")).unwrap();
    let known = [(header::ORIGIN, ORIGIN), (header::COOKIE, &*device)];
    assert_eq!(edge.let_in(10, || from("10.0.0.1", wrong_login("ann"))).await, 5);
    assert_eq!(edge.send(from("10.0.0.2", right_login(&[]))).await.code(), (429, "rate_limited"));
    edge.pass(10);
    for address in ["10.0.0.1", "10.0.0.2"] {
        assert_eq!(edge.send(from(address, right_login(&known))).await.status, StatusCode::OK, "{address}");
    }
    let wrong = || {
        let mut wrong = wrong_login("ann");
        wrong.headers_mut().extend(known.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())));
        from("10.0.0.1", wrong)
    };
    edge.pass(3600);
    assert_eq!(edge.let_in(10, wrong).await, 5);
}

#[tokio::test]
async fn while_the_store_is_away_nobody_tries_credentials_and_everybody_may_ask() {
    let edge = edge().await;
    let token = edge.log_in().await.text("accessToken");
    edge.store.close().await;
    assert_eq!(edge.send(right_login(&[])).await.code(), (503, "out_of_resources"));
    let link = edge.app.mint_link().unwrap();
    assert_eq!(edge.post("/api/auth/link", json!({"token": link})).await.code(), (503, "out_of_resources"));
    let answer = edge.get_as("/api/sessions", &token).await;
    assert_eq!((answer.status, number(&answer, "x-ratelimit-limit")), (StatusCode::OK, 10));
    let deep = format!("/api/sessions/{}/snapshot?scrollback=9000", Uuid::from_u128(7));
    assert_eq!(edge.get_as(&deep, &token).await.code(), (404, "no_such_session"), "a terminal needs no store");
    let add = bearer(post("/api/users", &[], &json!({"username": "bob", "role": "guest"})), &token);
    assert_eq!(edge.send(add).await.code(), (503, "out_of_resources"));
}
