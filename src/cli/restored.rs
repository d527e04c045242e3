//! `kiosque restored`: says that the database was put back by other means than a file of `kiosque backup`.

use crate::config::Config;
use crate::content::time::Clock;
use crate::store::audit::Target;
use crate::store::identity;

/// Gives the store another identity: indexes, caches outside and mirrors that followed it begin anew.
pub fn run(config: &Config) -> Result<(), String> {
    let database = super::open(config)?;
    let now = Clock::default().now();
    let renewed = database.write(|conn| {
        let renewed = identity::renew(conn, now)?;
        if let Some(id) = &renewed {
            let target = Target {
                kind: "store",
                id,
                name: "",
            };
            super::note(conn, "store.restored", target, None, now)?;
        }
        Ok(renewed)
    });
    match renewed.map_err(super::told)? {
        Some(id) => println!("the store is {id} from now on"),
        None => println!("the store was never served, and nothing has followed it"),
    }
    Ok(())
}
