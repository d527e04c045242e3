//! Who a caller is: passwords, secrets and tokens, without HTTP and without the database.

pub mod attempts;
pub mod authority;
pub mod claims;
pub mod jwk;
pub mod jws;
pub mod password;
pub mod preview;
pub mod secret;
pub mod secret_file;
pub mod signing;
pub mod trusted;
