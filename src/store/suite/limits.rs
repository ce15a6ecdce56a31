//! Limits that servers share.

use std::num::NonZeroU32;

use futures_util::future::join_all;

use super::*;
use crate::auth::limit::{FORGIVEN_AFTER, Left, Quota, WAIT_MAX, Wait};

promises! {
    a_budget_comes_back_one_by_one,
    of_many_who_take_at_once_only_so_many_get_one,
    of_many_attempts_at_once_only_so_many_are_let_pass,
    an_attempt_counts_under_all_of_its_names_or_under_none,
    attempts_in_any_order_of_names_do_not_wait_for_each_other_for_ever,
    an_attempt_that_succeeds_does_not_count,
    what_says_nothing_any_more_is_forgotten_and_what_is_too_much,
}

const FIVE: Quota = Quota { count: NonZeroU32::new(5).unwrap(), period: SignedDuration::from_mins(15) };
const EACH: SignedDuration = SignedDuration::from_mins(3);

fn names<const N: usize>(names: [&str; N]) -> Vec<String> {
    names.map(ToOwned::to_owned).into()
}

/// How many of `tries` attempts at once are let pass.
async fn passed(store: &SqlStore, tries: usize, names: &[String], now: Timestamp) -> usize {
    let answers = join_all((0..tries).map(|_| store.attempt(names, FIVE, now))).await;
    answers.into_iter().filter(|answer| answer.as_ref().unwrap().is_ok()).count()
}

async fn a_budget_comes_back_one_by_one(store: &SqlStore) {
    for count in (0..5).rev() {
        let left = store.take("ann", FIVE, now()).await.unwrap().unwrap();
        assert_eq!(left, Left { count, full_in: EACH * (5 - i32::try_from(count).unwrap()) });
    }
    assert_eq!(store.take("ann", FIVE, now()).await.unwrap(), Err(Wait(EACH)));
    assert_eq!(store.take("bob", FIVE, now()).await.unwrap().unwrap().count, 4, "another's is untouched");
    assert_eq!(store.take("ann", FIVE, now() + EACH).await.unwrap().unwrap().count, 0);
    assert!(store.take("ann", FIVE, now() + EACH).await.unwrap().is_err());
}

async fn of_many_who_take_at_once_only_so_many_get_one(store: &SqlStore) {
    let answers = join_all((0..40).map(|_| store.take("ann", FIVE, now()))).await;
    assert_eq!(answers.into_iter().filter(|answer| answer.as_ref().unwrap().is_ok()).count(), 5);
}

async fn of_many_attempts_at_once_only_so_many_are_let_pass(store: &SqlStore) {
    let names = names(["account ann"]);
    assert_eq!(passed(store, 40, &names, now()).await, 5);
    assert_eq!(passed(store, 10, &names, now()).await, 0);
    // The wait doubles with every failure.
    let mut later = now();
    for wait in [EACH, EACH * 2, EACH * 4, WAIT_MAX, WAIT_MAX] {
        assert_eq!(store.attempt(&names, FIVE, later).await.unwrap(), Err(Wait(wait)));
        later += wait;
        assert_eq!(passed(store, 10, &names, later).await, 1);
    }
}

async fn an_attempt_counts_under_all_of_its_names_or_under_none(store: &SqlStore) {
    assert_eq!(passed(store, 5, &names(["account ann", "address a"]), now()).await, 5);
    assert_eq!(passed(store, 1, &names(["account bob", "address a"]), now()).await, 0, "the address has to wait");
    assert_eq!(passed(store, 1, &names(["account ann", "address b"]), now()).await, 0, "the account has to wait");
    assert_eq!(
        passed(store, 10, &names(["account bob", "address b"]), now()).await,
        5,
        "what was refused counts nowhere"
    );
}

async fn attempts_in_any_order_of_names_do_not_wait_for_each_other_for_ever(store: &SqlStore) {
    let (one, other) = (names(["a", "b"]), names(["b", "a"]));
    let tries = (0..20).map(|turn| store.attempt(if turn % 2 == 0 { &one } else { &other }, FIVE, now()));
    let passed = join_all(tries).await;
    assert_eq!(passed.into_iter().filter(|answer| answer.as_ref().unwrap().is_ok()).count(), 5);
}

async fn an_attempt_that_succeeds_does_not_count(store: &SqlStore) {
    let names = names(["account ann", "address a"]);
    for _ in 0..20 {
        assert_eq!(store.attempt(&names, FIVE, now()).await.unwrap(), Ok(()));
        store.forgive(&names, now()).await.unwrap();
    }
    assert_eq!(passed(store, 10, &names, now()).await, 5);
    store.forgive(&names, now()).await.unwrap();
    assert_eq!(passed(store, 10, &names, now()).await, 1, "the fifth was right, the others still count");
}

async fn what_says_nothing_any_more_is_forgotten_and_what_is_too_much(store: &SqlStore) {
    for (minute, name) in ["a", "b", "c", "d"].into_iter().enumerate() {
        let begun = now() + SignedDuration::from_mins(i64::try_from(minute).unwrap());
        assert_eq!(passed(store, 5, &names([name]), begun).await, 5);
    }
    store.forget_limits(2, now()).await.unwrap();
    let later = now() + EACH + SignedDuration::from_mins(2);
    for (name, is_known) in [("a", false), ("b", false), ("d", true)] {
        assert_eq!(store.attempt(&names([name]), FIVE, later).await.unwrap().is_err(), is_known, "{name}");
    }
    store.forget_limits(2, now() + EACH + FORGIVEN_AFTER * 2).await.unwrap();
    let rows = sqlx::query("select name from limits").fetch_all(store.pool()).await.unwrap();
    assert_eq!(rows.len(), 0);
}
