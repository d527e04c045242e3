//! Who a caller is: passwords, secrets and tokens, without HTTP and without the database.

pub mod preview;
pub mod secret;
