//! What does it cost to see who asks? An access token checked on every request, beside the floor: the bare Ed25519 over
//! the same bytes; and a ticket made and used up for every WebSocket, beside the two hashes that takes.
//!
//! `cargo bench --bench credentials`. Each outcome is checked. As a test it runs once.
#![allow(clippy::expect_used, missing_docs, reason = "a benchmark that cannot run must stop")]

use std::hint::black_box;

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use criterion::{Criterion, criterion_group, criterion_main};
use fantail::auth::revocation::{Bond, Root};
use fantail::auth::ticket::{TICKET_LIFETIME, TicketGrant, Tickets};
use fantail::auth::token::{Holder, KEY_BYTES, KeyRing, SigningKey, TokenError};
use fantail::auth::{Access, AccountId, LoginId, Role, SECRET_BYTES, Secret, Who};
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

const KEY: [u8; KEY_BYTES] = [7; KEY_BYTES];
const WHO: Who = Who::Account { id: AccountId(Uuid::from_u128(1)), role: Role::Member };
const HOLDER: Holder = Holder { who: WHO, epoch: 1, login: LoginId(Uuid::from_u128(2)) };
const LIFETIME: SignedDuration = SignedDuration::from_mins(15);
/// Tickets open at a time, as on a server whose pages open a hundred sockets a second.
const TICKETS_OPEN: i32 = 3000;

fn now() -> Timestamp {
    Timestamp::from_second(1_800_000_000).expect("a time")
}

fn tokens(criterion: &mut Criterion) {
    let ring = KeyRing::new(SigningKey::new("1", &KEY).expect("a key"), Vec::new(), LIFETIME);
    let token = ring.mint(&HOLDER, Uuid::from_u128(3), now()).expect("signed");
    let (signed, signature) = token.rsplit_once('.').expect("three parts");
    let mut group = criterion.benchmark_group("access token");
    group.bench_function("floor: the Ed25519 of the same bytes", |bencher| {
        let pair = Ed25519KeyPair::from_seed_unchecked(&KEY).expect("a key");
        let public = UnparsedPublicKey::new(&ED25519, pair.public_key().as_ref().to_vec());
        let signature = URL_SAFE_NO_PAD.decode(signature).expect("base64url");
        bencher.iter(|| {
            let verified = public.verify(black_box(signed.as_bytes()), black_box(&signature));
            assert!(verified.is_ok());
        });
    });
    group.bench_function("verify", |bencher| {
        bencher.iter(|| assert_eq!(ring.verify(black_box(&token), now()).map(|claims| claims.who), Ok(WHO)));
    });
    // What somebody who guesses costs.
    let forged = format!("{signed}.{}", signature.chars().rev().collect::<String>());
    group.bench_function("refuse one whose signature is wrong", |bencher| {
        bencher.iter(|| assert_eq!(ring.verify(black_box(&forged), now()), Err(TokenError::Invalid)));
    });
    group.bench_function("mint", |bencher| {
        bencher.iter(|| ring.mint(&HOLDER, black_box(Uuid::from_u128(3)), now()).expect("signed"));
    });
    group.finish();
}

fn tickets(criterion: &mut Criterion) {
    let bond =
        Bond { account: Some((AccountId(Uuid::from_u128(1)), 1)), root: Root::Login(HOLDER.login), issued: now() };
    let grant = TicketGrant { who: WHO, bond: Some(bond), expires: None, access: Access::Control };
    let session = Uuid::from_u128(10);
    let text = Secret::new([7; SECRET_BYTES]).reveal();
    let mut group = criterion.benchmark_group("ticket");
    group.bench_function("floor: the two hashes", |bencher| {
        bencher.iter(|| [Sha256::digest(black_box(text.as_bytes())), Sha256::digest(black_box(text.as_bytes()))]);
    });
    group.bench_function("mint and redeem", |bencher| {
        let (mut tickets, mut at, mut number) = (Tickets::default(), now(), 0_u64);
        bencher.iter(|| {
            number += 1;
            // Time goes on, so that what is remembered of tickets stays as much.
            at += TICKET_LIFETIME / TICKETS_OPEN;
            let mut random = [0; SECRET_BYTES];
            random[..8].copy_from_slice(&number.to_le_bytes());
            let ticket = tickets.mint(&Secret::new(random), session, grant, at).expect("room");
            assert_eq!(tickets.redeem(black_box(&ticket), session, at), Ok(grant));
        });
    });
    group.finish();
}

criterion_group!(benches, tokens, tickets);
criterion_main!(benches);
