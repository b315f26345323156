//! The chart's schema of `config`, beside the sections there are.

use std::collections::BTreeSet;

use crate::config::Config;

/// A section that the schema does not name could not be set by the chart.
#[test]
fn the_chart_takes_every_section() {
    let error = toml::from_str::<Config>("nothing = 1").unwrap_err().to_string();
    let (_, sections) = error.split_once("expected one of ").unwrap_or_else(|| panic!("{error}"));
    let sections: BTreeSet<&str> = sections.split('`').skip(1).step_by(2).collect();
    // Read and not included: the image is built without the chart.
    let schema = concat!(env!("CARGO_MANIFEST_DIR"), "/helm/chancery/values.schema.json");
    let schema: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(schema).unwrap()).unwrap();
    let taken = schema["properties"]["config"]["properties"].as_object().unwrap();
    assert_eq!(taken.keys().map(String::as_str).collect::<BTreeSet<_>>(), sections);
}
