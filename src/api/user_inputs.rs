//! What may be said of a user: a role, a password, a change.

use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::api::body;
use crate::content::check::{Check, one_of};
use crate::content::role::Role;
use crate::error::{Error, Result};
use crate::identity::password;

/// What a user or a key may do; each may do what those before it may.
#[derive(ToSchema)]
#[schema(as = Role, rename_all = "snake_case")]
#[allow(dead_code)]
pub enum RoleView {
    Reader,
    Partner,
    Author,
    Editor,
    Admin,
}

/// What of a user is to change.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UserPatch {
    #[schema(value_type = Option<RoleView>, nullable = false)]
    role: Option<String>,
    #[schema(nullable = false)]
    disabled: Option<bool>,
    /// 8 to 72 bytes. Ends every session of the user.
    #[schema(format = Password, nullable = false)]
    password: Option<String>,
}

/// A patch that was checked.
pub struct Patch {
    pub role: Option<Role>,
    pub disabled: Option<bool>,
    pub password: Option<String>,
}

/// # Errors
/// 400 where it is no JSON, 422 where it is no such patch.
pub fn read_user_patch(bytes: &[u8]) -> Result<Patch> {
    let members = body::read_patch(bytes)?;
    let mut check = Check::default();
    for name in ["role", "disabled", "password"] {
        if members.get(name).is_some_and(Value::is_null) {
            check.fault(&format!("/{name}"), "cannot be removed");
        }
    }
    let patch: UserPatch = body::read_value(Value::Object(members))?;
    let role = check_role(&mut check, patch.role);
    check_password(&mut check, patch.password.as_deref());
    check.finish().map_err(Error::InvalidBody)?;
    Ok(Patch {
        role,
        disabled: patch.disabled,
        password: patch.password,
    })
}

pub fn check_role(check: &mut Check, role: Option<String>) -> Option<Role> {
    check.parsed("/role", role, |text| {
        Role::parse(text).ok_or_else(|| one_of(text, &Role::ALL.map(Role::as_str)))
    })
}

pub fn check_password(check: &mut Check, given: Option<&str>) {
    if let Some(Err(fault)) = given.map(password::check) {
        check.fault("/password", fault);
    }
}
