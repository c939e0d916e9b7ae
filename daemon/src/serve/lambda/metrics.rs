//! Metrics of an invocation, as a line that CloudWatch makes metrics of.
//!
//! The form is CloudWatch's embedded metric format: an object on stdout whose field `_aws` names
//! the others that are metrics.

use std::io::{self, Write};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value, json};

/// Namespace of the metrics.
const NAMESPACE: &str = "gte";

/// Metrics of an invocation.
#[derive(Debug)]
pub(super) struct Invocation<'a> {
    /// Name of the function.
    pub(super) function: &'a str,
    /// Time from the start of the program until the model was ready, of the first invocation.
    pub(super) init: Option<Duration>,
    /// Time from the event to its reply.
    pub(super) elapsed: Duration,
    /// Tokens that were read.
    pub(super) tokens: u64,
    /// True if the reply is an error.
    pub(super) failed: bool,
}

impl Invocation<'_> {
    /// Writes the line.
    ///
    /// # Errors
    ///
    /// If stdout cannot be written to.
    pub(super) fn write(&self) -> io::Result<()> {
        let mut line = self.line().to_string();
        line.push('\n');
        let mut out = io::stdout().lock();
        out.write_all(line.as_bytes())?;
        out.flush()
    }

    fn line(&self) -> Value {
        let millis = |time: Duration| json!(time.as_secs_f64() * 1e3);
        let mut metrics = vec![
            ("ColdStart", "Count", json!(u8::from(self.init.is_some()))),
            ("Millis", "Milliseconds", millis(self.elapsed)),
            ("Tokens", "Count", json!(self.tokens)),
            ("Errors", "Count", json!(u8::from(self.failed))),
        ];
        // A warm invocation would lower the mean.
        if let Some(init) = self.init {
            metrics.push(("InitMillis", "Milliseconds", millis(init)));
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.unwrap_or_default().as_millis();
        let listed = metrics.iter();
        let listed = listed.map(|(name, unit, _)| json!({"Name": name, "Unit": unit}));
        let listed: Vec<Value> = listed.collect();
        let mut line = Map::new();
        line.insert(
            "_aws".to_owned(),
            json!({
                "Timestamp": u64::try_from(now).unwrap_or(u64::MAX),
                "CloudWatchMetrics": [{
                    "Namespace": NAMESPACE,
                    "Dimensions": [["FunctionName"]],
                    "Metrics": listed,
                }],
            }),
        );
        line.insert("FunctionName".to_owned(), json!(self.function));
        for (name, _, value) in metrics {
            line.insert(name.to_owned(), value);
        }
        Value::Object(line)
    }
}
