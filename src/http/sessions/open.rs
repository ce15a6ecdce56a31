//! `POST /api/sessions`: from what a client asks for, or a session that was, to what can be started.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::session::{Launch, LaunchError, Pace, Session, Sizes, StartOn};
use crate::terminal::{Size, SizeError};

/// Longest name in characters: what a list can show, with room.
pub(super) const NAME_CHARS_MAX: usize = 256;
/// Variables of the server's own, which a client cannot set.
const RESERVED: &str = "FANTAIL_";

/// The request's body.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct OpenRequest {
    command: Option<Vec<String>>,
    working_dir: Option<String>,
    #[serde(default)]
    env: BTreeMap<String, String>,
    name: Option<String>,
    cols: Option<u64>,
    rows: Option<u64>,
    #[serde(default)]
    spawn: Spawn,
    pace: Option<AskedPace>,
    sizes: Option<AskedSizes>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
enum AskedPace {
    Free,
    Fastest,
    Lossless,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
enum AskedSizes {
    Latest,
    Owner,
    Smallest,
    Fixed,
}

#[derive(Debug, Default, Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Spawn {
    #[default]
    Now,
    OnAttach,
}

/// What the server gives every session.
pub(super) struct Surroundings<'a> {
    /// The environment programs inherit, name and value.
    pub(super) environment: &'a [(OsString, OsString)],
    /// The default working directory, and what `~` means.
    pub(super) home: &'a Path,
    /// The login shell.
    pub(super) shell: &'a Path,
}

/// What a request comes to.
pub(super) struct Plan {
    /// What to start.
    pub(super) launch: Launch,
    /// What people call it.
    pub(super) name: String,
    /// The terminal's size.
    pub(super) size: Size,
    /// When to start it.
    pub(super) start_on: StartOn,
    /// For whom its output is held back, if it says.
    pub(super) pace: Option<Pace>,
    /// Whose window gives it its size, if it says.
    pub(super) sizes: Option<Sizes>,
}

/// A field that breaks a rule.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Invalid {
    /// As the wire spells it.
    pub(super) field: String,
    /// What it must be.
    pub(super) rule: String,
}

impl From<SizeError> for Invalid {
    fn from(error: SizeError) -> Self {
        let rule = format!("must be between {} and {}, got {}", Size::MIN, Size::MAX, error.got);
        Self { field: error.field.to_owned(), rule }
    }
}

impl From<LaunchError> for Invalid {
    fn from(error: LaunchError) -> Self {
        Self { field: error.field.to_owned(), rule: error.rule.to_owned() }
    }
}

impl OpenRequest {
    /// Checks the request and fills in what it leaves open.
    ///
    /// # Errors
    /// Names the first field at fault.
    pub(super) fn plan(self, surroundings: &Surroundings<'_>) -> Result<Plan, Invalid> {
        let command =
            self.command.unwrap_or_else(|| vec![surroundings.shell.to_string_lossy().into_owned(), "-l".to_owned()]);
        let dir = working_dir(self.working_dir.as_deref(), surroundings.home)?;
        let name = match self.name {
            Some(name) => checked_name(name)?,
            None => default_name(&command),
        };
        let size = Size::new(
            self.cols.unwrap_or(Size::DEFAULT.cols().into()),
            self.rows.unwrap_or(Size::DEFAULT.rows().into()),
        )?;
        let environment = environment(surroundings.environment, self.env)?;
        let launch = Launch::new(&command, dir, &environment)?;
        let start_on = match self.spawn {
            Spawn::Now => StartOn::Open,
            Spawn::OnAttach => StartOn::Attach,
        };
        let pace = self.pace.map(|asked| match asked {
            AskedPace::Free => Pace::Free,
            AskedPace::Fastest => Pace::Fastest,
            AskedPace::Lossless => Pace::Lossless,
        });
        let sizes = self.sizes.map(|asked| match asked {
            AskedSizes::Latest => Sizes::Latest,
            AskedSizes::Owner => Sizes::Owner,
            AskedSizes::Smallest => Sizes::Smallest,
            AskedSizes::Fixed => Sizes::Fixed,
        });
        Ok(Plan { launch, name, size, start_on, pace, sizes })
    }
}

impl Plan {
    /// What opening `session` again comes to: the same, in what surrounds programs now.
    ///
    /// # Errors
    /// As of a request.
    pub(super) fn again(session: &Session, surroundings: &Surroundings<'_>) -> Result<Self, Invalid> {
        let status = session.status();
        let environment = environment(surroundings.environment, BTreeMap::new())?;
        let launch = Launch::new(session.command(), session.dir().to_path_buf(), &environment)?;
        let (start_on, pace, sizes) = (session.start_on(), Some(session.pace()), Some(session.sizes()));
        Ok(Self { launch, name: status.name.clone(), size: status.size, start_on, pace, sizes })
    }
}

/// `name`, if it can be shown in one line of a list.
///
/// # Errors
/// When it is empty, too long, or has control characters.
pub(super) fn checked_name(name: String) -> Result<String, Invalid> {
    let length = name.chars().count();
    if length == 0 || length > NAME_CHARS_MAX || name.chars().any(char::is_control) || name.trim().is_empty() {
        let rule = format!("must be 1 to {NAME_CHARS_MAX} characters, not all blank, without control characters");
        return Err(Invalid { field: "name".into(), rule });
    }
    Ok(name)
}

/// The program's file name, without what a list cannot show.
fn default_name(command: &[String]) -> String {
    let program = command.first().map_or("", String::as_str);
    let name = Path::new(program).file_name().map_or(program.into(), |name| name.to_string_lossy());
    let name: String = name.chars().filter(|c| !c.is_control()).take(NAME_CHARS_MAX).collect();
    if name.trim().is_empty() { "session".to_owned() } else { name }
}

fn working_dir(asked: Option<&str>, home: &Path) -> Result<PathBuf, Invalid> {
    let dir = match asked {
        None | Some("~") => home.to_path_buf(),
        Some(asked) => match asked.strip_prefix("~/") {
            Some(below) => home.join(below),
            None => PathBuf::from(asked),
        },
    };
    if dir.is_absolute() {
        return Ok(dir);
    }
    Err(Invalid { field: "workingDir".into(), rule: "must be an absolute path, or begin with ~/".into() })
}

/// The inherited environment with the terminal's own variables, changed by the client's additions.
fn environment(
    inherited: &[(OsString, OsString)],
    additions: BTreeMap<String, String>,
) -> Result<Vec<(OsString, OsString)>, Invalid> {
    let mut environment: BTreeMap<OsString, OsString> = inherited.iter().cloned().collect();
    environment.insert("TERM".into(), "xterm-256color".into());
    environment.insert("COLORTERM".into(), "truecolor".into());
    for (name, value) in additions {
        if name.starts_with(RESERVED) {
            return Err(Invalid {
                field: format!("env.{name}"),
                rule: format!("names with {RESERVED} are the server's"),
            });
        }
        environment.insert(name.into(), value.into());
    }
    Ok(environment.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(body: &str) -> Result<Plan, Invalid> {
        let environment = [("PATH".into(), "/bin".into()), ("TERM".into(), "dumb".into())];
        let surroundings =
            Surroundings { environment: &environment, home: Path::new("/home/ann"), shell: Path::new("/bin/zsh") };
        serde_json::from_str::<OpenRequest>(body).expect("well-formed").plan(&surroundings)
    }

    fn refused(body: &str) -> String {
        plan(body).err().expect("refused").field
    }

    #[test]
    fn an_empty_request_opens_the_login_shell_at_home() {
        let plan = plan("{}").expect("valid");
        assert_eq!(plan.launch.command(), [c"/bin/zsh".to_owned(), c"-l".to_owned()]);
        assert_eq!((plan.launch.dir(), plan.name.as_str()), (Path::new("/home/ann"), "zsh"));
        assert!(plan.launch.environment().contains(&c"TERM=xterm-256color".to_owned()));
    }

    #[test]
    fn what_the_client_gives_is_kept() {
        let plan =
            plan(r#"{"command":["a"],"workingDir":"~/src","env":{"TERM":"vt100"},"name":"é","cols":1000,"rows":1}"#);
        let plan = plan.expect("valid");
        assert_eq!((plan.launch.dir(), plan.name.as_str()), (Path::new("/home/ann/src"), "é"));
        assert!(plan.launch.environment().contains(&c"TERM=vt100".to_owned()));
        assert_eq!((plan.size.cols(), plan.size.rows()), (1000, 1));
    }

    #[test]
    fn a_field_that_breaks_a_rule_is_named() {
        assert_eq!(refused(r#"{"cols":0}"#), "cols");
        assert_eq!(refused(r#"{"rows":1001}"#), "rows");
        assert_eq!(refused(r#"{"command":[]}"#), "command");
        assert_eq!(refused(r#"{"command":["a\u0000"]}"#), "command");
        assert_eq!(refused(r#"{"workingDir":"src"}"#), "workingDir");
        assert_eq!(refused(r#"{"name":""}"#), "name");
        assert_eq!(refused(r#"{"name":"a\nb"}"#), "name");
        assert_eq!(refused(r#"{"env":{"FANTAIL_SESSION_ID":"x"}}"#), "env.FANTAIL_SESSION_ID");
        assert_eq!(refused(r#"{"env":{"A":"\u0000"}}"#), "env");
    }
}
