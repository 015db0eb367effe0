//! JSON pointers (RFC 6901), and walking through a document with one at hand.

use serde_json::Value;

/// Appends one reference token.
pub fn push(pointer: &mut String, token: &str) {
    pointer.push('/');
    pointer.push_str(&token.replace('~', "~0").replace('/', "~1"));
}

/// Visits the value and all below it in document order, with pointer and depth (1 for the value itself). The visitor says
/// whether to look below, which also bounds the recursion. The pointer is one buffer: a copy for each value could be made
/// very long by whoever wrote the document.
pub fn walk(value: &Value, visit: &mut dyn FnMut(&str, usize, &Value) -> bool) {
    walk_at(value, 1, &mut String::new(), visit);
}

fn walk_at(value: &Value, depth: usize, pointer: &mut String, visit: &mut dyn FnMut(&str, usize, &Value) -> bool) {
    if !visit(pointer, depth, value) {
        return;
    }
    let mut below = |token: &str, value: &Value| {
        let len = pointer.len();
        push(pointer, token);
        walk_at(value, depth + 1, pointer, visit);
        pointer.truncate(len);
    };
    match value {
        Value::Array(items) => items.iter().enumerate().for_each(|(at, item)| below(&at.to_string(), item)),
        Value::Object(members) => members.iter().for_each(|(name, member)| below(name, member)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_walk_names_every_value_and_stops_where_told() {
        let document = json!({"a/b": [1, {"~": null}], "skipped": {"x": 1}});
        let mut seen = Vec::new();
        walk(&document, &mut |pointer, depth, value| {
            seen.push((pointer.to_owned(), depth));
            assert_eq!(document.pointer(pointer), Some(value));
            pointer != "/skipped"
        });
        let expected = [("", 1), ("/a~1b", 2), ("/a~1b/0", 3), ("/a~1b/1", 3), ("/a~1b/1/~0", 4), ("/skipped", 2)];
        assert_eq!(seen, expected.map(|(pointer, depth)| (pointer.to_owned(), depth)));
    }
}
