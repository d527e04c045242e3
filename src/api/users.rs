//! `/v1/users`: who may log in, and as what.

use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post, web};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use crate::api::address::Address;
use crate::api::articles::Page;
use crate::api::auth::{Admin, Caller};
use crate::api::conditional::Answer;
use crate::api::door::hashed;
use crate::api::inputs::{PageInput, PageParams};
use crate::api::openapi::{BodyFailures, Failures, Gone, Refusals, VersionFailures};
use crate::api::precondition::StateTag;
use crate::api::problem::Problem;
use crate::api::state::State;
use crate::api::user_inputs::{RoleView, UserPatch, check_password, check_role, read_user_patch};
use crate::api::writing::Write;
use crate::api::{body, cursor, inputs};
use crate::content::check::Check;
use crate::content::role::Role;
use crate::content::time::utc_text;
use crate::content::username;
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::store::audit::Target;
use crate::store::keys::{self, KeyRow};
use crate::store::users::{self, UserRow, Wanted};

/// A user.
#[derive(Serialize, ToSchema)]
#[schema(as = User)]
pub struct UserView {
    #[schema(example = "salma@news.example")]
    name: String,
    #[schema(value_type = RoleView)]
    role: String,
    /// Who is disabled cannot log in.
    disabled: bool,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    updated_at: String,
    version: i64,
}

impl UserView {
    fn of(row: &UserRow) -> Self {
        Self {
            name: row.name.clone(),
            role: row.role.clone(),
            disabled: row.disabled_at.is_some(),
            created_at: utc_text(row.created_at),
            updated_at: utc_text(row.updated_at),
            version: row.version,
        }
    }
}

/// Users, and where the page stands in its list.
#[derive(Serialize, ToSchema)]
#[schema(as = UserList)]
pub struct UserListView {
    data: Vec<UserView>,
    page: Page,
}

/// A user that is to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewUser {
    /// Letters without accents, digits and `. _ - + @`; kept in lower case.
    #[schema(example = "salma@news.example", min_length = 1, max_length = 100)]
    name: String,
    #[schema(value_type = RoleView)]
    role: String,
    /// 8 to 72 bytes.
    #[schema(format = Password, example = "une phrase de passe")]
    password: String,
}

/// List users
///
/// By name. Those that were deleted are left out.
#[utoipa::path(
    tag = "identity",
    operation_id = "list_users",
    security(("bearer" = ["admin"])),
    params(PageParams),
    responses(
        (status = 200, description = "A page of users", body = UserListView,
         headers(("ETag" = String), ("Link" = String, description = "The next page"))),
        (status = 304, description = "Not modified"),
        Failures,
        Refusals,
    )
)]
#[get("/v1/users")]
pub async fn list_users(
    request: HttpRequest,
    state: web::Data<State>,
    _caller: Caller<Admin>,
) -> Result<HttpResponse, Problem> {
    let input = PageInput::parse(request.query_string())?;
    let address = Address::of(&request);
    state
        .answer(&request, move |state, _| {
            state.database.read(|conn| list(conn, &input, &address))
        })
        .await
}

fn list(conn: &mut Conn, input: &PageInput, address: &Address) -> Result<Answer> {
    let after: Option<String> = match &input.cursor {
        Some(cursor) => Some(cursor::decode("users", cursor)?),
        None => None,
    };
    let mut rows = users::page(conn, after.as_deref(), input.rows())?;
    let mut page = Page::cut(&mut rows, input.limit, "users", |row| row.name.clone());
    page.count = input.count.then(|| users::count(conn)).transpose()?;
    let link = address.next(&page);
    let data = rows.iter().map(UserView::of).collect();
    Ok(Answer::json(&UserListView { data, page })?
        .next(link)
        .private(true))
}

/// Read a user
#[utoipa::path(
    tag = "identity",
    operation_id = "get_user",
    security(("bearer" = ["admin"])),
    params(("name" = String, Path, description = "The user's name", example = "salma@news.example")),
    responses(
        (status = 200, description = "The user", body = UserView, headers(("ETag" = String))),
        (status = 304, description = "Not modified"),
        (status = 410, description = "The user was deleted", body = crate::api::problem::ProblemView,
         content_type = "application/problem+json"),
        Failures,
        Refusals,
    )
)]
#[get("/v1/users/{name}")]
pub async fn get_user(
    request: HttpRequest,
    state: web::Data<State>,
    _caller: Caller<Admin>,
    name: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    inputs::parse_none(request.query_string())?;
    state
        .answer(&request, move |state, _| {
            state.database.read(|conn| shown(&find(conn, &name)?))
        })
        .await
}

/// Create a user
///
/// An `Idempotency-Key` is not looked at: a request that is sent again finds the name taken.
#[utoipa::path(
    tag = "identity",
    operation_id = "create_user",
    security(("bearer" = ["admin"])),
    request_body = NewUser,
    responses(
        (status = 201, description = "The new user", body = UserView,
         headers(("ETag" = String), ("Location" = String, description = "The user's address"))),
        Failures,
        Refusals,
        BodyFailures,
    )
)]
#[post("/v1/users")]
pub async fn create_user(
    request: HttpRequest,
    state: web::Data<State>,
    caller: Caller<Admin>,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    inputs::parse_none(request.query_string())?;
    let new: NewUser = body::small_json(&request, payload, &state).await?;
    let mut check = Check::default();
    let name = check.parsed("/name", Some(new.name), username::parse);
    let role = check_role(&mut check, Some(new.role));
    check_password(&mut check, Some(&new.password));
    check.finish().map_err(Error::InvalidBody)?;
    let (Some(name), Some(role)) = (name, role) else {
        return Err(Error::Internal("a checked user lacks a member".to_owned()).into());
    };
    let write = Write::of(&request, caller)?;
    let hash = hashed(&state, new.password).await?;
    write
        .carry_out(&state, move |act, conn| {
            let user = users::insert(conn, &name, role, &hash, act.now)?;
            let detail = json!({"role": user.role});
            act.note(conn, "user.create", target(&user, &user.id()), Some(detail))?;
            let location = format!("{}/v1/users/{}", act.state.public_url, user.name);
            Ok(shown(&user)?.created(location))
        })
        .await
}

/// Change a user
///
/// A new role counts at once. Who is disabled or gets a new password is logged out everywhere. API keys that a disabled
/// user has made still count; the audit trail names them. The last active admin stays one.
#[utoipa::path(
    tag = "identity",
    operation_id = "update_user",
    security(("bearer" = ["admin"])),
    params(
        ("name" = String, Path, description = "The user's name", example = "salma@news.example"),
        ("If-Match" = String, Header, description = "The `ETag` of the state that is to change"),
    ),
    request_body(content = UserPatch, content_type = "application/merge-patch+json"),
    responses(
        (status = 200, description = "The user as it is now", body = UserView, headers(("ETag" = String))),
        Failures,
        Refusals,
        BodyFailures,
        VersionFailures, Gone,
    )
)]
#[patch("/v1/users/{name}")]
pub async fn update_user(
    request: HttpRequest,
    state: web::Data<State>,
    caller: Caller<Admin>,
    name: web::Path<String>,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    inputs::parse_none(request.query_string())?;
    let bytes = body::small_bytes(&request, payload, &state, body::MERGE_PATCH).await?;
    let patch = read_user_patch(&bytes)?;
    let write = Write::of(&request, caller)?;
    let hash = match patch.password {
        Some(password) => Some(hashed(&state, password).await?),
        None => None,
    };
    write
        .carry_out(&state, move |act, conn| {
            let user = find(conn, &name)?;
            act.precondition.holds_for(&state_tag(&user))?;
            let wanted = Wanted {
                role: patch.role.unwrap_or(user.role()),
                disabled: patch.disabled.unwrap_or(user.disabled_at.is_some()),
                password: hash,
            };
            let updated = users::update(conn, &user, &wanted, act.now)?;
            let mut detail = json!({
                "role": patch.role.map(Role::as_str),
                "disabled": patch.disabled,
                "password": wanted.password.is_some(),
            });
            if patch.disabled == Some(true) {
                let keys = keys::made_by(conn, &user.name, act.now)?;
                detail["keys_that_still_count"] = json!(names(&keys));
            }
            act.note(conn, "user.update", target(&user, &user.id()), Some(detail))?;
            shown(&updated)
        })
        .await
}

/// Delete a user
///
/// The user is logged out everywhere and cannot come back, and the API keys that the user made are revoked (the audit
/// trail names them). What the user wrote stays, and the name is never given to another.
#[utoipa::path(
    tag = "identity",
    operation_id = "delete_user",
    security(("bearer" = ["admin"])),
    params(
        ("name" = String, Path, description = "The user's name", example = "salma@news.example"),
        ("If-Match" = String, Header, description = "The `ETag` of the state that is to be deleted"),
    ),
    responses(
        (status = 204, description = "Deleted"),
        (status = 409, description = "This is the last active admin", body = crate::api::problem::ProblemView,
         content_type = "application/problem+json"),
        Failures,
        Refusals,
        VersionFailures, Gone,
    )
)]
#[delete("/v1/users/{name}")]
pub async fn delete_user(
    request: HttpRequest,
    state: web::Data<State>,
    caller: Caller<Admin>,
    name: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    inputs::parse_none(request.query_string())?;
    Write::of(&request, caller)?
        .carry_out(&state, move |act, conn| {
            let user = find(conn, &name)?;
            act.precondition.holds_for(&state_tag(&user))?;
            let keys = users::delete(conn, &user, act.now)?;
            let detail = json!({"revoked_keys": names(&keys)});
            act.note(conn, "user.delete", target(&user, &user.id()), Some(detail))?;
            Ok(Answer::no_content())
        })
        .await
}

fn find(conn: &mut Conn, name: &str) -> Result<UserRow> {
    let absent = || Error::NotFound(format!("there is no user {name:?}"));
    let name = username::parse(name).map_err(|_| absent())?;
    let row = users::by_name(conn, &name)?.ok_or_else(absent)?;
    match row.deleted_at {
        Some(_) => Err(Error::Gone(format!("the user {name:?} was deleted"))),
        None => Ok(row),
    }
}

fn names(keys: &[KeyRow]) -> Vec<&str> {
    keys.iter().map(|key| key.name.as_str()).collect()
}

fn shown(user: &UserRow) -> Result<Answer> {
    Ok(Answer::json(&UserView::of(user))?
        .stands_for(state_tag(user))
        .last_modified(Some(user.updated_at.and_utc()))
        .private(true))
}

fn state_tag(user: &UserRow) -> StateTag {
    StateTag::of(&user.id(), user.version)
}

fn target<'a>(user: &'a UserRow, id: &'a str) -> Target<'a> {
    Target {
        kind: "user",
        id,
        name: &user.name,
    }
}
