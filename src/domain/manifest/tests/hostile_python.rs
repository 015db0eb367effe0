//! Python that is written to hurt whoever reads it.

use super::{
    lifecycle_manager::{fault, of, with},
    *,
};

#[test]
fn hostile_files_are_refused_before_they_cost_anything() {
    let many = |text: &str, times: usize| text.repeat(times);
    let nested = "lifecycle_manager.py nests brackets or blocks deeper than 64 levels";
    let long = "lifecycle_manager.py has an expression of more than 2000 tokens without a comma";
    let blocks: String = (0..100).map(|depth| format!("{}if x:\n", " ".repeat(depth))).collect();
    for (what, file, expected) in [
        ("brackets", format!("x = {}", many("[", 500_000)), nested),
        ("closed brackets", format!("x = {}{}", many("(", 100_000), many(")", 100_000)), nested),
        ("braces", many("{", 500_000), nested),
        ("blocks", blocks, nested),
        ("signs", format!("x = {}1", many("-", 1_000_000)), long),
        ("not", format!("x = {}1", many("not ", 200_000)), long),
        ("sums", format!("x = 1{}", many("+1", 200_000)), long),
        ("powers", format!("x = 2{}", many("**2", 200_000)), long),
        ("attributes", format!("x = a{}", many(".a", 200_000)), long),
        ("calls", format!("x = a{}", many("()", 200_000)), long),
        ("conditions", format!("x = {}1", many("1 if 1 else ", 50_000)), long),
        ("lambdas", format!("x = {}1", many("lambda: ", 100_000)), long),
        ("one-line blocks", many("if x: ", 100_000), long),
        ("strings", many("'' ", 200_000), long),
        ("formatted strings", format!("x = {}", many("f'{", 200_000)), nested),
    ] {
        assert_eq!(fault(&file), format!(": {expected}"), "{what}");
    }
    assert_eq!(fault(&many("#", MAX_MANIFEST + 1)), ": lifecycle_manager.py has 1048577 bytes; the limit is 1048576");
    let wrong = violations(read_file("lifecycle_manager.py", b"x = '\xff'", &[], &Overrides::default()));
    assert!(wrong[0].message.starts_with("lifecycle_manager.py is not UTF-8"), "{wrong:?}");
    for broken in ["x = (\n", "def f(:\n  pass\n", "PLUGIN_DATA = {'a' 1}\n", "x = 'open\n", "  x\n", "\0", "print 'two'\n", "x = 1 1\n"] {
        assert!(fault(broken).starts_with(": lifecycle_manager.py is not Python: line "), "{broken:?}: {}", fault(broken));
    }
    // As deep as it may be, and as long.
    let deep = format!("\"props\": {}{}", many("[", 60), many("]", 60));
    of(&with(&deep)).unwrap();
    of(&with(&format!("\"x\": \"a\"{}", many(" + \"b\"", 900)))).unwrap();
    of(&format!("{}{}", with(""), many("x = [1, 2, 3]\n", 40_000))).unwrap();
}

mod generated {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Whatever a file holds, reading it ends, and says what is wrong.
        #[test]
        fn no_text_is_too_much(tokens in proptest::collection::vec(
            prop::sample::select(vec![
                "plugin_data", "self.", " = ", "{", "}", "[", "]", "(", ")", ",", ":", "\"a\"", "1", "-", "+", ".strip()", "\n", "\n    ",
                "class A:", "def f():", "lambda", "f\"{", "\"\"\"", "\\", "if ", " else ", "not ", "**", "*", "@", "match ", "é", "\u{0}",
            ]), 0..200)
        ) {
            let _ = of(&tokens.concat());
        }

        /// What Python writes as a literal is what JSON says.
        #[test]
        fn texts_and_numbers_arrive_as_they_are(text in "[^\\\\\"\u{0}\r\n]{0,40}", number: i64) {
            let reading = of(&with(&format!("\"description\": \"{text}\", \"x\": {number}"))).unwrap();
            prop_assert_eq!(reading.manifest.description, Some(text));
        }
    }
}
