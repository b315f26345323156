//! An explanation for people: collapsed where there is much of the same.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::NOTICE;
use super::answer::Answer;
use crate::claims::Stage;
use crate::claims::case::SavedClaim;
use crate::claims::explain::{Combination, IssuedClaim, RuleExplanation, StageExplanation};
use crate::cli::claims::output::{Paint, counted, printable};
use crate::cli::claims::wording::{claim_line, one_line, rule, why};

/// The whole text; `all` shows what is collapsed otherwise.
pub(super) fn text(answer: &Answer, all: bool, paint: Paint) -> String {
    let mut page = Page { text: String::new(), most: if all { usize::MAX } else { COLLAPSED }, paint };
    page.head(answer);
    page.title(&format!("Input claims ({})", answer.input.len()));
    page.claims(&answer.input);
    for stage in &answer.stages {
        page.stage(stage);
    }
    page.decision(answer);
    page.text
}

struct Page {
    text: String,
    /// Values of one type, and combinations of one rule, that are shown.
    most: usize,
    paint: Paint,
}

impl Page {
    fn line(&mut self, indent: usize, line: &str) {
        let _ = writeln!(self.text, "{:indent$}{line}", "");
    }

    fn title(&mut self, title: &str) {
        let title = self.paint.bold(title);
        let _ = writeln!(self.text, "\n{title}");
    }

    fn head(&mut self, answer: &Answer) {
        let title = self.paint.bold(&printable(&answer.title));
        self.line(0, &title);
        let mut facts: Vec<(&str, String)> = Vec::new();
        if let Some(subject) = &answer.subject {
            let upn = subject.upn.as_deref().unwrap_or("no UPN");
            let groups = counted(subject.groups, "group");
            facts.push(("Account", format!("{} ({}), {upn}, {groups}", subject.name, subject.sid)));
        }
        if let Some(provider) = &answer.claims_provider {
            facts.push(("User of", format!("{} ({})", provider.name, provider.identifier)));
        }
        if let Some(actor) = &answer.actor {
            facts.push(("Actor", format!("{} ({})", actor.name, actor.id)));
        }
        if let Some(party) = &answer.relying_party {
            facts.push(("For", format!("{} ({})", party.name, party.identifier)));
        }
        if let Some(request) = &answer.request {
            facts.push((
                "Request",
                format!("{} from {}, {}", request.endpoint, request.client_address, request.location),
            ));
        }
        facts.extend(answer.assumed.iter().map(|assumed| ("Assumed", assumed.clone())));
        facts.extend(answer.warnings.iter().map(|warning| ("Warning", warning.clone())));
        for (name, fact) in facts {
            self.line(2, &format!("{name:<9}{}", printable(&fact)));
        }
        self.line(2, NOTICE);
    }

    /// Claims by type, each value once; many values are collapsed.
    fn claims(&mut self, claims: &[SavedClaim]) {
        let mut order: Vec<&str> = Vec::new();
        let mut values: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for claim in claims {
            let of_type = values.entry(&claim.claim_type).or_default();
            if of_type.is_empty() {
                order.push(&claim.claim_type);
            }
            of_type.push(&claim.value);
        }
        for claim_type in order {
            let of_type = values.remove(claim_type).unwrap_or_default();
            self.line(2, &printable(claim_type));
            for value in of_type.iter().take(self.most) {
                self.line(6, &printable(value));
            }
            self.more(6, of_type.len(), "value");
        }
    }

    /// `and 192 more values (--all shows them)`.
    fn more(&mut self, indent: usize, number: usize, what: &str) {
        if let Some(more) = number.checked_sub(self.most).filter(|more| *more > 0) {
            let line = self.paint.faint(&format!("and {} (--all shows them)", counted(more, &format!("more {what}"))));
            self.line(indent, &line);
        }
    }

    fn stage(&mut self, stage: &StageExplanation) {
        // These start with the client's claims, and see nothing of the user.
        if stage.stage == Some(Stage::DelegationAuthorization) {
            self.title(&format!("Claims of the actor ({})", stage.input.len()));
            self.claims(&stage.input);
        }
        self.title(stage.stage.map_or("Rules", Stage::title));
        for rule in &stage.rules {
            self.rule(rule);
        }
        if let Some(error) = &stage.error {
            let line = self.paint.bad(&format!("failed: {}", printable(error)));
            self.line(2, &line);
            if stage.not_reached > 0 {
                self.line(2, &format!("{} after it did not run", counted(stage.not_reached, "rule")));
            }
        }
        if stage.rules.is_empty() {
            self.line(2, "there is no rule");
        }
    }

    fn rule(&mut self, explained: &RuleExplanation) {
        let name = explained.name.as_deref().map_or_else(|| shortened(&explained.text), printable);
        let outcome = match explained.acted {
            0 => self.paint.faint("did not act"),
            1 => self.paint.good("acted"),
            times => self.paint.good(&format!("acted {times} times")),
        };
        self.line(2, &format!("{:>3}  {name}: {outcome}", explained.number));
        for line in why(explained) {
            self.line(7, &line);
        }
        for combination in explained.combinations.iter().take(self.most) {
            self.combination(combination);
        }
        self.more(7, explained.acted, "combination");
    }

    fn combination(&mut self, combination: &Combination) {
        if let ([bound], [made]) = (combination.bound.as_slice(), combination.made.as_slice())
            && bound.claim == made.claim
        {
            self.line(7, &format!("passed  {}", claim_line(&made.claim)));
            return;
        }
        for bound in &combination.bound {
            self.line(7, &format!("matched {} is {}", printable(&bound.tag), claim_line(&bound.claim)));
        }
        if let Some(query) = &combination.query {
            let params: Vec<String> = query.params.iter().map(|param| format!("\"{}\"", printable(param))).collect();
            let again = if query.remembered { " (remembered)" } else { "" };
            let params = params.join(", ");
            self.line(7, &format!("asked   {}: {} with {params}{again}", query.store, printable(&query.query)));
            match &query.error {
                Some(error) => {
                    let error = self.paint.bad(&printable(error));
                    self.line(7, &format!("answer  {error}"));
                }
                None if query.rows.is_empty() => self.line(7, "answer  no rows"),
                None => {
                    for row in query.rows.iter().take(self.most) {
                        let cells = row.iter().map(|cell| {
                            cell.as_ref()
                                .map_or_else(|| String::from("no value"), |cell| format!("\"{}\"", printable(cell)))
                        });
                        self.line(7, &format!("answer  {}", cells.collect::<Vec<_>>().join(", ")));
                    }
                    self.more(15, query.rows.len(), "row");
                }
            }
        }
        for made in combination.made.iter().take(self.most) {
            let verb = match made.verb {
                crate::claims::language::Verb::Issue => "issued ",
                crate::claims::language::Verb::Add => "added  ",
            };
            self.line(7, &format!("{verb} {}", claim_line(&made.claim)));
        }
        self.more(15, combination.made.len(), "claim");
        if combination.made.is_empty() {
            self.line(7, "made no claim");
        }
    }

    fn decision(&mut self, answer: &Answer) {
        if let Some(decision) = answer.decision {
            let word = if matches!(decision, "permit" | "no-mfa") {
                self.paint.good(decision)
            } else {
                self.paint.bad(decision)
            };
            let reason = answer.reason.as_ref().map(|reason| format!(": {}", printable(reason))).unwrap_or_default();
            self.title(&format!("Decision: {word}{reason}"));
        }
        let is_transform = answer.stages.iter().any(|stage| stage.stage == Some(Stage::IssuanceTransform));
        if !is_transform || answer.decision.is_some_and(|decision| decision != "permit") {
            return;
        }
        self.title(&format!("Claims of the token ({})", answer.token.len()));
        let mut order: Vec<(&str, usize)> = Vec::new();
        let mut groups: BTreeMap<(&str, usize), Vec<&IssuedClaim>> = BTreeMap::new();
        for issued in &answer.token {
            let key = (&*issued.claim.claim_type, issued.rule);
            let group = groups.entry(key).or_default();
            if group.is_empty() {
                order.push(key);
            }
            group.push(issued);
        }
        for key in order {
            let group = groups.remove(&key).unwrap_or_default();
            for issued in group.iter().take(self.most) {
                let by = rule(issued.rule, issued.rule_name.as_deref());
                self.line(2, &claim_line(&issued.claim));
                let by = self.paint.faint(&format!("by {by}"));
                self.line(6, &by);
            }
            self.more(6, group.len(), "claim");
        }
    }
}

/// A rule without a name is called by the beginning of its text.
fn shortened(text: &str) -> String {
    let line = one_line(text);
    match line.char_indices().nth(LONGEST_NAME) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
        None => line,
    }
}

/// Characters of a rule's text that stand for its name.
const LONGEST_NAME: usize = 80;
/// Of many things of a kind, so many are shown.
const COLLAPSED: usize = 8;
