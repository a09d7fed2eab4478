//! `muster check`: proves that the data is sound, one line a check.

use muster_kernel::db::{Db, DbResult, Target, sqlite_damage};
use muster_kernel::domain::Check;
use serde_json::json;

use super::{block_on, open};
use crate::{Config, Exit, domains, voice};

pub(crate) fn run(config: &Config, as_json: bool) -> Result<(), Exit> {
    let target = config.target()?;
    let db = open(config)?;
    let mut failed = 0;
    let mut tell = |name: &str, findings: DbResult<Vec<String>>| {
        let findings = findings.unwrap_or_else(|e| vec![format!("could not be looked at: {e}")]);
        failed += usize::from(!findings.is_empty());
        report(name, &findings, as_json);
    };
    tell("engine.integrity", engine(&target));
    for check in domains().into_iter().flat_map(|domain| domain.checks) {
        tell(check.name, block_on(async { Ok(look(&db, check).await) })?);
    }
    match failed {
        0 => Ok(()),
        1 => Err(Exit::damage("1 check failed")),
        n => Err(Exit::damage(format!("{n} checks failed"))),
    }
}

/// PostgreSQL looks after its own files; the embedded engine is asked.
fn engine(target: &Target) -> DbResult<Vec<String>> {
    target.file().map_or(Ok(Vec::new()), sqlite_damage)
}

async fn look(db: &Db, check: Check) -> DbResult<Vec<String>> {
    db.read(move |conn| (check.look)(conn)).await
}

fn report(name: &str, findings: &[String], as_json: bool) {
    let outcome = if findings.is_empty() { "ok" } else { "FAIL" };
    if as_json {
        voice::say(&json!({ "name": name, "ok": findings.is_empty(), "findings": findings }).to_string());
    } else {
        let detail = if findings.is_empty() { "nothing found".to_owned() } else { findings.join("; ") };
        voice::say(&format!("{outcome} {name}: {detail}"));
    }
}
