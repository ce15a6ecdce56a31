//! Precedence, and that nothing wrong gets past the start.

use std::path::Path;

use super::*;

fn load<const N: usize>(flags: &Flags, variables: [(&str, &str); N]) -> Result<Config, ConfigError> {
    Config::load(flags, &Environment::of(variables))
}

fn refusal<const N: usize>(flags: &Flags, variables: [(&str, &str); N]) -> String {
    load(flags, variables).err().unwrap().to_string()
}

fn file(text: &str) -> (tempfile::TempDir, Flags) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("fantail.toml");
    std::fs::write(&path, text).unwrap();
    (dir, Flags { config: Some(path), ..Flags::default() })
}

#[test]
fn the_defaults_are_a_loopback_server_with_auth() {
    let config = load(&Flags::default(), [("HOME", "/home/ann")]).unwrap();
    assert_eq!(config.address().to_string(), "127.0.0.1:4020");
    assert!(!config.no_auth);
    assert_eq!(config.data_dir, Path::new("/home/ann/.local/share/fantail"));
    assert_eq!(config.log_bytes, 4 * 1024 * 1024);
    assert_eq!(config.access_token_lifetime, Duration::from_secs(900));
}

#[test]
fn a_flag_beats_a_variable_beats_the_file_beats_the_default() {
    let (_dir, mut flags) = file("port = 1\nmax_sessions = 1\nlog_level = 'warn'\n");
    let variables = [("FANTAIL_PORT", "2"), ("FANTAIL_MAX_SESSIONS", "2")];
    flags.port = Some(3);
    let config = load(&flags, variables).unwrap();
    assert_eq!((config.port, config.max_sessions, config.log_level.as_str()), (3, 2, "warn"));
    assert_eq!(config.max_connections, 16_384);
}

#[test]
fn a_limit_can_be_raised_and_not_switched_off() {
    let config = load(&Flags::default(), [("FANTAIL_RATE_SAVES", "500")]).unwrap();
    assert_eq!((config.rates.saves.get(), config.rates.attempts.get(), config.rates.requests.get()), (500, 5, 100));
    for key in ["requests", "openings", "tickets", "expensive", "saves", "attempts"] {
        let (dir, flags) = file(&format!("rate_{key} = 0\n"));
        let place = format!("({}/fantail.toml)", dir.path().display());
        let expected = format!("rate_{key}: must be between 1 and 1000000, got 0 {place}");
        assert_eq!(refusal(&flags, []), expected);
    }
}

#[test]
fn lists_can_be_written_as_lists_and_with_commas() {
    let (_dir, flags) = file("public_urls = ['https://A.example:443', 'http://b.example:80/']");
    let config = load(&flags, [("FANTAIL_PASS_ENV", "EDITOR, PAGER"), ("PAGER", "less"), ("SECRET", "x")]).unwrap();
    assert_eq!(config.public_urls, ["https://a.example", "http://b.example"]);
    let names: Vec<_> = config.session_environment.iter().map(|(name, _)| name.to_str().unwrap()).collect();
    assert_eq!(names, ["HOME", "LANG", "PAGER", "PATH", "SHELL"]);
}

#[test]
fn an_unknown_setting_is_named_with_its_place() {
    let (dir, flags) = file("prot = 1\n");
    let expected = format!("prot: there is no such setting ({}/fantail.toml)", dir.path().display());
    assert_eq!(refusal(&flags, []), expected);
    assert_eq!(
        refusal(&Flags::default(), [("FANTAIL_PROT", "1")]),
        "prot: there is no such setting (environment variable FANTAIL_PROT)"
    );
    let others = [("FANTAIL_TOKEN", "x"), ("FANTAIL_URL", "x"), ("FANTAIL_SESSION_ID", "x")];
    assert!(load(&Flags::default(), others).is_ok());
    assert_eq!(load(&Flags::default(), [("FANTAIL_PORT", "")]).ok().unwrap().port, 4020, "set to nothing is not set");
}

#[test]
fn a_wrong_setting_is_named_with_its_place() {
    for (name, value) in [
        ("FANTAIL_PORT", "65536"),
        ("FANTAIL_PORT", "http"),
        ("FANTAIL_BIND", "localhost.evil"),
        ("FANTAIL_NO_AUTH", "perhaps"),
        ("FANTAIL_LOG_FORMAT", "xml"),
        ("FANTAIL_LOG_LEVEL", "fantail=loud"),
        ("FANTAIL_LOG_BYTES", "131071"),
        ("FANTAIL_LOG_BYTES", "1073741825"),
        ("FANTAIL_SCROLLBACK_LINES", "1000001"),
        ("FANTAIL_RESYNC_BYTES", "1"),
        ("FANTAIL_PACE", "slowest"),
        ("FANTAIL_SIZES", "1"),
        ("FANTAIL_CLIPBOARD", "read"),
        ("FANTAIL_EMULATION", "vt52"),
        ("FANTAIL_MAX_SESSIONS", "0"),
        ("FANTAIL_ACCESS_TOKEN_SECONDS", "1"),
        ("FANTAIL_PASS_ENV", "FANTAIL_TOKEN"),
        ("FANTAIL_PASS_ENV", "A=B"),
        ("FANTAIL_PUBLIC_URLS", "https://a.example/path"),
        ("FANTAIL_PUBLIC_URLS", "https://ann@a.example"),
        ("FANTAIL_PUBLIC_URLS", "ftp://a.example"),
        ("FANTAIL_PUBLIC_URLS", "*"),
        ("FANTAIL_CORS_ORIGINS", "*"),
        ("FANTAIL_CORS_ORIGINS", "null"),
        ("FANTAIL_TRUSTED_PROXIES", "10.0.0.0/33"),
        ("FANTAIL_TRUSTED_PROXIES", "proxy.example"),
        ("FANTAIL_TLS_CERT", "/cert.pem"),
        ("FANTAIL_TLS_KEY", "/key.pem"),
        ("FANTAIL_MAX_UNAUTHENTICATED_PER_ADDRESS", "0"),
    ] {
        let refusal = refusal(&Flags::default(), [(name, value)]);
        let key = name.strip_prefix("FANTAIL_").unwrap().to_lowercase();
        assert!(refusal.starts_with(&format!("{key}: ")), "{refusal}");
        assert!(refusal.ends_with(&format!("(environment variable {name})")), "{refusal}");
    }
    let (_dir, flags) = file("port = 'x'\n");
    assert!(refusal(&flags, []).contains("fantail.toml"));
}

#[test]
fn without_auth_nothing_but_loopback_is_bound() {
    let flags = |bind: &str| Flags { no_auth: Some(true), bind: bind.parse().ok(), ..Flags::default() };
    assert!(load(&flags("127.0.0.1"), []).is_ok());
    assert!(load(&flags("::1"), []).is_ok());
    for bind in ["0.0.0.0", "::", "192.168.1.5", "::ffff:192.168.1.5"] {
        assert!(refusal(&flags(bind), []).starts_with("no_auth: "), "{bind}");
    }
}

#[test]
fn beyond_loopback_nothing_is_bound_without_encryption() {
    for bind in ["0.0.0.0", "::", "192.168.1.5", "::ffff:192.168.1.5"] {
        let load = |set: &dyn Fn(&mut Flags)| {
            let mut flags = Flags { bind: bind.parse().ok(), ..Flags::default() };
            set(&mut flags);
            load(&flags, []).map(|_| ()).map_err(|error| error.to_string())
        };
        let clear = load(&|_| {}).unwrap_err();
        assert!(clear.starts_with("bind: ") && clear.contains("tls_self_signed"), "{clear}");
        let alone = load(&|flags| flags.behind_tls_proxy = Some(true)).unwrap_err();
        assert!(alone.starts_with("behind_tls_proxy: ") && alone.contains("trusted_proxies"), "{alone}");
        assert!(load(&|flags| flags.trusted_proxies = Some(vec!["10.0.0.1".into()])).is_err(), "in clear all the same");
        let proxied = |flags: &mut Flags| {
            flags.behind_tls_proxy = Some(true);
            flags.trusted_proxies = Some(vec!["10.0.0.1".into(), "fd00::/8".into()]);
        };
        assert_eq!(load(&proxied), Ok(()));
        assert_eq!(load(&|flags| flags.tls_self_signed = Some(true)), Ok(()));
        let files = |flags: &mut Flags| {
            (flags.tls_cert, flags.tls_key) = (Some("/cert.pem".into()), Some("/key.pem".into()));
        };
        assert_eq!(load(&files), Ok(()));
        let twice = |flags: &mut Flags| {
            files(flags);
            flags.tls_self_signed = Some(true);
        };
        assert!(load(&twice).unwrap_err().starts_with("tls_self_signed: "));
    }
}

#[test]
fn a_file_that_is_asked_for_must_be_there_and_make_sense() {
    let missing = Flags { config: Some("/nowhere/fantail.toml".into()), ..Flags::default() };
    assert!(refusal(&missing, []).starts_with("/nowhere/fantail.toml: "));
    let (_dir, flags) = file("port = \n");
    assert!(matches!(load(&flags, []), Err(ConfigError::File { .. })));
}

#[test]
fn a_profile_is_read_from_its_table_with_what_it_leaves_open() {
    let (_dir, flags) = file(
        "any_command = 'nobody'\nlimits.processes = 100\n[profiles.build]\ncommand = ['make', '-C', '/srv']\nargs = true\n\
         root = ['/srv', '/home']\nroles = ['admin']\nuser = 'ann'\nno_new_privs = true\npass_env = ['EDITOR']\n\
         env = { MAKEFLAGS = '-j2' }\nlimits = { memory_bytes = 1073741824 }\n[profiles.bare]\n",
    );
    let config = load(&flags, [("EDITOR", "vi"), ("SECRET", "x")]).unwrap();
    assert_eq!((config.any_command, config.limits.processes), (AnyCommand::Nobody, Some(100)));
    let build = &config.profiles["build"];
    assert_eq!((build.args, build.roots.len(), build.user.as_deref()), (true, 2, Some("ann")));
    assert_eq!(build.roles.iter().copied().collect::<Vec<_>>(), [ProfileRole::Admin]);
    assert_eq!((build.limits.memory_bytes, build.limits.processes), (Some(1 << 30), None));
    assert!(build.environment.contains(&("EDITOR".into(), "vi".into())));
    assert!(!build.environment.iter().any(|(name, _)| name == "SECRET"));
    let bare = &config.profiles["bare"];
    assert!(bare.command.is_empty() && !bare.args && bare.roots.is_empty() && bare.roles.len() == 2);
}

#[test]
fn a_wrong_profile_is_named_with_its_field_and_its_place() {
    for (table, key) in [
        ("[profiles.x]\ncomand = ['a']", "profiles.x.comand"),
        ("[profiles.x]\nargs = 'yes'", "profiles.x.args"),
        ("[profiles.x]\nargs = true", "profiles.x.args"),
        ("[profiles.X]\n", "profiles.X"),
        ("[profiles.x]\ncommand = ['']", "profiles.x.command"),
        ("[profiles.x]\nroot = ['srv']", "profiles.x.root"),
        ("[profiles.x]\nroles = ['guest']", "profiles.x.roles"),
        ("[profiles.x]\nenv = { FANTAIL_TOKEN = 'x' }", "profiles.x.env"),
        ("[profiles.x]\nuser = ''", "profiles.x.user"),
        ("[profiles.x]\nlimits = { memory_bytes = 1 }", "profiles.x.limits.memory_bytes"),
        ("[profiles.x]\nlimits = { pids = 1 }", "profiles.x.limits"),
        ("limits.processes = 0", "limits.processes"),
        ("any_command = 'guest'", "any_command"),
    ] {
        let (_dir, flags) = file(table);
        let refusal = refusal(&flags, []);
        assert!(refusal.starts_with(key) && refusal.ends_with("fantail.toml)"), "{table}: {refusal}");
    }
}

#[test]
fn a_provider_of_logins_is_read_from_its_table_and_its_secret_from_a_variable() {
    let (_dir, flags) = file(
        "[oidc.corp]\nissuer = 'https://id.example.org/realm'\nclient_id = 'fantail'\nlabel = 'Example Corp'\n\
         scopes = 'profile'\nsign_up = 'member'\nallowed_domains = ['example.org']\n\
         [oidc.bare]\nissuer = 'http://127.0.0.1:9'\nclient_id = 'x'\nclient_secret_file = '/run/secret'\n",
    );
    let config = load(&flags, [("FANTAIL_OIDC_CORP_CLIENT_SECRET", "12345")]).unwrap();
    let corp = &config.oidc["corp"];
    assert!(matches!(&corp.client_secret, Some(OidcSecret::Text(text)) if text == "12345"), "text, not a number");
    assert_eq!(
        (corp.label.as_str(), &corp.scopes[..], corp.sign_up),
        ("Example Corp", &["profile".into()][..], SignUp::Member)
    );
    let bare = &config.oidc["bare"];
    assert!(matches!(&bare.client_secret, Some(OidcSecret::File(path)) if path == Path::new("/run/secret")));
    assert_eq!((bare.label.as_str(), bare.scopes.len(), bare.sign_up), ("bare", 3, SignUp::Nobody));
}

#[test]
fn a_wrong_provider_is_named_with_its_field_and_its_place_and_its_secret_is_not_shown() {
    let good = "issuer = 'https://id.example.org'\nclient_id = 'x'\n";
    for (table, key) in [
        ("[oidc.Corp]\n", "oidc.Corp"),
        ("[oidc.corp]\n", "oidc.corp.issuer"),
        ("[oidc.corp]\nissuer = 'http://id.example.org'\nclient_id = 'x'", "oidc.corp.issuer"),
        ("[oidc.corp]\nissuer = 'https://id.example.org?x'\nclient_id = 'x'", "oidc.corp.issuer"),
        ("[oidc.corp]\nissuer = 'https://ann@id.example.org'\nclient_id = 'x'", "oidc.corp.issuer"),
        ("[oidc.corp]\nissuer = 'https://id.example.org'", "oidc.corp.client_id"),
        (
            &format!("[oidc.corp]\n{good}client_secret = 'hunter2'\nclient_secret_file = '/f'"),
            "oidc.corp.client_secret_file",
        ),
        (&format!("[oidc.corp]\n{good}client_secret = \"hunter2\\n\""), "oidc.corp.client_secret"),
        (&format!("[oidc.corp]\n{good}label = '{}'", "x".repeat(41)), "oidc.corp.label"),
        (&format!("[oidc.corp]\n{good}scopes = ['a b']"), "oidc.corp.scopes"),
        (&format!("[oidc.corp]\n{good}sign_up = 'admin'"), "oidc.corp.sign_up"),
        (&format!("[oidc.corp]\n{good}allowed_domains = ['@example.org']"), "oidc.corp.allowed_domains"),
        (&format!("[oidc.corp]\n{good}client_secert = 'hunter2'"), "oidc.corp"),
    ] {
        let (_dir, flags) = file(table);
        let refusal = refusal(&flags, []);
        assert!(refusal.starts_with(key) && refusal.ends_with("fantail.toml)"), "{table}: {refusal}");
        assert!(!refusal.contains("hunter2"), "{refusal}");
    }
    let alone = refusal(&Flags::default(), [("FANTAIL_OIDC_CORP_CLIENT_SECRET", "hunter2")]);
    assert!(alone.starts_with("oidc.corp.issuer: ") && !alone.contains("hunter2"), "{alone}");
}
