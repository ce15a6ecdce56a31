-- Who somebody is at a provider of logins (OpenID Connect), bound to an account.
create table identities (
    id       bytea  primary key,
    provider text   not null,
    -- What the provider calls them, for ever and nobody else.
    subject  text   not null,
    account  bytea  not null references accounts (id) on delete cascade,
    label    text   not null,
    created  bigint not null,
    used     bigint not null,
    -- What the provider has given for asking it again, sealed.
    tokens   bytea
);

create unique index identities_by_subject on identities (provider, subject);
create index identities_by_account on identities (account);

-- Logins begun at a provider and not come back yet. Each row is taken out once.
create table oidc_states (
    digest   bytea  primary key,
    provider text   not null,
    browser  bytea  not null,
    device   bytea,
    origin   text   not null,
    next     text   not null,
    -- Whose identity it is to become; nobody's yet when it is a login.
    account  bytea  references accounts (id) on delete cascade,
    expires  bigint not null
);

create index oidc_states_by_expiry on oidc_states (expires);
