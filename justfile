# `just` lists the recipes; each is a plain cargo or shell command that can be typed by hand.

default:
    @just --list

# Build everything, tests included
build:
    cargo build --locked --all-targets

# Run every test; PostgreSQL is used where it is installed
test *ARGS:
    cargo test --locked {{ARGS}}

# Serve the sample articles on http://127.0.0.1:8080
demo:
    cargo run --locked --release -- serve --demo

# Form and lint
lint:
    cargo fmt --check
    cargo clippy --locked --all-targets -- -D warnings

# Write openapi/openapi.json anew
openapi:
    cargo run --locked --quiet -- openapi --out openapi/openapi.json

# Everything that must pass before a change lands
ci:
    .ci/run
