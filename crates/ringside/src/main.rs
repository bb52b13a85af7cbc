//! The command line: `ringside serve | admin | replay | send | bench | doctor`.

mod admin;
mod bench;
mod doctor;
mod failure;
mod host;
mod memory;
mod replay;
mod send;
mod serve;
mod sigbus;

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
    /// Sends a command of the operator to a running venue and prints its answer.
    Admin(admin::AdminArgs),
    /// Measures, each figure beside its physical floor.
    Bench(bench::BenchArgs),
    /// Sends an order-flow file to a venue and reports its fills.
    Send(send::SendArgs),
    /// Tells whether this host is fit for a configuration, and what to do about it.
    Doctor(doctor::DoctorArgs),
    /// Carries out the journal of a data directory again: verify, print, state, diff, export, order, what-if, salvage.
    Replay(replay::ReplayArgs),
}

fn main() -> ExitCode {
    memory::gives_large_blocks_back();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) if error.use_stderr() => {
            // The first line says what is wrong; the rest is help, and scripts want few lines.
            eprintln!("ringside: {}", error.to_string().lines().next().unwrap_or_default());
            return ExitCode::from(failure::USAGE);
        }
        Err(help) => help.exit(),
    };
    let result = match cli.command {
        Command::Serve(args) => serve::run(&args),
        Command::Admin(args) => admin::run(&args),
        Command::Bench(args) => bench::run(&args),
        Command::Send(args) => {
            send::run(args).map_err(|error| failure::Failure::new(error.exit_code(), error))
        }
        Command::Doctor(args) => doctor::run(&args),
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
