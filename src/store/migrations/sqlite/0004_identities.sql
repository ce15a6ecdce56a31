-- Who somebody is at a provider of logins (OpenID Connect), bound to an account.
create table identities (
    id       blob    primary key not null,
    provider text    not null,
    -- What the provider calls them, for ever and nobody else.
    subject  text    not null,
    account  blob    not null references accounts (id) on delete cascade,
    label    text    not null,
    created  integer not null,
    used     integer not null,
    -- What the provider has given for asking it again, sealed.
    tokens   blob
) strict;

create unique index identities_by_subject on identities (provider, subject);
create index identities_by_account on identities (account);

-- Logins begun at a provider and not come back yet. Each row is taken out once.
create table oidc_states (
    digest   blob    primary key not null,
    provider text    not null,
    browser  blob    not null,
    device   blob,
    origin   text    not null,
    next     text    not null,
    -- Whose identity it is to become; nobody's yet when it is a login.
    account  blob    references accounts (id) on delete cascade,
    expires  integer not null
) strict;

create index oidc_states_by_expiry on oidc_states (expires);
