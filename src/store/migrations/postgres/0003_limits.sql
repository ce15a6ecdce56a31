-- Limits that hold across servers and restarts: attempts that failed, and when the next may be made; or, with no failures,
-- when a budget is full again. `ends` is when a row says nothing any more.

create table limits (
    name     text   primary key,
    failures bigint not null,
    until    bigint not null,
    ends     bigint not null
);

create index limits_by_end on limits (ends);
