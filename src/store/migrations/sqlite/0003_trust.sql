-- Roles, API tokens, sharing, and what was revoked. Logins start anew: they are bound to more than they were.

-- Names that differ only in case were allowed; the later ones get a piece of their id.
update accounts set name = name || '-' || lower(substr(hex(id), 1, 6))
where exists (select 1 from accounts other
              where lower(other.name) = lower(accounts.name) and other.rowid < accounts.rowid);
create unique index accounts_by_name on accounts (lower(name));

alter table accounts add column mail text;
-- In lower case.
alter table accounts add column mail_key text;
create unique index accounts_by_mail on accounts (mail_key);
alter table accounts add column role text not null default 'member';
alter table accounts add column disabled integer;
alter table accounts add column epoch integer not null default 1;
-- Whoever was there first runs the server.
update accounts set role = 'admin' where rowid = (select rowid from accounts order by created, rowid limit 1);

drop table refresh_tokens;
drop table logins;
-- They were secrets for HMAC; keys are for Ed25519 now.
drop table signing_keys;

create table signing_keys (
    kid     text    primary key not null,
    secret  blob    not null,
    created integer not null,
    retired integer
) strict;

create table shares (
    id       blob    primary key not null,
    session  blob    not null,
    account  blob    not null references accounts (id) on delete cascade,
    access   text    not null,
    label    text    not null,
    digest   blob    not null unique,
    created  integer not null,
    expires  integer not null,
    uses_max integer,
    uses     integer not null,
    revoked  integer
) strict;

create index shares_by_session on shares (session);

-- One row for each login, which all of its refresh tokens descend from: of an account, or of a share.
create table logins (
    id      blob    primary key not null,
    account blob    references accounts (id) on delete cascade,
    share   blob    references shares (id) on delete cascade,
    created integer not null,
    renewed integer not null,
    client  text    not null,
    ended   integer,
    check ((account is null) <> (share is null))
) strict;

create index logins_by_account on logins (account);
create index logins_by_share on logins (share);

create table refresh_tokens (
    digest  blob    primary key not null,
    login   blob    not null references logins (id) on delete cascade,
    expires integer not null,
    spent   integer
) strict;

create index refresh_tokens_by_login on refresh_tokens (login);
create index refresh_tokens_by_expiry on refresh_tokens (expires);

-- Browsers an account has logged in from.
create table devices (
    account blob    not null references accounts (id) on delete cascade,
    digest  blob    not null,
    seen    integer not null,
    primary key (account, digest)
) strict;

create table api_tokens (
    id      text    primary key not null,
    account blob    not null references accounts (id) on delete cascade,
    name    text    not null,
    digest  blob    not null,
    scopes  text    not null,
    created integer not null,
    expires integer not null,
    used    integer,
    revoked integer
) strict;

create index api_tokens_by_account on api_tokens (account);

create table grants (
    session    blob    not null,
    account    blob    not null references accounts (id) on delete cascade,
    access     text    not null,
    granted_by blob    not null,
    created    integer not null,
    primary key (session, account)
) strict;

-- What servers must learn of at once. `kind` is login, token or account; `epoch` is the account's from then on.
create table revocations (
    seq     integer primary key autoincrement,
    kind    text    not null,
    subject text    not null,
    epoch   integer not null,
    at      integer not null
) strict;

-- Who did what. Entries are only added; each is bound to those before it by its hash.
create table audit (
    seq     integer primary key not null,
    at      integer not null,
    event   text    not null,
    actor   text    not null,
    address text    not null,
    subject text    not null,
    detail  text    not null,
    hash    blob    not null
) strict;

create trigger audit_is_not_changed before update on audit
begin
    select raise(abort, 'entries of the audit log are not changed');
end;

create trigger audit_is_not_shortened before delete on audit
begin
    select raise(abort, 'entries of the audit log are not deleted');
end;

-- One row: the end of the log, so that entries missing there are noticed.
create table audit_head (
    seq  integer not null,
    hash blob    not null
) strict;

insert into audit_head (seq, hash) values (0, zeroblob(32));
