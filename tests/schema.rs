//! Both migrations give the same tables and columns, which are those that the program knows.

mod support;

use std::collections::BTreeMap;

use diesel::prelude::*;
use diesel::sql_types::Text;
use kiosque::config::DatabaseUrl;
use kiosque::db::Conn;
use kiosque::db::schema::TABLES;
use support::places;

#[derive(QueryableByName)]
struct Column {
    #[diesel(sql_type = Text)]
    table_name: String,
    #[diesel(sql_type = Text)]
    column_name: String,
}

const SQLITE: &str = "SELECT m.name AS table_name, c.name AS column_name
    FROM sqlite_schema m JOIN pragma_table_info(m.name) c
    WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' ORDER BY m.name, c.cid";
const POSTGRES: &str = "SELECT table_name::text, column_name::text FROM information_schema.columns
    WHERE table_schema = 'public' ORDER BY table_name, ordinal_position";

#[test]
fn both_databases_have_the_columns_that_the_program_knows() {
    let known: BTreeMap<String, Vec<String>> = TABLES
        .iter()
        .map(|(table, columns)| {
            (
                (*table).to_owned(),
                columns.iter().map(|&name| name.to_owned()).collect(),
            )
        })
        .collect();
    for place in places() {
        let query = match &place.url {
            DatabaseUrl::Sqlite(_) => SQLITE,
            DatabaseUrl::Postgres(_) => POSTGRES,
        };
        let found = place
            .open()
            .read(|conn| Ok(columns(conn, query)))
            .expect("it answers");
        assert_eq!(found, known, "{}", place.name);
    }
}

fn columns(conn: &mut Conn, query: &str) -> BTreeMap<String, Vec<String>> {
    let rows: Vec<Column> = diesel::sql_query(query)
        .load(conn)
        .expect("the catalogue answers");
    let mut tables: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in rows
        .into_iter()
        .filter(|row| !row.table_name.starts_with("__"))
    {
        tables
            .entry(row.table_name)
            .or_default()
            .push(row.column_name);
    }
    tables
}

#[test]
fn migrations_have_the_same_names() {
    let names = |folder: &str| {
        let path = format!("{}/migrations/{folder}", env!("CARGO_MANIFEST_DIR"));
        let mut names: Vec<_> = std::fs::read_dir(path)
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        names.sort();
        names
    };
    assert_eq!(names("sqlite"), names("postgres"));
}

#[test]
fn opening_twice_at_once_and_again_is_safe() {
    for place in places() {
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| place.open())).collect();
            for thread in threads {
                thread.join().expect("it opens");
            }
        });
        place.open();
    }
}

#[test]
fn a_database_of_a_newer_version_is_refused() {
    for place in places() {
        let database = place.open();
        database
            .write(|conn| {
                let newer =
                    "INSERT INTO __diesel_schema_migrations (version) VALUES ('99991231000000')";
                diesel::sql_query(newer).execute(conn)?;
                Ok(())
            })
            .expect("it is written");
        drop(database);
        let refusal = kiosque::db::Database::open(&place.url, 1, std::time::Duration::from_secs(5));
        let line = refusal.err().expect("it is refused");
        assert!(
            line.contains("newer version") && !line.contains('\n'),
            "{line}"
        );
    }
}
