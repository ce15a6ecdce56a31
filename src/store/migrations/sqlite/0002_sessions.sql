-- What is left of a session when its server and its terminal are gone.

create table sessions (
    id      blob    primary key not null,
    owner   blob    not null references accounts (id) on delete cascade,
    boot    text    not null,
    record  text    not null,
    updated integer not null
) strict;

-- Its last screen, which is written far more often than the rest.
create table session_screens (
    session  blob    primary key not null references sessions (id) on delete cascade,
    "offset" integer not null,
    cols     integer not null,
    rows     integer not null,
    bytes    blob    not null
) strict;
