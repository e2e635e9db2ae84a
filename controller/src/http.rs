//! Health, readiness and metrics over HTTP, for machines that watch. Nothing is asked of who connects.

use std::future::Future;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;

use crate::Controller;

mod exposition;
mod readings;
mod ready;

/// What is watched, and its bounds.
#[derive(Debug, Clone)]
struct Watched {
    controller: Controller,
    disk_free: u64,
    since_us: u64,
}

/// Serves until `stop`. With less than `disk_free` bytes of free disk the controller is not ready.
pub async fn serve(
    listener: TcpListener,
    controller: Controller,
    disk_free: u64,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    axum::serve(listener, routes(controller, disk_free))
        .with_graceful_shutdown(stop)
        .await
}

/// The pages.
pub fn routes(controller: Controller, disk_free: u64) -> Router {
    let since_us = controller.outside.now_us();
    Router::new()
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .with_state(Arc::new(Watched {
            controller,
            disk_free,
            since_us,
        }))
}

/// The process answers.
async fn healthz() -> &'static str {
    "ok\n"
}

/// It can do its work; else 503 and each reason on a line.
async fn readyz(State(watched): State<Arc<Watched>>) -> Response {
    let reasons = ready::reasons(&watched.controller, watched.disk_free).await;
    if reasons.is_empty() {
        return "ready\n".into_response();
    }
    (StatusCode::SERVICE_UNAVAILABLE, reasons.join("\n") + "\n").into_response()
}

/// In Prometheus' text format. A reading that fails makes the whole page fail: half of it would look like zeros.
async fn metrics(State(watched): State<Arc<Watched>>) -> Response {
    match readings::all(&watched.controller, watched.since_us).await {
        Ok(page) => ([(CONTENT_TYPE, exposition::TYPE)], page).into_response(),
        Err(error) => {
            let error = anyhow::Error::new(error);
            tracing::error!("the metrics could not be read: {error:#}");
            let text = "the store could not be read: the controller's log says why\n";
            (StatusCode::SERVICE_UNAVAILABLE, text).into_response()
        }
    }
}
