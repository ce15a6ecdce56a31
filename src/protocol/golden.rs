//! Each message once as bytes and once as a value, in `tests/fixtures/wire/golden.json`, which the web client's tests
//! read too: neither side can change the wire alone.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{Access, Asking, ClientMessage, Command, Event, Limits, RefusalCode, ServerMessage, Welcome};
use crate::terminal::Offset;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/wire/golden.json");
/// The largest whole number a browser counts to without an error.
const JS_SAFE_MAX: u64 = (1 << 53) - 1;

#[test]
fn the_golden_file_is_what_the_encoders_write() {
    let written = render(&[client(), server()].concat());
    let held = std::fs::read_to_string(FILE).unwrap_or_default();
    if held != written {
        let path = std::env::temp_dir().join("golden.json");
        std::fs::write(&path, &written).expect("a writable temporary directory");
        panic!("the wire has changed; if that is meant: cp {} {FILE}", path.display());
    }
}

#[test]
fn every_golden_message_is_decoded_and_encoded_to_the_same_bytes() {
    for entry in [client(), server()].concat() {
        let bytes = unhex(entry["hex"].as_str().expect("hex"));
        let again = match entry["dir"].as_str() {
            Some("client") => ClientMessage::decode(&bytes).map(|message| message.encode()),
            _ => ServerMessage::decode(&bytes).map(|message| message.encode()),
        };
        assert_eq!(again.as_ref(), Ok(&bytes), "{}", entry["name"]);
        if let Ok(ServerMessage::Event { json, .. }) = ServerMessage::decode(&bytes)
            && entry["dir"] == "server"
        {
            let event = Event::from_json(json).expect("an event");
            assert_eq!(event.to_json(), json, "{}", entry["name"]);
        }
    }
}

/// Bytes are hexadecimal here, because what is typed need not be UTF-8.
fn client() -> Vec<Value> {
    let input = |name, seq, bytes: &[u8]| {
        let message = ClientMessage::Input { seq, bytes };
        entry("client", name, &message.encode(), &json!({ "type": "input", "seq": seq, "bytes": hex(bytes) }))
    };
    let rendered = |name, offset| {
        let message = ClientMessage::Rendered(Offset(offset));
        entry("client", name, &message.encode(), &json!({ "type": "rendered", "offset": offset }))
    };
    let command = |name, command: Command| {
        let json = json!({ "type": "command", "command": serde_json::to_value(&command).expect("JSON") });
        entry("client", name, &ClientMessage::Command(command).encode(), &json)
    };
    vec![
        input("input", 1, b"ls -l\r"),
        input("input, unnumbered", 0, &[0x03]),
        input("input, not UTF-8", JS_SAFE_MAX, &[0x00, 0xff, 0xc3]),
        input("input, empty", 2, b""),
        rendered("rendered", 0x0102_0304_0506),
        rendered("rendered, far", JS_SAFE_MAX),
        entry(
            "client",
            "resize",
            &ClientMessage::Resize { cols: 120, rows: 1000 }.encode(),
            &json!({ "type": "resize", "cols": 120, "rows": 1000 }),
        ),
        command("take-control", Command::TakeControl),
        command("release-control", Command::ReleaseControl),
        command("request-control", Command::RequestControl),
        command("give-control", Command::GiveControl { client: "c-2".into() }),
        command("deny-control", Command::DenyControl { client: "c-2".into() }),
        command("signal", Command::Signal { signal: "INT".into() }),
        command("paste", Command::Paste { text: "grüße \"β\"\n🙂".into(), submit: true }),
        command("fit", Command::Fit),
        command("unknown command", Command::Unknown("dance".into())),
    ]
}

fn server() -> Vec<Value> {
    let message = |name, message: ServerMessage<'_>, json| entry("server", name, &message.encode(), &json);
    let output = |name, offset, bytes: &[u8]| {
        let json = json!({ "type": "output", "offset": offset, "bytes": hex(bytes) });
        message(name, ServerMessage::Output { offset: Offset(offset), bytes }, json)
    };
    let snapshot =
        ServerMessage::Snapshot { offset: Offset(7), cols: 80, rows: 24, scrollback: 70_000, bytes: b"\x1bc" };
    let snapshot_json =
        json!({ "type": "snapshot", "offset": 7, "cols": 80, "rows": 24, "scrollback": 70_000, "bytes": "1b63" });
    let gap = ServerMessage::Gap { from: Offset(256), to: Offset(65_536) };
    let mut entries = vec![
        output("output", 0, b"\x1b[31mred\x1b[0m\r\n"),
        output("output, cut inside a character", 0x0102_0304_0506, &[0xe2, 0x82]),
        output("output, empty", JS_SAFE_MAX, b""),
        message("snapshot", snapshot, snapshot_json),
        message("gap", gap, json!({ "type": "gap", "from": 256, "to": 65_536 })),
        message("input ack", ServerMessage::InputAck(JS_SAFE_MAX), json!({ "type": "inputAck", "seq": JS_SAFE_MAX })),
    ];
    entries.extend(events().into_iter().map(|(name, event)| {
        let json = json!({ "type": "event", "offset": 18_211, "event": serde_json::to_value(&event).expect("JSON") });
        entry("server", name, &ServerMessage::encode_event(Offset(18_211), &event), &json)
    }));
    entries.push(message(
        "unknown event",
        ServerMessage::Event { offset: Offset(1), json: br#"{"event":"unknown"}"# },
        json!({ "type": "event", "offset": 1, "event": { "event": "unknown" } }),
    ));
    entries
}

fn events() -> Vec<(&'static str, Event)> {
    let welcome = Welcome {
        session: json!({ "id": "0c6cb0a2-7d0e-4a51-9a50-0a4c1f3a2b11", "name": "build", "status": "running" }),
        access: Access::Control,
        owns: true,
        client_id: "c-1".into(),
        input_seq: 41,
        offset: 18_211,
        cols: 120,
        rows: 40,
        limits: Limits::default(),
    };
    let refused = |command: &str, code, seq| Event::Refused {
        command: command.into(),
        code,
        seq,
        error: "another client has control".into(),
    };
    vec![
        ("welcome", Event::Welcome(Box::new(welcome))),
        ("resize", Event::Resize { cols: 80, rows: 24 }),
        ("viewers", Event::Viewers { count: 2 }),
        ("renamed", Event::Renamed { name: "grüße".into() }),
        ("started", Event::Started { pid: 4711 }),
        (
            "control taken",
            Event::Control {
                holder: Some("c-1".into()),
                name: Some("ann".into()),
                asking: vec![Asking { client: "c-2".into(), name: Some("bob".into()) }],
            },
        ),
        ("control released", Event::Control { holder: None, name: None, asking: Vec::new() }),
        ("refused input", refused("input", RefusalCode::ControlHeld, Some(42))),
        ("refused command", refused("signal", RefusalCode::UnknownSignal, None)),
        ("exit with a code", Event::Exit { code: Some(3), signal: None, reason: None }),
        ("exit by a signal", Event::Exit { code: None, signal: Some("SIGTERM".into()), reason: None }),
        ("never started", Event::Exit { code: Some(127), signal: None, reason: Some("no such program".into()) }),
        ("title", Event::Title { title: "vim – grüße.txt".into() }),
        ("cwd", Event::Cwd { cwd: "/home/ann/src".into() }),
        ("bell", Event::Bell { count: 3 }),
        ("alternate", Event::Alternate { on: true }),
        ("clipboard", Event::Clipboard { selection: "c".into(), text: "β\n".into() }),
        ("drain", Event::Drain {}),
    ]
}

fn entry(dir: &str, name: &str, message: &[u8], json: &Value) -> Value {
    json!({ "name": name, "dir": dir, "hex": hex(message), "json": json })
}

/// One entry a line, so that a change of the wire is a change of a line.
fn render(entries: &[Value]) -> String {
    let lines: Vec<String> = entries.iter().map(|entry| format!("  {entry}")).collect();
    format!("[\n{}\n]\n", lines.join(",\n"))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

fn unhex(hex: &str) -> Vec<u8> {
    hex.as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).expect("ASCII"), 16).expect("hexadecimal"))
        .collect()
}
