//! Markdown tables out of a JSON Schema.

use std::fmt::Write as _;

use serde_json::Value;

/// The sections of a scenario file, in the order in which people write them.
const SECTIONS: [(&str, &str); 13] = [
    ("[feed]", "Feed"),
    ("[clients]", "Clients"),
    ("[measure]", "Measure"),
    ("[network]", "Network"),
    ("[nginx]", "Nginx"),
    ("[[fault]]", "Fault"),
    ("[[contender]]", "Contender"),
    ("[target.NAME]", "Target"),
    ("[target.NAME.publish]", "Publish"),
    ("[target.NAME.stamp]", "Stamp"),
    ("[target.NAME.TRANSPORT]", "Endpoint"),
    ("[target.NAME.TRANSPORT.cursor]", "QueryCursor"),
    ("[[threshold]]", "Threshold"),
];

/// The keys of a scenario file: a table for the top level and for each section.
pub(crate) fn scenario(schema: &Value) -> String {
    let top = section(schema, "Top level", schema);
    let sections = SECTIONS.iter().map(|(title, def)| section(schema, &format!("`{title}`"), &schema["$defs"][def]));
    let covered = |def: &str| SECTIONS.iter().any(|(_, known)| *known == def);
    for (key, value) in schema["properties"].as_object().unwrap() {
        let inner = value.get("items").or_else(|| value.get("additionalProperties")).unwrap_or(value);
        let def = inner.get("$ref").and_then(Value::as_str);
        assert!(def.is_none_or(|def| covered(name(def))), "{key} has no section on the page");
    }
    [top].into_iter().chain(sections).collect::<Vec<_>>().join("\n")
}

/// The fields of `summary.json`.
pub(crate) fn summary(schema: &Value) -> String {
    let defs = ["Entry", "Estimate", "Predicted", "Outcome", "Obstacle", "Verdict", "Reason"];
    let top = section(schema, "The file", schema);
    let rest = defs.iter().map(|def| section(schema, &format!("`{def}`"), &schema["$defs"][def]));
    [top].into_iter().chain(rest).collect::<Vec<_>>().join("\n")
}

fn section(schema: &Value, title: &str, object: &Value) -> String {
    let mut page = format!("### {title}\n\n{}\n\n| key | value | meaning |\n|---|---|---|\n", text(object));
    let mut choices = String::new();
    let required = object["required"].as_array().cloned().unwrap_or_default();
    for (key, value) in object["properties"].as_object().unwrap() {
        let must = if required.iter().any(|required| required == key) { " (required)" } else { "" };
        let _ = writeln!(page, "| `{key}`{must} | {} | {} |", kind(schema, value), text(value).replace('|', "\\|"));
        choices += &described(schema, key, value);
    }
    if choices.is_empty() { page } else { page + "\n" + &choices }
}

/// What a key takes, in a word or two.
fn kind(schema: &Value, value: &Value) -> String {
    if let Some(def) = value["$ref"].as_str() {
        if let Some((title, _)) = SECTIONS.iter().find(|(_, section)| *section == name(def)) {
            return format!("table `{title}`");
        }
        let target = &schema["$defs"][name(def)];
        return match choices(schema, target) {
            names if !names.is_empty() => {
                names.into_iter().map(|(name, _)| format!("`{name}`")).collect::<Vec<_>>().join(", ")
            }
            _ => format!("`{}`", name(def)),
        };
    }
    if let Some(names) = value["enum"].as_array() {
        let names: Vec<_> = names.iter().map(|name| format!("`{}`", name.as_str().unwrap())).collect();
        return if names.len() > 9 { "a [metric](metrics.md)".to_owned() } else { names.join(", ") };
    }
    if let Some(branches) = value["anyOf"].as_array() {
        let kinds: Vec<_> = branches.iter().map(|branch| kind(schema, branch)).collect();
        return kinds.join(" or ");
    }
    match (&value["type"], value["pattern"].as_str()) {
        (_, Some("^[0-9]")) => "duration".to_owned(),
        (_, Some(pattern)) if pattern.contains('%') => "percentage".to_owned(),
        (Value::String(kind), _) if kind == "array" => match kind_of_items(schema, &value["items"]) {
            tables if tables.starts_with("table ") => tables.replace("table ", "tables "),
            items => format!("list of {items}"),
        },
        (Value::String(kind), _) if kind == "object" => match value.get("additionalProperties") {
            Some(inner) if inner["$ref"].is_string() => self::kind(schema, inner).replace("table ", "tables "),
            Some(inner) if inner["type"] == "string" => "table of strings".to_owned(),
            _ => "one per metric".to_owned(),
        },
        (Value::String(kind), _) => kind.clone(),
        (Value::Array(kinds), _) => kinds.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" or "),
        _ => panic!("what does this take? {value}"),
    }
}

fn kind_of_items(schema: &Value, items: &Value) -> String {
    if items["prefixItems"].is_array() { "pairs".to_owned() } else { kind(schema, items) }
}

/// The names that a definition allows, each with what it means.
fn choices<'a>(schema: &'a Value, definition: &'a Value) -> Vec<(&'a str, &'a str)> {
    let branches = definition["oneOf"].as_array().or_else(|| definition["anyOf"].as_array());
    let each =
        branches.into_iter().flatten().flat_map(|branch| match (branch["const"].as_str(), branch["$ref"].as_str()) {
            (Some(name), _) => vec![(name, branch["description"].as_str().unwrap_or_default())],
            (None, Some(def)) => choices(schema, &schema["$defs"][name(def)]),
            (None, None) => Vec::new(),
        });
    each.collect()
}

/// A list of the names that a key allows, where each has a meaning of its own.
fn described(schema: &Value, key: &str, value: &Value) -> String {
    if let Some(branches) = value["anyOf"].as_array() {
        return branches.iter().map(|branch| described(schema, key, branch)).collect();
    }
    let Some(def) = value["$ref"].as_str() else { return String::new() };
    let target = &schema["$defs"][name(def)];
    if let Some(properties) = target["properties"].as_object().filter(|_| !TITLED.contains(&name(def))) {
        let items =
            properties.iter().map(|(name, inner)| format!("  - `{name}` ({}): {}\n", kind(schema, inner), text(inner)));
        return format!("- `{key}` is a table:\n{}", items.collect::<String>());
    }
    let names = choices(schema, target);
    if names.is_empty() {
        return String::new();
    }
    let items = names.iter().map(|(name, meaning)| format!("  - `{name}`: {}\n", one_line(meaning)));
    format!("- `{key}`:\n{}", items.collect::<String>())
}

/// Definitions that have a section of their own.
const TITLED: [&str; 20] = [
    "Feed",
    "Clients",
    "Measure",
    "Network",
    "Nginx",
    "Fault",
    "Contender",
    "Target",
    "Publish",
    "Stamp",
    "Endpoint",
    "QueryCursor",
    "Threshold",
    "Entry",
    "Estimate",
    "Predicted",
    "Outcome",
    "Obstacle",
    "Verdict",
    "Reason",
];

fn name(reference: &str) -> &str {
    reference.rsplit('/').next().unwrap()
}

fn text(value: &Value) -> String {
    one_line(value["description"].as_str().unwrap_or_default())
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
