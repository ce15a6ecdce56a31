//! What a terminal shows, over REST: in every format, with ETags, waited for, and refused where it must be.

use serde_json::{Value, json};

use crate::support::raw::Raw;
use crate::support::{Answer, Login, Server, http, open_descriptors, patiently, until};

/// Clears the screen, shows what a terminal can show in its first rows, and stays.
const PICTURE: &str = "printf '\\033[2J\\033[H\
    plain \\033[31mred\\033[1m bold\\033[m [style] <b>&amp;\\r\\n\
    \\033[38;2;0;0;255;48;5;17mdeep\\033[m \\033[4:3mcurl\\033[m \\033[7mturned\\033[m\\r\\n\
    \\346\\274\\242\\345\\255\\227 e\\314\\201\\r\\n\
    \\033]8;;https://example.org/?a=1&b=2\\033\\\\here\\033]8;;\\033\\\\ \
    \\033]8;;javascript:alert(1)\\033\\\\there\\033]8;;\\033\\\\\\r\\n\
    \\033]0;a title\\007\\033[6;3Hdone'; exec sleep 1000";

/// What a screen is when it stands still: asked with an ETag until the ETag stays.
struct Viewer<'a> {
    server: &'a Server,
    session: String,
}

impl<'a> Viewer<'a> {
    async fn of(server: &'a Server, command: &[&str]) -> Self {
        Self { server, session: server.open(command).await }
    }

    fn path(&self, what: &str) -> String {
        format!("/api/sessions/{}/{what}", self.session)
    }

    async fn get(&self, what: &str) -> Answer {
        self.server.ask(Some(&self.server.token), "GET", &self.path(what), None).await
    }

    /// The same by someone who has `tag`.
    async fn get_unless(&self, what: &str, tag: &str) -> Answer {
        let request = self.server.request("GET", &self.path(what)).header("if-none-match", tag);
        Answer::of(patiently("an answer", request.send()).await.expect("answered")).await
    }

    /// The screen in `format` once its text contains `wanted`.
    async fn until(&self, wanted: &str) -> String {
        let mut tag = "none".to_owned();
        let shown = async {
            loop {
                let answer = self.get_unless("screen?wait=55000", &tag).await;
                if answer.status == 304 {
                    continue;
                }
                assert_eq!(answer.status, 200, "{answer:?}");
                let shown = text_of(&answer);
                if shown.contains(wanted) {
                    return shown;
                }
                tag = tag_of(&answer);
            }
        };
        patiently(wanted, shown).await
    }

    async fn types(&self, text: &str) {
        self.server.input(&self.session, text).await;
    }
}

fn tag_of(answer: &Answer) -> String {
    let tag = answer.header("etag").expect("an ETag").to_owned();
    assert!(tag.starts_with('"') && tag.ends_with('"'), "a strong one: {tag}");
    tag
}

fn text_of(answer: &Answer) -> String {
    String::from_utf8(answer.body.clone()).expect("UTF-8")
}

#[tokio::test]
async fn a_screen_is_told_in_every_format() {
    let server = Server::start().await;
    let viewer = Viewer::of(&server, &["sh", "-c", PICTURE]).await;
    let text = viewer.until("done").await;
    let rows: Vec<_> = text.split('\n').collect();
    assert_eq!(rows[..4], ["plain red bold [style] <b>&amp;", "deep curl turned", "漢字 e\u{301}", "here there"]);
    assert_eq!((rows[4], rows[5], rows.len()), ("", "  done", 25), "a line for each row, ended by a newline");

    let answer = viewer.get("screen?format=ansi").await;
    assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"));
    let ansi = text_of(&answer);
    assert!(ansi.starts_with("plain \x1b[31mred\x1b[1m bold\x1b[m [style]"), "{ansi:?}");
    assert!(ansi.contains("\x1b]8;;https://example.org/?a=1&b=2\x1b\\here\x1b]8;;\x1b\\"), "{ansi:?}");
    assert!(ansi.ends_with("\x1b[m"), "{ansi:?}");

    let answer = viewer.get("screen?format=html").await;
    assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"));
    let policy = answer.header("content-security-policy").expect("a policy");
    assert!(policy.contains("default-src 'none'") && policy.contains("sandbox") && !policy.contains("script-src"));
    let html = text_of(&answer);
    assert!(html.contains("[style] &lt;b&gt;&amp;amp;"), "{html}");
    assert!(html.contains("<span style=\"color:#0000ff;background:#00005f\">deep</span>"), "{html}");
    assert!(html.contains("<a href=\"https://example.org/?a=1&amp;b=2\""), "{html}");
    assert!(html.contains("there") && !html.contains("javascript"), "{html}");

    let answer = viewer.get("screen?format=json").await;
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let screen = answer.json();
    assert_eq!((&screen["cols"], &screen["rows"], &screen["alternate"]), (&json!(80), &json!(24), &json!(false)));
    assert_eq!(screen["cursor"]["col"], 6);
    assert_eq!(screen["cursor"]["row"], 5);
    assert_eq!(screen["title"], "a title");
    assert_eq!(screen["scrollback"], 0);
    assert_eq!(screen["offset"], server.session(&viewer.session).await["output"]["end"]);
    assert_eq!(answer.header("fantail-offset"), Some(screen["offset"].to_string().as_str()));
    assert_eq!((answer.header("fantail-cols"), answer.header("fantail-rows")), (Some("80"), Some("24")));
    let lines = screen["lines"].as_array().expect("lines");
    assert_eq!(lines.len(), 24);
    assert_eq!(lines[0]["runs"][1], json!({ "text": "red", "cols": 3, "fg": 1 }));
    assert_eq!(lines[0]["runs"][2], json!({ "text": " bold", "cols": 5, "fg": 1, "bold": true }));
    assert_eq!(lines[1]["runs"][0], json!({ "text": "deep", "cols": 4, "fg": "#0000ff", "bg": 17 }));
    assert_eq!(lines[2]["runs"][0]["cols"], 6);
    assert_eq!(lines[3]["runs"][0]["link"], "https://example.org/?a=1&b=2");
}

#[tokio::test]
async fn text_is_what_is_visible_with_marks_of_style_if_wanted() {
    let server = Server::start().await;
    let viewer = Viewer::of(&server, &["sh", "-c", PICTURE]).await;
    viewer.until("done").await;
    let plain = viewer.get("text").await;
    assert_eq!(plain.header("content-type"), Some("text/plain; charset=utf-8"));
    let expected = "plain red bold [style] <b>&amp;\ndeep curl turned\n漢字 e\u{301}\nhere there\n\n  done\n";
    assert_eq!(text_of(&plain), expected);
    let styled = viewer.get("text?styles").await;
    assert_eq!(
        text_of(&styled),
        "plain [style fg=\"1\"]red[/style][style fg=\"1\" bold] bold[/style] [\\style] <b>&amp;\n\
         [style fg=\"0,0,255\" bg=\"17\"]deep[/style] [style underline]curl[/style] [style inverse]turned[/style]\n\
         漢字 e\u{301}\nhere there\n\n  done\n"
    );
    assert_eq!(text_of(&viewer.get("text?styles=false").await), expected);
    let again = viewer.get_unless("text?styles", &tag_of(&styled)).await;
    assert_eq!((again.status, again.body.len()), (304, 0));
    assert_eq!(viewer.get_unless("text", &tag_of(&styled)).await.status, 200, "it is another text");
}

#[tokio::test]
async fn scrollback_is_told_as_far_as_it_is_asked_for() {
    let server = Server::start().await;
    let program = "i=1; while [ $i -le 100 ]; do echo line $i; i=$((i+1)); done; printf end; exec sleep 1000";
    let viewer = Viewer::of(&server, &["sh", "-c", program]).await;
    viewer.until("end").await;
    let first = |text: String| text.lines().next().unwrap_or_default().to_owned();
    assert_eq!(first(text_of(&viewer.get("screen").await)), "line 78");
    assert_eq!(first(text_of(&viewer.get("screen?scrollback=7").await)), "line 71");
    assert_eq!(first(text_of(&viewer.get("screen?scrollback=10000").await)), "line 1");
    let screen = viewer.get("screen?format=json&scrollback=10000").await.json();
    assert_eq!((&screen["scrollback"], screen["lines"].as_array().map(Vec::len)), (&json!(77), Some(101)));
    assert_eq!(screen["cursor"]["row"], 23);
    let snapshot = viewer.get("snapshot?scrollback=5").await;
    assert_eq!(snapshot.header("fantail-scrollback"), Some("5"));
}

#[tokio::test]
async fn a_snapshot_makes_a_blank_terminal_show_the_same() {
    use fantail::terminal::Size;
    use fantail::terminal::screen::Screen;
    let server = Server::start().await;
    let viewer = Viewer::of(&server, &["sh", "-c", PICTURE]).await;
    let text = viewer.until("done").await;
    let answer = viewer.get("snapshot").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("application/octet-stream"));
    assert_eq!((answer.header("fantail-cols"), answer.header("fantail-rows")), (Some("80"), Some("24")));
    assert_eq!(answer.header("fantail-scrollback"), Some("0"));
    let end = server.session(&viewer.session).await["output"]["end"].to_string();
    assert_eq!(answer.header("fantail-offset"), Some(end.as_str()));
    let mut blank = Screen::new(Size::new(80, 24).expect("a size"), 100);
    blank.feed(&answer.body);
    let shown: Vec<String> =
        blank.lines(0).map(|line| line.runs.into_iter().map(|run| run.text).collect::<String>()).collect();
    assert_eq!(shown.join("\n") + "\n", text);
    assert_eq!(blank.title(), "a title");
    let again = viewer.get_unless("snapshot", &tag_of(&answer)).await;
    assert_eq!((again.status, again.body.len()), (304, 0));
    viewer.server.call("POST", &viewer.path("resize"), Some(json!({ "cols": 70, "rows": 20 }))).await;
    let resized = viewer.get_unless("snapshot", &tag_of(&answer)).await;
    assert_eq!((resized.status, resized.header("fantail-cols")), (200, Some("70")));
}

#[tokio::test]
async fn an_unchanged_screen_is_not_told_again() {
    let server = Server::start().await;
    let viewer = Viewer::of(&server, &["cat"]).await;
    viewer.types("one").await;
    viewer.until("one").await;
    let first = viewer.get("screen?format=html").await;
    let tag = tag_of(&first);
    let again = viewer.get_unless("screen?format=html", &tag).await;
    assert_eq!((again.status, again.body.len()), (304, 0));
    assert_eq!(again.header("etag"), Some(tag.as_str()));
    for known in [format!("W/{tag}"), format!("\"other\", {tag}"), "*".into()] {
        assert_eq!(viewer.get_unless("screen?format=html", &known).await.status, 304, "{known}");
    }
    for other in ["screen", "screen?format=html&scrollback=1", "screen?format=json"] {
        let answer = viewer.get_unless(other, &tag).await;
        assert_eq!(answer.status, 200, "{other}");
        assert_ne!(tag_of(&answer), tag, "{other}");
    }
    assert_eq!(viewer.get_unless("screen?format=html&wait=1", &tag).await.status, 304, "when the time is up");
    assert_eq!(viewer.get("screen?format=html&wait=55000").await.body, first.body, "who has nothing does not wait");
    viewer.types("two").await;
    viewer.until("two").await;
    let changed = viewer.get_unless("screen?format=html", &tag).await;
    assert_eq!(changed.status, 200);
    assert!(text_of(&changed).contains("onetwo"));
    // A size is a change too.
    let tag = tag_of(&changed);
    viewer.server.call("POST", &viewer.path("resize"), Some(json!({ "cols": 70, "rows": 20 }))).await;
    let resized = viewer.get_unless("screen?format=html&wait=55000", &tag).await;
    assert_eq!((resized.status, resized.header("fantail-cols")), (200, Some("70")));
}

#[tokio::test]
async fn a_crowd_that_waits_is_told_of_one_change() {
    let server = Server::start().await;
    let viewer = Viewer::of(&server, &["cat"]).await;
    viewer.types("one").await;
    viewer.until("one").await;
    let tag = tag_of(&viewer.get("screen?scrollback=100").await);
    let path = viewer.path("screen?scrollback=100&wait=55000");
    let crowd = crowd(&server, &path, &tag).await;
    viewer.types("two").await;
    for mut raw in crowd {
        let mut answer = raw.answer().await.expect("an answer");
        // The echo comes byte by byte: who is told of its first ones asks again.
        while text_of(&answer).starts_with("onet") && !text_of(&answer).starts_with("onetwo") {
            answer = raw.ask(&waits(&server, &path, &tag_of(&answer))).await;
        }
        assert_eq!(answer.status, 200);
        assert!(text_of(&answer).starts_with("onetwo"), "{:?}", text_of(&answer));
    }
}

#[tokio::test]
async fn those_who_hang_up_while_they_wait_are_not_waited_for() {
    let server = Server::start().await;
    let viewer = Viewer::of(&server, &["cat"]).await;
    let tag = tag_of(&viewer.get("screen").await);
    let idle = open_descriptors(server.pid());
    drop(crowd(&server, &viewer.path("screen?wait=55000"), &tag).await);
    until("connections gone", async || (open_descriptors(server.pid()) <= idle).then_some(())).await;
}

/// Two hundred whose requests for `path` wait, as far as the server has read them.
async fn crowd(server: &Server, path: &str, tag: &str) -> Vec<Raw> {
    const CROWD: usize = 200;
    let mut crowd = Vec::new();
    for _ in 0..CROWD {
        let mut raw = Raw::connect(server).await;
        raw.send(waits(server, path, tag)).await;
        crowd.push(raw);
    }
    for raw in &crowd {
        raw.until_read().await;
    }
    crowd
}

/// A request that waits, word by word.
fn waits(server: &Server, path: &str, tag: &str) -> String {
    let (host, token) = (server.authority(), &server.token);
    format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\nIf-None-Match: {tag}\r\n\r\n")
}

#[tokio::test]
async fn a_wait_ends_with_the_session_with_the_login_and_with_the_server() {
    let server = Server::start().await;
    let login = Login::by_link(&server).await;
    let ask = async |session: &str, tag: Option<&str>| {
        let url = format!("{}/api/sessions/{session}/screen?wait=55000", server.url);
        let request = http().get(url).bearer_auth(&login.access);
        let request = tag.into_iter().fold(request, |request, tag| request.header("if-none-match", tag));
        Answer::of(patiently("an answer", request.send()).await.expect("answered")).await
    };
    let session = server.open(&["cat"]).await;
    let tag = tag_of(&ask(&session, None).await);
    let waits_on = async {
        // The end of the program may be shown first.
        let mut tag = tag;
        loop {
            let answer = ask(&session, Some(&tag)).await;
            if answer.status != 200 {
                return answer;
            }
            tag = tag_of(&answer);
        }
    };
    let (ended, ()) = tokio::join!(waits_on, server.close(&session));
    assert_eq!(ended.code(), (404, "no_such_session".into()));

    let session = server.open(&["cat"]).await;
    let tag = tag_of(&ask(&session, None).await);
    let logout = async { login.ask(&server, "POST", "/api/auth/logout", None).await };
    let (ended, out) = tokio::join!(ask(&session, Some(&tag)), logout);
    assert_eq!((out.status, ended.code()), (204, (401, "invalid_token".into())));

    // One that does not end before its viewers are told why.
    let viewer = Viewer::of(&server, &["sh", "-c", "trap '' HUP TERM; echo ready; exec sleep 1000"]).await;
    viewer.until("ready").await;
    let tag = tag_of(&viewer.get("screen").await);
    let mut raw = Raw::connect(&server).await;
    raw.send(waits(&server, &viewer.path("screen?wait=55000"), &tag)).await;
    raw.until_read().await;
    server.signal(rustix::process::Signal::TERM);
    match raw.answer().await {
        Some(answer) => assert_eq!(answer.code(), (503, "draining".into())),
        None => panic!("hung up on without a word"),
    }
    // The program is ended with it.
    server.ended_now().await;
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_by_parameter_and_rule() {
    let server = Server::start().await;
    let viewer = Viewer::of(&server, &["cat"]).await;
    for (what, field, rule) in [
        ("screen?format=png", "format", "must be one of text, ansi, html and json"),
        ("screen?format=", "format", "must be one of text, ansi, html and json"),
        ("screen?scrollback=10001", "scrollback", "must be a number between 0 and 10000"),
        ("screen?scrollback=-1", "scrollback", "must be a number between 0 and 10000"),
        ("screen?wait=55001", "wait", "must be a number between 0 and 55000"),
        ("screen?wait=soon", "wait", "must be a number between 0 and 55000"),
        ("screen?formt=html", "formt", "unknown"),
        ("screen?format=html&format=html", "format", "given twice"),
        ("text?style", "style", "unknown"),
        ("text?styles=maybe", "styles", "must be true or false, or stand alone"),
        ("snapshot?format=text", "format", "unknown"),
        ("snapshot?scrollback=x", "scrollback", "must be a number between 0 and 10000"),
    ] {
        let answer = viewer.get(what).await;
        assert_eq!(answer.code(), (400, "invalid_query".into()), "{what}");
        assert_eq!(answer.json()["details"], json!({ "field": field, "rule": rule }), "{what}");
        assert_eq!(answer.json()["error"], format!("{field}: {rule}"), "{what}");
    }
}

#[tokio::test]
async fn a_stranger_learns_nothing_of_a_screen() {
    let server = Server::start().await;
    let viewer = Viewer::of(&server, &["sh", "-c", PICTURE]).await;
    viewer.until("done").await;
    let stranger = Login::of_new(&server, "mallory", "correct horse battery").await;
    for what in ["screen", "screen?format=json&wait=55000", "text", "snapshot"] {
        let answer = stranger.ask(&server, "GET", &viewer.path(what), None).await;
        assert_eq!(answer.code(), (404, "no_such_session".into()), "{what}");
    }
}

#[tokio::test]
async fn more_than_fits_is_refused_and_less_is_told() {
    let server = Server::start().await;
    // 200 lines of 100 runs that look different, all in one link of 2,000 characters: 40 MB as HTML, little as text.
    let program = "printf '\\033]8;;https://h/%02000d\\033\\\\' 0; line=''; i=0; \
                   while [ $i -lt 50 ]; do line=\"$line\\033[1mx\\033[mx\"; i=$((i+1)); done; \
                   i=0; while [ $i -lt 200 ]; do printf \"$line\\r\\n\"; i=$((i+1)); done; printf end; exec sleep 1000";
    let body = json!({ "command": ["sh", "-c", program], "cols": 120, "rows": 10 });
    let opened = server.open_with(body).await;
    let viewer = Viewer { server: &server, session: opened["id"].as_str().expect("id").to_owned() };
    viewer.until("end").await;
    let large = viewer.get("screen?format=html&scrollback=10000").await;
    assert_eq!(large.code(), (422, "screen_too_large".into()));
    assert_eq!(large.json()["details"]["bytes"], 16 * 1024 * 1024);
    assert_eq!(viewer.get("screen?format=html").await.status, 200);
    let text = text_of(&viewer.get("screen?scrollback=10000").await);
    assert_eq!(text.lines().filter(|line| *line == "x".repeat(100)).count(), 200);
}

#[tokio::test]
async fn the_session_object_tells_what_the_program_told_last() {
    let server = Server::start().await;
    let body = json!({ "command": ["cat"], "pace": "free", "sizes": "fixed" });
    let opened = server.open_with(body).await;
    for (field, value) in [
        ("title", Value::Null),
        ("cwd", Value::Null),
        ("bells", json!(0)),
        ("alternate", json!(false)),
        ("lastOutputAt", Value::Null),
        ("pace", json!("free")),
        ("sizes", json!("fixed")),
    ] {
        assert_eq!(opened[field], value, "{field}");
    }
    let program = "printf '\\033]2;t\\303\\251\\007\\033]7;file:///tmp/a%%20b\\033\\\\\\007\\007\\033[?1049halt'; exec sleep 1000";
    let viewer = Viewer::of(&server, &["sh", "-c", program]).await;
    viewer.until("alt").await;
    let session = server.session(&viewer.session).await;
    for (field, value) in
        [("title", json!("té")), ("cwd", json!("/tmp/a b")), ("bells", json!(2)), ("alternate", json!(true))]
    {
        assert_eq!(session[field], value, "{field}");
    }
    assert!(session["lastOutputAt"].as_str().is_some_and(|at| at.ends_with('Z')), "{session}");
    assert_eq!(viewer.get("screen?format=json").await.json()["alternate"], true);
    let path = format!("/api/sessions/{}", opened["id"].as_str().expect("an id"));
    let (_, renamed) = server.call("PATCH", &path, Some(json!({ "name": "quiet" }))).await;
    assert_eq!(renamed["lastOutputAt"], Value::Null, "a new name is no output");
    assert!(renamed["lastModified"].as_str() > renamed["startedAt"].as_str(), "but a change: {renamed}");
}

#[tokio::test]
async fn the_command_line_prints_a_screen() {
    let server = Server::start().await;
    let viewer = Viewer::of(&server, &["sh", "-c", PICTURE]).await;
    let text = viewer.until("done").await;
    let id = &viewer.session[..8];
    let printed = server.fantail(&["screen", id], "").await;
    assert!(printed.status.success(), "{printed:?}");
    assert_eq!(String::from_utf8_lossy(&printed.stdout), text, "text where stdout is no terminal");
    let printed = server.fantail(&["screen", id, "--format", "ansi", "--scrollback", "10"], "").await;
    assert!(String::from_utf8_lossy(&printed.stdout).starts_with("plain \x1b[31mred"), "{printed:?}");
    let refused = server.fantail(&["screen", id, "--format", "png"], "").await;
    assert_eq!(refused.status.code(), Some(2), "{refused:?}");
    assert!(String::from_utf8_lossy(&refused.stderr).contains("must be one of text, ansi, html and json"));
    let refused = server.fantail(&["screen", "nobody"], "").await;
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
}

#[tokio::test]
async fn a_session_behaves_as_xterm_where_the_setting_says_so() {
    // Margins at the sides, which the page does not have, and so neither have sessions that are shown there.
    let script = r"printf '\033[?69h\033[3;6s\033[1;3Habcdefgh\033[?69$p'; exec cat";
    for (emulation, wanted) in [("client", "  abcdefgh"), ("xterm", "  abcd\n  efgh")] {
        let server = Server::start_with(&["--emulation", emulation]).await;
        let id = server.open(&["sh", "-c", script]).await;
        let shown = async || {
            let (status, text) = server.call("GET", &format!("/api/sessions/{id}/text"), None).await;
            assert_eq!(status, 200, "{text}");
            text.as_str().is_some_and(|text| text.starts_with(wanted)).then_some(())
        };
        until(emulation, shown).await;
    }
}
