//! The JSON Schema of scenario files, for completion and validation in editors.

use schemars::Schema;
use schemars::generate::SchemaSettings;
use schemars::transform::transform_subschemas;
use serde_json::Value;

use super::Written;

/// Returns the JSON Schema of scenario files; every key has a description.
#[must_use]
pub fn json_schema() -> Value {
    let settings = SchemaSettings::draft2020_12().with_transform(without_null);
    let mut schema = settings.into_generator().into_root_schema_for::<Written>().to_value();
    // Any dependency may enable the feature that preserves the order of JSON keys; sorting keeps the text stable.
    schema.sort_all_objects();
    schema
}

/// TOML has no null: keys are omitted instead.
fn without_null(schema: &mut Schema) {
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|kind| kind != "null");
        if let [kind] = types.as_slice() {
            let kind = kind.clone();
            schema.insert("type".to_owned(), kind);
        }
    }
    if let Some(Value::Array(names)) = schema.get_mut("enum") {
        names.retain(|name| !name.is_null());
    }
    if let Some(Value::Array(choices)) = schema.get_mut("anyOf") {
        choices.retain(|choice| choice["type"] != "null");
        if let [Value::Object(choice)] = choices.as_slice() {
            let choice = choice.clone();
            schema.remove("anyOf");
            schema.ensure_object().extend(choice);
        }
    }
    transform_subschemas(&mut without_null, schema);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Calls `check` with the schema of every key, at any depth.
    fn for_each_key(schema: &Value, check: &mut impl FnMut(&str, &Value)) {
        let Some(object) = schema.as_object() else { return };
        if let Some(keys) = object.get("properties").and_then(Value::as_object) {
            keys.iter().for_each(|(key, schema)| check(key, schema));
        }
        object.values().for_each(|value| for_each_key(value, check));
    }

    #[test]
    fn the_schema_describes_every_key() {
        let mut keys = Vec::new();
        for_each_key(&json_schema(), &mut |key, schema| {
            assert!(schema["description"].is_string(), "{key} has no description: {schema}");
            keys.push(key.to_owned());
        });
        assert!(keys.len() > 30, "{keys:?}");
        for key in ["schema", "updates_per_s", "payload_bytes", "warm_up", "keep_alive", "expect"] {
            assert!(keys.iter().any(|known| known == key), "{key}");
        }
    }

    #[test]
    fn the_schema_rejects_unknown_keys_and_lists_the_names() {
        let schema = json_schema();
        assert!(!schema.to_string().contains("null"), "{schema}");
        assert_eq!(schema["additionalProperties"], false);
        assert_eq!(schema["required"], serde_json::json!(["schema", "name", "feed", "clients"]));
        let transports = &schema["$defs"]["Threshold"]["properties"]["transport"]["enum"];
        assert_eq!(transports, &serde_json::json!(["short-polling", "long-polling", "sse", "websocket"]));
        let first = &schema["$defs"]["Contender"]["properties"]["first"]["enum"];
        assert_eq!(first, &serde_json::json!(["sse", "websocket"]));
    }
}
