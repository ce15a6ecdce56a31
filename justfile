# Shorthands; every recipe is a plain command that works without just.

run *args:
    cargo run --release -- serve {{args}}

check:
    tests/run

bench *args:
    cargo bench {{args}}

web:
    cd web && npm ci && npm run build
