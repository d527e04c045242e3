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

# Measure over HTTP against a bare actix-web server and nginx; needs wrk
bench *ARGS:
    benches/http/run {{ARGS}}

# Write the OpenAPI document and its examples anew; twice, for the examples are compiled into the document
openapi:
    KIOSQUE_TEST_UPDATE=1 cargo test --locked --test openapi
    KIOSQUE_TEST_UPDATE=1 cargo test --locked --test openapi

# Everything that must pass before a change lands
ci:
    .ci/run
