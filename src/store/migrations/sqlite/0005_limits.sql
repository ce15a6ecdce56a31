-- Limits that hold across servers and restarts: attempts that failed, and when the next may be made; or, with no failures,
-- when a budget is full again. `ends` is when a row says nothing any more.

create table limits (
    name     text    primary key not null,
    failures integer not null,
    until    integer not null,
    ends     integer not null
) strict;

create index limits_by_end on limits (ends);
