//! `ringside admin`: a command of the operator to a running venue. The answer's JSON goes to stdout; exit code 1 when the
//! venue has refused, 2 when nothing was sent.

mod http;
mod words;

use std::io::Write;

use clap::Args;
use serde_json::Value;

use crate::failure::{Failure, REFUSED, STORAGE, USAGE};

pub use http::{Operator, OperatorError};
use words::AdminCommand;

/// Arguments of `admin`.
#[derive(Args)]
pub struct AdminArgs {
    /// Admin address of the venue
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:9002")]
    to: String,
    /// Token of `[admin]` in the venue's configuration [default: $RINGSIDE_ADMIN_TOKEN]
    #[arg(long)]
    token: Option<String>,
    #[command(subcommand)]
    command: AdminCommand,
}

/// Sends the command, prints the answer.
pub fn run(args: &AdminArgs) -> Result<(), Failure> {
    let body = args.command.body();
    serde_json::from_str::<Value>(&body)
        .map_err(|error| Failure::new(USAGE, format!("not a JSON command: {error}")))?;
    let operator = Operator::new(&args.to, args.token.as_deref())?;
    let answer = operator.post(&body)?;
    writeln!(std::io::stdout(), "{}", answer.body)
        .map_err(|error| Failure::new(STORAGE, format!("stdout: {error}")))?;
    match answer.is_done() {
        true => Ok(()),
        false => {
            let why = answer.body["error"].as_str().unwrap_or("no reason given");
            Err(Failure::new(REFUSED, format!("{}: {why}", args.to)))
        }
    }
}

impl From<OperatorError> for Failure {
    fn from(error: OperatorError) -> Self {
        let code = match &error {
            OperatorError::NoToken => USAGE,
            OperatorError::Http { .. } | OperatorError::NotJson { .. } => REFUSED,
        };
        Failure::new(code, error)
    }
}
