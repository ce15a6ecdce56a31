//! Logging in with the word of a provider: what counts, and everything that does not.

use std::collections::BTreeMap;

use reqwest::redirect::Policy;
use serde_json::{Value, json};
use sqlx::Connection as _;
use tempfile::TempDir;

use super::PASSWORD;
use crate::support::provider::{CLIENT_ID, CLIENT_SECRET, Lie, Provider};
use crate::support::{Answer, Login, Server, patiently};

/// A server, the provider it believes, and another one that it believes as well.
struct Place {
    server: Server,
    provider: Provider,
    other: Provider,
    /// With the settings.
    folder: TempDir,
}

/// A browser as far as logging in goes: it keeps cookies and follows what it is told step by step.
#[derive(Default)]
struct Browser {
    cookies: BTreeMap<String, String>,
}

impl Place {
    /// `settings` are lines of the provider's table.
    async fn open(settings: &str) -> Self {
        let folder = tempfile::tempdir().expect("a directory");
        let (provider, other) = (Provider::start().await, Provider::start().await);
        let table = |name: &str, provider: &Provider, settings: &str| {
            format!("[oidc.{name}]\nissuer = '{}'\nclient_id = '{CLIENT_ID}'\n{settings}\n", provider.issuer())
        };
        let file = folder.path().join("fantail.toml");
        let secret = folder.path().join("secret");
        std::fs::write(&secret, format!("{CLIENT_SECRET}\n")).expect("written");
        let from_file = format!("client_secret_file = '{}'", secret.display());
        let tables =
            [table("corp", &provider, &format!("label = 'Corp'\n{settings}")), table("other", &other, &from_file)];
        std::fs::write(&file, tables.concat()).expect("written");
        let data = tempfile::tempdir().expect("a directory");
        let log = std::fs::File::create(folder.path().join("log")).expect("a file");
        let arguments = ["--config", file.to_str().expect("UTF-8"), "--log-level", "debug"];
        let secret = [("FANTAIL_OIDC_CORP_CLIENT_SECRET", CLIENT_SECRET)];
        let server = Server::launch_logging(data, &arguments, &secret, log.into()).await;
        for (name, provider) in [("corp", &provider), ("other", &other)] {
            provider.registers(&format!("{}/api/auth/oidc/{name}/callback", server.url));
        }
        Self { server, provider, other, folder }
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).expect("a log")
    }

    /// Links an identity of the provider's to an account.
    async fn links(&self, login: &Login, person: Value) {
        self.provider.serves(person);
        let mut browser = Browser::default();
        let url = browser.begin_link(&self.server, login, "corp").await;
        let back = browser.come_back(&self.server, &at_provider(&url).await).await;
        assert_eq!(back.header("location"), Some("/"), "{back:?}");
    }
}

/// Where the provider sends the browser that goes to `url`.
async fn at_provider(url: &str) -> String {
    let answer = patiently("the provider", browsing().get(url).send()).await.expect("answered");
    let to = answer.headers().get("location").map(|to| to.to_str().expect("text").to_owned());
    to.unwrap_or_else(|| panic!("the provider refuses: {}", answer.status()))
}

fn browsing() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().redirect(Policy::none()).build().expect("a client")
}

impl Browser {
    fn keep(&mut self, answer: &Answer) {
        for set in answer.headers.get_all("set-cookie") {
            let pair = set.to_str().expect("text").split(';').next().expect("a pair");
            let (name, value) = pair.split_once('=').expect("a pair");
            self.cookies.insert(name.into(), value.into());
        }
    }

    async fn begin(&mut self, server: &Server, provider: &str, body: Value) -> Answer {
        let url = format!("{}/api/auth/oidc/{provider}/begin", server.url);
        let request = browsing().post(url).header("origin", &server.url).json(&body);
        let answer =
            Answer::of(patiently("an answer", self.with_cookies(request).send()).await.expect("answered")).await;
        self.keep(&answer);
        answer
    }

    async fn begin_link(&mut self, server: &Server, login: &Login, provider: &str) -> String {
        let url = format!("{}/api/auth/me/identities", server.url);
        let request = browsing().post(url).header("origin", &server.url).bearer_auth(&login.access);
        let request = request.json(&json!({ "provider": provider }));
        let answer = Answer::of(patiently("an answer", request.send()).await.expect("answered")).await;
        self.keep(&answer);
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()["url"].as_str().expect("an address").to_owned()
    }

    fn with_cookies(&self, request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
        let pairs: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        if pairs.is_empty() { request } else { request.header("cookie", pairs.join("; ")) }
    }

    /// Follows the provider's link back, as a browser does: from another site, with the one cookie that is sent then.
    async fn come_back(&mut self, server: &Server, to: &str) -> Answer {
        assert!(to.starts_with(&server.url), "{to}");
        let mut request =
            browsing().get(to).header("sec-fetch-site", "cross-site").header("sec-fetch-mode", "navigate");
        if let Some(cookie) = self.cookies.get("fantail_oidc") {
            request = request.header("cookie", format!("fantail_oidc={cookie}"));
        }
        let answer = Answer::of(patiently("an answer", request.send()).await.expect("answered")).await;
        assert_eq!(answer.status, 303, "{answer:?}");
        self.keep(&answer);
        answer
    }

    /// A whole login; where it ends.
    async fn log_in(&mut self, place: &Place) -> String {
        let begun = self.begin(&place.server, "corp", json!({})).await;
        assert_eq!(begun.status, 200, "{begun:?}");
        let back = at_provider(begun.json()["url"].as_str().expect("an address")).await;
        self.come_back(&place.server, &back).await.header("location").expect("a place").to_owned()
    }

    /// What the page does when it is opened next.
    async fn renew(&self, server: &Server) -> Answer {
        let request = browsing().post(format!("{}/api/auth/refresh", server.url)).header("origin", &server.url);
        Answer::of(patiently("an answer", self.with_cookies(request).send()).await.expect("answered")).await
    }
}

fn refused(code: &str) -> String {
    format!("/#login-error={code}")
}

#[tokio::test]
async fn somebody_logs_in_with_a_linked_identity_and_that_login_is_as_any_other() {
    let place = Place::open("").await;
    let (server, provider) = (&place.server, &place.provider);
    let listed = server.ask(None, "GET", "/api/auth/oidc", None).await.json();
    assert_eq!(listed, json!([{ "name": "corp", "label": "Corp" }, { "name": "other", "label": "other" }]));
    let ann = Login::of_new(server, "ann", PASSWORD).await;
    place.links(&ann, json!({ "sub": "s1", "email": "ann@example.org", "email_verified": true })).await;

    let mut browser = Browser::default();
    let begun = browser.begin(server, "corp", json!({ "next": "/s/abc" })).await;
    let cookie = begun.header("set-cookie").expect("a cookie").to_owned();
    assert!(cookie.contains("HttpOnly; SameSite=Lax; Path=/api/auth/oidc; Max-Age=600"), "{cookie}");
    let back = browser.come_back(server, &at_provider(begun.json()["url"].as_str().expect("an address")).await).await;
    assert_eq!(back.header("location"), Some("/s/abc"));
    assert_eq!(browser.cookies["fantail_oidc"], "", "it has done its work");
    assert!(browser.cookies.contains_key("fantail_device"));
    let login = Login::from_answer(&browser.renew(server).await);
    let me = login.ask(server, "GET", "/api/auth/me", None).await.json();
    assert_eq!((&me["user"]["username"], &me["auth"]), (&json!("ann"), &json!("token")));

    let linked = login.ask(server, "GET", "/api/auth/me/identities", None).await.json();
    assert_eq!((&linked[0]["provider"], &linked[0]["label"]), (&json!("corp"), &json!("ann@example.org")));
    let logins = login.ask(server, "GET", "/api/auth/logins", None).await.json();
    assert_eq!(logins.as_array().map(Vec::len), Some(2));
    let out = login.ask(server, "POST", "/api/auth/logout", None).await;
    assert_eq!(out.status, 204);
    assert_eq!(login.ask(server, "GET", "/api/auth/me", None).await.status, 401);
    provider.lies(Lie::EdDsa);
    assert_eq!(Browser::default().log_in(&place).await, "/", "signed with another algorithm");
    assert_eq!(provider.complaints(), [""; 0]);
}

#[tokio::test]
async fn an_unknown_identity_comes_in_only_where_it_may_and_never_by_its_mail_address() {
    let person =
        json!({ "sub": "s2", "email": "ann@example.org", "email_verified": true, "preferred_username": "ann" });
    let closed = Place::open("").await;
    let _ann = Login::of_new(&closed.server, "ann", PASSWORD).await;
    closed.provider.serves(person.clone());
    let mut browser = Browser::default();
    assert_eq!(browser.log_in(&closed).await, refused("oidc_unknown"));
    assert!(!browser.cookies.contains_key("fantail_refresh"), "{:?}", browser.cookies);

    let place = Place::open("sign_up = 'guest'\nallowed_domains = ['example.org']").await;
    let server = &place.server;
    let added = server.fantail(&["user", "add", "ann", "--mail", "ann@example.org"], PASSWORD).await;
    assert!(added.status.success(), "{added:?}");
    place.provider.serves(person.clone());
    let mut browser = Browser::default();
    assert_eq!(browser.log_in(&place).await, "/");
    let login = Login::from_answer(&browser.renew(server).await);
    let me = login.ask(server, "GET", "/api/auth/me", None).await.json()["user"].clone();
    assert_eq!((&me["username"], &me["role"], &me["mail"]), (&json!("ann-2"), &json!("guest"), &Value::Null));
    let mut again = Browser::default();
    assert_eq!(again.log_in(&place).await, "/");
    let same = Login::from_answer(&again.renew(server).await).ask(server, "GET", "/api/auth/me", None).await;
    assert_eq!(same.json()["user"]["id"], me["id"], "the same account the next time");
    for (field, value) in
        [("email", json!("ann@example.org.evil.example")), ("email_verified", json!(false)), ("email", Value::Null)]
    {
        let mut foreign = person.clone();
        foreign["sub"] = "s3".into();
        foreign[field] = value;
        place.provider.serves(foreign);
        assert_eq!(Browser::default().log_in(&place).await, refused("oidc_domain"), "{field}");
    }
    assert_eq!(place.provider.complaints(), [""; 0]);
}

#[tokio::test]
async fn an_answer_counts_once_in_the_browser_that_asked_at_the_provider_that_was_asked() {
    let place = Place::open("sign_up = 'member'").await;
    let server = &place.server;
    let begun = async |browser: &mut Browser| {
        let begun = browser.begin(server, "corp", json!({})).await;
        at_provider(begun.json()["url"].as_str().expect("an address")).await
    };
    let ends = async |browser: &mut Browser, to: &str| {
        browser.come_back(server, to).await.header("location").expect("a place").to_owned()
    };
    let mut browser = Browser::default();
    let back = begun(&mut browser).await;
    let cookie = browser.cookies["fantail_oidc"].clone();
    assert_eq!(ends(&mut browser, &back).await, "/");
    browser.cookies.insert("fantail_oidc".into(), cookie);
    assert_eq!(ends(&mut browser, &back).await, refused("oidc_state"), "a second time");

    let mut victim = Browser::default();
    let back = begun(&mut victim).await;
    assert_eq!(ends(&mut Browser::default(), &back).await, refused("oidc_state"), "without the cookie");
    assert_eq!(ends(&mut victim, &back).await, refused("oidc_state"), "it is used up by that");
    let (mut one, mut two) = (Browser::default(), Browser::default());
    let (first, second) = (begun(&mut one).await, begun(&mut two).await);
    assert_eq!(ends(&mut one, &second).await, refused("oidc_state"), "another browser's");
    let elsewhere = first.replace("/oidc/corp/", "/oidc/other/");
    assert_eq!(ends(&mut one, &elsewhere).await, refused("oidc_state"), "at another provider");

    let mut late = Browser::default();
    let back = begun(&mut late).await;
    let file = format!("sqlite://{}", server.data().join("fantail.db").display());
    let mut database = sqlx::SqliteConnection::connect(&file).await.expect("the database");
    sqlx::query("update oidc_states set expires = 1").execute(&mut database).await.expect("changed");
    assert_eq!(ends(&mut late, &back).await, refused("oidc_state"), "too late");

    let base = format!("{}/api/auth/oidc", server.url);
    let mut browser = Browser::default();
    let back = begun(&mut browser).await;
    for wrong in
        ["corp/callback", "corp/callback?state=x&code=y", "nobody/callback?state=x", "corp/callback?state=a&state=b"]
    {
        assert_eq!(ends(&mut browser, &format!("{base}/{wrong}")).await, refused("oidc_state"), "{wrong}");
    }
    let (head, _) = back.split_once('?').expect("a query");
    let state = back.split(['?', '&']).find(|pair| pair.starts_with("state=")).expect("a state");
    assert_eq!(ends(&mut browser, &format!("{head}?{state}")).await, refused("oidc_state"), "without a code");
}

#[tokio::test]
async fn a_login_is_begun_by_a_page_of_ours_and_leads_to_one() {
    let place = Place::open("").await;
    let server = &place.server;
    let mut browser = Browser::default();
    for next in ["//evil.example", "https://evil.example", "/\\evil.example", "s", "/a?b", ""] {
        let answer = browser.begin(server, "corp", json!({ "next": next })).await;
        assert_eq!(answer.code(), (400, "invalid_field".into()), "{next}");
    }
    assert_eq!(browser.begin(server, "nobody", json!({})).await.code(), (404, "not_found".into()));
    let bare = server.ask(None, "POST", "/api/auth/oidc/corp/begin", None).await;
    assert_eq!(bare.code(), (403, "foreign_origin".into()), "no page");
    let url = format!("{}/api/auth/oidc/corp/begin", server.url);
    let foreign = browsing().post(url).header("origin", "http://evil.example");
    let foreign = Answer::of(patiently("an answer", foreign.send()).await.expect("answered")).await;
    assert_eq!(foreign.code(), (403, "foreign_origin".into()));
    assert!(browser.cookies.is_empty());
}

#[tokio::test]
async fn a_word_that_is_not_good_lets_nobody_in() {
    let place = Place::open("sign_up = 'member'").await;
    for (lie, code) in [
        (Lie::Nonce, "oidc_invalid"),
        (Lie::NoNonce, "oidc_invalid"),
        (Lie::Audience, "oidc_invalid"),
        (Lie::FurtherAudience, "oidc_invalid"),
        (Lie::Issuer, "oidc_invalid"),
        (Lie::AlgNone, "oidc_invalid"),
        (Lie::Hs256, "oidc_invalid"),
        (Lie::Expired, "oidc_invalid"),
        (Lie::Signature, "oidc_invalid"),
        (Lie::StrangeKey, "oidc_invalid"),
        (Lie::AccessTokenHash, "oidc_invalid"),
        (Lie::WrongIssuerParameter, "oidc_invalid"),
        (Lie::Denies, "oidc_denied"),
        (Lie::TokenError, "oidc_unavailable"),
        (Lie::Garbage, "oidc_unavailable"),
        (Lie::Huge, "oidc_unavailable"),
        (Lie::NoIdToken, "oidc_unavailable"),
        (Lie::ElsewhereWithToken, "oidc_unavailable"),
        (Lie::Silence, "oidc_unavailable"),
    ] {
        place.provider.lies(lie);
        let mut browser = Browser::default();
        assert_eq!(browser.log_in(&place).await, refused(code), "{lie:?}");
        assert!(!browser.cookies.contains_key("fantail_refresh"), "{lie:?}");
    }
    let (_, users) = place.server.call("GET", "/api/users", None).await;
    assert_eq!(users.as_array().map(Vec::len), Some(1), "nobody has signed up");
    place.provider.lies(Lie::None);
    assert_eq!(Browser::default().log_in(&place).await, "/", "it is good otherwise");
    assert_eq!(place.provider.complaints(), [""; 0], "what it was sent was right all the time");
    // Neither its words nor ours to it are written down.
    assert!(!place.log().contains("canary7f3a"), "{}", place.log());
    assert!(place.log().contains("an id token is not good"));
}

#[tokio::test]
async fn identities_are_linked_by_their_owner_only_and_unlinked() {
    let place = Place::open("").await;
    let (server, provider) = (&place.server, &place.provider);
    let (ann, bob) = (Login::of_new(server, "ann", PASSWORD).await, Login::of_new(server, "bob", PASSWORD).await);
    place.links(&ann, json!({ "sub": "s1" })).await;
    place.links(&ann, json!({ "sub": "s1" })).await;
    let mut browser = Browser::default();
    let url = browser.begin_link(server, &bob, "corp").await;
    let back = browser.come_back(server, &at_provider(&url).await).await;
    assert_eq!(back.header("location"), Some(refused("oidc_taken").as_str()), "another's");
    let mut browser = Browser::default();
    let url = browser.begin_link(server, &bob, "corp").await;
    let back = Browser::default().come_back(server, &at_provider(&url).await).await;
    assert_eq!(back.header("location"), Some(refused("oidc_state").as_str()), "in another's browser");

    let linked = ann.ask(server, "GET", "/api/auth/me/identities", None).await.json();
    assert_eq!(linked.as_array().map(Vec::len), Some(1));
    let path = format!("/api/auth/me/identities/{}", linked[0]["id"].as_str().expect("an id"));
    assert_eq!(bob.ask(server, "DELETE", &path, None).await.code(), (404, "not_found".into()));
    assert_eq!(Browser::default().log_in(&place).await, "/");
    assert_eq!(ann.ask(server, "DELETE", &path, None).await.status, 204);
    assert_eq!(ann.ask(server, "DELETE", &path, None).await.status, 404);
    assert_eq!(Browser::default().log_in(&place).await, refused("oidc_unknown"));
    let refresh: Vec<_> = provider.tokens().into_iter().filter(|token| token.contains("refresh")).collect();
    assert_eq!(provider.revoked(), [refresh[refresh.len() - 2].clone()], "the last before it was unlinked");
    assert_eq!(provider.complaints(), [""; 0]);
    assert_eq!(place.other.complaints(), [""; 0]);
}

#[tokio::test]
async fn a_disabled_account_stays_out_and_its_logins_end() {
    let place = Place::open("").await;
    let server = &place.server;
    let ann = Login::of_new(server, "ann", PASSWORD).await;
    place.links(&ann, json!({ "sub": "s1" })).await;
    let mut browser = Browser::default();
    assert_eq!(browser.log_in(&place).await, "/");
    let mut linking = Browser::default();
    let url = linking.begin_link(server, &ann, "corp").await;
    let (_, users) = server.call("GET", "/api/users", None).await;
    let id = users.as_array().expect("users").iter().find(|user| user["username"] == "ann").expect("ann")["id"].clone();
    let path = format!("/api/users/{}", id.as_str().expect("an id"));
    assert_eq!(server.call("PATCH", &path, Some(json!({ "disabled": true }))).await.0, 200);
    assert_eq!(browser.renew(server).await.status, 401);
    assert_eq!(Browser::default().log_in(&place).await, refused("oidc_disabled"));
    place.provider.serves(json!({ "sub": "another" }));
    let back = linking.come_back(server, &at_provider(&url).await).await;
    assert_eq!(back.header("location"), Some(refused("oidc_disabled").as_str()));
    assert_eq!(server.call("PATCH", &path, Some(json!({ "disabled": false }))).await.0, 200);
    place.provider.serves(json!({ "sub": "s1" }));
    assert_eq!(Browser::default().log_in(&place).await, "/");
}

#[tokio::test]
async fn what_a_provider_gives_is_kept_sealed_and_opens_after_the_keys_were_changed() {
    let place = Place::open("").await;
    let (server, provider) = (&place.server, &place.provider);
    let ann = Login::of_new(server, "ann", PASSWORD).await;
    place.links(&ann, json!({ "sub": "s1" })).await;
    let resealed = server.fantail(&["keys", "reseal"], "").await;
    let said = String::from_utf8_lossy(&[resealed.stdout, resealed.stderr].concat()).into_owned();
    assert!(resealed.status.success() && said.contains("sealed anew: 2"), "{said}");
    let given = provider.tokens();
    assert_eq!(given.len(), 2);
    for entry in std::fs::read_dir(server.data()).expect("readable") {
        let path = entry.expect("an entry").path();
        let bytes = std::fs::read(&path).expect("readable");
        for secret in given.iter().map(String::as_str).chain([CLIENT_SECRET]) {
            assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()), "in {}", path.display());
        }
    }
    let linked = ann.ask(server, "GET", "/api/auth/me/identities", None).await.json();
    let path = format!("/api/auth/me/identities/{}", linked[0]["id"].as_str().expect("an id"));
    assert_eq!(ann.ask(server, "DELETE", &path, None).await.status, 204);
    let refresh = given.iter().find(|token| token.contains("refresh")).expect("a refresh token");
    assert_eq!(provider.revoked(), std::slice::from_ref(refresh), "it was opened to be given back");
}
