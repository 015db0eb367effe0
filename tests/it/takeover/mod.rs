//! Taking over old data, and comparing what is stored.

mod crashes;
mod doctor;
mod guide;
mod import;
mod progress;
mod properties;
mod records;
mod refusals;

use serde_json::Value;

use crate::support::{TestApp, cli::Output};

/// The item of this source in a report.
fn item<'r>(report: &'r Value, source: &str) -> &'r Value {
    let items = report["items"].as_array().expect("a report has items");
    let found: Vec<&Value> = items.iter().filter(|item| item["source"] == source).collect();
    assert_eq!(found.len(), 1, "{source} in {report:#}");
    found[0]
}

/// Runs `migrate-records` on the app's data; its server must not run unless nothing is written.
fn migrate(app: &TestApp, args: &[&str]) -> Output {
    let folder = app.home.plugins_dir().display().to_string();
    app.local().run(&[&["migrate-records", &folder, "--output", "json"], args].concat())
}

/// The report, which must fit the schema that is documented.
#[track_caller]
fn report(output: &Output) -> Value {
    let report = output.json();
    assert_fits("docs/report.schema.json", &report);
    report
}

#[track_caller]
fn assert_fits(schema: &str, value: &Value) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(schema);
    let schema: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<String> = validator.iter_errors(value).map(|e| format!("{}: {e}", e.instance_path())).collect();
    assert!(errors.is_empty(), "{errors:#?}");
}
