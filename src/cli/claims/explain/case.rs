//! Explains saved cases: no directory, no configuration.

use super::Explain;
use super::answer::Answer;
use crate::claims::case::{self, Case};
use crate::claims::explain::StageExplanation;
use crate::claims::{Limits, RecordedTrace, RuleSet, Stage};
use crate::cli::claims::files;

pub(super) fn explain(command: &Explain) -> Result<Vec<Answer>, Box<dyn std::error::Error>> {
    let path = command.case.as_deref().ok_or("--case names no file")?;
    let file = files::cases(path)?;
    let rules = files::rules(&command.rules.clone().unwrap_or_else(|| files::rules_of(path, &file)))?;
    let wanted = |case: &&Case| command.name.as_ref().is_none_or(|name| case.name.contains(name.as_str()));
    let cases: Vec<&Case> = file.cases.iter().filter(wanted).collect();
    if cases.is_empty() {
        let names: Vec<String> = file.cases.iter().map(|case| format!("  {}", case.name)).collect();
        return Err(format!("no such case in {}; it has:\n{}", path.display(), names.join("\n")).into());
    }
    Ok(files::at_once(async {
        let mut answers = Vec::with_capacity(cases.len());
        for case in cases {
            answers.push(answer(&rules, file.stage, case).await);
        }
        answers
    })?)
}

async fn answer(rules: &RuleSet, stage: Stage, case: &Case) -> Answer {
    let mut trace = RecordedTrace::default();
    let result = case::run(rules, stage, case, &Limits::default(), &mut trace).await;
    let stages: Vec<StageExplanation> = trace.runs.iter().map(StageExplanation::of).collect();
    let output = stages.last().map(|stage| stage.output.clone()).unwrap_or_default();
    let (decision, reason) = match &result.outcome {
        Ok(_) => (result.decision, None),
        Err(failure) => (Some("error"), Some(failure.to_string())),
    };
    Answer {
        title: format!("Case \"{}\"", case.name),
        subject: None,
        claims_provider: None,
        actor: None,
        relying_party: None,
        request: None,
        assumed: Vec::new(),
        warnings: Vec::new(),
        input: stages.first().map(|stage| stage.input.clone()).unwrap_or_default(),
        stages,
        decision,
        reason,
        token: if stage == Stage::IssuanceTransform { output } else { Vec::new() },
    }
}
