-- Times are milliseconds since 1970 in UTC. Secrets are kept as SHA-256 digests, passwords as bcrypt hashes.

create table accounts (
    id            blob    primary key not null,
    name          text    not null unique,
    password_hash text,
    created       integer not null
) strict;

-- One row for each login, which all of its refresh tokens descend from.
create table logins (
    id      blob    primary key not null,
    account blob    not null references accounts (id) on delete cascade,
    created integer not null,
    ended   integer
) strict;

create index logins_by_account on logins (account);
create index logins_by_end on logins (ended) where ended is not null;

create table refresh_tokens (
    digest  blob    primary key not null,
    login   blob    not null references logins (id) on delete cascade,
    expires integer not null,
    spent   integer
) strict;

create index refresh_tokens_by_login on refresh_tokens (login);
create index refresh_tokens_by_expiry on refresh_tokens (expires);

create table signing_keys (
    kid     text    primary key not null,
    secret  blob    not null,
    created integer not null
) strict;
