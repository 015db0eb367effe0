use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn parse(text: &str) -> Result<Document> {
    Document::parse(text.as_bytes(), &[])
}

fn compact(text: &str) -> String {
    String::from_utf8(parse(text).unwrap().into_json()).unwrap()
}

fn pointers(text: &str) -> Vec<String> {
    match parse(text) {
        Err(Error::Validation { errors }) => errors.into_iter().map(|violation| violation.pointer).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn digits_and_member_order_stay_and_white_space_goes() {
    let text =
        "{ \"z\" : [1.0, 1.50,\t1e+5,-0,123456789012345678901234567890], \"a\":{\"b\":null , \"c\":[true,\"\\u00e4\\u0000\\/\"]} }\n";
    assert_eq!(compact(text), "{\"z\":[1.0,1.50,1e+5,-0,123456789012345678901234567890],\"a\":{\"b\":null,\"c\":[true,\"ä\\u0000/\"]}}");
    for same in ["null", "\"x\"", "9007199254740993", "[]", "{}", "-0.0E-7"] {
        assert_eq!(compact(same), same);
    }
}

#[test]
fn member_order_does_not_matter_to_the_content_but_digits_do() {
    let content = |text: &str| parse(text).unwrap().content_sha256;
    let of = content(r#"{"b":{"y":[{"n":1,"m":2}],"x":2},"a":1}"#);
    assert_eq!(of, content(r#"{"a":1,"b":{"x":2,"y":[{"m":2,"n":1}]}}"#));
    assert_eq!(content(r#"{"\u0061":1}"#), content(r#"{"a":1}"#));
    for other in [r#"{"a":1.0,"b":{"x":2,"y":[{"m":2,"n":1}]}}"#, r#"{"a":1}"#, r#"{"a":"1","b":{"x":2,"y":[{"m":2,"n":1}]}}"#] {
        assert_ne!(of, content(other));
    }
    assert_ne!(content("[1,2]"), content("[2,1]"));
}

#[test]
fn duplicate_and_forbidden_members_are_all_named() {
    assert_eq!(pointers(r#"{"a":1,"b":{"c":[{"d":1,"d":2}]},"a":3,"\u0061":4}"#), ["/b/c/0/d", "/a", "/a"]);
    assert_eq!(
        pointers(r#"[{"__proto__":1},{"a":{"constructor":{"proto\u0074ype":1}}}]"#),
        ["/0/__proto__", "/1/a/constructor", "/1/a/constructor/prototype"]
    );
    assert_eq!(pointers(r#"{"$serde_json::private::Number":"1"}"#).len(), 1);
    assert!(parse(r#"["__proto__","constructor"]"#).is_ok());
}

#[test]
fn depth_is_limited() {
    let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    assert!(parse(&nested(MAX_DEPTH)).is_ok());
    assert!(matches!(parse(&nested(MAX_DEPTH + 1)), Err(Error::Validation { .. })));
    assert!(matches!(parse(&"[".repeat(1_000_000)), Err(Error::Validation { .. })));
}

#[test]
fn excluded_members_of_the_document_itself_are_dropped() {
    let excluded = ["token".to_owned(), "b\"".to_owned()];
    let dropped = |text: &str| String::from_utf8(Document::parse(text.as_bytes(), &excluded).unwrap().into_json()).unwrap();
    assert_eq!(dropped(r#"{"token":1,"a":{"token":2},"b\"":3}"#), r#"{"a":{"token":2}}"#);
    assert_eq!(dropped(r#"{"a":1,"token":{"x":[1]},"c":2}"#), r#"{"a":1,"c":2}"#);
    assert_eq!(dropped(r#"{"token":1}"#), "{}");
}

#[test]
fn malformed_texts_are_refused() {
    for bad in [
        "",
        " ",
        "{",
        "[1,]",
        "{\"a\":1,}",
        "{,}",
        "[,1]",
        "01",
        "1.",
        ".5",
        "+1",
        "1e",
        "-",
        "tru",
        "nul",
        "\"",
        "\"\\x\"",
        "\"\\ud800\"",
        "\"\n\"",
        "{a:1}",
        "{\"a\" 1}",
        "[1 2]",
        "1 1",
        "NaN",
        "\u{feff}1",
        "\"\\",
        "\"\\\"",
        "'a'",
        "{\"a\":}",
    ] {
        assert!(matches!(parse(bad), Err(Error::MalformedJson(_))), "{bad:?}");
    }
    assert!(matches!(Document::parse(b"\"\xff\"", &[]), Err(Error::MalformedJson(_))));
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf =
        prop_oneof![Just(Value::Null), any::<bool>().prop_map(Value::from), any::<i64>().prop_map(Value::from), ".*".prop_map(Value::from)];
    leaf.prop_recursive(5, 64, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
            prop::collection::hash_map("\\PC*", inner, 0..8).prop_map(|members| json!(members))
        ]
    })
}

proptest! {
    #[test]
    fn what_serde_writes_stays_as_it_is(value in any_json()) {
        let compact_form = value.to_string();
        prop_assert_eq!(&compact(&compact_form), &compact_form);
        let pretty = serde_json::to_string_pretty(&value).unwrap();
        prop_assert_eq!(&compact(&pretty), &compact_form);
    }

    #[test]
    fn serde_takes_and_refuses_the_same_texts(text in "[\\[\\]{},:\"\\\\ntrue0-9.eE+ -]{0,24}") {
        let ours = !matches!(parse(&text), Err(Error::MalformedJson(_)));
        prop_assert_eq!(ours, serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok(), "{}", text);
    }
}
