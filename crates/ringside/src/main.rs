//! The command line: `ringside serve | replay | send | bench`.

mod failure;
mod replay;
mod serve;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// An LMAX-style order-matching engine: a venue in one binary.
#[derive(Parser)]
#[command(version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs a venue; without a configuration file, a demo venue on loopback.
    Serve(serve::ServeArgs),
    /// Carries out the journal of a data directory again: verify, print, state.
    Replay(replay::ReplayArgs),
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Serve(args) => serve::run(&args),
        Command::Replay(args) => replay::run(&args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::from(failure.exit_code)
        }
    }
}
