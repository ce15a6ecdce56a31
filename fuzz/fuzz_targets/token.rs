//! What may be shown as an access token or a ticket: any text, and good ones with something changed. None is taken but
//! one that was minted, while it holds, and a ticket once and for its session.
#![no_main]

use std::sync::LazyLock;

use fantail::auth::ticket::{TICKET_LIFETIME, TicketGrant, Tickets};
use fantail::auth::token::{Claims, Holder, KEY_BYTES, KeyRing, LEEWAY, RetiredKey, SigningKey, TokenError};
use fantail::auth::{Access, AccountId, LoginId, Role, Secret, Who};
use jiff::{SignedDuration, Timestamp};
use libfuzzer_sys::fuzz_target;
use uuid::Uuid;

const LIFETIME: SignedDuration = SignedDuration::from_mins(15);
const MINTED: Timestamp = Timestamp::constant(1_800_000_000, 0);
const HOLDER: Holder = Holder {
    who: Who::Account { id: AccountId(Uuid::from_u128(1)), role: Role::Member },
    epoch: 1,
    login: LoginId(Uuid::from_u128(2)),
};
const SESSION: Uuid = Uuid::from_u128(3);
/// A text is taken as it is, or is a change to a good one: this many bytes say which.
const CHANGES_MAX: usize = 8;

struct Good {
    keys: KeyRing,
    /// Of the newest key, of an older one, and of a key that is not in the ring.
    tokens: [String; 3],
}

static GOOD: LazyLock<Good> = LazyLock::new(|| {
    let key = |name: &str, byte| SigningKey::new(name, &[byte; KEY_BYTES]).expect("a key");
    let token = |key| KeyRing::new(key, Vec::new(), LIFETIME).mint(&HOLDER, Uuid::from_u128(4), MINTED);
    let tokens = [key("new", 1), key("old", 2), key("new", 3)].map(|key| token(key).expect("minted"));
    let old = RetiredKey { key: key("old", 2), ends: Timestamp::MAX };
    Good { keys: KeyRing::new(key("new", 1), vec![old], LIFETIME), tokens }
});

fuzz_target!(|data: &[u8]| {
    let [how, rest @ ..] = data else { return };
    let (text, which) = match how % 4 {
        3 => (String::from_utf8_lossy(rest).into_owned(), None),
        good => {
            let good = usize::from(good);
            (changed(&GOOD.tokens[good], rest), Some(good))
        }
    };
    token(&text, which);
    ticket(rest);
});

/// It is taken exactly when it is, to the byte, one that keys of the ring have signed, and for as long as it holds.
fn token(text: &str, which: Option<usize>) {
    let Good { keys, tokens } = &*GOOD;
    let is_minted = tokens[..2].iter().any(|minted| minted == text);
    let claims = keys.verify(text, MINTED);
    assert_eq!(claims.is_ok(), is_minted, "{text} from {which:?}");
    if is_minted {
        let expires = MINTED + LIFETIME;
        let Holder { who, epoch, login } = HOLDER;
        let said = Claims { who, epoch, login, id: Uuid::from_u128(4), issued: MINTED, expires };
        assert_eq!(claims, Ok(said));
        assert_eq!(keys.verify(text, expires + LEEWAY), Err(TokenError::Expired));
        assert_eq!(keys.verify(text, MINTED - LEEWAY - SignedDuration::from_secs(1)), Err(TokenError::Invalid));
    } else {
        assert_eq!(claims, Err(TokenError::Invalid), "expired is said of good ones only");
    }
}

/// As above, of a ticket, which besides is used up by the first look at it.
fn ticket(change: &[u8]) {
    let mut tickets = Tickets::default();
    let minted = tickets.mint(&Secret::new([5; 32]), SESSION, grant(), MINTED).expect("the first");
    let shown = changed(&minted, change);
    let is_minted = shown == minted;
    assert_eq!(tickets.redeem(&shown, SESSION, MINTED).ok(), is_minted.then(grant));
    assert_eq!(tickets.redeem(&minted, SESSION, MINTED).is_ok(), !is_minted, "used up, and only by itself");
    let late = tickets.mint(&Secret::new([6; 32]), SESSION, grant(), MINTED).expect("the second");
    assert!(tickets.redeem(&late, SESSION, MINTED + TICKET_LIFETIME).is_err());
}

/// `text` with some of its bytes replaced, taken out or added: (where, what, which) each.
fn changed(text: &str, changes: &[u8]) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for change in changes.chunks_exact(3).take(CHANGES_MAX) {
        let [place, what, byte] = [change[0], change[1], change[2]];
        // 550 bytes are more than one says.
        let at = (usize::from(place) << 1 | usize::from(what >> 7)) % (bytes.len() + 1);
        match what % 3 {
            0 => bytes.insert(at, byte),
            _ if at == bytes.len() => {}
            1 => bytes[at] = byte,
            _ => drop(bytes.remove(at)),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn grant() -> TicketGrant {
    TicketGrant { who: HOLDER.who, bond: None, expires: None, access: Access::View }
}
