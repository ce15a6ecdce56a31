-- The schema of SQLite's migrations up to 0003. Times are milliseconds since 1970 in UTC. Secrets are kept as SHA-256
-- digests, passwords as bcrypt hashes.

create table accounts (
    id            bytea  primary key,
    name          text   not null,
    mail          text,
    -- In lower case.
    mail_key      text,
    role          text   not null,
    password_hash text,
    disabled      bigint,
    epoch         bigint not null default 1,
    created       bigint not null
);

create unique index accounts_by_name on accounts (lower(name));
create unique index accounts_by_mail on accounts (mail_key);

create table signing_keys (
    kid     text   primary key,
    secret  bytea  not null,
    created bigint not null,
    retired bigint
);

create table shares (
    id       bytea  primary key,
    session  bytea  not null,
    account  bytea  not null references accounts (id) on delete cascade,
    access   text   not null,
    label    text   not null,
    digest   bytea  not null unique,
    created  bigint not null,
    expires  bigint not null,
    uses_max bigint,
    uses     bigint not null,
    revoked  bigint
);

create index shares_by_session on shares (session);

-- One row for each login, which all of its refresh tokens descend from: of an account, or of a share.
create table logins (
    id      bytea  primary key,
    account bytea  references accounts (id) on delete cascade,
    share   bytea  references shares (id) on delete cascade,
    created bigint not null,
    renewed bigint not null,
    client  text   not null,
    ended   bigint,
    check ((account is null) <> (share is null))
);

create index logins_by_account on logins (account);
create index logins_by_share on logins (share);

create table refresh_tokens (
    digest  bytea  primary key,
    login   bytea  not null references logins (id) on delete cascade,
    expires bigint not null,
    spent   bigint
);

create index refresh_tokens_by_login on refresh_tokens (login);
create index refresh_tokens_by_expiry on refresh_tokens (expires);

-- Browsers an account has logged in from.
create table devices (
    account bytea  not null references accounts (id) on delete cascade,
    digest  bytea  not null,
    seen    bigint not null,
    primary key (account, digest)
);

create table api_tokens (
    id      text   primary key,
    account bytea  not null references accounts (id) on delete cascade,
    name    text   not null,
    digest  bytea  not null,
    scopes  text   not null,
    created bigint not null,
    expires bigint not null,
    used    bigint,
    revoked bigint
);

create index api_tokens_by_account on api_tokens (account);

create table grants (
    session    bytea  not null,
    account    bytea  not null references accounts (id) on delete cascade,
    access     text   not null,
    granted_by bytea  not null,
    created    bigint not null,
    primary key (session, account)
);

-- What servers must learn of at once. `kind` is login, token or account; `epoch` is the account's from then on.
create table revocations (
    seq     bigint generated always as identity primary key,
    kind    text   not null,
    subject text   not null,
    epoch   bigint not null,
    at      bigint not null
);

-- What is left of a session when its server and its terminal are gone.
create table sessions (
    id      bytea  primary key,
    owner   bytea  not null references accounts (id) on delete cascade,
    boot    text   not null,
    record  text   not null,
    updated bigint not null
);

-- Its last screen, which is written far more often than the rest.
create table session_screens (
    session  bytea  primary key references sessions (id) on delete cascade,
    "offset" bigint not null,
    cols     bigint not null,
    rows     bigint not null,
    bytes    bytea  not null
);

-- Who did what. Entries are only added; each is bound to those before it by its hash.
create table audit (
    seq     bigint primary key,
    at      bigint not null,
    event   text   not null,
    actor   text   not null,
    address text   not null,
    subject text   not null,
    detail  text   not null,
    hash    bytea  not null
);

create function audit_is_only_added_to() returns trigger language plpgsql as $$
begin
    raise exception 'entries of the audit log are not changed or deleted';
end
$$;

create trigger audit_is_not_changed before update or delete or truncate on audit
for each statement execute function audit_is_only_added_to();

-- One row: the end of the log, so that entries missing there are noticed.
create table audit_head (
    seq  bigint not null,
    hash bytea  not null
);

insert into audit_head (seq, hash) values (0, decode(repeat('00', 32), 'hex'));
