//! `POST /command`: who asks, what for, and what became of it.
//!
//! One command at a time: names must be known before the next one is read, and an operator sees an order of things. A
//! command that was sent is followed to its end even when nobody waits for it any more.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use ringside_domain::{Action, Bust, Event, Fact, MatchNumber, Sequence, VenueRefusal};
use serde_json::{Value, json};
use subtle::ConstantTimeEq;
use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio::time::{Instant, timeout_at};
use tracing::info;

use super::Admin;
use super::command::{self, CommandError};
use super::directory::Directory;
use crate::config::AdminToken;
use crate::desk::{Answer, DeskClient, NotTaken};
use crate::venue::Tools;

/// Longest body.
const BODY_MAX: usize = 64 << 10;
/// From the whole request to its answer.
const ANSWER_MAX: Duration = Duration::from_secs(5);
/// A lookup reads the journal from its beginning.
const LOOKUP_MAX: Duration = Duration::from_secs(120);

/// Why a trade cannot be broken.
#[derive(Debug)]
pub enum TradeError {
    /// There is no such match in the journal.
    Unknown,
    /// The journal cannot be read.
    Failed(String),
}

/// Looks a trade up in the journal of a data directory, for breaking it with a reason.
pub type FindTrade = dyn Fn(&Path, MatchNumber, u8) -> Result<Bust, TradeError> + Send + Sync;

/// Tells an event as JSON.
pub type EventJson = dyn Fn(&Directory, &Event) -> Value + Send + Sync;

/// What commands need.
pub struct Operator {
    /// What authorises; `None`: nobody is.
    pub token: Option<AdminToken>,
    /// Names. Held by the command that is under way.
    pub directory: Arc<Mutex<Directory>>,
    /// The way to the engine.
    pub desk: Arc<DeskClient>,
    /// Help from other rooms.
    pub tools: Tools,
    /// Where the journal is.
    pub data_dir: PathBuf,
}

/// A status and a JSON body.
type Reply = (StatusCode, Value);

/// What became of a command.
enum Outcome {
    Answered(Answer, Vec<Value>),
    NotTaken(NotTaken),
    /// The venue stopped first.
    Stopped,
}

pub(super) async fn command(State(admin): State<Arc<Admin>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let (status, value) = match authorise(&admin.operator, &parts.headers) {
        Ok(()) => answer(&admin, body).await.unwrap_or_else(|refusal| refusal),
        Err(refusal) => refusal,
    };
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::WWW_AUTHENTICATE, "Bearer")];
    let headers = &headers[..if status == StatusCode::UNAUTHORIZED { 2 } else { 1 }];
    let mut response = (status, format!("{value}\n")).into_response();
    for (name, value) in headers {
        response.headers_mut().insert(name, header::HeaderValue::from_static(value));
    }
    response
}

fn authorise(operator: &Operator, headers: &HeaderMap) -> Result<(), Reply> {
    let Some(AdminToken(token)) = &operator.token else {
        return Err(failed(StatusCode::FORBIDDEN, "no [admin] token is configured: commands are not taken"));
    };
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let given = given.and_then(|value| value.split_once(' '));
    match given {
        Some((scheme, given))
            if scheme.eq_ignore_ascii_case("bearer")
                && bool::from(given.trim().as_bytes().ct_eq(token.as_bytes())) =>
        {
            Ok(())
        }
        _ => Err(failed(StatusCode::UNAUTHORIZED, "a bearer token is needed, and this is not it")),
    }
}

async fn answer(admin: &Admin, body: Body) -> Result<Reply, Reply> {
    let deadline = Instant::now() + ANSWER_MAX;
    let body = timeout_at(deadline, to_bytes(body, BODY_MAX)).await;
    let body = body.ok().and_then(Result::ok).ok_or_else(|| {
        failed(
            StatusCode::BAD_REQUEST,
            &format!("the body did not come whole, or is longer than {BODY_MAX} bytes"),
        )
    })?;
    if admin.shared.is_over() {
        return Err(failed(StatusCode::SERVICE_UNAVAILABLE, STOPPING));
    }
    let directory = alone(&admin.operator, deadline).await?;
    match command::parse(&body, &directory).map_err(misread)? {
        command::Request::Send(action) => send(&admin.operator, directory, action, deadline).await,
        command::Request::Bust(match_number, reason) => {
            // Others need not wait for the lookup.
            drop(directory);
            let bust = find_trade(&admin.operator, match_number, reason).await?;
            let deadline = Instant::now() + ANSWER_MAX;
            let directory = alone(&admin.operator, deadline).await?;
            send(&admin.operator, directory, Action::Bust(bust), deadline).await
        }
    }
}

const STOPPING: &str = "the venue is stopping";

async fn alone(operator: &Operator, deadline: Instant) -> Result<OwnedMutexGuard<Directory>, Reply> {
    timeout_at(deadline, operator.directory.clone().lock_owned()).await.map_err(|_| {
        failed(StatusCode::SERVICE_UNAVAILABLE, "another command is under way; this one was not sent")
    })
}

fn misread(error: CommandError) -> Reply {
    let status = match error {
        CommandError::Malformed(_) => StatusCode::BAD_REQUEST,
        CommandError::Unknown(_) => StatusCode::NOT_FOUND,
        CommandError::Conflict(_) => StatusCode::CONFLICT,
    };
    failed(status, &error.to_string())
}

async fn find_trade(operator: &Operator, match_number: MatchNumber, reason: u8) -> Result<Bust, Reply> {
    let (find, data_dir) = (operator.tools.find_trade.clone(), operator.data_dir.clone());
    let found = tokio::task::spawn_blocking(move || find(&data_dir, match_number, reason));
    match tokio::time::timeout(LOOKUP_MAX, found).await {
        Ok(Ok(Ok(bust))) => Ok(bust),
        Ok(Ok(Err(TradeError::Unknown))) => {
            Err(failed(StatusCode::NOT_FOUND, &format!("no match {match_number} in the journal")))
        }
        Ok(Ok(Err(TradeError::Failed(problem)))) => Err(failed(StatusCode::SERVICE_UNAVAILABLE, &problem)),
        Ok(Err(_)) | Err(_) => {
            Err(failed(StatusCode::SERVICE_UNAVAILABLE, "the trade could not be looked up"))
        }
    }
}

async fn send(
    operator: &Operator,
    directory: OwnedMutexGuard<Directory>,
    action: Action,
    deadline: Instant,
) -> Result<Reply, Reply> {
    let sequence = Arc::new(AtomicU64::new(0));
    // A task of its own: it keeps the directory until the outcome is known, whoever still listens.
    let task = tokio::spawn(carry_out(
        operator.desk.clone(),
        directory,
        operator.tools.event_json.clone(),
        action,
        sequence.clone(),
    ));
    match timeout_at(deadline, task).await {
        Ok(Ok(Outcome::Answered(answer, events))) => Ok(told(&answer, events)),
        Ok(Ok(Outcome::NotTaken(NotTaken::Full))) => {
            Err(failed(StatusCode::SERVICE_UNAVAILABLE, "too many commands wait; this one was not sent"))
        }
        Ok(Ok(Outcome::NotTaken(NotTaken::Stopping))) => {
            Err(failed(StatusCode::SERVICE_UNAVAILABLE, STOPPING))
        }
        Ok(Ok(Outcome::Stopped) | Err(_)) => {
            Err(unknown(StatusCode::SERVICE_UNAVAILABLE, "the venue stopped before the answer", &sequence))
        }
        Err(_) => Err(unknown(
            StatusCode::GATEWAY_TIMEOUT,
            "no answer in time; it may still be carried out",
            &sequence,
        )),
    }
}

async fn carry_out(
    desk: Arc<DeskClient>,
    mut directory: OwnedMutexGuard<Directory>,
    event_json: Arc<EventJson>,
    action: Action,
    sequence: Arc<AtomicU64>,
) -> Outcome {
    let under_way = match desk.order(action) {
        Ok(under_way) => under_way,
        Err(reason) => return Outcome::NotTaken(reason),
    };
    let Ok(taken) = under_way.taken.await else { return Outcome::NotTaken(NotTaken::Stopping) };
    // Relaxed: a number for a message.
    sequence.store(taken, Ordering::Relaxed);
    let Ok(answer) = under_way.answer.await else { return Outcome::Stopped };
    info!(sequence = answer.sequence, ?action, events = answer.events.len(), "admin command");
    directory.learn(&action, &answer.events);
    let events = answer.events.iter().map(|event| event_json(&directory, event)).collect();
    Outcome::Answered(answer, events)
}

fn told(answer: &Answer, events: Vec<Value>) -> Reply {
    let refusal = answer.events.iter().find_map(|event| match event.fact {
        Fact::Refused(refusal) => Some(refusal),
        _ => None,
    });
    if let Some(refusal) = refusal {
        let body = json!({"error": refusal_text(refusal), "reason": format!("{refusal:?}"), "sequence": answer.sequence});
        return (StatusCode::CONFLICT, body);
    }
    let mut body = json!({"sequence": answer.sequence, "events": events});
    if answer.omitted > 0 {
        body["events_omitted"] = json!(answer.omitted);
    }
    (StatusCode::OK, body)
}

fn failed(status: StatusCode, error: &str) -> Reply {
    (status, json!({"error": error}))
}

fn unknown(status: StatusCode, error: &str, sequence: &AtomicU64) -> Reply {
    let (status, mut body) = failed(status, error);
    let sequence: Sequence = sequence.load(Ordering::Relaxed);
    if sequence > 0 {
        body["sequence"] = json!(sequence);
    }
    (status, body)
}

/// What a refusal means, for people.
fn refusal_text(refusal: VenueRefusal) -> &'static str {
    match refusal {
        VenueRefusal::Instrument => "the instrument does not exist or is not listed",
        VenueRefusal::Login => "the login does not exist",
        VenueRefusal::Terms => "the terms contradict themselves, other instruments, or live orders",
        VenueRefusal::State => "the state cannot follow the present one",
        VenueRefusal::Scope => "the scope cannot be used here",
        VenueRefusal::Match => "the match number was never given",
        VenueRefusal::Broken => "the trade is broken already",
        VenueRefusal::Balance => "not enough is available",
        VenueRefusal::Range => "a number is out of range",
        VenueRefusal::Capacity => "a capacity limit of the venue is reached",
    }
}
