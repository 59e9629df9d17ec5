//! Which handler answers what, and what stands before all of them.

use crate::app::App;
use crate::problem::{self, Code, Refusal};
use crate::row::{query, transfer};
use crate::{
    audit, auth, component, email, email_page, event, guard, health, hook, host, job, log, portal, request,
    row, run, schedule, secret, session, table, token,
};
use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, post, put};
use tower_http::catch_panic::CatchPanicLayer;

/// The whole API.
pub(crate) fn router(app: App) -> Router {
    let v1 = bounded(&app)
        .merge(unbounded())
        .route_layer(from_fn(guard::refuse_key))
        .merge(once(&app))
        .fallback(missing)
        .method_not_allowed_fallback(not_allowed)
        .layer(from_fn_with_state(app.clone(), event::note))
        .layer(from_fn_with_state(app.clone(), auth::check))
        .layer(from_fn_with_state(app.clone(), guard::settle));
    let metrics = Router::new()
        .route("/metrics", get(health::metrics))
        .route_layer(from_fn_with_state(app.clone(), auth::check));
    let hooks = Router::new()
        .route("/hooks/{job}", post(hook::receive))
        .route_layer(from_fn_with_state(app.clone(), guard::bound))
        .route_layer(from_fn_with_state(app.clone(), guard::settle));
    let routes = Router::new()
        .merge(metrics)
        .merge(hooks)
        .route("/healthz", get(health::live))
        .route("/readyz", get(health::ready))
        .route("/", get(portal::page))
        .route("/assets/{name}", get(portal::asset))
        .merge(session(&app))
        .nest("/v1", v1)
        .fallback(portal::page_or_nothing)
        .method_not_allowed_fallback(not_allowed)
        .with_state(app);
    guarded(routes)
}

/// Signing in needs no token; everything else about a session does.
fn session(app: &App) -> Router<App> {
    let known = get(session::show).delete(session::leave);
    let known = known.route_layer(from_fn_with_state(app.clone(), auth::check));
    Router::new()
        .route("/v1/session", known.post(session::enter))
        .route_layer(from_fn_with_state(app.clone(), guard::settle))
}

/// What stands around the routes as a whole: layers of the routes themselves do not see the methods that apply.
pub(crate) fn guarded(routes: Router) -> Router {
    Router::new()
        .fallback_service(routes)
        .layer(CatchPanicLayer::custom(guard::panicked))
        .layer(from_fn(problem::write))
        .layer(from_fn(guard::log))
}

/// What answers within a request's time.
fn bounded(app: &App) -> Router<App> {
    Router::new()
        .route("/components", get(component::list))
        .route("/components/{digest}", get(component::get))
        .route("/components/{digest}/wasm", get(component::bytes))
        .route("/jobs", get(job::list))
        .route("/jobs/{name}", get(job::get).put(job::put).patch(job::patch).delete(job::delete))
        .route("/jobs/{name}/pause", post(job::state::pause))
        .route("/jobs/{name}/resume", post(job::state::resume))
        .route("/jobs/{name}/rollback", post(job::revision::roll_back))
        .route("/jobs/{name}/revisions", get(job::revision::list))
        .route("/jobs/{name}/skips", get(job::state::skips))
        .route("/jobs/{name}/runs", get(run::list_of_job))
        .route("/runs", get(run::list))
        .route("/runs/{id}", get(run::get))
        .route("/runs/{id}/cancel", post(run::cancel))
        .route("/runs/{id}/logs", get(log::get))
        .route("/schedules/preview", get(schedule::preview))
        .route("/upcoming", get(schedule::upcoming))
        .route("/tables", get(table::list))
        .route("/tables/{table}", get(table::get).put(table::put).delete(table::delete))
        .route("/tables/{table}/rows", get(query::list).delete(query::delete))
        .route("/tables/{table}/explain", get(query::explain))
        .route("/tables/{table}/rows/{id}", get(row::get).put(row::put).patch(row::patch).delete(row::delete))
        .route("/tables/{table}/export", get(transfer::export))
        .route("/emails", get(email::list))
        .route("/emails/{id}", get(email::get).delete(email::delete))
        .route("/secrets", get(secret::list))
        .route("/secrets/{name}", put(secret::put).delete(secret::delete))
        .route("/secret-key/rotate", post(secret::rotate))
        .route("/emails/{id}/html", get(email_page::get))
        .route("/tokens", get(token::list).post(token::add))
        .route("/tokens/{name}", axum::routing::delete(token::delete))
        .route("/audit", get(audit::list))
        .route("/events", get(event::get))
        .route("/host", get(host::get))
        .route_layer(from_fn_with_state(app.clone(), guard::bound))
}

/// What takes long by its nature, and bounds itself: uploads and imports.
fn unbounded() -> Router<App> {
    Router::new()
        .route("/components", post(component::upload))
        .route("/jobs/{name}/component", put(job::deploy::put))
        .route("/tables/{table}/import", post(transfer::import))
}

/// What heeds an idempotency key.
fn once(app: &App) -> Router<App> {
    let bounded = Router::new()
        .route("/jobs/{name}/backfill", post(request::backfill))
        .route("/tables/{table}/rows", post(row::add))
        .route("/batch", post(row::batch::write))
        .route("/emails/{id}/resend", post(email::resend))
        .route_layer(from_fn_with_state(app.clone(), guard::bound));
    // A run may be waited for.
    bounded.route("/jobs/{name}/runs", post(request::ask)).route("/runs/{id}/retry", post(request::again))
}

async fn missing() -> Refusal {
    Refusal::not_found("there is nothing at this path")
}

/// [`problem::write`] names the methods that apply.
async fn not_allowed() -> Refusal {
    Refusal::new(Code::MethodNotAllowed, "this method does not apply here")
}
