//! The form of `summary.json`, for programs that read it: every metric has its name and meaning.

use schemars::generate::SchemaSettings;
use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value, json};

use super::{Estimate, Summary};
use crate::metric::TABLE;

/// Returns the JSON Schema (draft 2020-12) of `summary.json`.
///
/// A later version may write more metrics, so that a program should accept metrics that it does not know.
#[must_use]
pub fn json_schema() -> Value {
    let generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    let mut schema = generator.into_root_schema_for::<Summary>().to_value();
    // Whether JSON keeps its order is a feature that any dependency may switch on; the schema is to be one text.
    schema.sort_all_objects();
    schema
}

pub(super) fn estimates(generator: &mut SchemaGenerator) -> Schema {
    let estimate = generator.subschema_for::<Estimate>();
    by_metric(&estimate)
}

pub(super) fn values(generator: &mut SchemaGenerator) -> Schema {
    let number = generator.subschema_for::<f64>();
    by_metric(&number)
}

/// An object with one optional key per metric.
fn by_metric(value: &Schema) -> Schema {
    let described = TABLE.iter().map(|row| {
        let mut schema = value.clone();
        schema.insert("title".to_owned(), json!(row.label));
        schema.insert("description".to_owned(), json!(row.meaning));
        (row.id.to_owned(), schema.to_value())
    });
    let properties: Map<String, Value> = described.collect();
    json_schema!({ "type": "object", "properties": properties, "additionalProperties": value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_is_described_with_its_estimate() {
        let schema = json_schema();
        let metrics = &schema["$defs"]["Entry"]["properties"]["metrics"]["properties"];
        for row in TABLE {
            assert_eq!(metrics[row.id]["$ref"], "#/$defs/Estimate", "{}", row.id);
            assert_eq!(metrics[row.id]["description"], row.meaning, "{}", row.id);
        }
        assert_eq!(schema["required"], json!(["schema", "run", "verdict", "contenders"]));
    }
}
