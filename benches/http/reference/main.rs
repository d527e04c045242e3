//! What `benches/http/run` holds Kiosque against: bare handlers, a bare insert loop, and the corpus for all of them.

mod corpus;
mod insert;
mod random;
mod serve;

use std::error::Error;
use std::process::ExitCode;

/// As the program has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const USAGE: &str = "\
reference corpus ARTICLES          writes made-up articles as NDJSON
reference fixed PORT FOLDER        answers each captured answer in the folder at its path
reference row PORT FOLDER DATABASE answers /v1/articles/SLUG by one query of a row that holds the JSON
reference insert FROM TO           copies the rows of an import by a bare loop; prints the seconds of inserting";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let done = match words[..] {
        ["corpus", articles] => corpus::write(articles),
        ["fixed", port, folder] => serve::fixed(port, folder),
        ["row", port, folder, database] => serve::rows(port, folder, database),
        ["insert", from, to] => insert::copy(from, to),
        _ => Err(USAGE.into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

type Outcome = Result<(), Box<dyn Error>>;
