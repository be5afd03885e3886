//! `callbackd token`: who may use the API by TCP.

use super::failure::Failure;
use super::plain::{json_line, local, safe};
use super::target::{Target, TargetArgs};
use crate::api::percent;
use crate::store::tokens::Role;
use clap::Subcommand;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use comfy_table::{Table, presets::NOTHING};
use serde_json::json;
use std::io::Write;

/// Manage the tokens with which programs use the API by TCP
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
A token is shown once, when it is made; the database keeps its hash. Programs send it as `Authorization: Bearer TOKEN` to api.listen.

Examples:
  callbackd token add wallboard
  callbackd token add web-form --role request
  callbackd token remove wallboard")]
pub struct TokenArgs {
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would show it")]
    pub target: TargetArgs,
    #[command(subcommand)]
    pub(crate) command: TokenCommand,
}

/// What is done with the tokens.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum TokenCommand {
    /// Make one and show it
    Add {
        /// What it is for: the history names it
        name: String,
        /// read: everything; operate: commands too; request: only ask for callbacks, ten a minute
        #[arg(long, default_value = "read", value_parser = role())]
        role: Role,
    },
    /// Show them, without their secrets
    List,
    /// Withdraw one, at once
    Remove {
        /// Its name
        name: String,
    },
}

fn role() -> impl TypedValueParser<Value = Role> {
    PossibleValuesParser::new(Role::ALL.iter().map(|(word, _)| *word)).try_map(|given| {
        let found = Role::ALL.iter().find(|(word, _)| *word == given);
        found.map(|(_, role)| *role).ok_or_else(|| format!("{given} is no role"))
    })
}

/// Runs the command.
///
/// # Errors
/// See [`Failure`].
pub fn run(args: &TokenArgs, target: &Target, out: &mut impl Write, notes: &mut impl Write) -> Result<(), Failure> {
    match &args.command {
        TokenCommand::Add { name, role } => {
            let answer = target.post("/v1/tokens", &json!({ "name": name, "role": role }))?;
            if target.json {
                json_line(&answer, out)?;
            } else {
                writeln!(out, "{}", safe(answer["token"].as_str().unwrap_or_default()))?;
                // Notes are a courtesy: that they cannot be said is no error.
                let _ = writeln!(notes, "It is not shown again: keep it where only the program can read it.");
            }
        }
        TokenCommand::Remove { name } => {
            let answer = target.delete(&format!("/v1/tokens/{}", percent(name)))?;
            if target.json {
                json_line(&answer, out)?;
            } else {
                writeln!(out, "{} is withdrawn", safe(name))?;
            }
        }
        TokenCommand::List => {
            let tokens = target.reader()?.tokens()?;
            if target.json {
                return tokens.iter().try_for_each(|token| Ok(json_line(token, out)?));
            }
            if tokens.is_empty() {
                let _ = writeln!(notes, "There are no tokens: nobody can use the API by TCP.");
                return Ok(());
            }
            let mut table = Table::new();
            table.load_style(NOTHING).set_header(["Name", "Role", "Made", "By"]);
            for token in tokens {
                let made = local(token.made_ms, &target.zone, "%Y-%m-%d %H:%M");
                table.add_row([safe(&token.name), token.role.as_str().to_owned(), made, safe(&token.by)]);
            }
            writeln!(out, "{}", table.trim_fmt())?;
        }
    }
    Ok(())
}
