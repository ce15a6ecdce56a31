//! The names of things that stand for people and what they were given, as types that cannot be taken for each other.

use std::fmt;

use uuid::Uuid;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(formatter)
            }
        }
    )*};
}

ids! {
    /// An account: someone who can log in and own sessions. The `sub` of an access token.
    AccountId;
    /// One login, and everything descended from it: its refresh tokens, access tokens and tickets. The `sid` of an access
    /// token.
    LoginId;
    /// A share: a link that lets whoever has it see or control one session.
    ShareId;
    /// An identity: who somebody is at a provider of logins, bound to an account.
    IdentityId;
}
